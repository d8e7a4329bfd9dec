//! The one namespace of the chat: between sockets and the hub.
//!
//! ```text
//!  CONNECT ─► sign_in: who is that, and may they come in? ─► state of the connection
//!  joined  ─► hub: session, users, a place in the audience
//!  event   ─► paced, read strictly ─► hub, in the order of the wire
//!  left    ─► hub
//! ```
//! Each connection's calls come one after the other, and whoever waits here
//! (for the hub's queue, for the pace of its user) is read more slowly. Nothing
//! is queued on the way.

mod connection;
mod denied;
mod ending;
mod events;
mod message;
mod outlet;
mod sign_in;
mod snapshots;
mod turn;

use parlour_socketio::server::{
    ConnectRequest, Feed, IncomingEvent, LeaveReason, Namespace, Refusal, Socket,
};

use crate::{
    audit::{Audit, Entry},
    hub::{Deed, HubHandle, Join},
    metrics::Metrics,
};
use std::sync::Arc;

pub(crate) use connection::Connection;
pub(crate) use ending::Ending;
pub(crate) use outlet::FeedAnnouncer;
pub(crate) use sign_in::Reception;

use outlet::SocketOutlet;
use snapshots::Snapshots;

/// The application in the namespace `/`.
pub(crate) struct Chat {
    hub: HubHandle,
    feed: Feed,
    reception: Reception,
    snapshots: Snapshots,
    metrics: Arc<Metrics>,
    audit: Audit,
    ending: Ending,
}

impl Chat {
    /// The chat of `hub`; what is announced goes over `feed`.
    pub(crate) fn new(
        hub: HubHandle,
        feed: Feed,
        reception: Reception,
        metrics: Arc<Metrics>,
        audit: Audit,
        ending: Ending,
    ) -> Self {
        Self {
            hub,
            feed,
            reception,
            snapshots: Snapshots::default(),
            metrics,
            audit,
            ending,
        }
    }
}

impl Namespace for Chat {
    type State = Connection;

    async fn connect(
        &self,
        socket: &Socket,
        request: ConnectRequest,
    ) -> Result<Connection, Refusal> {
        let address = self.reception.address(&request.origin);
        let admitted = self.reception.admit(&self.hub, socket, &request, address);
        match admitted.await {
            Ok(connection) => {
                self.audit.record(Entry::SignedIn {
                    user: connection.user.clone(),
                    ip: address,
                    new_user: connection.is_new,
                    resumed: connection.resumed,
                });
                Ok(connection)
            }
            Err(denied) => {
                self.metrics.sign_in_refused(denied.code);
                self.audit.record(Entry::Refused {
                    ip: address,
                    code: denied.code,
                });
                Err(denied.refusal())
            }
        }
    }

    async fn joined(&self, socket: &Socket, connection: &mut Connection) {
        let Some(session_id) = connection.session_id.take() else {
            return;
        };
        if turn::wait_for(connection, Deed::Join, &self.ending)
            .await
            .is_err()
        {
            self.metrics
                .cut("cut a connection of one who comes too often");
            return socket.cut();
        }
        let room = self.snapshots.room(connection.snapshot).await;
        let joined = self.hub.join(|answer| Join {
            connection: connection.id,
            session_id,
            outlet: Box::new(SocketOutlet::new(socket.clone(), self.feed.clone())),
            pm: connection.pm,
            resumed: connection.resumed,
            answer,
        });
        if joined.await.is_err() {
            // Cut already, or the server is ending: nothing more can be promised here.
            socket.cut();
        }
        room.free_when_drained(socket);
    }

    async fn event(&self, socket: &Socket, connection: &mut Connection, event: IncomingEvent) {
        self.handle(socket, connection, event).await;
    }

    async fn settle(&self, socket: &Socket, connection: &mut Connection) {
        if self.hub.fence(connection.id).await.is_err() {
            // Any answer would be taken as the proof, and there is none.
            socket.cut();
        }
    }

    async fn left(&self, _socket: &Socket, connection: Connection, _reason: LeaveReason) {
        // A hub that is gone knows nobody any more.
        let _ = self.hub.leave(connection.id).await;
    }
}
