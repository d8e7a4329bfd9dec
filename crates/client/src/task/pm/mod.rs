//! A server that speaks pm: what is asked of it and told to it, and what it says
//! about the session. `docs/PROTOCOL.md` is the contract.

mod apply;
mod poison;
mod reached;
mod send;
mod typing;
mod users;

use std::time::{Duration, Instant};

use parlour_protocol::{
    UserId, Users, limits,
    pm::{self, Bye, ClientHello, ServerHello, Summary},
};
use uuid::Uuid;

use self::typing::Typing;
pub(super) use self::{typing::TYPING_MS, users::Paging};
use super::Engine;
use crate::{
    dialect::Dialect,
    inbox::Inbox,
    ports::{Answered, Notice, Question},
    receipts::Receipts,
    session::Input,
    store::{AccountId, Claims, StoreError},
    view::{Failure, FailureCode},
};

/// What we call ourselves in the operator's log.
const CLIENT: &str = concat!("parlour ", env!("CARGO_PKG_VERSION"));

/// The number of a sync: there is one at a time, and its answer tells itself.
const SYNC: u64 = 0;

/// The number of a page of users, likewise. Messages count from 1.
const USERS: u64 = u64::MAX;

/// How long a sync waits for a connection that takes nothing now.
const STALLED: Duration = Duration::from_secs(1);

/// A connection to a server that speaks pm.
pub(in crate::task) struct Pm {
    epoch: Uuid,
    window: usize,
    inbox: Inbox,
    /// While what was there before is matched.
    claims: Option<Claims>,
    receipts: Receipts,
    /// What the server said of our conversations before we had caught up.
    said: Vec<(UserId, Summary)>,
    /// The last number that there was at the beginning.
    last_seq: u64,
    /// From when on this connection has shown that it does not break by itself;
    /// `None` until we have caught up.
    calm_from: Option<Instant>,
    /// The server has said that it will end this connection.
    leaving: bool,
    typing: Typing,
}

impl Pm {
    /// How many messages may be on their way without an answer.
    pub(in crate::task) fn window(&self) -> usize {
        self.window
    }

    /// What is to be asked later is to be asked now.
    #[cfg(test)]
    pub(in crate::task) fn hurry(&mut self, now: Instant) {
        if self.inbox.deadline().is_some() {
            self.inbox.put_off(Duration::ZERO, now);
        }
        self.calm_from = self.calm_from.map(|_| now);
    }
}

impl Engine {
    /// Whether the server of this connection speaks pm.
    pub(super) fn speaks_pm(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.pm.is_some())
    }

    /// What a server is told about us before it says whether it speaks pm.
    pub(super) fn hello(&self) -> Result<ClientHello, StoreError> {
        let inbox = match &self.account {
            Some(account) => self.store.inbox(account.id)?,
            None => crate::store::InboxState::default(),
        };
        Ok(ClientHello {
            v: vec![pm::VERSION],
            caps: Vec::new(),
            client: CLIENT.to_owned(),
            since: inbox.epoch.map(|_| inbox.cursor),
            epoch: inbox.epoch,
        })
    }

    /// The server speaks pm. Where its numbers are not those of our cursor, all
    /// is fetched again, and matched with what is here.
    pub(super) fn open_inbox(&mut self, hello: &ServerHello) -> Result<(), StoreError> {
        let Some(account) = self.account.as_ref().map(|account| account.id) else {
            return Ok(());
        };
        if hello.v != pm::VERSION || !self.connector.can_ask() {
            tracing::warn!("the server speaks a pm that it was not asked for");
            return Ok(());
        }
        let mut inbox = self.store.inbox(account)?;
        if inbox.epoch != Some(hello.epoch) || hello.last_seq < inbox.cursor {
            tracing::info!(
                first = inbox.epoch.is_none(),
                "the server's numbers begin anew"
            );
            self.store
                .atomically(|store| store.begin_epoch(account, hello.epoch))?;
            inbox = self.store.inbox(account)?;
        }
        let claims = match inbox.claiming {
            true => Some(self.store.claims(account)?),
            false => None,
        };
        if let Some(link) = &mut self.link {
            link.pm = Some(Box::new(Pm {
                epoch: hello.epoch,
                window: hello.limits.window.clamp(1, limits::WINDOW),
                inbox: Inbox::new(inbox.cursor, self.clock.now()),
                claims,
                receipts: Receipts::default(),
                said: Vec::new(),
                last_seq: hello.last_seq,
                calm_from: None,
                leaving: false,
                typing: Typing::default(),
            }));
        }
        Ok(())
    }

    /// The first `users`: who is there. What we missed is asked for next, and
    /// only then we are online.
    pub(super) fn begin_catch_up(&mut self, users: &Users) -> Result<(), StoreError> {
        if let Some(link) = &mut self.link
            && let Some(pm) = &mut link.pm
        {
            link.dialect = Some(Dialect::Pm);
            let said = users.entries.iter().filter_map(|user| {
                let summary = user.summary.clone()?;
                (summary.last_seq > 0 || summary.unread > 0)
                    .then(|| (user.user_id.clone(), summary))
            });
            pm.said = said.collect();
        }
        self.list_or_page(users)?;
        self.heed_summaries(users)
    }

    /// At the end of a turn, when all that came is committed: asks for what is
    /// missing, and tells what has arrived.
    pub(super) fn ask_inbox(&mut self) {
        let now = self.clock.now();
        let Some(link) = &mut self.link else { return };
        // Nothing is sent before the list is there.
        let (Some(pm), true) = (&mut link.pm, link.dialect.is_some()) else {
            return;
        };
        if let Some(request) = pm.inbox.request(now)
            && link.sender.ask(SYNC, &Question::Sync(request)).is_err()
        {
            pm.inbox.put_off(STALLED, now);
        }
        if !pm.inbox.is_caught_up() {
            return;
        }
        if let Some(paging) = &mut self.paging
            && let Some(request) = paging.request(now)
            && link.sender.ask(USERS, &Question::Users(request)).is_err()
        {
            paging.put_off(STALLED, now);
        }
        pm.receipts.received(pm.inbox.cursor());
        for notice in pm.receipts.due(now) {
            if link.sender.tell(&notice).is_err() {
                pm.receipts.again(notice);
            }
        }
    }

    /// When [`Engine::ask_inbox`] is due.
    pub(super) fn pm_deadline(&self) -> Option<Instant> {
        let link = self.link.as_ref().filter(|link| link.dialect.is_some())?;
        let pm = link.pm.as_ref()?;
        // Nothing is told before we have caught up.
        let receipts = pm.receipts.deadline(self.clock.now());
        let receipts = receipts.filter(|_| pm.inbox.is_caught_up());
        let calm = pm.calm_from.filter(|_| self.waits_for_calm());
        let paging = self.paging.as_ref().and_then(Paging::deadline);
        let paging = paging.filter(|_| pm.inbox.is_caught_up());
        let inbox = pm.inbox.deadline().into_iter();
        inbox.chain(receipts).chain(calm).chain(paging).min()
    }

    pub(super) fn answered(&mut self, number: u64, answer: Answered) -> Result<(), StoreError> {
        match answer {
            Answered::Message(reply) => self.message_answered(number, Some(reply)),
            Answered::Sync(reply) => self.sync_answered(Some(reply)),
            Answered::Users(reply) => self.users_answered(Some(reply)),
            Answered::Nothing if number == SYNC => self.sync_answered(None),
            Answered::Nothing if number == USERS => self.users_answered(None),
            Answered::Nothing => self.message_answered(number, None),
        }
    }

    /// A conversation was read here: our other devices and its other side learn it.
    pub(super) fn tell_read(
        &mut self,
        account: AccountId,
        peer: &UserId,
    ) -> Result<(), StoreError> {
        if let Some(link) = &mut self.link
            && let Some(pm) = &mut link.pm
            && let Some(seq) = self.store.last_seq_from(account, peer)?
        {
            pm.receipts.read(peer, seq);
        }
        Ok(())
    }

    /// The server ends this connection on purpose.
    pub(super) fn bye(&mut self, bye: &Bye) -> Result<(), StoreError> {
        let Some(pm) = self.link.as_mut().and_then(|link| link.pm.as_mut()) else {
            return Ok(());
        };
        pm.leaving = true;
        let ended = |code, detail: Option<&str>| {
            Input::Ended(Failure {
                code,
                detail: detail.map(str::to_owned),
            })
        };
        let input = match (bye.reason.as_str(), bye.retry_after_ms) {
            ("signed_out", _) => ended(FailureCode::SessionForgotten, None),
            ("banned", _) => ended(FailureCode::SignInRefused, Some("banned")),
            (_, Some(wait)) => Input::Leaving(Duration::from_millis(wait)),
            ("restart", None) => Input::Leaving(Duration::ZERO),
            _ => return Ok(()),
        };
        self.step(input)
    }

    /// The session is to end on the server, too, if it can be told.
    pub(super) fn log_out(&mut self) {
        if let Some(link) = self.link.as_ref().filter(|link| link.pm.is_some())
            && link.sender.tell(&Notice::Logout).is_err()
        {
            tracing::warn!("the server could not be told that the session ends");
        }
    }
}
