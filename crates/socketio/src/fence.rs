//! Namespace fences: proof of arrival from servers that acknowledge nothing.
//!
//! A CONNECT to a namespace that no server has, sent behind other packets on the
//! same connection, is answered by CONNECT_ERROR; and since a server reads one
//! connection in order, the answer proves that everything before it was received
//! (not that it was acted upon).

use std::collections::HashMap;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

const PREFIX: &str = "/__f";
/// What a probe on long polling asks to enter.
pub(crate) const PROBE_PREFIX: &str = "/__p";

/// How a server answered a fence. Either way, everything sent before has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FenceAnswer {
    /// With an error, as servers do.
    Refused,
    /// It let us into the namespace, which was left again.
    Accepted,
}

/// The CONNECT of a fence, as a text frame.
pub(crate) fn raise(number: u64) -> String {
    format!("40{PREFIX}{number},")
}

/// The DISCONNECT with which an accepted fence is left, as a text frame.
pub(crate) fn leave(number: u64) -> String {
    format!("41{PREFIX}{number},")
}

/// The number of the fence with this namespace, if it is one.
pub(crate) fn number(namespace: &str) -> Option<u64> {
    namespace.strip_prefix(PREFIX)?.parse().ok()
}

/// Whether a namespace belongs to this crate: to fences, or to the probes of long
/// polling. What a server says there is for nobody else.
pub(crate) fn is_ours(namespace: &str) -> bool {
    [PREFIX, PROBE_PREFIX].iter().any(|prefix| {
        let number = namespace.strip_prefix(prefix);
        number.is_some_and(|number| number.parse::<u64>().is_ok())
    })
}

/// A fence someone waits for. The permit keeps their number bounded.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) caller: oneshot::Sender<FenceAnswer>,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// The fences without an answer, by number.
pub(crate) type FenceTable = HashMap<u64, Pending>;
