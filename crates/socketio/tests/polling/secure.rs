//! Polling over TLS, and the move from it.

use std::{sync::Arc, time::Duration};

use parlour_socketio::{
    ConnectError, ConnectOptions, Roots, Transport, Transports, connect,
    server::{Server, ServerOptions, bind},
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};

use crate::echo::{Echo, arrives, event, shown, soon};

#[tokio::test]
async fn a_secure_session_polls_and_moves() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = cert.der().clone();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = Server::builder(ServerOptions::default())
        .tls(Arc::new(config))
        .namespace("/", Echo)
        .start(listener);
    let to = |transports| {
        let url = format!("https://{}", server.addr());
        let mut options = ConnectOptions::new(url.parse().unwrap());
        options.roots = Roots::Only(vec![certificate.clone()]);
        options.transports = transports;
        options
    };
    for transports in [Transports::Polling, Transports::PollingFirst] {
        let (socket, mut events) = arrives(to(transports)).await;
        for number in 0..200 {
            socket.emit("n", &(number,)).await.unwrap();
            assert_eq!(shown(&event(&mut events).await), format!("n({number})"));
        }
        if transports == Transports::PollingFirst {
            soon(async {
                while socket.transport() == Transport::Polling {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            })
            .await;
            socket.try_emit("moved", &()).unwrap();
            assert_eq!(shown(&event(&mut events).await), "moved()");
        }
    }
    // Nobody vouches for it: no other transport is tried.
    let mut stranger = to(Transports::WebSocketFirst);
    stranger.roots = Roots::Only(vec![]);
    let error = soon(connect(stranger)).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Tls(_) | ConnectError::Untrusted { .. }),
        "{error:?}"
    );
}
