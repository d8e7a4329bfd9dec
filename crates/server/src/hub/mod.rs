//! The chat itself: who is known, who is here, what goes to whom.
//!
//! One thread owns all of it and the storage, and is spoken to by commands
//! over one bounded queue. It knows sockets only as [`Outlet`]s.
//!
//! ```text
//!  connection tasks ──commands──► queue (bounded) ──up to 256──► Hub::apply
//!                                                                  │ one transaction, commit
//!                                                                  ▼
//!  outlets ◄──frames, in the order of the commands── deliver ◄─────┘
//! ```
//!
//! Nothing is delivered before what it reports is committed, and a
//! [fence](HubHandle::fence) is answered after the commit of everything queued
//! before it: that is what makes its answer a proof.

mod batch;
mod command;
mod frame;
mod roster;
mod run;
#[cfg(test)]
mod tests;

use std::{sync::Arc, thread};

use tokio::sync::mpsc;

use crate::{
    counters::Counters,
    limits::{HUB_BATCH, HUB_QUEUE},
    storage::{Storage, StorageError},
};

pub(crate) use batch::Hub;
pub(crate) use command::{Command, HubGone, HubHandle, Identity, SignInError, Stop};
pub(crate) use frame::{Frame, Full, Outlet};

/// One signed-in connection. Not the socket's id, which is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// The hub's thread, to be joined after [`HubHandle::stop`].
pub(crate) type HubThread = thread::JoinHandle<()>;

/// Starts the hub on a thread of its own: its work is blocking by nature.
pub(crate) fn spawn(
    storage: Box<dyn Storage>,
    counters: Arc<Counters>,
) -> Result<(HubHandle, HubThread), StorageError> {
    let hub = Hub::new(storage, counters, now_ms)?;
    let (sender, receiver) = mpsc::channel(HUB_QUEUE);
    let thread = thread::spawn(move || run(hub, receiver));
    Ok((HubHandle::new(sender), thread))
}

fn run(mut hub: Hub, mut commands: mpsc::Receiver<Command>) {
    let mut checkpoint = true;
    while let Some(first) = commands.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < HUB_BATCH
            && let Ok(next) = commands.try_recv()
        {
            batch.push(next);
        }
        if let Some(stop) = hub.apply(batch) {
            checkpoint = stop.checkpoint;
            break;
        }
    }
    if checkpoint {
        hub.close();
    }
}

fn now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}
