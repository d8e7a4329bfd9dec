//! `users`: everyone in one event, for whoever connects.
//!
//! ```text
//!  [{"userID":"…","username":"…","connected":  true   ,"messages":[…]}, … ]
//!   └──── made once for each person ───────┘ └─ now ─┘ └─ conversation ─┘
//! ```
//! With thousands of people most entries have no conversation, so the list is
//! copied together from texts and not serialised anew. Those who have written
//! to nobody all get the same frame, which is kept until somebody comes or goes.

use parlour_protocol::{
    UserId, Username,
    limits::{USERS, USERS_BYTES},
    names,
};
use parlour_socketio::{Arguments, server::Frame};

use super::{
    frames,
    number::NumberMap,
    people::{Index, People, Person},
};

const NO_MESSAGES: &str = r#","messages":[]}"#;
const NO_CONVERSATION: &str = r#","messages":[],"lastSeq":0,"unread":0,"received":0,"read":0}"#;

/// Bytes of what an entry begins with, roughly: names are short.
const ENTRY: usize = 72;

/// What an entry begins with, up to whether the person is here.
pub(super) fn entry(id: &UserId, name: &Username) -> Box<str> {
    let (id, name) = (frames::json(id), frames::json(name));
    format!(r#"{{"userID":{id},"username":{name},"connected":"#).into()
}

/// In which words a connection is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    /// The guide's.
    Plain,
    /// pm, version 1.
    Pm,
}

/// The ends of the entries of those with whom somebody has a conversation:
/// `,"messages":…}`.
pub(super) type Ends = NumberMap<Index, Vec<u8>>;

/// The list as those get it who have no conversation.
#[derive(Default)]
pub(super) struct Listing {
    plain: Option<Kept>,
    pm: Option<Kept>,
}

struct Kept {
    version: u64,
    frame: Frame,
}

impl Listing {
    /// Bytes of the list, roughly: of the last one that was made.
    pub(super) fn size(&self) -> usize {
        let kept = self.plain.as_ref().or(self.pm.as_ref());
        kept.map_or(0, |kept| kept.frame.size())
    }

    /// The frame for somebody without any conversation. Whoever is here is in it.
    pub(super) fn shared(&mut self, people: &People, tongue: Tongue) -> Option<Frame> {
        let kept = match tongue {
            Tongue::Plain => &mut self.plain,
            Tongue::Pm => &mut self.pm,
        };
        let version = people.version();
        if let Some(kept) = kept
            && kept.version == version
        {
            return Some(kept.frame.clone());
        }
        let frame = build(people, tongue, None, &Ends::default())?;
        *kept = Some(Kept {
            version,
            frame: frame.clone(),
        });
        Some(frame)
    }
}

/// The frame for `me`, with the conversations of `ends`.
pub(super) fn build(
    people: &People,
    tongue: Tongue,
    me: Option<Index>,
    ends: &Ends,
) -> Option<Frame> {
    let list = List {
        people,
        none: match tongue {
            Tongue::Plain => NO_MESSAGES,
            Tongue::Pm => NO_CONVERSATION,
        },
        me,
        ends,
    };
    frames::event(names::USERS, &list)
}

/// The one argument of `users`, written straight into its frame.
struct List<'a> {
    people: &'a People,
    none: &'static str,
    me: Option<Index>,
    ends: &'a Ends,
}

impl Arguments for List<'_> {
    fn append_to(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let Self {
            people, me, ends, ..
        } = *self;
        let ends_size: usize = ends.values().map(Vec::len).sum();
        json.reserve(people.len().min(USERS) * (ENTRY + self.none.len()) + ends_size);
        json.extend_from_slice(b",[");
        let mut writer = Writer {
            start: json.len(),
            json,
            none: self.none,
            reserved: ends_size,
            count: 0,
        };
        if people.len() <= USERS {
            for (index, person) in people.all() {
                writer.add(person, ends.get(&index), me == Some(index));
            }
        } else {
            let partners = ends.keys().copied().filter(|&index| Some(index) != me);
            for index in me.into_iter().chain(partners).take(USERS) {
                writer.add(people.get(index), ends.get(&index), true);
            }
            for (index, person) in people.latest() {
                if writer.count >= USERS {
                    break;
                }
                if me != Some(index) && !ends.contains_key(&index) {
                    writer.add(person, None, false);
                }
            }
        }
        json.push(b']');
        Ok(())
    }
}

struct Writer<'a> {
    json: &'a mut Vec<u8>,
    /// Where the list begins.
    start: usize,
    none: &'static str,
    /// Bytes of conversations that are still to come.
    reserved: usize,
    count: usize,
}

impl Writer<'_> {
    /// Adds an entry. One without a conversation is left out when the list
    /// would become too large by it, unless it is `needed`.
    fn add(&mut self, person: &Person, end: Option<&Vec<u8>>, needed: bool) {
        if let Some(end) = end {
            self.reserved = self.reserved.saturating_sub(end.len());
        } else if !needed && self.size() + person.entry.len() > USERS_BYTES {
            return;
        }
        if self.count > 0 {
            self.json.push(b',');
        }
        self.count += 1;
        self.json.extend_from_slice(person.entry.as_bytes());
        let here: &[u8] = if person.here.is_empty() {
            b"false"
        } else {
            b"true"
        };
        self.json.extend_from_slice(here);
        let end = end.map_or(self.none.as_bytes(), Vec::as_slice);
        self.json.extend_from_slice(end);
    }

    fn size(&self) -> usize {
        self.json.len() - self.start + self.reserved
    }
}
