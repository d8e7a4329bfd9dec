//! Maps by numbers that this program gives out itself.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// A map by small numbers. Nobody outside chooses them, so the hash need not
/// resist anybody; it is looked up several times for each message.
pub(super) type NumberMap<K, V> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;

/// Spreads consecutive numbers over all bits (Knuth's multiplicative hashing).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.0 ^ u64::from(byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let product = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // The map takes its bits from both ends.
        self.0 = product ^ (product >> 32);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_numbers_stay_apart() {
        let map: NumberMap<u64, u64> = (0..1_000).map(|number| (number, number * 2)).collect();
        assert!((0..1_000).all(|number| map.get(&number) == Some(&(number * 2))));
        let hash = |number: u64| {
            let mut hasher = NumberHasher::default();
            hasher.write_u64(number);
            hasher.finish()
        };
        let tops: std::collections::HashSet<_> =
            (0..128).map(|number| hash(number) >> 57).collect();
        assert!(tops.len() > 64, "{}", tops.len());
    }
}
