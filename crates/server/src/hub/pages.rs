//! Pages: what is too much for one event.

use parlour_protocol::{
    limits::PAGE_BYTES,
    pm::{Code, HistoryRequest, Refused, SyncRequest, UsersRequest},
};
use parlour_socketio::server::{AckId, Frame};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Hub,
    frames::{self, Stamped},
    people::Index,
    snapshot::{Short, short, stamped},
};
use crate::{
    limits::USERS_SCAN,
    storage::{ConversationSummary, UserKey},
};

/// See [`parlour_protocol::pm::SyncPage`].
#[derive(Serialize)]
struct SyncPage<'a> {
    messages: Vec<Stamped<'a>>,
    next: u64,
    complete: bool,
    epoch: Uuid,
}

/// See [`parlour_protocol::pm::HistoryPage`].
#[derive(Serialize)]
struct HistoryPage<'a> {
    messages: Vec<Stamped<'a>>,
    complete: bool,
}

/// See [`parlour_protocol::pm::UsersPage`].
#[derive(Serialize)]
struct UsersPage<'a> {
    users: Vec<Entry<'a>>,
    next: Option<&'a str>,
}

/// See [`parlour_protocol::UserEntry`].
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(rename = "userID")]
    user_id: &'a str,
    username: &'a str,
    connected: bool,
    messages: [(); 0],
    #[serde(flatten)]
    summary: Short<'a>,
}

impl Hub {
    pub(super) fn sync(
        &mut self,
        person: Index,
        ack: AckId,
        request: SyncRequest,
    ) -> Result<Option<Frame>, Refused> {
        let SyncRequest { since, limit } = request;
        let me = self.people.get(person);
        let page = self
            .storage
            .sync(me.key, since, limit, PAGE_BYTES)
            .map_err(|error| self.unreadable(&error))?;
        let next = match page.rows.last() {
            Some(last) if !page.complete => last.seq,
            // Behind the last one numbers may be missing: it was deleted.
            _ => since.max(me.last_seq),
        };
        let page = SyncPage {
            messages: page
                .rows
                .iter()
                .filter_map(|row| stamped(&self.people, row))
                .collect(),
            next,
            complete: page.complete,
            epoch: self.identity.epoch,
        };
        Ok(frames::answer(ack, &page))
    }

    pub(super) fn history(
        &mut self,
        person: Index,
        ack: AckId,
        request: &HistoryRequest,
    ) -> Result<Option<Frame>, Refused> {
        let peer = self.people.by_id(&request.peer);
        let peer = peer.ok_or_else(|| Refused::new(Code::UnknownRecipient))?;
        let (me, peer) = (self.people.get(person).key, self.people.get(peer).key);
        let page = self
            .storage
            .history(me, peer, request.before, request.limit, PAGE_BYTES)
            .map_err(|error| self.unreadable(&error))?;
        let page = HistoryPage {
            messages: page
                .rows
                .iter()
                .filter_map(|row| stamped(&self.people, row))
                .collect(),
            complete: page.complete,
        };
        Ok(frames::answer(ack, &page))
    }

    /// Looks at a bounded number of names: a page may be short, or even empty,
    /// and have a `next` all the same.
    pub(super) fn page_of_users(
        &mut self,
        person: Index,
        ack: AckId,
        request: &UsersRequest,
    ) -> Result<Option<Frame>, Refused> {
        let wanted = request.q.as_deref().map(str::to_lowercase);
        let me = self.people.get(person);
        let mut found = Vec::new();
        let mut next = None;
        let mut left = PAGE_BYTES;
        let candidates = self.people.after(request.after.as_deref());
        for (looked_at, (index, other)) in candidates.enumerate() {
            if looked_at == USERS_SCAN || found.len() == request.limit || left == 0 {
                next = found_until(&self.people, request, looked_at);
                break;
            }
            let matches = wanted
                .as_ref()
                .is_none_or(|wanted| other.name.as_str().to_lowercase().contains(wanted.as_str()));
            if !matches {
                continue;
            }
            let summary = if me.last_seq == 0 || other.last_seq == 0 {
                None
            } else {
                self.storage
                    .summary(me.key, other.key)
                    .map_err(|error| self.unreadable(&error))?
            };
            let summary = summary.unwrap_or_else(|| no_conversation(other.key));
            left = left.saturating_sub(summary.last.as_ref().map_or(0, |last| last.weight()));
            found.push((index, summary));
        }
        let users = found.iter().map(|(index, summary)| {
            let other = self.people.get(*index);
            Entry {
                user_id: other.id.as_str(),
                username: other.name.as_str(),
                connected: !other.here.is_empty(),
                messages: [],
                summary: short(&self.people, summary, true),
            }
        });
        let page = UsersPage {
            users: users.collect(),
            next,
        };
        Ok(frames::answer(ack, &page))
    }
}

/// Whom the page has come to after looking at so many.
fn found_until<'a>(
    people: &'a super::people::People,
    request: &UsersRequest,
    looked_at: usize,
) -> Option<&'a str> {
    let mut seen = people.after(request.after.as_deref());
    let (_, last) = seen.nth(looked_at.checked_sub(1)?)?;
    Some(last.id.as_str())
}

fn no_conversation(peer: UserKey) -> ConversationSummary {
    ConversationSummary {
        peer,
        last_seq: 0,
        unread: 0,
        last: None,
        received: 0,
        read: 0,
    }
}
