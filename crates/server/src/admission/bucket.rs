//! A pace with a burst.

use std::time::{Duration, Instant};

/// How often something may happen: a steady pace, and how much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Between two at the steady pace. Zero: no limit.
    interval: Duration,
    /// How far ahead of the pace one may get.
    ahead: Duration,
}

impl Rate {
    /// `count` per `period`, and `burst` at once. [`u32::MAX`] is no limit.
    pub(crate) fn new(count: u32, period: Duration, burst: u32) -> Self {
        if count == u32::MAX || burst == u32::MAX {
            return Self {
                interval: Duration::ZERO,
                ahead: Duration::ZERO,
            };
        }
        let interval = period / count.max(1);
        Self {
            interval,
            ahead: interval * burst.saturating_sub(1),
        }
    }
}

/// Lets things through at a [`Rate`].
///
/// It stores one moment: when the bucket would be full again (the "generic
/// cell rate algorithm"). Nothing has to tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenBucket {
    rate: Rate,
    full_at: Instant,
}

impl TokenBucket {
    /// A full bucket.
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, full_at: now }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// There is none; how long until there is one. Nothing was taken.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.peek(now)?;
        self.full_at = self.full_at.max(now) + self.rate.interval;
        Ok(())
    }

    /// Takes one token now or in advance: how long to wait until it is there.
    /// Whoever comes later waits longer, so that nobody is overtaken.
    ///
    /// # Errors
    /// It would not be there within `patience`; how long it would be. Nothing
    /// was taken.
    pub(crate) fn reserve(
        &mut self,
        now: Instant,
        patience: Duration,
    ) -> Result<Duration, Duration> {
        let wait = self.peek(now).err().unwrap_or_default();
        if wait > patience {
            return Err(wait);
        }
        self.full_at = self.full_at.max(now) + self.rate.interval;
        Ok(wait)
    }

    /// Whether a token is there; as [`TokenBucket::take`], without taking it.
    pub(crate) fn peek(&self, now: Instant) -> Result<(), Duration> {
        if self.rate.interval.is_zero() {
            // Two threads may read the clock in another order than they ask: for
            // the second one, the bucket would be full in a moment from now.
            return Ok(());
        }
        let missing = self.full_at.saturating_duration_since(now);
        match missing.checked_sub(self.rate.ahead) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(()),
        }
    }

    /// Puts back a token that was taken.
    pub(crate) fn put_back(&mut self) {
        self.full_at = self
            .full_at
            .checked_sub(self.rate.interval)
            .unwrap_or(self.full_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn taken(bucket: &mut TokenBucket, now: Instant) -> usize {
        (0..1000).take_while(|_| bucket.take(now).is_ok()).count()
    }

    #[test]
    fn a_burst_then_the_pace() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(Rate::new(20, SECOND, 200), start);
        assert_eq!(taken(&mut bucket, start), 200);
        assert_eq!(bucket.take(start), Err(SECOND / 20));
        assert_eq!(taken(&mut bucket, start + SECOND), 20);
        assert_eq!(taken(&mut bucket, start + 2 * SECOND), 20);
        assert_eq!(taken(&mut bucket, start + 60 * SECOND), 200);
    }

    #[test]
    fn waiting_as_long_as_it_says_is_enough() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(Rate::new(3, SECOND, 2), start);
        let mut now = start;
        for _ in 0..100 {
            while let Err(wait) = bucket.take(now) {
                now += wait;
            }
        }
        let took = now - start;
        assert!(took > 32 * SECOND && took < 33 * SECOND, "{took:?}");
    }

    #[test]
    fn those_who_wait_come_one_after_the_other_until_it_is_too_long() {
        let now = Instant::now();
        let mut bucket = TokenBucket::new(Rate::new(1, SECOND, 2), now);
        let waits: Vec<_> = (0..6).map(|_| bucket.reserve(now, 3 * SECOND)).collect();
        let wait = |seconds: u32| Ok(seconds * SECOND);
        let expected = [wait(0), wait(0), wait(1), wait(2), wait(3), Err(4 * SECOND)];
        assert_eq!(waits, expected);
        // One who is refused takes nobody's turn.
        assert_eq!(bucket.reserve(now + SECOND, 3 * SECOND), wait(3));
    }

    #[test]
    fn what_is_put_back_can_be_taken_again() {
        let now = Instant::now();
        let mut bucket = TokenBucket::new(Rate::new(1, SECOND, 1), now);
        assert!(bucket.take(now).is_ok());
        assert!(bucket.take(now).is_err());
        bucket.put_back();
        assert!(bucket.take(now).is_ok());
    }

    #[test]
    fn no_limit_is_none() {
        let now = Instant::now();
        let mut bucket = TokenBucket::new(Rate::new(u32::MAX, SECOND, u32::MAX), now);
        assert_eq!(taken(&mut bucket, now), 1000);
        // Nor for one whose clock was read before that of another.
        assert!(bucket.take(now + SECOND).is_ok());
        assert_eq!(taken(&mut bucket, now), 1000);
    }

    #[test]
    fn a_clock_that_stands_still_gives_nothing_away() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(Rate::new(1, SECOND, 1), start + SECOND);
        assert!(bucket.take(start + SECOND).is_ok());
        assert_eq!(bucket.take(start), Err(2 * SECOND));
    }
}
