//! A real server that lets everybody in and sends every event back.

use std::{future::Future, sync::Arc, time::Duration};

use parlour_socketio::{
    ConnectError, ConnectOptions, SocketEvent, connect,
    server::{
        ConnectRequest, Frame, IncomingEvent, LeaveReason, Namespace, Refusal, Running, Server,
        ServerOptions, Socket, bind,
    },
};

/// Nothing in these tests takes as long as this.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what)
        .await
        .expect("within the time of a test")
}

struct Echo;

impl Namespace for Echo {
    type State = ();

    async fn connect(&self, _: &Socket, _: ConnectRequest) -> Result<(), Refusal> {
        Ok(())
    }

    async fn joined(&self, _: &Socket, (): &mut ()) {}

    async fn event(&self, socket: &Socket, (): &mut (), event: IncomingEvent) {
        let back = Frame::event("/", None, &event.name, &event.args).unwrap();
        let _ = socket.send(&back);
    }

    async fn left(&self, _: &Socket, (): (), _: LeaveReason) {}
}

/// A server on a port of its own.
pub(crate) fn server(tls: Option<Arc<rustls::ServerConfig>>) -> Running {
    let builder = Server::builder(ServerOptions::default()).namespace("/", Echo);
    let builder = match tls {
        Some(config) => builder.tls(config),
        None => builder,
    };
    builder.start(bind("127.0.0.1:0".parse().unwrap()).unwrap())
}

/// How to reach it, without anything in between.
pub(crate) fn to(server: &Running, scheme: &str) -> ConnectOptions {
    let url = format!("{scheme}://{}", server.addr());
    ConnectOptions::new(url.parse().unwrap())
}

/// Connects, and has a long event sent back.
pub(crate) async fn talks(options: ConnectOptions) {
    let (socket, mut events) = soon(connect(options)).await.unwrap();
    let long = "x".repeat(300_000);
    socket.try_emit("echo", &(&long,)).unwrap();
    match soon(events.next()).await {
        Some(SocketEvent::Event(event)) => {
            assert_eq!(
                (event.name.as_str(), event.args[0].get().len()),
                ("echo", 300_002)
            );
        }
        other => panic!("{other:?}"),
    }
}

/// Connects in vain.
pub(crate) async fn fails(options: ConnectOptions) -> ConnectError {
    soon(connect(options)).await.unwrap_err()
}
