//! Secure connections: our own client against our own server, and what is none.

use std::{sync::Arc, time::Duration};

use parlour_socketio::{
    ConnectError, ConnectOptions, Roots, SocketEvent, connect,
    server::{Frame, LeaveReason, Server, ServerOptions},
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::{
    http::{request, send},
    stage::{Stage, options, soon, stage_of, until},
};

fn secure(options: ServerOptions) -> (Stage, CertificateDer<'static>) {
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
    let builder = Server::builder(options).tls(Arc::new(config));
    (stage_of(builder), certificate)
}

fn to(stage: &Stage, certificate: CertificateDer<'static>) -> ConnectOptions {
    let url = format!("https://{}", stage.addr()).parse().unwrap();
    let mut options = ConnectOptions::new(url);
    options.roots = Roots::Only(vec![certificate]);
    options
}

#[tokio::test]
async fn a_secure_session_has_everything() {
    let (mut stage, certificate) = secure(options());
    let (socket, mut events) = soon(connect(to(&stage, certificate))).await.unwrap();
    let peer = stage.joined().await;
    // More than the layers in between hold, from a thread without a runtime.
    let long = "x".repeat(3_000_000);
    let frame = Frame::event("/", None, "long", &(&long,)).unwrap();
    std::thread::spawn(move || {
        peer.send(&frame).unwrap();
        peer.flush();
    })
    .join()
    .unwrap();
    match soon(events.next()).await {
        Some(SocketEvent::Event(event)) => assert_eq!(event.args[0].get().len(), long.len() + 2),
        other => panic!("{other:?}"),
    }
    for number in 0..200 {
        socket.try_emit("message", &(number,)).unwrap();
    }
    for number in 0..200 {
        match soon(events.next()).await {
            Some(SocketEvent::Event(event)) => {
                assert_eq!(event.args[0].get(), number.to_string());
            }
            other => panic!("{other:?}"),
        }
    }
    drop((socket, events));
    assert_eq!(stage.left().await, LeaveReason::ClientLeft);
    until(|| stage.counts().connections == 0).await;
}

#[tokio::test]
async fn a_secure_server_says_goodbye() {
    let (stage, certificate) = secure(options());
    let (_socket, mut events) = soon(connect(to(&stage, certificate))).await.unwrap();
    let closing = tokio::spawn(stage.server.close(Duration::from_secs(10)));
    match soon(events.next()).await {
        Some(SocketEvent::Closed(reason)) => assert!(reason.is_clean(), "{reason}"),
        other => panic!("{other:?}"),
    }
    soon(closing).await.unwrap();
}

#[tokio::test]
async fn a_secure_reader_that_stands_still_is_cut() {
    let limit = Duration::from_millis(300);
    let (mut stage, certificate) = secure(ServerOptions {
        stall_timeout: limit,
        out_bytes: 100_000_000,
        ..options()
    });
    let mut connecting = to(&stage, certificate);
    // Its own queue is full after the first, and then it does not read.
    connecting.limits.queued_events = 1;
    let (_socket, _events) = soon(connect(connecting)).await.unwrap();
    let peer = stage.joined().await;
    let frame = Frame::event("/", None, "long", &("x".repeat(1_000_000),)).unwrap();
    for _ in 0..20 {
        peer.send(&frame).unwrap();
    }
    peer.flush();
    assert_eq!(stage.left().await, LeaveReason::SlowReader);
}

#[tokio::test]
async fn what_does_not_speak_tls_is_hung_up() {
    let (stage, _) = secure(ServerOptions {
        header_timeout: Duration::from_millis(150),
        ..options()
    });
    let mut plain = send(stage.addr(), &request("GET", "/", "", "")).await;
    let mut silent = TcpStream::connect(stage.addr()).await.unwrap();
    for stream in [&mut plain, &mut silent] {
        let mut rest = Vec::new();
        let _ = soon(stream.read_to_end(&mut rest)).await;
        assert!(!rest.starts_with(b"HTTP"));
    }
    until(|| stage.counts().connections == 0).await;
    // Nor does a client believe a certificate that it does not know.
    let (stage, _) = secure(options());
    let url = format!("https://{}", stage.addr()).parse().unwrap();
    let error = soon(connect(ConnectOptions::new(url))).await.unwrap_err();
    assert!(matches!(error, ConnectError::Untrusted { .. }), "{error}");
}
