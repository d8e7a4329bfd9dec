//! How often an address may fail to sign in.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{TokenBucket, address::limit_key, bucket::Rate, generations::Generations};

/// Addresses whose failures are remembered, twice at most. More at once would
/// be an attack with a network of its own, against which this is no help.
const ADDRESSES: usize = 10_000;

/// Counts the failures of each address (IPv6: each /64).
///
/// An attempt is counted when it begins and given back if it succeeds: a
/// hundred guesses at the same time are still a hundred guesses.
#[derive(Debug)]
pub(crate) struct FailedSignIns {
    rate: Rate,
    buckets: Mutex<Generations<IpAddr, TokenBucket>>,
}

impl FailedSignIns {
    /// Nobody has failed yet.
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: Mutex::new(Generations::new(ADDRESSES)),
        }
    }

    /// An attempt to sign in from `address` begins.
    ///
    /// # Errors
    /// Too many have failed; how long until the next may begin.
    pub(crate) fn begin(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        self.with(|buckets| {
            buckets
                .entry(limit_key(address), || TokenBucket::new(self.rate, now))
                .take(now)
        })
    }

    /// The attempt did not fail.
    pub(crate) fn succeeded(&self, address: IpAddr) {
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

    fn ten() -> FailedSignIns {
        FailedSignIns::new(crate::config::Limits::default().failures())
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
    fn successes_do_not_count() {
        let (failures, now) = (ten(), Instant::now());
        let one = address("192.0.2.1");
        for _ in 0..100 {
            assert!(failures.begin(one, now).is_ok());
            failures.succeeded(one);
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
