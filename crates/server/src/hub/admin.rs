//! What whoever runs the server does to it.

use super::{
    Hub,
    leave::{Farewell, count},
    people::{Index, Person},
};
use crate::{
    admin::{
        AdminAnswer, AdminCommand, AdminError, AdminSession, AdminUser, ExportedMessage, PAGE,
    },
    admission::{InviteToken, PasswordHash},
    identity::SessionHash,
    limits::EXPORT_BYTES,
    storage::{Invite, Row, StorageError, Write},
};
use parlour_protocol::UserId;

/// An hour, in milliseconds.
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// Hex digits of a session's hash that name it.
const SESSION_DIGITS: usize = 16;

impl Hub {
    /// Does it. Also without any connection, beside no server: then the hub is
    /// made for this one command.
    pub(crate) fn administer(&mut self, command: &AdminCommand) -> AdminAnswer {
        self.try_administer(command)
            .unwrap_or_else(|error| AdminAnswer::Refused { error })
    }

    fn try_administer(&mut self, command: &AdminCommand) -> Result<AdminAnswer, AdminError> {
        match command {
            AdminCommand::Users { after } => Ok(self.list_users(after.as_ref())),
            AdminCommand::Sessions { user } => {
                let person = self.find(user)?;
                let sessions = self.sessions(person)?;
                Ok(AdminAnswer::Sessions { sessions })
            }
            AdminCommand::Revoke { user, session } => {
                let person = self.find(user)?;
                match session {
                    Some(session) => self.revoke_one(person, session),
                    None => self.revoke_all(person),
                }
            }
            AdminCommand::Ban { user } => {
                let person = self.find(user)?;
                self.ban(person)
            }
            AdminCommand::Unban { user } => {
                let person = self.find(user)?;
                self.unban(person)
            }
            AdminCommand::Invite { hours, note } => self.invite(*hours, note.clone()),
            AdminCommand::SetPassword { user, hash } => {
                let person = self.find(user)?;
                self.set_password(person, hash)
            }
            AdminCommand::Export { user, after } => {
                let person = self.find(user)?;
                self.export(person, *after)
            }
            AdminCommand::Delete { user } => {
                let person = self.find(user)?;
                self.delete(person)
            }
        }
    }

    fn find(&self, user: &UserId) -> Result<Index, AdminError> {
        self.people.by_id(user).ok_or(AdminError::UnknownUser)
    }

    fn list_users(&self, after: Option<&UserId>) -> AdminAnswer {
        let after = after.and_then(|id| self.people.by_id(id));
        let mut rest = self
            .people
            .all()
            .filter(|(index, _)| after.is_none_or(|after| *index > after));
        let users: Vec<_> = rest
            .by_ref()
            .take(PAGE)
            .map(|(_, person)| admin_user(person))
            .collect();
        let next = rest
            .next()
            .and_then(|_| users.last().map(|last| last.id.clone()));
        AdminAnswer::Users { users, next }
    }

    fn sessions(&mut self, person: Index) -> Result<Vec<AdminSession>, AdminError> {
        let user = self.people.get(person).key;
        let sessions = self
            .storage
            .sessions_of(user)
            .map_err(|error| self.failed(&error))?;
        let sessions = sessions.into_iter().map(|(hash, session)| AdminSession {
            id: session_name(&hash),
            created_ms: session.created_ms,
            used_ms: session.last_used_ms,
            client: session.client,
        });
        Ok(sessions.collect())
    }

    fn revoke_one(&mut self, person: Index, name: &str) -> Result<AdminAnswer, AdminError> {
        let user = self.people.get(person).key;
        let sessions = self
            .storage
            .sessions_of(user)
            .map_err(|error| self.failed(&error))?;
        let (hash, _) = sessions
            .into_iter()
            .find(|(hash, _)| session_name(hash) == name)
            .ok_or(AdminError::UnknownSession)?;
        let count = self
            .end_session(hash)
            .map_err(|error| self.failed(&error))?;
        self.dismiss(person, Some(&hash), Farewell::SignedOut);
        Ok(AdminAnswer::Done { count })
    }

    fn revoke_all(&mut self, person: Index) -> Result<AdminAnswer, AdminError> {
        let count = self
            .end_sessions(person)
            .map_err(|error| self.failed(&error))?;
        self.dismiss(person, None, Farewell::SignedOut);
        Ok(AdminAnswer::Done { count })
    }

    /// All of it or nothing: whoever is banned has no session left.
    fn ban(&mut self, person: Index) -> Result<AdminAnswer, AdminError> {
        let user = self.people.get(person).key;
        let banned = true;
        let writes = [
            Write::SetBanned { user, banned },
            Write::EndSessions { user, but: None },
        ];
        let written = self
            .store_now(&writes)
            .map_err(|error| self.failed(&error))?;
        self.people.get_mut(person).banned = banned;
        self.dismiss(person, None, Farewell::Banned);
        let count = count(&written);
        Ok(AdminAnswer::Done { count })
    }

    fn unban(&mut self, person: Index) -> Result<AdminAnswer, AdminError> {
        let user = self.people.get(person).key;
        let banned = false;
        self.store_now(&[Write::SetBanned { user, banned }])
            .map_err(|error| self.failed(&error))?;
        self.people.get_mut(person).banned = banned;
        Ok(AdminAnswer::Done { count: 0 })
    }

    fn set_password(&mut self, person: Index, hash: &str) -> Result<AdminAnswer, AdminError> {
        let write = Write::SetPassword {
            user: self.people.get(person).key,
            password: Some(PasswordHash::stored(hash)),
        };
        self.store_now(&[write])
            .map_err(|error| self.failed(&error))?;
        Ok(AdminAnswer::Done { count: 0 })
    }

    fn invite(&mut self, hours: u32, note: String) -> Result<AdminAnswer, AdminError> {
        let token = InviteToken::new();
        let write = Write::NewInvite {
            hash: token.hash(),
            invite: Invite {
                expires_ms: (self.now_ms)() + i64::from(hours) * HOUR_MS,
                note,
            },
        };
        self.store_now(&[write])
            .map_err(|error| self.failed(&error))?;
        Ok(AdminAnswer::Invited {
            token: token.reveal().to_owned(),
        })
    }

    fn export(&mut self, person: Index, after: Option<u64>) -> Result<AdminAnswer, AdminError> {
        let sessions = self.sessions(person)?;
        let user = self.people.get(person);
        let page = self
            .storage
            .sync(user.key, after.unwrap_or(0), PAGE, EXPORT_BYTES)
            .map_err(|error| self.failed(&error))?;
        let last = page.rows.last().map(|row| row.seq);
        Ok(AdminAnswer::Exported {
            user: admin_user(self.people.get(person)),
            sessions,
            messages: page
                .rows
                .iter()
                .filter_map(|row| self.exported(row))
                .collect(),
            next: last.filter(|_| !page.complete),
        })
    }

    fn exported(&self, row: &Row) -> Option<ExportedMessage> {
        let id = |key| {
            let person = self.people.by_key(key)?;
            Some(self.people.get(person).id.clone())
        };
        Some(ExportedMessage {
            from: id(row.from)?,
            to: id(row.to)?,
            content: row.content.to_string(),
            at_ms: row.at_ms,
        })
    }

    fn delete(&mut self, person: Index) -> Result<AdminAnswer, AdminError> {
        let user = self.people.get(person).key;
        let written = self
            .store_now(&[Write::DeleteUser { user }])
            .map_err(|error| self.failed(&error))?;
        self.dismiss(person, None, Farewell::SignedOut);
        self.seen.remove(&user);
        self.people.remove(person);
        self.metrics.users(self.people.len(), self.online);
        Ok(AdminAnswer::Done {
            count: count(&written),
        })
    }

    fn failed(&self, error: &StorageError) -> AdminError {
        self.storage_failed(error);
        AdminError::Storage
    }
}

fn admin_user(person: &Person) -> AdminUser {
    AdminUser {
        id: person.id.clone(),
        name: person.name.as_str().to_owned(),
        created_ms: person.created_ms,
        last_seen_ms: person.last_seen_ms,
        banned: person.banned,
        connections: u32::try_from(person.connections()).unwrap_or(u32::MAX),
    }
}

fn session_name(hash: &SessionHash) -> String {
    use std::fmt::Write as _;
    let digits = hash.as_bytes().iter().take(SESSION_DIGITS / 2);
    digits.fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
