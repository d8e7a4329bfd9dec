//! A server whose namespace sends everything back, and tells the test what happens.

use std::{future::Future, net::SocketAddr, time::Duration};

use parlour_socketio::server::{
    ConnectRequest, Counts, Frame, IncomingEvent, LeaveReason, Namespace, Refusal, Running, Server,
    ServerBuilder, ServerOptions, Socket, bind,
};
use tokio::sync::mpsc;

/// Nothing in these tests takes as long as this.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what)
        .await
        .expect("within the time of a test")
}

/// Looks until something is so.
pub(crate) async fn until(mut what: impl FnMut() -> bool) {
    soon(async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// Answers every event: `message` with `message-back` and the same arguments.
struct Echo {
    joined: mpsc::UnboundedSender<Socket>,
    left: mpsc::UnboundedSender<LeaveReason>,
}

impl Namespace for Echo {
    type State = ();

    async fn connect(&self, _: &Socket, _: ConnectRequest) -> Result<(), Refusal> {
        Ok(())
    }

    async fn joined(&self, socket: &Socket, (): &mut ()) {
        let _ = self.joined.send(socket.clone());
    }

    async fn event(&self, socket: &Socket, (): &mut (), event: IncomingEvent) {
        if event.name == "slow" {
            let time: u64 = event.args[0].get().parse().unwrap();
            tokio::time::sleep(Duration::from_millis(time)).await;
        }
        let name = format!("{}-back", event.name);
        let back = Frame::event_with_attachments("/", None, &name, &event.args, &event.attachments);
        let _ = socket.send(&back.unwrap());
    }

    async fn left(&self, _: &Socket, (): (), reason: LeaveReason) {
        let _ = self.left.send(reason);
    }
}

/// What a test has in hand.
pub(crate) struct Stage {
    pub(crate) server: Running,
    joined: mpsc::UnboundedReceiver<Socket>,
    left: mpsc::UnboundedReceiver<LeaveReason>,
}

/// Times that no test waits for, unless it changes them.
pub(crate) fn options() -> ServerOptions {
    ServerOptions {
        ping_interval: Duration::from_secs(60),
        ping_timeout: Duration::from_secs(60),
        ..ServerOptions::default()
    }
}

/// A server with these options.
pub(crate) fn stage(options: ServerOptions) -> Stage {
    stage_of(Server::builder(options))
}

/// A server of which the rest is decided already.
pub(crate) fn stage_of(builder: ServerBuilder) -> Stage {
    let (joining, joined) = mpsc::unbounded_channel();
    let (leaving, left) = mpsc::unbounded_channel();
    let echo = Echo {
        joined: joining,
        left: leaving,
    };
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    Stage {
        server: builder.namespace("/", echo).start(listener),
        joined,
        left,
    }
}

impl Stage {
    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.server.counts()
    }

    /// The socket that joins next.
    pub(crate) async fn joined(&mut self) -> Socket {
        soon(self.joined.recv()).await.unwrap()
    }

    /// Why the socket left that leaves next.
    pub(crate) async fn left(&mut self) -> LeaveReason {
        soon(self.left.recv()).await.unwrap()
    }

    /// Ends the server and says why those left who had not before.
    pub(crate) async fn end(mut self) -> Vec<LeaveReason> {
        soon(self.server.abort()).await;
        let mut left = Vec::new();
        while let Some(reason) = soon(self.left.recv()).await {
            left.push(reason);
        }
        left
    }
}
