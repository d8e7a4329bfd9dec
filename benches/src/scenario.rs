//! What is measured, one file each.

pub mod connect;
pub mod crowd;
pub mod disk;
pub mod history;
pub mod pairs;
pub mod seed;
