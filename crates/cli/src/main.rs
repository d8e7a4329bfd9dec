//! A headless host of the chat engine.
fn main() {}
