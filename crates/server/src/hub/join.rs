//! `session`, then `users`, then a place in the audience.

use parlour_protocol::{
    SessionEvent, SessionId, UserId,
    limits::USERS,
    pm::{self, PeerLimits, ServerHello},
};
use parlour_socketio::server::Frame;
use tokio::sync::oneshot;

use super::{
    ConnectionId, Hub,
    command::Join,
    frames,
    leave::Why,
    listing::{self, Tongue},
    pending::Finished,
    people::Index,
};

/// One of those who come in together.
struct Newcomer {
    connection: ConnectionId,
    person: Index,
    session_id: SessionId,
    tongue: Tongue,
    resumed: bool,
    answer: oneshot::Sender<()>,
}

impl Hub {
    /// Lets in all of `joins` together. First those who are here hear of them,
    /// then each of them gets the list of all, and only then do they follow
    /// what is announced: so no event can overtake the snapshot it belongs
    /// behind, and a crowd shares one list.
    pub(super) fn join(&mut self, joins: Vec<Join>) {
        let newcomers: Vec<_> = joins
            .into_iter()
            .filter_map(|join| self.seat(join))
            .collect();
        if newcomers.is_empty() {
            return;
        }
        self.metrics.users(self.people.len(), self.online);
        for newcomer in newcomers {
            self.welcome(newcomer);
        }
    }

    /// Gives it a place, and tells those who are here. One that was signed out
    /// since it signed in is cut.
    fn seat(&mut self, join: Join) -> Option<Newcomer> {
        let Join {
            connection,
            session_id,
            outlet,
            pm,
            resumed,
            answer,
        } = join;
        let tongue = if pm { Tongue::Pm } else { Tongue::Plain };
        if self.connections.get(connection).is_none() {
            outlet.cut();
            return None;
        }
        let index = self.connections.open(connection, outlet, tongue)?;
        let person = self.people.get_mut(index);
        person.entering -= 1;
        person.here.push(connection);
        let came = person.here.len() == 1;
        if came {
            self.seen.insert(person.key);
            self.online += 1;
        }
        if came || self.people.len() > USERS {
            // Whoever joins is in the list of the latest, also by a second connection.
            self.people.saw(index, (self.now_ms)());
        }
        if let Some(frame) = frames::user_connected(&self.people.get(index).entry) {
            self.announcer.announce(frame);
        }
        Some(Newcomer {
            connection,
            person: index,
            session_id,
            tongue,
            resumed,
            answer,
        })
    }

    fn welcome(&mut self, newcomer: Newcomer) {
        let Newcomer {
            connection,
            person,
            session_id,
            tongue,
            resumed,
            answer,
        } = newcomer;
        let id = self.people.get(person).id.clone();
        let session = self.session(&session_id, &id, person, tongue, resumed);
        let users = match self.users(person, tongue) {
            Ok(users) => users,
            Err(error) => {
                self.storage_failed(&error);
                return self.cut(connection, Why::NotRead);
            }
        };
        if let Some(session) = session {
            self.connections.send(connection, &session);
        }
        if let Some(users) = users {
            self.connections.send_snapshot(connection, &users);
        }
        self.connections.follow(connection);
        self.finished.push(Finished::Joined(answer));
    }

    fn session(
        &self,
        session_id: &SessionId,
        user_id: &UserId,
        person: Index,
        tongue: Tongue,
        resumed: bool,
    ) -> Option<Frame> {
        let hello = (tongue == Tongue::Pm).then(|| ServerHello {
            v: pm::VERSION,
            caps: Vec::new(),
            limits: PeerLimits {
                rate: self.policy.told,
                ..PeerLimits::default()
            },
            server_id: self.identity.server_id,
            epoch: self.identity.epoch,
            now: (self.now_ms)(),
            last_seq: self.people.get(person).last_seq,
            resumed,
        });
        frames::session(&SessionEvent {
            session_id,
            user_id,
            pm: hello.as_ref(),
        })
    }

    /// The list of all, as this person gets it.
    fn users(
        &mut self,
        person: Index,
        tongue: Tongue,
    ) -> Result<Option<Frame>, crate::storage::StorageError> {
        if self.people.get(person).last_seq == 0 {
            return Ok(self.listing.shared(&self.people, tongue));
        }
        let ends = self.ends(person, tongue)?;
        Ok(listing::build(&self.people, tongue, Some(person), &ends))
    }
}
