//! What a server turned out to speak, and how its snapshots fit what we know.

pub(crate) mod beginning;
pub(crate) mod order;
pub(crate) mod reconcile;
pub(crate) mod tame;

use parlour_protocol::Users;

/// Which of the compatible protocols a server speaks, by what it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The guide's part 1: nothing lasts. User ids die with their connections.
    A,
    /// Part 2: sessions last, messages do not.
    B,
    /// Parts 3 and 4, and the servers after their model: sessions and messages last.
    C,
    /// The chat example of socketioxide: as C, but it does not list oneself, tells
    /// everybody everything that somebody ever wrote or got, and sends a message to
    /// its recipient's sockets alone.
    D,
    /// Our own: messages have ids and numbers, and are acknowledged.
    Pm,
}

impl Dialect {
    /// Where pm is not spoken: tells the dialect by what came before the first
    /// `users`, and by it. `lists_me`: whether oneself is in it.
    pub(crate) fn of(session_given: bool, lists_me: bool, users: &Users) -> Self {
        // Where oneself is not listed and nobody else is there, nothing tells
        // B from D; the next entry with a history does.
        let keeps_messages = users.entries.iter().any(|user| user.messages.is_some());
        match (session_given, keeps_messages) {
            (false, _) => Self::A,
            (true, false) => Self::B,
            (true, true) => Self::keeping(lists_me),
        }
    }

    /// The dialect of a server with sessions that turns out to keep messages.
    pub(crate) fn keeping(lists_me: bool) -> Self {
        if lists_me { Self::C } else { Self::D }
    }

    /// Whether a message to somebody who is away waits for them on the server,
    /// and a history shows what arrived. `is_me`: whether it is a note to oneself,
    /// whom dialect D does not list.
    pub(crate) fn keeps_messages_with(self, is_me: bool) -> bool {
        match self {
            Self::A | Self::B => false,
            Self::C | Self::Pm => true,
            Self::D => !is_me,
        }
    }

    /// Whether it sends histories with `users`.
    pub(crate) fn sends_histories(self) -> bool {
        matches!(self, Self::C | Self::D)
    }

    /// Whether a user id means the same person on the next connection.
    pub(crate) fn keeps_identities(self) -> bool {
        self != Self::A
    }

    /// Whether a second connection of ours hears what the first one says.
    pub(crate) fn has_witnesses(self) -> bool {
        matches!(self, Self::B | Self::C)
    }
}
