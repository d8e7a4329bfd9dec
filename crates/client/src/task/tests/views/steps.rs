//! What may happen, in any order.

use std::time::Duration;

use proptest::prelude::*;

pub(super) const WORDS: [&str; 3] = ["ok", "yes", "no"];

/// What the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    A,
    B,
    C,
    D,
    Pm,
}

/// Bob, Eve, or oneself.
pub(super) type Who = usize;

#[derive(Clone, Debug)]
pub(super) enum Step {
    Says {
        to: Who,
        word: usize,
    },
    /// One of ours, by its place among them.
    Retries(usize),
    Discards(usize),
    Reads(Who),
    Types {
        to: Who,
        word: Option<usize>,
    },
    Reconnect,
    SignsOut,
    SignsIn,
    Resumes,
    ChoosesMemory(bool),
    SavesSession,
    /// Somebody writes to us.
    Writes {
        from: Who,
        word: usize,
    },
    /// Another device of ours writes.
    WritesElsewhere {
        to: Who,
        word: usize,
    },
    Comes {
        who: Who,
        connected: bool,
        renamed: bool,
    },
    Leaves(Who),
    /// Eve is on lists from now on, or not.
    EveIsListed(bool),
    ListsAgain,
    /// Messages between others.
    Leaks,
    Unreadable,
    /// The server handles so many of our packets, and we hear what it says to them.
    Handles(usize),
    /// It takes the next message not now, or never.
    Refuses {
        for_now: bool,
    },
    /// How far Bob got, or another device of ours with what Bob wrote.
    Receipt {
        up_to: u64,
        read: bool,
        own: bool,
    },
    Typing,
    /// Its numbers are others from now on.
    NewEpoch,
    Breaks {
        clean: bool,
        arrives: usize,
    },
    Refused {
        for_good: bool,
    },
    /// A connection stands, and nothing was said yet.
    Opens,
    /// A connection stands, and the server has let us in.
    Connects,
    WitnessComes,
    WitnessFails,
    /// The keyring has answered what it was asked.
    KeyringAnswers,
    Passes(Duration),
    Restarts,
    /// The slow listener reads so many events.
    Catches(usize),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let word = || 0..WORDS.len();
    let who = || 0..3_usize;
    let ours = prop_oneof![
        10 => (who(), word()).prop_map(|(to, word)| Step::Says { to, word }),
        2 => (0..20_usize).prop_map(Step::Retries),
        3 => (0..20_usize).prop_map(Step::Discards),
        3 => who().prop_map(Step::Reads),
        2 => (who(), prop::option::of(word())).prop_map(|(to, word)| Step::Types { to, word }),
        2 => Just(Step::Reconnect),
        1 => Just(Step::SignsOut),
        1 => Just(Step::SignsIn),
        1 => Just(Step::Resumes),
        1 => any::<bool>().prop_map(Step::ChoosesMemory),
        1 => Just(Step::SavesSession),
        2 => Just(Step::KeyringAnswers),
        1 => Just(Step::Restarts),
        4 => (1..8_usize).prop_map(Step::Catches),
        2 => Just(Step::Catches(usize::MAX)),
    ];
    let theirs = prop_oneof![
        6 => (0..2_usize, word()).prop_map(|(from, word)| Step::Writes { from, word }),
        3 => (who(), word()).prop_map(|(to, word)| Step::WritesElsewhere { to, word }),
        2 => (who(), any::<bool>(), any::<bool>())
            .prop_map(|(who, connected, renamed)| Step::Comes { who, connected, renamed }),
        2 => who().prop_map(Step::Leaves),
        1 => any::<bool>().prop_map(Step::EveIsListed),
        1 => Just(Step::ListsAgain),
        1 => Just(Step::Leaks),
        1 => Just(Step::Unreadable),
        8 => (1..8_usize).prop_map(Step::Handles),
        2 => any::<bool>().prop_map(|for_now| Step::Refuses { for_now }),
        3 => (0..12_u64, any::<bool>(), any::<bool>())
            .prop_map(|(up_to, read, own)| Step::Receipt { up_to, read, own }),
        1 => Just(Step::Typing),
        1 => Just(Step::NewEpoch),
    ];
    let lines = prop_oneof![
        3 => (any::<bool>(), 0..4_usize).prop_map(|(clean, arrives)| Step::Breaks { clean, arrives }),
        1 => prop::bool::weighted(0.2).prop_map(|for_good| Step::Refused { for_good }),
        1 => Just(Step::Opens),
        6 => Just(Step::Connects),
        2 => Just(Step::WitnessComes),
        1 => Just(Step::WitnessFails),
        3 => (1..30_u64).prop_map(|s| Step::Passes(Duration::from_secs(s))),
    ];
    prop_oneof![3 => ours, 3 => theirs, 2 => lines]
}
