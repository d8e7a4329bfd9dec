//! Runs, tests and checks the project.
fn main() {}
