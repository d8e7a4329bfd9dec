//! The chat engine: everything that Parlour knows about chatting, without a
//! window and without prose for people.
//!
//! A host starts a [`ClientHandle`], gives it [`Command`]s, asks it
//! [`Query`]s, and listens to its [`ClientEvent`]s. What the engine needs from
//! the outside is in [`ports`].

mod accounts;
mod address;
mod backoff;
mod command;
mod compatibility;
mod connector;
#[cfg(feature = "rust-socketio")]
mod connector_rust_socketio;
mod dialect;
mod event;
mod fences;
mod handle;
mod inbox;
#[cfg(feature = "made")]
pub mod made;
mod options;
mod outbox;
pub mod ports;
mod query;
mod receipts;
mod roster;
pub mod secrets;
mod session;
mod store;
mod task;
mod view;
mod wake;
mod witness;

pub use accounts::{
    ACCOUNTS, AccountEntry, AccountKey, AccountState, Accounts, AccountsCommand, AccountsConfig,
    AccountsError, AccountsEvent, IndexError, Listener,
};
pub use command::{Command, Refusal, RefusalCode};
pub use compatibility::{Compatibility, DialectCode, Finding, FindingCode, Verdict};
pub use connector::SocketIoConnector;
#[cfg(feature = "rust-socketio")]
pub use connector_rust_socketio::RustSocketIoConnector;
pub use event::{ClientEvent, Snapshot};
pub use handle::{ClientConfig, ClientHandle, StartError, Subscription};
pub use options::{ProxyChoice, ServerOptions, TransportChoice};
/// For the logs of hosts: these targets hold everybody's words and the session.
pub use parlour_socketio::logs_frames;
pub use query::{Answer, Query, TimelinePage};
pub use store::{
    StoreError,
    export::Exported,
    search::{SearchHit, SearchPage, SnippetPart},
};
pub use task::exports::ExportError;
pub use view::{
    AccountView, Delivery, Failure, FailureCode, ItemId, Presence, RosterEntry, SecretsBackend,
    SecretsView, SendRefusal, SessionView, TimelineItem,
};
