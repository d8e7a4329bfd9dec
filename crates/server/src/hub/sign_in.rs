//! Who somebody is, and whether they may come in.

use std::{sync::Arc, time::Instant};

use parlour_protocol::limits::USERS_BYTES;
use tokio::sync::oneshot;

use super::{
    ConnectionId, Hub, Pace,
    command::{Account, NewPerson, SignIn, SignInError, SignedIn, Way},
    pending::{Kind, NotStored, Step},
    people::Index,
};
use crate::{
    admission::Skeleton,
    identity::{SessionHash, new_user_id},
    limits::SESSION_RENEWAL_MS,
    metrics,
    storage::{NewSession, NewUser, Refusal, StoredUser, UserKey, Write, Written},
};

/// A sign-in that waits for its commit.
pub(super) struct Entering {
    connection: ConnectionId,
    session: SessionHash,
    at_ms: i64,
    answer: oneshot::Sender<Result<SignedIn, SignInError>>,
    who: Who,
}

enum Who {
    Known(Index),
    New(StoredUser),
}

impl Hub {
    /// The owner of a name.
    pub(super) fn look(&mut self, skeleton: &Skeleton) -> Result<Option<Account>, SignInError> {
        let account = match self.storage.owner_of(skeleton) {
            Ok(Some(user)) => self.storage.password(user).map(|password| {
                let person = self.people.by_key(user)?;
                Some(Account {
                    user,
                    banned: self.people.get(person).banned,
                    password,
                })
            }),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        account.map_err(|error| {
            self.storage_failed(&error);
            SignInError::Unavailable
        })
    }

    pub(super) fn sign_in(&mut self, sign_in: SignIn) {
        let SignIn {
            connection,
            client,
            session,
            way,
            answer,
        } = sign_in;
        if self.draining {
            let _ = answer.send(Err(SignInError::Unavailable));
            return;
        }
        self.let_go();
        self.begin(Kind::Reading);
        let at_ms = (self.now_ms)();
        let new_session = NewSession {
            hash: session,
            at_ms,
            client,
        };
        let (who, write) = match way {
            Way::Resume => {
                let known = self.resume(connection, session, at_ms);
                self.answer_known(connection, known, answer);
                return;
            }
            Way::Return(user) => match self.admit(user) {
                Ok(person) => {
                    // It counts from here on: others of this user may be in the same batch.
                    self.enter(connection, person, session, at_ms);
                    let write = Write::NewSession {
                        user,
                        session: new_session,
                    };
                    (Who::Known(person), write)
                }
                Err(error) => {
                    let _ = answer.send(Err(error));
                    return;
                }
            },
            Way::New(person) => {
                let user = new_user(person, new_session);
                let stored = StoredUser {
                    // Known once it is stored.
                    key: UserKey(0),
                    id: user.id.clone(),
                    username: user.username.clone(),
                    created_ms: at_ms,
                    last_seen_ms: at_ms,
                    banned: false,
                    last_seq: 0,
                };
                (Who::New(stored), Write::NewUser(Box::new(user)))
            }
        };
        let entering = Entering {
            connection,
            session,
            at_ms,
            answer,
            who,
        };
        self.store(write, Step::Entering(Box::new(entering)));
    }

    /// By a session that is known.
    fn resume(
        &mut self,
        connection: ConnectionId,
        session: SessionHash,
        now_ms: i64,
    ) -> Result<Index, SignInError> {
        let since = now_ms - self.idle_ms();
        let stored = self.storage.session(&session, since).map_err(|error| {
            self.storage_failed(&error);
            SignInError::Unavailable
        })?;
        let stored = stored.ok_or(SignInError::UnknownSession)?;
        let person = self.admit(stored.user)?;
        let mut used_ms = stored.last_used_ms;
        if now_ms - used_ms >= SESSION_RENEWAL_MS {
            used_ms = now_ms;
            let write = Write::UseSession {
                hash: session,
                at_ms: now_ms,
            };
            self.store(write, Step::Stored);
        }
        self.enter(connection, person, session, used_ms);
        Ok(person)
    }

    fn answer_known(
        &mut self,
        connection: ConnectionId,
        known: Result<Index, SignInError>,
        answer: oneshot::Sender<Result<SignedIn, SignInError>>,
    ) {
        let signed_in = known.map(|person| {
            self.metrics.signed_in(metrics::SignedIn::Resumed);
            self.signed_in(person)
        });
        if answer.send(signed_in).is_err() {
            self.forget(connection);
        }
    }

    /// Whether somebody known may come in once more.
    fn admit(&self, user: UserKey) -> Result<Index, SignInError> {
        // The storage knows nobody whom the hub does not know.
        let person = self
            .people
            .by_key(user)
            .ok_or(SignInError::UnknownSession)?;
        let known = self.people.get(person);
        let most = self.policy.connections_per_user;
        if known.banned {
            Err(SignInError::Banned)
        } else if u32::try_from(known.connections()).is_ok_and(|count| count < most) {
            Ok(person)
        } else {
            Err(SignInError::TooMany)
        }
    }

    /// Their session is stored, or not.
    pub(super) fn entered(&mut self, entering: Entering, outcome: Result<Written, NotStored>) {
        let Entering {
            connection,
            session,
            at_ms,
            answer,
            who,
        } = entering;
        let person = match (outcome, who) {
            (Ok(Written::User(key)), Who::New(user)) => {
                self.metrics.signed_in(metrics::SignedIn::Created);
                let person = self.people.add(StoredUser { key, ..user });
                self.enter(connection, person, session, at_ms);
                self.metrics.users(self.people.len(), self.online);
                Ok(person)
            }
            (Ok(Written::Done), Who::Known(person)) => {
                self.metrics.signed_in(metrics::SignedIn::Returned);
                Ok(person)
            }
            (Ok(Written::Refused(Refusal::NameTaken)), _) => Err(SignInError::NameTaken),
            (Ok(Written::Refused(Refusal::InviteInvalid)), _) => Err(SignInError::InviteInvalid),
            _ => Err(SignInError::Unavailable),
        };
        if person.is_err() {
            // If it was known, it has entered already.
            self.forget(connection);
        }
        let signed_in = person.map(|person| self.signed_in(person));
        if answer.send(signed_in).is_err() {
            self.forget(connection);
        }
    }

    fn enter(
        &mut self,
        connection: ConnectionId,
        person: Index,
        session: SessionHash,
        used_ms: i64,
    ) {
        self.people.get_mut(person).entering += 1;
        self.connections.enter(connection, person, session, used_ms);
    }

    fn signed_in(&mut self, person: Index) -> SignedIn {
        let rate = self.policy.messages;
        let list = self.listing.size();
        let person = self.people.get_mut(person);
        if let (Some(rate), None) = (rate, &person.pace) {
            person.pace = Some(Arc::new(Pace::new(rate, Instant::now())));
        }
        SignedIn {
            user: person.id.clone(),
            pace: person.pace.clone(),
            snapshot: list
                .saturating_add(history_bytes(person.last_seq))
                .min(USERS_BYTES),
        }
    }

    pub(super) fn idle_ms(&self) -> i64 {
        i64::try_from(self.policy.session_idle.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Bytes of so many messages, roughly: most are short.
fn history_bytes(messages: u64) -> usize {
    usize::try_from(messages).map_or(usize::MAX, |messages| messages.saturating_mul(256))
}

fn new_user(person: NewPerson, session: NewSession) -> NewUser {
    NewUser {
        id: new_user_id(),
        username: person.username,
        skeleton: person.skeleton,
        unique: person.unique,
        password: person.password,
        invite: person.invite,
        session,
    }
}
