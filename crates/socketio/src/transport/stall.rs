//! Whether writing stands still.

use std::time::{Duration, Instant};

/// Since when nothing was written although something waits.
#[derive(Debug, Default)]
pub(super) struct Stall {
    since: Option<Since>,
    /// What was written when somebody last looked whether it moves.
    seen: Option<u64>,
}

#[derive(Debug)]
struct Since {
    at: Instant,
    written: u64,
}

impl Stall {
    /// Nothing waits any more.
    pub(super) fn over(&mut self) {
        *self = Self::default();
    }

    /// When to look, where something waits. `written` counts bytes.
    pub(super) fn deadline(&mut self, limit: Duration, now: Instant, written: u64) -> Instant {
        let since = self.since.get_or_insert(Since { at: now, written });
        since.at + limit
    }

    /// Whether not a byte was written for `limit` although something waits.
    pub(super) fn stalled(&mut self, limit: Duration, now: Instant, written: u64) -> bool {
        match &mut self.since {
            Some(since) => {
                if since.written != written {
                    *since = Since { at: now, written };
                }
                now >= since.at + limit
            }
            None => false,
        }
    }

    /// Whether bytes were written since the last look of what has been waiting ever
    /// since: then somebody takes them. (What the system takes at once, whoever is
    /// there, does not wait for so long.)
    pub(super) fn moves(&mut self, written: u64) -> bool {
        self.seen
            .replace(written)
            .is_some_and(|seen| seen != written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_limit_without_a_byte_is_a_stall() {
        const S: Duration = Duration::from_secs(1);
        let start = Instant::now();
        let mut stall = Stall::default();
        assert!(!stall.stalled(S, start + 100 * S, 0));
        assert_eq!(stall.deadline(10 * S, start, 0), start + 10 * S);
        assert!(!stall.stalled(10 * S, start + 10 * S, 1));
        assert_eq!(stall.deadline(10 * S, start + 12 * S, 1), start + 20 * S);
        assert!(stall.stalled(10 * S, start + 20 * S, 1));
        stall.over();
        assert!(!stall.stalled(10 * S, start + 30 * S, 1));
    }

    #[test]
    fn only_what_has_waited_since_the_last_look_moves() {
        let mut stall = Stall::default();
        assert!(!stall.moves(5), "there was no look before");
        assert!(stall.moves(6));
        assert!(!stall.moves(6));
        stall.over();
        assert!(!stall.moves(7), "it was written at once");
        assert!(stall.moves(8));
    }
}
