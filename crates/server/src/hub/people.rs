//! Everyone who is known, and which connections each of them has.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use parlour_protocol::{UserId, Username};

use super::{ConnectionId, Pace, listing, number::NumberMap};
use crate::storage::{StoredUser, UserKey};

/// A person's place in [`People`]: the same as long as the hub lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Index(u32);

/// Everyone, in the order of their first sign-in. Presence is nothing but the
/// count of live connections; it is never stored, so no crash can leave a ghost
/// behind.
#[derive(Default)]
pub(super) struct People {
    all: Vec<Person>,
    by_id: Ids,
    by_key: NumberMap<UserKey, Index>,
    /// In the order of ids, for pages.
    ids: Vec<Index>,
    /// Those who are here last, before them those who left, the latest last.
    seen: BTreeSet<(Rank, Index)>,
    clock: u64,
    version: u64,
}

/// Everyone by public id. Ours are 16 hex digits, and so a number; a database
/// from elsewhere may have others.
#[derive(Default)]
struct Ids {
    ours: NumberMap<u64, Index>,
    others: HashMap<UserId, Index>,
}

impl Ids {
    fn number(id: &UserId) -> Option<u64> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let text = id.as_str();
        // Only the one way of writing it: two texts are two ids.
        let is_ours = text.len() == 16 && text.bytes().all(is_digit);
        u64::from_str_radix(text, 16).ok().filter(|_| is_ours)
    }

    fn get(&self, id: &UserId) -> Option<Index> {
        match Self::number(id) {
            Some(number) => self.ours.get(&number).copied(),
            None => self.others.get(id).copied(),
        }
    }

    fn insert(&mut self, id: &UserId, index: Index) {
        match Self::number(id) {
            Some(number) => self.ours.insert(number, index),
            None => self.others.insert(id.clone(), index),
        };
    }

    fn remove(&mut self, id: &UserId) {
        match Self::number(id) {
            Some(number) => self.ours.remove(&number),
            None => self.others.remove(id),
        };
    }
}

/// When somebody was here, relative to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    here: bool,
    at: u64,
}

/// Somebody who signed in at least once.
pub(super) struct Person {
    pub(super) key: UserKey,
    pub(super) id: UserId,
    pub(super) name: Username,
    pub(super) created_ms: i64,
    /// When they last came or went.
    pub(super) last_seen_ms: i64,
    pub(super) banned: bool,
    /// Deleted: nobody finds them any more, but places do not move.
    deleted: bool,
    /// The number of the last message in their inbox.
    pub(super) last_seq: u64,
    /// Their connections that are told things.
    pub(super) here: Vec<ConnectionId>,
    /// Those that have signed in and not joined yet.
    pub(super) entering: usize,
    /// Shared by their connections; kept when they leave, so that coming back
    /// does not refill it.
    pub(super) pace: Option<Arc<Pace>>,
    rank: Rank,
    /// Their entry in `users` up to what changes.
    pub(super) entry: Box<str>,
}

impl Person {
    /// How many connections they have, or are about to have.
    pub(super) fn connections(&self) -> usize {
        self.here.len() + self.entering
    }
}

impl People {
    /// Those that are stored.
    pub(super) fn new(mut users: Vec<StoredUser>) -> Self {
        let mut people = Self::default();
        users.sort_by_key(|user| user.key);
        let mut seen: Vec<_> = users.iter().map(|user| user.last_seen_ms).collect();
        seen.sort_unstable();
        for user in users {
            let at = seen.partition_point(|&other| other < user.last_seen_ms);
            let rank = Rank {
                here: false,
                at: at as u64,
            };
            people.put(user, rank);
        }
        people.clock = seen.len() as u64;
        people.ids.sort_unstable_by(|&a, &b| {
            let id = |Index(at): Index| people.all.get(at as usize).map(|person| &person.id);
            id(a).cmp(&id(b))
        });
        people
    }

    /// Adds somebody who is new.
    pub(super) fn add(&mut self, user: StoredUser) -> Index {
        self.clock += 1;
        let rank = Rank {
            here: false,
            at: self.clock,
        };
        let index = self.put(user, rank);
        self.ids.pop();
        let at = self
            .ids
            .partition_point(|&other| self.get(other).id < self.get(index).id);
        self.ids.insert(at, index);
        index
    }

    fn put(&mut self, user: StoredUser, rank: Rank) -> Index {
        // Four thousand million users do not fit into memory anyway.
        let index = Index(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.by_id.insert(&user.id, index);
        self.by_key.insert(user.key, index);
        self.ids.push(index);
        self.seen.insert((rank, index));
        self.all.push(Person {
            entry: listing::entry(&user.id, &user.username),
            key: user.key,
            id: user.id,
            name: user.username,
            created_ms: user.created_ms,
            last_seen_ms: user.last_seen_ms,
            banned: user.banned,
            deleted: false,
            last_seq: user.last_seq,
            here: Vec::new(),
            entering: 0,
            pace: None,
            rank,
        });
        self.version += 1;
        index
    }

    /// Forgets somebody.
    pub(super) fn remove(&mut self, index: Index) {
        let person = &mut self.all[index.0 as usize];
        person.deleted = true;
        let id = std::mem::replace(&mut person.id, UserId::new(""));
        self.by_id.remove(&id);
        self.by_key.remove(&person.key);
        self.seen.remove(&(person.rank, index));
        self.ids.retain(|&other| other != index);
        self.version += 1;
    }

    /// Somebody by the place that was given out for them.
    pub(super) fn get(&self, index: Index) -> &Person {
        &self.all[index.0 as usize]
    }

    /// See [`People::get`]. Who changes whether somebody is here says so by
    /// [`People::saw`].
    pub(super) fn get_mut(&mut self, index: Index) -> &mut Person {
        &mut self.all[index.0 as usize]
    }

    /// Who has this public id?
    pub(super) fn by_id(&self, id: &UserId) -> Option<Index> {
        self.by_id.get(id)
    }

    /// Who has this key in the storage?
    pub(super) fn by_key(&self, key: UserKey) -> Option<Index> {
        self.by_key.get(&key).copied()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Changes with everything that a list of all would show.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Somebody has come or gone: their first connection, or the last.
    pub(super) fn saw(&mut self, index: Index, at_ms: i64) {
        self.clock += 1;
        self.version += 1;
        let clock = self.clock;
        let person = &mut self.all[index.0 as usize];
        if person.deleted {
            return;
        }
        person.last_seen_ms = at_ms;
        self.seen.remove(&(person.rank, index));
        person.rank = Rank {
            here: !person.here.is_empty(),
            at: clock,
        };
        self.seen.insert((person.rank, index));
    }

    /// Everyone, in the order of their first sign-in.
    pub(super) fn all(&self) -> impl Iterator<Item = (Index, &Person)> {
        let indexes = (0..).map(Index);
        indexes.zip(&self.all).filter(|(_, person)| !person.deleted)
    }

    /// Everyone, those who are here first, then those seen last.
    pub(super) fn latest(&self) -> impl Iterator<Item = (Index, &Person)> {
        let latest = self.seen.iter().rev();
        latest.map(|&(_, index)| (index, self.get(index)))
    }

    /// Everyone after `id`, in the order of ids.
    pub(super) fn after(&self, id: Option<&str>) -> impl Iterator<Item = (Index, &Person)> {
        let start = id.map_or(0, |id| {
            self.ids
                .partition_point(|&index| self.get(index).id.as_str() <= id)
        });
        let rest = self.ids.get(start..).unwrap_or_default();
        rest.iter().map(|&index| (index, self.get(index)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_by_its_text_and_by_no_other() {
        let mut ids = Ids::default();
        let all = [
            "00000000000000ff",
            "ff",
            "FF",
            "00000000000000FF",
            "a user",
            "+0000000000000ff",
        ];
        for (at, id) in (0..).zip(all) {
            ids.insert(&UserId::new(id), Index(at));
        }
        for (at, id) in (0..).zip(all) {
            assert_eq!(ids.get(&UserId::new(id)), Some(Index(at)), "{id}");
        }
        for id in ["0ff", "", "00000000000000fe", "000000000000000ff"] {
            assert_eq!(ids.get(&UserId::new(id)), None, "{id}");
        }
        ids.remove(&UserId::new("00000000000000ff"));
        assert_eq!(ids.get(&UserId::new("00000000000000ff")), None);
        assert_eq!(ids.get(&UserId::new("00000000000000FF")), Some(Index(3)));
    }

    fn user(number: u32) -> StoredUser {
        StoredUser {
            key: UserKey(number),
            id: UserId::new(format!("{number:016x}")),
            username: Username::parse(&format!("User {number}")).expect("a name"),
            created_ms: 0,
            last_seen_ms: i64::from(number % 3),
            banned: false,
            last_seq: 0,
        }
    }

    fn latest(people: &People) -> Vec<u32> {
        people.latest().map(|(_, person)| person.key.0).collect()
    }

    #[test]
    fn those_who_are_here_come_first_and_the_latest_of_them_before_all() {
        let mut people = People::new((1..=5).map(user).collect());
        assert_eq!(latest(&people), [5, 2, 4, 1, 3]);
        people.add(user(6));
        assert_eq!(latest(&people), [6, 5, 2, 4, 1, 3]);
        let index = |people: &People, key| people.by_key(UserKey(key)).expect("somebody");
        for (key, connection) in [(3, 1), (1, 2)] {
            let at = index(&people, key);
            people.get_mut(at).here.push(ConnectionId(connection));
            people.saw(at, 9);
        }
        assert_eq!(latest(&people), [1, 3, 6, 5, 2, 4]);
        // Here already, and seen once more.
        let third = index(&people, 3);
        people.saw(third, 10);
        assert_eq!(latest(&people), [3, 1, 6, 5, 2, 4]);
        people.get_mut(third).here.clear();
        people.saw(third, 11);
        people.remove(index(&people, 5));
        assert_eq!(latest(&people), [1, 3, 6, 2, 4]);
        assert_eq!(people.len(), 5);
        let ids = people.after(Some("0000000000000001"));
        let ids: Vec<_> = ids.map(|(_, person)| person.key.0).collect();
        assert_eq!(ids, [2, 3, 4, 6]);
    }
}
