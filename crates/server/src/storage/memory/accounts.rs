//! Users, sessions, invitations.

use std::collections::{BTreeSet, VecDeque};

use super::{Memory, User};
use crate::{
    identity::SessionHash,
    storage::{
        NewSession, NewUser, Refusal, StorageError, StoredSession, UserKey, Written, pair::Pair,
    },
};

impl Memory {
    pub(super) fn new_user(&mut self, new: &NewUser) -> Result<Written, StorageError> {
        if new.unique && self.owners.contains_key(&new.skeleton) {
            return Ok(Written::Refused(Refusal::NameTaken));
        }
        let at_ms = new.session.at_ms;
        if let Some(hash) = &new.invite {
            let valid = |invite: &_| expires(invite) > at_ms;
            if !self.invites.get(hash).is_some_and(valid) {
                return Ok(Written::Refused(Refusal::InviteInvalid));
            }
            self.invites.remove(hash);
        }
        self.last_key = self
            .last_key
            .checked_add(1)
            .ok_or(StorageError::Exhausted("users"))?;
        let key = UserKey(self.last_key);
        let user = User {
            id: new.id.clone(),
            username: new.username.clone(),
            skeleton: new.skeleton.clone(),
            password: new.password.clone(),
            created_ms: at_ms,
            last_seen_ms: at_ms,
            banned: false,
            last_seq: 0,
            received: 0,
            inbox: VecDeque::new(),
            peers: BTreeSet::new(),
            sessions: Vec::new(),
        };
        self.users.insert(key, user);
        let owners = self.owners.entry(new.skeleton.clone()).or_default();
        // Keys only ever grow.
        owners.push(key);
        self.new_session(key, &new.session);
        Ok(Written::User(key))
    }

    pub(super) fn new_session(&mut self, user: UserKey, session: &NewSession) -> Written {
        let Some(owner) = self.users.get_mut(&user) else {
            return Written::Refused(Refusal::UnknownUser);
        };
        let NewSession {
            hash,
            at_ms,
            client,
        } = session;
        let session_key = (*at_ms, *hash.as_bytes());
        if let Err(place) = owner.sessions.binary_search(&session_key) {
            if owner.sessions.is_empty() {
                // Most users have one, and never another.
                owner.sessions.reserve_exact(1);
            }
            owner.sessions.insert(place, session_key);
        }
        self.sessions.insert(
            *hash,
            StoredSession {
                user,
                created_ms: *at_ms,
                last_used_ms: *at_ms,
                client: client.clone(),
            },
        );
        Written::Done
    }

    pub(super) fn end_session(&mut self, hash: &SessionHash) -> u64 {
        let Some(session) = self.sessions.remove(hash) else {
            return 0;
        };
        if let Some(user) = self.users.get_mut(&session.user) {
            let key = (session.created_ms, *hash.as_bytes());
            if let Ok(place) = user.sessions.binary_search(&key) {
                user.sessions.remove(place);
            }
        }
        1
    }

    pub(super) fn end_sessions(&mut self, user: UserKey, but: Option<SessionHash>) -> u64 {
        let of_user = self.users.get(&user).into_iter();
        let hashes: Vec<_> = of_user
            .flat_map(|user| &user.sessions)
            .map(|(_, hash)| SessionHash::from_bytes(*hash))
            .filter(|hash| Some(*hash) != but)
            .collect();
        hashes.iter().map(|hash| self.end_session(hash)).sum()
    }

    pub(super) fn sweep(&mut self, unused_since_ms: i64, now_ms: i64) -> u64 {
        self.invites.retain(|_, invite| expires(invite) > now_ms);
        let idle: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.last_used_ms < unused_since_ms)
            .map(|(hash, _)| *hash)
            .collect();
        idle.iter().map(|hash| self.end_session(hash)).sum()
    }

    pub(super) fn delete_user(&mut self, user: UserKey) -> u64 {
        self.end_sessions(user, None);
        let Some(gone) = self.users.remove(&user) else {
            return 0;
        };
        if let Some(owners) = self.owners.get_mut(&gone.skeleton) {
            owners.retain(|owner| *owner != user);
            if owners.is_empty() {
                self.owners.remove(&gone.skeleton);
            }
        }
        let mut deleted = 0;
        for peer in gone.peers {
            let thread = self.threads.remove(&Pair::of(user, peer));
            for number in thread.into_iter().flat_map(|thread| thread.messages) {
                deleted += u64::from(self.take(number).is_some());
            }
            // The last number stays where it is.
            let (log, log_start) = (&self.log, self.log_start);
            if let Some(peer) = self.users.get_mut(&peer) {
                peer.peers.remove(&user);
                peer.inbox.retain(|(_, number)| {
                    usize::try_from(number - log_start)
                        .is_ok_and(|at| log.get(at).is_some_and(Option::is_some))
                });
            }
        }
        deleted
    }
}

fn expires(invite: &crate::storage::Invite) -> i64 {
    invite.expires_ms
}
