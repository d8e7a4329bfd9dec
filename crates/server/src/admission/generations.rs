//! A map that forgets what was not used lately.

use std::{collections::HashMap, hash::Hash, mem};

/// At most twice `capacity` entries: a young generation and an old one. What
/// is used moves to the young; when that is full it becomes the old one, and
/// the old one is forgotten. Each step costs the same however many there are,
/// which a flood of addresses could turn against a map that is swept.
#[derive(Debug)]
pub(super) struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    capacity: usize,
}

impl<K: Eq + Hash, V> Generations<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            capacity,
        }
    }

    /// The value of `key`, made by `new` if it is not there or was forgotten.
    pub(super) fn entry(&mut self, key: K, new: impl FnOnce() -> V) -> &mut V {
        if !self.young.contains_key(&key) && self.young.len() >= self.capacity {
            self.old = mem::take(&mut self.young);
        }
        let old = self.old.remove(&key);
        self.young
            .entry(key)
            .or_insert_with(|| old.unwrap_or_else(new))
    }

    /// The value of `key`, if it is there.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.young.get_mut(key).or_else(|| self.old.get_mut(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut map = Generations::new(2);
        *map.entry("a", || 0) += 1;
        for other in ["b", "c", "d", "e", "f"] {
            map.entry(other, || 0);
            *map.entry("a", || 0) += 1;
        }
        assert_eq!(*map.entry("a", || 0), 6);
        assert_eq!(map.get_mut(&"b"), None);
        assert!(map.young.len() + map.old.len() <= 4);
    }
}
