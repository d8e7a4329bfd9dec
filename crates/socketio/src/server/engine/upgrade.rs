//! The move of a session from polling to WebSocket, as far as the stream is
//! concerned.
//!
//! ```text
//!  client ──2probe──▶ server        the stream works
//!  client ◀──3probe── server        from now on polls are answered at once
//!  client ───5──────▶ server        the client has stopped polling
//! ```

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    fixed,
    frames::{Item, Reader},
    sessions::Polled,
    stream::Stream,
};
use crate::server::outbound::Outbound;

/// The longest message before the move is complete, in bytes.
const LONGEST: usize = 64;
/// How much one read takes before the move is complete, in bytes.
const READ: usize = 1024;

/// The right to move a session. Dropped before the move is complete, polling goes
/// on.
pub(crate) struct Claim(Arc<Polled>);

impl Claim {
    pub(crate) fn new(polled: Arc<Polled>) -> Option<Self> {
        polled.outbound.claim_upgrade().then_some(Self(polled))
    }

    pub(crate) fn session(&self) -> &Polled {
        &self.0
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.outbound.abandon_upgrade();
    }
}

/// Goes through the move. Returns what was read behind it; `None` if it failed.
pub(crate) async fn probe(
    stream: &mut Stream,
    mut early: Vec<u8>,
    outbound: &Outbound,
) -> Option<Vec<u8>> {
    let mut reader = Reader::new(LONGEST);
    let mut probed = false;
    loop {
        let mut at = 0;
        while let Some(item) = reader.next(&mut early, &mut at).ok()? {
            match item {
                Item::Text("2probe") if !probed => {
                    probed = true;
                    outbound.upgrade_probed();
                    stream.write_all(&fixed::PROBED).await.ok()?;
                    stream.flush().await.ok()?;
                }
                Item::Text("5") if probed => {
                    outbound.upgrade_moving();
                    return Some(early.split_off(at));
                }
                Item::Ping(data) => {
                    stream.write_all(&fixed::pong(data)).await.ok()?;
                    stream.flush().await.ok()?;
                }
                Item::Pong => {}
                _ => return None,
            }
        }
        early.resize(READ, 0);
        let count = stream.read(&mut early).await.ok()?;
        if count == 0 {
            return None;
        }
        early.truncate(count);
    }
}
