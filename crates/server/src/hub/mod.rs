//! The chat itself: who is known, who is here, what goes to whom.
//!
//! One thread owns all of it and the storage, and is spoken to by commands
//! over one bounded queue. It knows sockets only as [`Outlet`]s.
//!
//! ```text
//!  connection tasks ──commands──► queue (bounded) ──up to 512──► Hub::apply
//!                                                                  │ one transaction, commit
//!                                                                  ▼
//!  outlets ◄──frames, in the order of the commands; one flush each─┘
//! ```
//!
//! Nothing is told before what it reports is committed, and a
//! [fence](HubHandle::fence) is answered after the commit of everything queued
//! before it: that is what makes its answer a proof.

mod admin;
mod ask;
mod batch;
mod command;
mod commit;
mod connections;
mod frames;
mod handle;
mod join;
mod leave;
mod listing;
mod message;
mod number;
mod outlet;
mod pace;
mod pages;
mod pending;
mod people;
mod policy;
mod receipts;
mod sign_in;
mod snapshot;
#[cfg(test)]
mod tests;
mod upkeep;

use std::{sync::Arc, thread};

use tokio::sync::mpsc;

use crate::{
    limits::{HUB_BATCH, HUB_QUEUE},
    metrics::Metrics,
    storage::{Storage, StorageError},
};

pub(crate) use batch::Hub;
pub(crate) use command::{
    Account, Ask, Command, Join, Message, NewPerson, Request, SignInError, SignedIn, Stop, Way,
};
pub(crate) use frames::{NAMESPACE, answer};
pub(crate) use handle::{HubGone, HubHandle};
pub(crate) use outlet::{Announcer, Full, Outlet};
pub(crate) use pace::{Deed, Pace};
pub(crate) use policy::Policy;

/// One signed-in connection: a number of this process, not the socket's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// The hub's thread, to be joined after [`HubHandle::stop`].
pub(crate) type HubThread = thread::JoinHandle<()>;

/// Starts the hub on a thread of its own: its work is blocking by nature.
pub(crate) fn spawn(
    storage: Box<dyn Storage>,
    announcer: Box<dyn Announcer>,
    policy: Policy,
    metrics: Arc<Metrics>,
) -> Result<(HubHandle, HubThread), StorageError> {
    let hub = Hub::new(storage, announcer, policy, metrics, now_ms)?;
    let (sender, receiver) = mpsc::channel(HUB_QUEUE);
    let thread = thread::spawn(move || run(hub, receiver));
    Ok((HubHandle::new(sender), thread))
}

fn run(mut hub: Hub, mut commands: mpsc::Receiver<Command>) {
    let mut checkpoint = true;
    let mut batch = Vec::with_capacity(HUB_BATCH);
    while commands.blocking_recv_many(&mut batch, HUB_BATCH) > 0 {
        hub.waiting(commands.len());
        if let Some(stop) = hub.apply(&mut batch) {
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
