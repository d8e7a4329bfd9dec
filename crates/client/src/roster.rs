//! Whom we can reach, and whether they are there.

use std::collections::HashMap;

use parlour_protocol::UserId;

use crate::{
    store::{Marks, StoredMessage, StoredUser, Summary},
    view::{Presence, RosterEntry, TimelineItem},
};

/// How many users a server may list before further ones are left out: far more
/// than a person can look through, and bounded memory whatever a server says.
pub(crate) const LIMIT: usize = 20_000;

/// One user as the server last described them.
#[derive(Clone, Debug)]
struct User {
    username: String,
    /// Whether the server lists them.
    listed: bool,
    /// Whether the server says they are there.
    connected: bool,
    summary: Summary,
    marks: Marks,
}

/// Everyone that the account knows.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    users: HashMap<UserId, User>,
    me: Option<UserId>,
    /// Whether we are connected, so that what we know of others holds.
    live: bool,
}

impl Roster {
    /// What the store knows, before a server has said anything.
    pub(crate) fn stored(me: Option<UserId>, users: Vec<StoredUser>) -> Self {
        let users = users
            .into_iter()
            .map(|user| {
                let entry = User {
                    username: user.username,
                    listed: true,
                    connected: false,
                    summary: Summary::default(),
                    marks: Marks::default(),
                };
                (user.user_id, entry)
            })
            .collect();
        Self {
            users,
            me,
            live: false,
        }
    }

    /// Oneself.
    pub(crate) fn me(&self) -> Option<&UserId> {
        self.me.as_ref()
    }

    /// We are somebody else now: dialect A, on every connection.
    pub(crate) fn set_me(&mut self, me: UserId) {
        self.me = Some(me);
    }

    /// Whether we are connected.
    pub(crate) fn set_live(&mut self, live: bool) {
        self.live = live;
    }

    /// Everyone's id.
    pub(crate) fn ids(&self) -> Vec<UserId> {
        self.users.keys().cloned().collect()
    }

    /// Whether somebody of this id is known.
    pub(crate) fn knows(&self, id: &UserId) -> bool {
        self.users.contains_key(id)
    }

    /// Whether the server lists them.
    pub(crate) fn is_listed(&self, id: &UserId) -> bool {
        self.users.get(id).is_some_and(|user| user.listed)
    }

    /// Whether the server says they are there.
    pub(crate) fn is_connected(&self, id: &UserId) -> bool {
        self.users
            .get(id)
            .is_some_and(|user| user.listed && user.connected)
    }

    /// Whether the server may list them, too.
    pub(crate) fn has_room_for(&self, id: &UserId) -> bool {
        self.users.len() < LIMIT || self.users.contains_key(id)
    }

    /// The server lists somebody. Whether the name is new or another one.
    pub(crate) fn list(&mut self, id: &UserId, username: &str, connected: bool) -> bool {
        match self.users.get_mut(id) {
            Some(user) => {
                let renamed = user.username != username;
                if renamed {
                    username.clone_into(&mut user.username);
                }
                user.listed = true;
                user.connected = connected;
                renamed
            }
            None => {
                let username = username.to_owned();
                let user = User {
                    username,
                    listed: true,
                    connected,
                    summary: Summary::default(),
                    marks: Marks::default(),
                };
                self.users.insert(id.clone(), user);
                true
            }
        }
    }

    /// Somebody is there, as they show. Whether that is news.
    pub(crate) fn set_connected(&mut self, id: &UserId) -> bool {
        self.users
            .get_mut(id)
            .is_some_and(|user| user.listed && !std::mem::replace(&mut user.connected, true))
    }

    /// The last connection of somebody is gone. Not ours, whatever is said: this
    /// one was told of it.
    pub(crate) fn set_disconnected(&mut self, id: &UserId) -> bool {
        if self.me.as_ref() == Some(id) {
            return false;
        }
        self.users
            .get_mut(id)
            .is_some_and(|user| std::mem::replace(&mut user.connected, false))
    }

    /// The server does not list them any more.
    pub(crate) fn unlist(&mut self, id: &UserId) {
        if let Some(user) = self.users.get_mut(id) {
            user.listed = false;
            user.connected = false;
        }
    }

    /// Forgets somebody with whom nothing was ever said.
    pub(crate) fn remove(&mut self, id: &UserId) {
        self.users.remove(id);
    }

    /// Whether anything was ever said with them.
    pub(crate) fn has_messages(&self, id: &UserId) -> bool {
        self.users
            .get(id)
            .is_some_and(|user| user.summary.last_message.is_some())
    }

    /// What the roster shows of a conversation.
    pub(crate) fn set_summary(&mut self, id: &UserId, summary: Summary) {
        if let Some(user) = self.users.get_mut(id) {
            user.summary = summary;
        }
    }

    /// What the roster shows of a conversation besides its messages.
    pub(crate) fn set_marks(&mut self, id: &UserId, marks: Marks) {
        if let Some(user) = self.users.get_mut(id) {
            user.marks = marks;
        }
    }

    /// One entry, as people see it.
    pub(crate) fn entry(&self, id: &UserId) -> Option<RosterEntry> {
        let user = self.users.get(id)?;
        let is_self = self.me.as_ref() == Some(id);
        let presence = match (self.live, user.listed, user.connected || is_self) {
            (_, false, _) => Presence::Gone,
            (false, ..) => Presence::Unknown,
            (true, true, true) => Presence::Online,
            (true, true, false) => Presence::Offline,
        };
        Some(RosterEntry {
            user_id: id.clone(),
            username: user.username.clone(),
            is_self,
            presence,
            unread: user.summary.unread,
            last_message: user
                .summary
                .last_message
                .as_ref()
                .map(|message| self.item(message)),
            received_up_to: user.marks.received_up_to,
            read_up_to: user.marks.read_up_to,
            draft: user.marks.draft.clone(),
        })
    }

    /// Everyone: oneself first, then by name.
    pub(crate) fn entries(&self) -> Vec<RosterEntry> {
        let mut entries: Vec<RosterEntry> =
            self.users.keys().filter_map(|id| self.entry(id)).collect();
        entries.sort_by_cached_key(|entry| {
            let name = entry.username.to_lowercase();
            (!entry.is_self, name, entry.user_id.clone())
        });
        entries
    }

    /// A stored message, as people see it.
    pub(crate) fn item(&self, message: &StoredMessage) -> TimelineItem {
        let me = || self.me.clone().unwrap_or_else(|| UserId::new(""));
        TimelineItem {
            id: message.id,
            position: message.position,
            from: if message.mine {
                me()
            } else {
                message.peer.clone()
            },
            is_mine: message.mine,
            content: message.content.clone(),
            at: message.at,
            delivery: message.delivery,
            refusal: message.refusal.map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster() -> Roster {
        let mut roster = Roster::stored(Some("me".into()), Vec::new());
        for (id, name) in [("z", "zoe"), ("b", "Bob"), ("me", "Me")] {
            roster.list(&id.into(), name, true);
        }
        roster.set_live(true);
        roster
    }

    fn presence(roster: &Roster, id: &str) -> Presence {
        roster.entry(&id.into()).expect("an entry").presence
    }

    #[test]
    fn oneself_comes_first_then_by_name() {
        let names: Vec<String> = roster()
            .entries()
            .into_iter()
            .map(|entry| entry.username)
            .collect();
        assert_eq!(names, ["Me", "Bob", "zoe"]);
    }

    #[test]
    fn nobody_is_online_while_we_are_not() {
        let mut roster = roster();
        assert_eq!(presence(&roster, "b"), Presence::Online);
        roster.set_live(false);
        assert_eq!(presence(&roster, "b"), Presence::Unknown);
        assert_eq!(presence(&roster, "me"), Presence::Unknown);
    }

    #[test]
    fn leavers_stay_listed_and_the_unlisted_are_gone() {
        let mut roster = roster();
        assert!(roster.set_disconnected(&"b".into()));
        assert!(!roster.set_disconnected(&"b".into()));
        assert_eq!(presence(&roster, "b"), Presence::Offline);
        roster.unlist(&"b".into());
        assert_eq!(presence(&roster, "b"), Presence::Gone);
    }

    #[test]
    fn known_users_are_updated_never_doubled() {
        let mut roster = roster();
        assert!(!roster.list(&"b".into(), "Bob", false));
        assert!(roster.list(&"b".into(), "Robert", true));
        assert_eq!(roster.entries().len(), 3);
    }
}
