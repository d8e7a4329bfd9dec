//! What whoever runs the server can do to it, beside a running one or without.
//!
//! ```text
//!  parlour-server admin … ──► admin.sock ──► HubHandle::admin    a server runs
//!                      └────────────────► a hub of its own       none does
//! ```
//! One implementation, in the hub: it has the roster in memory, so a change
//! behind its back would not hold.

mod command;
mod perform;
#[cfg(unix)]
mod socket;

pub(crate) use command::{
    AdminAnswer, AdminCommand, AdminError, AdminSession, AdminUser, ExportedMessage, PAGE,
};
pub(crate) use perform::perform;
#[cfg(unix)]
pub(crate) use socket::{AdminClient, AdminSocket, Performing};
