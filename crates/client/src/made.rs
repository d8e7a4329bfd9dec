//! Histories that nobody wrote: for measuring.

use std::path::Path;

use parlour_protocol::UserId;

use crate::{
    SecretsBackend,
    store::{Evidence, NewMessage, SecretEntry, Store, StoreError},
};

/// How many messages are stored in one transaction.
const BATCH: u64 = 10_000;

/// A history, made by rules, so that the same one is made anywhere.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// How many messages, in all conversations.
    pub messages: u64,
    /// How many people. The first of them takes part in two messages of five.
    pub people: u64,
}

/// A word of every third message or so.
pub const COMMON: &str = "common";

/// A word of one message of 50,000, and of the first.
pub const RARE: &str = "xylophone";

/// A word of two characters, of one message of 500.
pub const SHORT: &str = "qq";

impl Made {
    /// The id of one of the people, from 0.
    pub fn user(&self, number: u64) -> UserId {
        UserId::new(format!("user{number:012}-made-for-measuring"))
    }

    /// How many messages are in the conversation with the first.
    pub fn longest(&self) -> u64 {
        self.messages / 5 * 2
    }

    /// Writes it into a new database in `folder`, with the account signed in on a
    /// server where nothing listens.
    ///
    /// # Errors
    /// When the database cannot be made.
    pub fn write(&self, folder: &Path) -> Result<(), StoreError> {
        let store = Store::open(folder)?;
        let me = UserId::from("me");
        let account = store.enter_account("http://127.0.0.1:9", Some(&me), "Measured")?;
        let kept = SecretEntry {
            backend: SecretsBackend::File,
            name: "measured".to_owned(),
        };
        store.keep_session(account.id, &kept)?;
        store.atomically(|store| {
            (0..self.people).try_for_each(|number| {
                store.put_user(account.id, &self.user(number), &format!("User {number}"))
            })
        })?;
        let mut number = 0;
        while number < self.messages {
            let end = self.messages.min(number + BATCH);
            store.atomically(|store| {
                (number..end).try_for_each(|number| {
                    let message = NewMessage {
                        peer: &self.user(self.whose(number)),
                        mine: number.is_multiple_of(3),
                        content: &text(number),
                        at: i64::try_from(1_700_000_000_000 + number * 1000).ok(),
                        delivery: (number.is_multiple_of(3)).then_some(crate::Delivery::Sent),
                        evidence: Evidence::History,
                        uid: None,
                        seq: None,
                    };
                    store.append(account.id, &message).map(drop)
                })
            })?;
            number = end;
        }
        // Some of it is unread.
        (0..self.people)
            .filter(|number| number % 10 != 1)
            .try_for_each(|number| store.mark_read(account.id, &self.user(number)).map(drop))?;
        store.checkpoint()
    }

    /// In whose conversation a message is.
    fn whose(&self, number: u64) -> u64 {
        if number % 5 < 2 {
            0
        } else {
            mix(number) % self.people.max(1)
        }
    }
}

/// Some 60 characters, as people write.
fn text(number: u64) -> String {
    let mut text = format!("#{number}");
    let mut state = mix(number ^ 0x5eed);
    for _ in 0..6 + state % 8 {
        state = mix(state);
        text.push(' ');
        word(state % 4_000, &mut text);
    }
    if number.is_multiple_of(3) {
        text += " ";
        text += COMMON;
    }
    if number.is_multiple_of(50_000) {
        text += " ";
        text += RARE;
    }
    if number.is_multiple_of(500) {
        text += " ";
        text += SHORT;
    }
    text
}

/// One of some thousand words of two to four syllables.
fn word(number: u64, text: &mut String) {
    let mut state = mix(number);
    for _ in 0..2 + state % 3 {
        state = mix(state);
        let letter = |from: &str, state: u64| {
            let index = usize::try_from(state % from.len() as u64).unwrap_or(0);
            from.as_bytes().get(index).copied().map_or('x', char::from)
        };
        text.push(letter("bcdfghklmnprstvwz", state));
        text.push(letter("aeiou", state >> 20));
    }
}

/// Numbers that look like chance (SplitMix64).
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
