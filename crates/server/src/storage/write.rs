//! What is written, and what came of it.

use parlour_protocol::{UserId, Username};

use super::{Invite, NewMessage, UserKey};
use crate::{
    admission::{InviteHash, PasswordHash, Skeleton},
    identity::SessionHash,
};

/// A session that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewSession {
    /// The hash of the secret.
    pub(crate) hash: SessionHash,
    /// Milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// What the client calls itself; empty if it does not.
    pub(crate) client: String,
}

/// Somebody who signs in for the first time, with their first session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewUser {
    /// The public id.
    pub(crate) id: UserId,
    /// The name.
    pub(crate) username: Username,
    /// What the name looks like.
    pub(crate) skeleton: Skeleton,
    /// Names are claimed here: nobody else may have one that looks like it.
    pub(crate) unique: bool,
    /// The password, where there are any.
    pub(crate) password: Option<PasswordHash>,
    /// The invitation that this uses up, where one is needed.
    pub(crate) invite: Option<InviteHash>,
    /// The session.
    pub(crate) session: NewSession,
}

/// One change. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) enum Write {
    /// → [`Written::User`], or `NameTaken`, `InviteInvalid`.
    NewUser(Box<NewUser>),
    /// One more session of somebody known. → `Done`, or `UnknownUser`.
    NewSession { user: UserKey, session: NewSession },
    /// A session is in use. → `Done`, also if there is no such session.
    UseSession { hash: SessionHash, at_ms: i64 },
    /// → [`Written::Count`] of the sessions that ended: 0 or 1.
    EndSession { hash: SessionHash },
    /// All sessions of a user, but for one if that is given. → `Count`.
    EndSessions {
        user: UserKey,
        but: Option<SessionHash>,
    },
    /// Ends what is over: sessions not used since `unused_since_ms`, invitations
    /// that expired until `now_ms`. → `Count` of the sessions.
    Sweep { unused_since_ms: i64, now_ms: i64 },
    /// → [`Written::Message`], or `Conflict`, `UnknownUser`.
    Message(NewMessage),
    /// Everything up to `up_to` in the inbox of `user` has arrived; only ever
    /// more. → [`Written::Receipts`].
    Received { user: UserKey, up_to: u64 },
    /// The conversation with `peer` is read up to `up_to` in the inbox of
    /// `user`; only ever more. What is read has been received. → `Receipts`,
    /// of one or none.
    Read {
        user: UserKey,
        peer: UserKey,
        up_to: u64,
    },
    /// The user came or went. → `Done`.
    Seen { user: UserKey, at_ms: i64 },
    /// → `Done`, or `UnknownUser`.
    SetPassword {
        user: UserKey,
        password: Option<PasswordHash>,
    },
    /// The sessions stay: ending them is [`Write::EndSessions`]. → `Done`, or `UnknownUser`.
    SetBanned { user: UserKey, banned: bool },
    /// The user, their sessions, and every message from or to them. The others'
    /// inboxes have gaps then; no number is given again. → `Count` of the
    /// messages.
    DeleteUser { user: UserKey },
    /// → `Done`.
    NewInvite { hash: InviteHash, invite: Invite },
}

impl Write {
    /// Whether it makes the data grow: that is refused first when room is low.
    pub(super) fn grows(&self) -> bool {
        matches!(
            self,
            Self::NewUser(_) | Self::NewSession { .. } | Self::Message(_) | Self::NewInvite { .. }
        )
    }
}

/// What came of one [`Write`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is so.
    Done,
    /// A new user.
    User(UserKey),
    /// A message has its place, now or before.
    Message(Placed),
    /// How far somebody got, for those who wrote it. Only what is news.
    Receipts(Vec<Told>),
    /// How many.
    Count(u64),
    /// Not done, and nothing changed.
    Refused(Refusal),
}

/// The place of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Its number in the sender's inbox.
    pub(crate) from_seq: u64,
    /// Its number in the recipient's inbox: the same one in a note to oneself.
    pub(crate) to_seq: u64,
    /// The server's time for it, in milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// It was there before: this is the first answer once more, and nobody is
    /// to be told again.
    pub(crate) dup: bool,
}

/// Whom to tell how far their messages got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    /// The one who wrote them.
    pub(crate) writer: UserKey,
    /// The last one so reached, by its number in the writer's inbox.
    pub(crate) seq: u64,
}

/// Why a write was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Somebody has a name that looks like this one.
    NameTaken,
    /// No such invitation, or no longer.
    InviteInvalid,
    /// The sender used this id for another content or recipient.
    Conflict,
    /// Nobody has this key (any more).
    UnknownUser,
}
