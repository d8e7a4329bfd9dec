//! What both engines promise: one suite, and one model against the other.

mod accounts;
mod messages;
mod model;
mod receipts;
pub(super) mod world;
