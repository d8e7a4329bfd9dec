//! How often an address may try something: to sign in and fail, to become a new user.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{TokenBucket, address::limit_key, bucket::Rate, generations::Generations};

/// Addresses whose attempts are remembered, twice at most. More at once would
/// be an attack with a network of its own, against which this is no help.
const ADDRESSES: usize = 10_000;

/// Counts the attempts of each address (IPv6: each /64).
///
/// One is counted when it begins and given back if it was none: a hundred guesses
/// at the same time are still a hundred guesses.
#[derive(Debug)]
pub(crate) struct Attempts {
    rate: Rate,
    buckets: Mutex<Generations<IpAddr, TokenBucket>>,
}

impl Attempts {
    /// Nobody has tried yet.
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: Mutex::new(Generations::new(ADDRESSES)),
        }
    }

    /// An attempt from `address` begins.
    ///
    /// # Errors
    /// There were too many; how long until the next may begin.
    pub(crate) fn begin(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        self.with(|buckets| {
            buckets
                .entry(limit_key(address), || TokenBucket::new(self.rate, now))
                .take(now)
        })
    }

    /// The attempt does not count after all.
    pub(crate) fn give_back(&self, address: IpAddr) {
        self.with(|buckets| {
            if let Some(bucket) = buckets.get_mut(&limit_key(address)) {
                bucket.put_back();
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Generations<IpAddr, TokenBucket>) -> T) -> T {
        // Nothing in `work` panics halfway, so what is behind a poisoned lock is whole.
        work(&mut self.buckets.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ten() -> Attempts {
        Attempts::new(crate::config::Limits::default().failures())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn ten_a_minute_and_address() {
        let (failures, now) = (ten(), Instant::now());
        let one = address("192.0.2.1");
        assert!((0..10).all(|_| failures.begin(one, now).is_ok()));
        let wait = failures.begin(one, now).expect_err("too many");
        assert_eq!(wait, Duration::from_secs(6));
        assert!(failures.begin(address("192.0.2.2"), now).is_ok());
        assert!(failures.begin(one, now + wait).is_ok());
    }

    #[test]
    fn what_is_given_back_does_not_count() {
        let (failures, now) = (ten(), Instant::now());
        let one = address("192.0.2.1");
        for _ in 0..100 {
            assert!(failures.begin(one, now).is_ok());
            failures.give_back(one);
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let (failures, now) = (ten(), Instant::now());
        for last in 0..10 {
            let one = address(&format!("2001:db8:0:1::{last:x}"));
            assert!(failures.begin(one, now).is_ok());
        }
        assert!(failures.begin(address("2001:db8:0:1:ffff::"), now).is_err());
        assert!(failures.begin(address("2001:db8:0:2::"), now).is_ok());
    }
}
