//! HTTP, Engine.IO and Socket.IO in front of the hub: the only part that knows
//! axum's requests and socketioxide.

mod argument;
mod connection;
mod door;
mod fence;
mod origin;
mod outlet;
mod peers;
mod sign_in;

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, http::StatusCode, middleware};
use parlour_protocol::limits::PACKET_BYTES;
use socketioxide::SocketIo;
use tokio::sync::mpsc;
use url::Url;

use crate::{
    counters::Counters,
    hub::HubHandle,
    limits::{CONNECT_TIMEOUT, OUTGOING_PACKETS, PING_INTERVAL, PING_TIMEOUT},
};
use origin::Origins;
use peers::Peers;

/// A guard that every connection's task holds: when the last is gone, so are the tasks.
type Alive = mpsc::Sender<std::convert::Infallible>;

/// What the handlers share.
#[derive(Clone)]
struct Shared {
    hub: HubHandle,
    peers: Arc<Peers>,
    counters: Arc<Counters>,
    // Weak, since handlers live as long as socketioxide does.
    alive: mpsc::WeakSender<std::convert::Infallible>,
}

/// The whole way from HTTP to the hub.
pub(crate) struct Gateway {
    io: SocketIo,
    peers: Arc<Peers>,
    alive: Alive,
    all_gone: mpsc::Receiver<std::convert::Infallible>,
}

impl Gateway {
    /// Builds the gateway and the router that leads to it.
    pub(crate) fn new(
        hub: HubHandle,
        counters: Arc<Counters>,
        cors_origins: Vec<Url>,
        listening: SocketAddr,
    ) -> Result<(Self, Router), socketioxide::NsInsertError> {
        let (service, io) = SocketIo::builder()
            .max_payload(PACKET_BYTES as u64)
            .ws_max_message_size(PACKET_BYTES)
            .ws_max_frame_size(PACKET_BYTES)
            .max_buffer_size(OUTGOING_PACKETS)
            .ping_interval(PING_INTERVAL)
            .ping_timeout(PING_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .build_with_inner_svc(Router::new().fallback(nothing_here));
        let (alive, all_gone) = mpsc::channel(1);
        let peers = Arc::new(Peers::default());
        let shared = Shared {
            hub,
            peers: peers.clone(),
            counters,
            alive: alive.downgrade(),
        };
        sign_in::register(&io, &shared);
        fence::register(&io, &shared)?;
        let door = door::Door::new(Origins::new(cors_origins, listening), peers.clone());
        // As a service: a layer over a fallback handler would be built anew for
        // each request, and with it an engine that knows nobody.
        let router = Router::new()
            .fallback_service(service)
            .layer(middleware::from_fn_with_state(door, door::pass));
        let gateway = Self {
            io,
            peers,
            alive,
            all_gone,
        };
        Ok((gateway, router))
    }

    /// Lets nobody in any more.
    pub(crate) fn close_door(&self) {
        self.peers.close_door();
    }

    /// Says goodbye to everyone. Nobody is heard any more after it.
    pub(crate) async fn close(&self) {
        self.io.close().await;
    }

    /// Waits until every connection's last command is with the hub.
    pub(crate) async fn drained(self) {
        let Self {
            alive,
            mut all_gone,
            peers,
            ..
        } = self;
        // The engine closes without calling its disconnect handlers.
        peers.dismiss();
        drop(alive);
        // Nothing is ever sent: this is the end of the last sender.
        let _ = all_gone.recv().await;
    }
}

async fn nothing_here() -> (StatusCode, &'static str) {
    (
        StatusCode::NOT_FOUND,
        "This is a parlour-server: it speaks Socket.IO, at /socket.io/.\n",
    )
}
