//! Times that were measured, and what is said of them.

use std::time::Duration;

use serde::Serialize;

/// Every single time, so that no bucket blurs a percentile.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    nanos: Vec<u64>,
}

/// Some times in one line. All in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// How many times there were.
    pub count: usize,
    /// The time that half of them do not exceed.
    pub p50: f64,
    /// The time that 99 of a hundred do not exceed.
    pub p99: f64,
    /// The longest of them.
    pub max: f64,
}

impl Samples {
    /// Takes one more.
    pub fn add(&mut self, nanos: u64) {
        self.nanos.push(nanos);
    }

    /// Takes one more.
    pub fn add_span(&mut self, span: Duration) {
        self.add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
    }

    /// What is said of them; nothing when there are none.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let mut nanos = self.nanos.clone();
        nanos.sort_unstable();
        let last = *nanos.last()?;
        let rank = |hundredths: usize| {
            let index = (nanos.len() * hundredths).div_ceil(100).saturating_sub(1);
            millis(nanos.get(index).copied().unwrap_or(last))
        };
        Some(Summary {
            count: nanos.len(),
            p50: rank(50),
            p99: rank(99),
            max: millis(last),
        })
    }
}

fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let mut samples = Samples::default();
        assert_eq!(samples.summary(), None);
        (1..=200)
            .rev()
            .for_each(|millis| samples.add(millis * 1_000_000));
        let summary = samples.summary().unwrap();
        assert_eq!(
            (summary.p50, summary.p99, summary.max),
            (100.0, 198.0, 200.0)
        );
        assert_eq!(summary.count, 200);
    }

    #[test]
    fn one_time_is_all_of_them() {
        let mut samples = Samples::default();
        samples.add_span(Duration::from_millis(3));
        let summary = samples.summary().unwrap();
        assert_eq!((summary.p50, summary.p99, summary.max), (3.0, 3.0, 3.0));
    }
}
