//! The task of one connection: between its socket's handlers and the hub.
//!
//! ```text
//!  spawned by the sign-in ─► waiting ──ready──► joined ──socket gone──► draining ──queue empty──► left
//!                               │
//!                               └──socket gone──► (nothing happened)
//! ```
//!
//! The handlers run one after the other on the task that reads the socket, so
//! they must not wait; this task may, and so carries the hub's back-pressure.
//! That one task says both "joined" and "left", in this order and only so, is
//! what keeps a connection that dies while it signs in from staying behind as
//! a ghost.

use std::sync::Arc;

use socketioxide::extract::SocketRef;
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    Alive,
    outlet::SocketOutlet,
    peers::{Inbound, Peer},
};
use crate::hub::{ConnectionId, HubGone, HubHandle, Identity};

/// What the task starts with.
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) identity: Identity,
    pub(super) peer: Arc<Peer>,
    pub(super) hub: HubHandle,
    pub(super) ready: oneshot::Receiver<SocketRef>,
    pub(super) inbox: mpsc::Receiver<Inbound>,
    pub(super) gone: Arc<Notify>,
    // Held until the end, for those who wait for it.
    pub(super) _alive: Alive,
}

impl Connection {
    /// Runs from the sign-in to the end.
    pub(super) async fn run(self) {
        let peer = self.peer.clone();
        if self.serve().await == Err(HubGone) {
            // The server is ending: nothing more can be promised here.
            peer.cut();
        }
    }

    async fn serve(mut self) -> Result<(), HubGone> {
        let socket = tokio::select! {
            ready = &mut self.ready => match ready {
                Ok(socket) => socket,
                Err(_) => return Ok(()),
            },
            () = self.gone.notified() => return Ok(()),
        };
        let outlet = Box::new(SocketOutlet::new(socket, self.peer.clone()));
        self.hub
            .join(self.id, self.identity.clone(), outlet)
            .await?;
        let mut is_gone = false;
        loop {
            tokio::select! {
                inbound = self.inbox.recv() => match inbound {
                    Some(inbound) => {
                        let passed = self.pass_on(inbound).await;
                        self.peer.intake().less();
                        passed?;
                    }
                    None => break,
                },
                // What was received before is still passed on.
                () = self.gone.notified(), if !is_gone => {
                    is_gone = true;
                    self.inbox.close();
                }
            }
        }
        self.hub.leave(self.id).await
    }

    async fn pass_on(&self, inbound: Inbound) -> Result<(), HubGone> {
        match inbound {
            Inbound::Message(message) => self.hub.message(self.id, message).await,
            Inbound::Fence(answer) => self.hub.fence(self.id, answer).await,
        }
    }
}
