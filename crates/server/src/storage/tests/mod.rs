//! What both engines promise: one suite, and one model against the other.

mod accounts;
mod copies;
mod messages;
mod migrations;
mod model;
mod receipts;
pub(super) mod world;
