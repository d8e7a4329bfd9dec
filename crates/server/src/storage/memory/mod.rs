//! [`Storage`] in memory: the same answers without a disk, and nothing of them
//! after the end of the process.
//!
//! Bounded: beyond a number of messages, or of bytes of text, the oldest are
//! forgotten. Their numbers are not given again.

mod accounts;
mod messages;
mod read;
mod receipts;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use parlour_protocol::{UserId, Username, pm::MessageId};
use uuid::Uuid;

use self::messages::{Message, Thread};
use super::{
    Conversation, ConversationSummary, Invite, Page, Refusal, ServerIdentity, Storage,
    StorageError, StoredSession, StoredUser, UserKey, Write, Written, budget::Budget, pair::Pair,
};
use crate::{
    admission::{InviteHash, PasswordHash, Skeleton},
    identity::SessionHash,
};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Messages.
    pub(super) messages: usize,
    /// Bytes of their text.
    pub(super) text: usize,
}

/// A million messages of ordinary length, and no more memory than a machine
/// for a server has to spare if each is as long as it may be. Storage.
const BOUNDS: Bounds = Bounds {
    messages: 1_000_000,
    text: 256 * 1024 * 1024,
};

/// Everything, in memory.
pub(crate) struct Memory {
    identity: ServerIdentity,
    bounds: Bounds,
    users: BTreeMap<UserKey, User>,
    last_key: u32,
    /// In order.
    owners: HashMap<Skeleton, Vec<UserKey>>,
    sessions: HashMap<SessionHash, StoredSession>,
    invites: HashMap<InviteHash, Invite>,
    threads: HashMap<Pair, Thread>,
    /// All messages in the order of their coming; `None` where one was deleted.
    log: VecDeque<Option<Message>>,
    /// The number of the first in `log`: numbers stay when the oldest go.
    log_start: u64,
    /// How many in `log` are there, and the bytes of their texts.
    held: Bounds,
    ids: HashMap<(UserKey, MessageId), u64>,
}

struct User {
    id: UserId,
    username: Username,
    skeleton: Skeleton,
    password: Option<PasswordHash>,
    created_ms: i64,
    last_seen_ms: i64,
    banned: bool,
    last_seq: u64,
    received: u64,
    /// Numbers and where in the log, in order.
    inbox: VecDeque<(u64, u64)>,
    peers: BTreeSet<UserKey>,
    /// In order: a set, but for the room that one takes for the usual one.
    sessions: Vec<(i64, SessionKey)>,
}

/// A session's hash, in the order of its bytes.
type SessionKey = [u8; 32];

impl Memory {
    /// Empty, with an identity of its own.
    pub(crate) fn new() -> Self {
        Self::bounded(BOUNDS)
    }

    pub(super) fn bounded(bounds: Bounds) -> Self {
        Self {
            identity: ServerIdentity {
                server_id: Uuid::new_v4(),
                epoch: Uuid::new_v4(),
            },
            bounds,
            users: BTreeMap::new(),
            last_key: 0,
            owners: HashMap::new(),
            sessions: HashMap::new(),
            invites: HashMap::new(),
            threads: HashMap::new(),
            log: VecDeque::new(),
            log_start: 0,
            held: Bounds {
                messages: 0,
                text: 0,
            },
            ids: HashMap::new(),
        }
    }

    fn write(&mut self, write: &Write) -> Result<Written, StorageError> {
        Ok(match write {
            Write::Message(message) => self.message(message),
            Write::Received { user, up_to } => self.received(*user, *up_to)?,
            Write::Read { user, peer, up_to } => self.read(*user, *peer, *up_to)?,
            Write::NewUser(new) => self.new_user(new)?,
            Write::NewSession { user, session } => self.new_session(*user, session),
            Write::UseSession { hash, at_ms } => {
                if let Some(session) = self.sessions.get_mut(hash) {
                    session.last_used_ms = session.last_used_ms.max(*at_ms);
                }
                Written::Done
            }
            Write::EndSession { hash } => Written::Count(self.end_session(hash)),
            Write::EndSessions { user, but } => Written::Count(self.end_sessions(*user, *but)),
            Write::Sweep {
                unused_since_ms,
                now_ms,
            } => Written::Count(self.sweep(*unused_since_ms, *now_ms)),
            Write::Seen { user, at_ms } => {
                if let Some(user) = self.users.get_mut(user) {
                    user.last_seen_ms = user.last_seen_ms.max(*at_ms);
                }
                Written::Done
            }
            Write::SetPassword { user, password } => {
                self.set(*user, |user| user.password.clone_from(password))
            }
            Write::SetBanned { user, banned } => self.set(*user, |user| user.banned = *banned),
            Write::DeleteUser { user } => Written::Count(self.delete_user(*user)),
            Write::NewInvite { hash, invite } => {
                self.invites.insert(*hash, invite.clone());
                Written::Done
            }
        })
    }

    fn set(&mut self, user: UserKey, change: impl FnOnce(&mut User)) -> Written {
        match self.users.get_mut(&user) {
            Some(user) => {
                change(user);
                Written::Done
            }
            None => Written::Refused(Refusal::UnknownUser),
        }
    }
}

impl Storage for Memory {
    fn identity(&mut self) -> Result<ServerIdentity, StorageError> {
        Ok(self.identity)
    }

    fn users(&mut self) -> Result<Vec<StoredUser>, StorageError> {
        let stored = |(key, user): (&UserKey, &User)| StoredUser {
            key: *key,
            id: user.id.clone(),
            username: user.username.clone(),
            created_ms: user.created_ms,
            last_seen_ms: user.last_seen_ms,
            banned: user.banned,
            last_seq: user.last_seq,
        };
        Ok(self.users.iter().map(stored).collect())
    }

    fn owner_of(&mut self, skeleton: &Skeleton) -> Result<Option<UserKey>, StorageError> {
        let owners = self.owners.get(skeleton);
        Ok(owners.and_then(|owners| owners.first().copied()))
    }

    fn password(&mut self, user: UserKey) -> Result<Option<PasswordHash>, StorageError> {
        Ok(self.users.get(&user).and_then(|user| user.password.clone()))
    }

    fn session(
        &mut self,
        hash: &SessionHash,
        used_since_ms: i64,
    ) -> Result<Option<StoredSession>, StorageError> {
        let session = self.sessions.get(hash);
        Ok(session
            .filter(|session| session.last_used_ms >= used_since_ms)
            .cloned())
    }

    fn sessions_of(
        &mut self,
        user: UserKey,
    ) -> Result<Vec<(SessionHash, StoredSession)>, StorageError> {
        let hashes = self.users.get(&user).into_iter().flat_map(|user| {
            let hashes = user.sessions.iter();
            hashes.map(|(_, hash)| SessionHash::from_bytes(*hash))
        });
        Ok(hashes
            .filter_map(|hash| Some((hash, self.sessions.get(&hash)?.clone())))
            .collect())
    }

    fn commit(&mut self, writes: &[Write]) -> Result<Vec<Written>, StorageError> {
        // Nothing here fails but a number at the end of its range, and then for good.
        writes.iter().map(|write| self.write(write)).collect()
    }

    fn recent(
        &mut self,
        user: UserKey,
        per_peer: usize,
        weight: usize,
    ) -> Result<Vec<Conversation>, StorageError> {
        Ok(self.recent_of(user, per_peer, weight))
    }

    fn summaries(
        &mut self,
        user: UserKey,
        weight: usize,
    ) -> Result<Vec<ConversationSummary>, StorageError> {
        Ok(self.summaries_of(user, weight))
    }

    fn summary(
        &mut self,
        user: UserKey,
        peer: UserKey,
    ) -> Result<Option<ConversationSummary>, StorageError> {
        Ok(self.overview(user, peer).map(|overview| {
            let last = self.newest(user, peer, &mut Budget::page(1, 0)).rows.pop();
            overview.summary(user, last)
        }))
    }

    fn sync(
        &mut self,
        user: UserKey,
        since: u64,
        limit: usize,
        weight: usize,
    ) -> Result<Page, StorageError> {
        Ok(self.since(user, since, &mut Budget::page(limit, weight)))
    }

    fn history(
        &mut self,
        user: UserKey,
        peer: UserKey,
        before: Option<u64>,
        limit: usize,
        weight: usize,
    ) -> Result<Page, StorageError> {
        let mut budget = Budget::page(limit, weight);
        match before {
            None => Ok(self.newest(user, peer, &mut budget)),
            Some(before) => self.before(user, peer, before, &mut budget),
        }
    }

    fn probe(&mut self) -> Result<(), StorageError> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), StorageError> {
        Ok(())
    }
}
