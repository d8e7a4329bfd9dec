//! How long to wait before the next attempt.

use std::time::Duration;

/// The longest wait: short enough that a server that comes back is noticed
/// while one looks at the window.
const MAX: Duration = Duration::from_secs(30);

/// The wait after the first failure, before jitter.
const BASE: Duration = Duration::from_millis(500);

/// The wait after `failures` failures in a row (1 or more). It doubles up to
/// 30 s; `jitter` in `0.0..1.0` takes up to half of it away, so that a
/// server's clients do not all come back in the same instant.
pub(crate) fn delay(failures: u32, jitter: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    let full = (BASE * 2u32.pow(doublings)).min(MAX);
    full.mul_f64(1.0 - 0.5 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_never_vanish() {
        assert_eq!(delay(1, 0.0), Duration::from_millis(500));
        assert_eq!(delay(2, 0.0), Duration::from_secs(1));
        assert_eq!(delay(u32::MAX, 0.0), MAX);
        assert_eq!(delay(u32::MAX, 1.0), MAX / 2);
        assert!((0..100).all(|n| delay(n, 1.0) >= BASE / 2));
    }
}
