//! How soon the next poll goes out.

use std::time::Duration;

/// So many answers without a word may follow each other, as they do during the
/// move to another transport.
const FREE: u32 = 8;
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

/// A server that answers every poll at once, and has nothing to say, is asked
/// more and more slowly.
#[derive(Debug, Default)]
pub(super) struct Pace {
    idle: u32,
}

impl Pace {
    /// An answer came, with or without a word in it.
    pub(super) fn answered(&mut self, idle: bool) {
        self.idle = if idle { self.idle.saturating_add(1) } else { 0 };
    }

    /// How long to wait before the next poll.
    pub(super) fn pause(&self) -> Duration {
        let Some(over) = self.idle.checked_sub(FREE + 1) else {
            return Duration::ZERO;
        };
        FIRST.saturating_mul(1 << over.min(10)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_without_a_word_slow_it_down_and_a_word_ends_that() {
        let mut pace = Pace::default();
        let mut pauses = Vec::new();
        for _ in 0..20 {
            pace.answered(true);
            pauses.push(pace.pause().as_millis());
        }
        assert_eq!(pauses[..8], [0; 8]);
        assert_eq!(pauses[8..15], [20, 40, 80, 160, 320, 640, 1_000]);
        assert_eq!(pauses[19], 1_000);
        pace.answered(false);
        assert_eq!(pace.pause(), Duration::ZERO);
    }
}
