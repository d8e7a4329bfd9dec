//! Secure connections, and those that are not.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use parlour_socketio::{CertificateDer, ConnectError, ConnectOptions, Distrust, Roots, connect};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{accept_async, tungstenite::Message};

use crate::peer::{OPEN, soon};

/// A secure server for one connection, with a certificate for this name.
async fn serve(name: &str) -> (ConnectOptions, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let certificate = cert.der().clone();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        // A client that does not believe us leaves in the middle.
        let Ok(tls) = TlsAcceptor::from(Arc::new(config)).accept(tcp).await else {
            return;
        };
        let mut ws = accept_async(tls).await.unwrap();
        ws.send(Message::text(OPEN)).await.unwrap();
        ws.next().await.unwrap().unwrap();
        ws.send(Message::text(r#"40{"sid":"secure"}"#))
            .await
            .unwrap();
        while ws.next().await.is_some() {}
    });
    let url = format!("https://127.0.0.1:{port}");
    (ConnectOptions::new(url.parse().unwrap()), certificate)
}

#[tokio::test]
async fn a_certificate_one_trusts_opens_a_secure_connection() {
    let (mut options, certificate) = serve("127.0.0.1").await;
    options.roots = Roots::Only(vec![certificate]);
    let (socket, _events) = soon(connect(options)).await.unwrap();
    assert_eq!(socket.id(), "secure");
}

#[tokio::test]
async fn others_are_refused_with_the_reason() {
    let (options, _) = serve("127.0.0.1").await;
    let error = soon(connect(options)).await.unwrap_err();
    assert!(
        matches!(
            &error,
            ConnectError::Untrusted {
                reason: Distrust::UnknownIssuer,
                ..
            }
        ),
        "unknown issuer: {error:?}"
    );

    let (mut options, certificate) = serve("elsewhere.example").await;
    options.roots = Roots::Only(vec![certificate]);
    let error = soon(connect(options)).await.unwrap_err();
    assert!(
        matches!(
            &error,
            ConnectError::Untrusted {
                reason: Distrust::WrongName,
                ..
            }
        ),
        "wrong name: {error:?}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_called_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let serve = async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut tcp, _) = listener.accept().await.unwrap();
        let _ = tcp.read(&mut [0; 16]).await.unwrap();
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        tcp
    };
    let options = ConnectOptions::new(url.parse().unwrap());
    let (connected, _tcp) = soon(async { tokio::join!(connect(options), serve) }).await;
    let error = connected.unwrap_err();
    assert!(
        matches!(&error, ConnectError::Tls(why) if why.contains("does not speak TLS")),
        "{error:?}"
    );
}
