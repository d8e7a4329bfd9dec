//! The chat engine: everything that Parlour knows about chatting, without a
//! window, without prose for people.

mod command;
mod event;
pub mod ports;
mod query;
pub mod secrets;
mod view;

pub use command::{Command, Refusal, RefusalCode};
pub use event::{ClientEvent, Snapshot};
pub use query::{Answer, Query, TimelinePage};
pub use view::{
    AccountView, Delivery, Failure, FailureCode, ItemId, Presence, RosterEntry, SecretsBackend,
    SecretsView, SessionView, TimelineItem,
};
