//! How a quantity is spread, by fixed bounds.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts observations up to each bound, and adds them up. Whole numbers, so
/// that an observation is three additions without a lock.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: &'static [u64],
    /// What one is, for whoever reads it.
    unit: f64,
    /// One for each bound, and one for what is over the last.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// Microseconds, from a commit in memory to a disk that hangs.
const MICROS: &[u64] = &[
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
    5_000_000,
];

const SIZES: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

impl Histogram {
    /// Of times, observed in microseconds and told in seconds.
    pub(super) fn seconds() -> Self {
        Self::new(MICROS, 1e-6)
    }

    /// Of sizes of batches.
    pub(super) fn sizes() -> Self {
        Self::new(SIZES, 1.0)
    }

    fn new(bounds: &'static [u64], unit: f64) -> Self {
        Self {
            bounds,
            unit,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    pub(super) fn observe(&self, value: u64) {
        let bucket = self.bounds.partition_point(|&bound| bound < value);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Relaxed);
        }
        self.sum.fetch_add(value, Relaxed);
    }

    /// Each bound with how many were at or under it; the last has no bound.
    pub(super) fn buckets(&self) -> Vec<(Option<f64>, u64)> {
        let bounds = self.bounds.iter().map(|&bound| Some(self.told(bound)));
        let mut so_far = 0;
        bounds
            .chain([None])
            .zip(&self.counts)
            .map(|(bound, count)| {
                so_far += count.load(Relaxed);
                (bound, so_far)
            })
            .collect()
    }

    pub(super) fn sum(&self) -> f64 {
        self.told(self.sum.load(Relaxed))
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "a sum of times needs no more than 52 bits of precision"
    )]
    fn told(&self, value: u64) -> f64 {
        if self.unit < 1.0 {
            // Dividing by a whole number keeps 0.0005 from becoming 0.00049999….
            value as f64 / (1.0 / self.unit).round()
        } else {
            value as f64 * self.unit
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_is_at_or_under_their_bound() {
        let histogram = Histogram::sizes();
        for size in [1, 2, 3, 4, 512, 513] {
            histogram.observe(size);
        }
        let buckets = histogram.buckets();
        assert_eq!(buckets[0], (Some(1.0), 1));
        assert_eq!(buckets[1], (Some(2.0), 2));
        assert_eq!(buckets[2], (Some(4.0), 4));
        assert_eq!(buckets[9], (Some(512.0), 5));
        assert_eq!(buckets[10], (None, 6));
        assert!((histogram.sum() - 1035.0).abs() < 1e-9);
    }

    #[test]
    fn times_are_told_in_seconds() {
        let histogram = Histogram::seconds();
        histogram.observe(700);
        let buckets = histogram.buckets();
        assert_eq!(buckets[3], (Some(0.0005), 0));
        assert_eq!(buckets[4], (Some(0.001), 1));
        assert!((histogram.sum() - 0.0007).abs() < 1e-12);
    }
}
