//! How many connections an address has.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use super::address::limit_key;

/// Counts the connections of each address (IPv6: each /64). It holds only
/// addresses that are connected: there are no more of them than connections.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    most: u32,
    counts: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// One counted connection; dropped, it counts no more.
#[derive(Debug)]
pub(super) struct Counted {
    key: IpAddr,
    counts: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

impl Connections {
    pub(super) fn new(most: u32) -> Self {
        Self {
            most,
            counts: Arc::default(),
        }
    }

    /// Counts one more from `address`, unless it has as many as it may.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Counted> {
        let key = limit_key(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_insert(0);
        // An entry is never left at zero, so a refusal finds one that was there.
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Counted {
            key,
            counts: self.counts.clone(),
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = counts.entry(self.key) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_share_and_gets_it_back() {
        let connections = Connections::new(2);
        let one: IpAddr = "192.0.2.1".parse().expect("address");
        let other: IpAddr = "192.0.2.2".parse().expect("address");
        let first = connections.enter(one).expect("first");
        let _second = connections.enter(one).expect("second");
        assert!(connections.enter(one).is_none());
        let third = connections.enter(other).expect("another address");
        drop(first);
        assert!(connections.enter(one).is_some());
        drop(third);
        assert_eq!(connections.counts.lock().expect("lock").len(), 1);
    }
}
