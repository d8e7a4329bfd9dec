//! The time that everything here goes by.

use std::time::Instant;

/// The runtime's time: in a test that has it in its hands, that test's.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
