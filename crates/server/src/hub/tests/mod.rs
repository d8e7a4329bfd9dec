//! The chat's rules, without a network.

mod ends;
mod lists;
mod plain;
mod pm;
mod receipts;
mod sign_in;
mod trouble;
mod world;
