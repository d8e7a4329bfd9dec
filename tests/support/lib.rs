//! What the tests share.

pub mod node;
pub mod person;
pub mod process;
pub mod server;
