//! Those whom `users` left out: fetched in pages, where the list may have been cut.
//!
//! Until the last page is here nobody is gone who is only not listed. What a
//! broken connection left over is fetched on the next one.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use parlour_protocol::{
    ServerEvent, UserEntry, UserId, Users,
    limits::{PAGE, USERS, USERS_BYTES},
    pm::{Reply, UsersPage, UsersRequest},
};
use rand::RngExt;

use super::apply::LONGEST_WAIT;
use crate::{
    backoff,
    dialect::tame::tame,
    roster,
    store::{AccountId, StoreError},
    task::Engine,
};

/// How many pages are asked for: all that we keep, were each half empty.
const PAGES: usize = 2 * roster::LIMIT / PAGE;

/// How often in a row a page may not come.
const FAILURES: u32 = 3;

/// Bytes of what is around a name and an id in an entry of `users`, roughly.
const ENTRY: usize = 120;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Due(Instant),
    Asked,
}

/// How far the pages have come.
#[derive(Debug)]
pub(in crate::task) struct Paging {
    account: AccountId,
    after: Option<String>,
    /// Whom we knew, and whom no list has named since.
    unseen: HashSet<UserId>,
    state: State,
    pages: usize,
    failures: u32,
}

impl Paging {
    /// The server has named somebody.
    pub(in crate::task) fn met(&mut self, user: &UserId) {
        self.unseen.remove(user);
    }

    /// When [`Paging::request`] has something.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Due(at) => Some(at),
            State::Asked => None,
        }
    }

    /// What to ask for now.
    pub(super) fn request(&mut self, now: Instant) -> Option<UsersRequest> {
        self.deadline().filter(|at| *at <= now)?;
        self.state = State::Asked;
        Some(UsersRequest {
            after: self.after.clone(),
            q: None,
            limit: PAGE,
        })
    }

    /// There is no usable answer to the request; `wait` before the next.
    pub(super) fn put_off(&mut self, wait: Duration, now: Instant) {
        self.state = State::Due(now + wait);
    }
}

/// Whether a server may have left somebody out: it lists so many at most, or so
/// many bytes. It does not say so; to ask in vain costs one page after the other.
fn may_be_cut(users: &Users) -> bool {
    let bytes = |user: &UserEntry| {
        let last = user.summary.as_ref().and_then(|s| s.last.as_ref());
        let last = last.map_or(0, |last| last.content.len() + 2 * ENTRY);
        ENTRY + user.user_id.as_str().len() + user.username.len() + last
    };
    let entries = &users.entries;
    entries.len() >= USERS || entries.iter().map(bytes).sum::<usize>() >= USERS_BYTES / 2
}

impl Engine {
    /// The first `users`: all there are, or what there was room for.
    pub(super) fn list_or_page(&mut self, users: &Users) -> Result<(), StoreError> {
        let before = self.paging.take();
        let (Some(account), Some(me)) = (&self.account, self.roster.me().cloned()) else {
            return Ok(());
        };
        let account = account.id;
        if !may_be_cut(users) {
            return self.list_again(users);
        }
        let listed: HashSet<&UserId> = users.entries.iter().map(|user| &user.user_id).collect();
        let known = self.roster.ids().into_iter();
        let unlisted: HashSet<UserId> = known
            .filter(|id| !listed.contains(id) && *id != me)
            .collect();
        for id in &unlisted {
            // Those who are here are listed first.
            self.roster.set_disconnected(id);
        }
        let now = self.clock.now();
        let before = before.filter(|before| before.account == account && before.after.is_some());
        let (after, unseen, pages) = match before {
            Some(before) => {
                let unseen = before.unseen.intersection(&unlisted).cloned().collect();
                (before.after, unseen, before.pages)
            }
            None => (None, unlisted, 0),
        };
        self.paging = Some(Paging {
            account,
            after,
            unseen,
            state: State::Due(now),
            pages,
            failures: 0,
        });
        self.changes.everyone();
        self.store.begin()?;
        let taken = self.list_these(account, users, &me);
        self.store.end(taken)
    }

    pub(super) fn users_answered(
        &mut self,
        reply: Option<Reply<UsersPage>>,
    ) -> Result<(), StoreError> {
        let jitter = self.random.random();
        let now = self.clock.now();
        let Some(paging) = &mut self.paging else {
            return Ok(());
        };
        let wait = match reply {
            Some(Reply::Yes(page)) => return self.users_came(page),
            Some(Reply::No(refused)) if !refused.code.is_temporary() => {
                tracing::warn!(code = refused.code.as_str(), "a page of users was refused");
                self.paging = None;
                return Ok(());
            }
            Some(Reply::No(refused)) => refused.retry_after_ms.unwrap_or(0),
            None => 0,
        };
        paging.failures += 1;
        if paging.failures >= FAILURES {
            tracing::warn!("no more users come; the rest is asked for on the next connection");
            paging.state = State::Asked;
            return Ok(());
        }
        let wait = Duration::from_millis(wait).min(LONGEST_WAIT);
        paging.put_off(wait + backoff::delay(paging.failures, jitter), now);
        Ok(())
    }

    fn users_came(&mut self, page: UsersPage) -> Result<(), StoreError> {
        let (Some(mut paging), Some(me)) = (self.paging.take(), self.roster.me().cloned()) else {
            return Ok(());
        };
        let entries = page.users;
        let list = ServerEvent::Users(Users {
            entries,
            unreadable: 0,
        });
        let Some(ServerEvent::Users(users)) = tame(list) else {
            return Ok(());
        };
        for user in &users.entries {
            paging.met(&user.user_id);
            self.changes.user(&user.user_id);
        }
        let account = paging.account;
        let left_out = self.learned.left_out;
        self.store.begin()?;
        let taken = self.list_these(account, &users, &me);
        let taken = taken.and_then(|()| self.heed_summaries(&users));
        let taken = taken.and_then(|()| match page.next {
            None => paging
                .unseen
                .iter()
                .try_for_each(|id| self.is_gone(account, id)),
            Some(_) => Ok(()),
        });
        self.store.end(taken)?;
        self.learned.left_out += left_out;
        let Some(next) = page.next else {
            return Ok(());
        };
        paging.pages += 1;
        let goes_on = paging.after.as_ref().is_none_or(|after| next > *after);
        if !goes_on || paging.pages >= PAGES {
            tracing::warn!("the server's pages of users have no end; the rest is left out");
            return Ok(());
        }
        paging.after = Some(next);
        paging.failures = 0;
        paging.state = State::Due(self.clock.now());
        self.paging = Some(paging);
        Ok(())
    }
}
