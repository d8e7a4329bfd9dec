//! The system's own watch over a line on which nothing moves.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use crate::transport::Stream;

/// After how much silence the system asks the other end, and again…
const INTERVAL: Duration = Duration::from_secs(5);
/// … and how often, before it gives the line up.
#[cfg(not(windows))]
const RETRIES: u32 = 2;

/// Has the system watch over `stream`: a poll waits long for its answer, and what
/// [probes](super::probe) go over is another line, which may live when this one
/// does not.
pub(super) fn over(stream: &Stream) {
    let keepalive = TcpKeepalive::new()
        .with_time(INTERVAL)
        .with_interval(INTERVAL);
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(RETRIES);
    if let Err(error) = SockRef::from(stream.tcp()).set_tcp_keepalive(&keepalive) {
        // The server's own pings still do it, only later.
        tracing::debug!(%error, "the system keeps no watch");
    }
}
