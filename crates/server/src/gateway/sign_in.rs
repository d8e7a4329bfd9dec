//! CONNECT to the main namespace, and the events on it.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use parlour_protocol::{ConnectAuth, INVALID_USERNAME, OutgoingMessage, names};
use serde_json::Value;
use socketioxide::{
    SocketIo,
    extract::{SocketRef, TryData},
    handler::ConnectHandler,
};
use tokio::sync::Notify;

use super::{
    Shared,
    argument::FirstArgument,
    connection::Connection,
    door,
    peers::{Inbound, Peer},
};
use crate::{counters::Counters, hub::SignInError};

/// Serves the main namespace.
pub(super) fn register(io: &SocketIo, shared: &Shared) {
    let peers = shared.peers.clone();
    let connected = move |socket: SocketRef| -> Ready<()> {
        if let Some(peer) = peers.get(socket.id) {
            peer.ready(socket);
        }
        ready(())
    };
    let shared = shared.clone();
    let middleware = move |socket: SocketRef, auth: TryData<Value>| sign_in(shared, socket, auth);
    io.ns("/", connected.with(middleware));
}

/// Lets somebody in, or not; the error is the text of the CONNECT_ERROR.
async fn sign_in(
    shared: Shared,
    socket: SocketRef,
    TryData(auth): TryData<Value>,
) -> Result<(), &'static str> {
    let peer = shared.peers.of(socket.id);
    door::attach_websocket(socket.req_parts(), &peer);
    // No `auth`, or one that is no JSON, says nothing about anybody.
    let auth = ConnectAuth::from_json(&auth.unwrap_or(Value::Null));
    let identity = match shared.hub.sign_in(auth).await {
        Ok(identity) => identity,
        Err(SignInError::Refused) => return Err(INVALID_USERNAME),
        Err(SignInError::Unavailable) => {
            // Any text would count as a final refusal: a broken connection does not.
            peer.cut();
            return Err("server unavailable");
        }
    };
    let Some(alive) = shared.alive.upgrade() else {
        peer.cut();
        return Err("server unavailable");
    };
    let (ready, inbox, gone) = peer.sit();
    listen(&socket, &peer, &gone, &shared.counters);
    let connection = Connection {
        id: shared.peers.next_connection(),
        identity,
        peer,
        hub: shared.hub,
        ready,
        inbox,
        gone,
        _alive: alive,
    };
    tokio::spawn(connection.run());
    Ok(())
}

/// Registers the handlers before the client hears that it is connected, so
/// that its first event finds them. None of them holds the socket, which would
/// then never be freed; and none waits, which would cost the order of the wire.
fn listen(socket: &SocketRef, peer: &Arc<Peer>, gone: &Arc<Notify>, counters: &Arc<Counters>) {
    let (peer, counters) = (peer.clone(), counters.clone());
    socket.on(
        names::PRIVATE_MESSAGE,
        move |FirstArgument(payload): FirstArgument| -> Ready<()> {
            match OutgoingMessage::from_json(payload.as_ref()) {
                // Rejected: the connection is being cut, or is gone already.
                Ok(message) => drop(peer.ask(Inbound::Message(message))),
                Err(_) => counters.malformed(),
            }
            ready(())
        },
    );
    let gone = gone.clone();
    socket.on_disconnect(move || -> Ready<()> {
        gone.notify_one();
        ready(())
    });
}
