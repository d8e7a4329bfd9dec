//! The fence: a refused namespace as proof that everything before is stored.
//!
//! Clients send CONNECT for a namespace `/__f<n>` behind their messages. The
//! refusal `Invalid namespace`, which every server gives, proves that the
//! server has *received* what came before. Here it waits for the hub, so that
//! it proves more: that it is committed.

use socketioxide::{NsInsertError, SocketIo, extract::SocketRef, handler::ConnectHandler};
use tokio::sync::oneshot;

use super::{Shared, peers::Inbound};

/// Every namespace of this form is a fence.
const FENCES: &str = "/__f{number}";

/// The refusal that the protocol prescribes for a namespace that is not there.
const INVALID_NAMESPACE: &str = "Invalid namespace";

/// Serves the namespaces of fences: by refusing them.
pub(super) fn register(io: &SocketIo, shared: &Shared) -> Result<(), NsInsertError> {
    let shared = shared.clone();
    let middleware = move |io: SocketIo, socket: SocketRef| refuse(shared, io, socket);
    let never_connected = async || {};
    io.dyn_ns(FENCES, never_connected.with(middleware))
}

async fn refuse(shared: Shared, io: SocketIo, socket: SocketRef) -> Result<(), &'static str> {
    // The engine keeps every dynamic namespace that was ever asked for.
    // Others who are on their way into it have their own hand on it.
    io.delete_ns(socket.ns());
    let Some(peer) = shared.peers.get(socket.id).filter(|peer| peer.is_seated()) else {
        return Err(INVALID_NAMESPACE);
    };
    let (answer, answered) = oneshot::channel();
    let asked = peer.ask(Inbound::Fence(answer));
    if asked.is_err() || answered.await.is_err() {
        // Any refusal would be taken as the proof, and there is none.
        peer.cut();
    }
    Err(INVALID_NAMESPACE)
}
