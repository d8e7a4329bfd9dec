//! What a server turned out to speak, and how its snapshots fit what we know.

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
    /// Our own: messages have ids and numbers, and are acknowledged.
    Pm,
}

impl Dialect {
    /// Where pm is not spoken: tells the dialect by what came before the first `users`, and by it.
    pub(crate) fn of(session_given: bool, users: &Users) -> Self {
        // Where oneself is not listed and nobody else is there, nothing tells
        // B from C; the next entry with a history does.
        match (
            session_given,
            users.entries.iter().any(|user| user.messages.is_some()),
        ) {
            (false, _) => Self::A,
            (true, false) => Self::B,
            (true, true) => Self::C,
        }
    }

    /// Whether a message to somebody who is away waits for them on the server.
    pub(crate) fn keeps_messages(self) -> bool {
        matches!(self, Self::C | Self::Pm)
    }

    /// Whether a user id means the same person on the next connection.
    pub(crate) fn keeps_identities(self) -> bool {
        self != Self::A
    }
}
