//! The witness's connection: opening it, listening to it, letting it go.

use std::future::pending;

use parlour_protocol::{ConnectAuth, ServerEvent};
use rand::RngExt;

use super::{Engine, attempt, link::next_events, send::sendable};
use crate::{
    dialect::tame::tame,
    ports::{Connecting, Link, LinkEvent, NoLink},
    view::FailureCode,
    witness::Act,
};

/// A second connection, or an attempt at one.
#[derive(Default)]
pub(super) struct WitnessLink {
    connecting: Option<Connecting>,
    link: Option<Link>,
}

/// What became of it.
pub(super) enum Witnessed {
    Connected(Result<Link, NoLink>),
    Heard(Vec<LinkEvent>),
}

impl WitnessLink {
    /// What comes next. Giving up waiting loses nothing.
    pub(super) async fn next(&mut self, limit: usize) -> Witnessed {
        tokio::select! {
            outcome = attempt(&mut self.connecting) => Witnessed::Connected(outcome),
            events = heard(&mut self.link, limit) => Witnessed::Heard(events),
        }
    }

    /// Says goodbye, if there is anybody to say it to.
    pub(super) fn close(&mut self) {
        self.connecting = None;
        if let Some(link) = self.link.take() {
            link.sender.close();
        }
    }
}

#[cfg(test)]
impl WitnessLink {
    pub(super) fn is_connecting(&self) -> bool {
        self.connecting.is_some()
    }

    pub(super) fn stop_connecting(&mut self) {
        self.connecting = None;
    }
}

async fn heard(link: &mut Option<Link>, limit: usize) -> Vec<LinkEvent> {
    match link {
        Some(link) => next_events(&mut link.events, limit).await,
        None => pending().await,
    }
}

impl Engine {
    /// Opens the witness while something could be proved by it alone, and
    /// closes it some time after.
    pub(super) fn tend_witness(&mut self) {
        let now = self.clock.now();
        let jitter: f64 = self.random.random();
        let needed = self.needs_witness();
        match self.witness.need(needed, now, jitter) {
            Some(Act::Open) => self.open_witness(),
            Some(Act::Close) => {
                tracing::debug!("the witness is not needed any more, or did not come");
                self.let_witness_go();
            }
            None => {}
        }
    }

    fn needs_witness(&self) -> bool {
        if !self.session.is_online() || !self.has_witnesses() || !self.fences_fail() {
            return false;
        }
        let Some(dialect) = self.link.as_ref().and_then(|link| link.dialect) else {
            return false;
        };
        self.outbox.is_unproven()
            || self
                .outbox
                .has_something_for(|peer| sendable(dialect, &self.roster, peer))
    }

    fn open_witness(&mut self) {
        let session_id = self
            .session
            .identity()
            .and_then(|identity| identity.session_id.clone());
        // By the session alone: it must be the same identity or nobody.
        let auth = ConnectAuth {
            session_id,
            ..ConnectAuth::default()
        };
        if auth.session_id.is_none() {
            return self.witness_failed(true);
        }
        tracing::debug!("a witness is called");
        self.witness_link.connecting = self.target(auth).map(|t| self.connector.connect(t));
    }

    pub(super) fn witness_news(&mut self, news: Witnessed) {
        match news {
            Witnessed::Connected(Ok(link)) => self.witness_link.link = Some(link),
            Witnessed::Connected(Err(none)) => {
                tracing::info!(code = ?none.reason.code, "no witness could be had");
                self.witness_failed(none.reason.code == FailureCode::SignInRefused);
            }
            Witnessed::Heard(events) => {
                for event in events {
                    if self.witness_link.link.is_some() {
                        self.witness_event(event);
                    }
                }
            }
        }
    }

    /// Of all it hears, our own words alone matter: the first connection brings the
    /// rest. Its end is no end of anything else.
    fn witness_event(&mut self, event: LinkEvent) {
        let now = self.clock.now();
        let event = match event {
            LinkEvent::Server(event) => tame(event),
            LinkEvent::Closed(close) => {
                tracing::info!(code = ?close.reason.code, "the witness is gone");
                return self.witness_failed(false);
            }
            LinkEvent::Unreadable(_) | LinkEvent::FencePassed(_) | LinkEvent::Answered { .. } => {
                return;
            }
        };
        match event {
            Some(ServerEvent::Session { user_id, .. }) if self.roster.me() != Some(&user_id) => {
                tracing::warn!("the server takes a second connection of ours for somebody else");
                self.witness_failed(true);
            }
            Some(ServerEvent::Users(_)) => {
                self.witness.stands(now);
                if let Some(link) = &mut self.link {
                    link.echoes.clear();
                }
            }
            Some(ServerEvent::PrivateMessage(message))
                if self.witness.number().is_some() && self.roster.me() == Some(&message.from) =>
            {
                if let (Some(to), Some(link)) = (message.to, &mut self.link) {
                    link.echoes.witness_heard(&to, &message.content, now);
                }
            }
            _ => {}
        }
    }

    fn witness_failed(&mut self, for_good: bool) {
        let jitter: f64 = self.random.random();
        self.witness.failed(for_good, self.clock.now(), jitter);
        self.let_witness_go();
    }

    fn let_witness_go(&mut self) {
        self.witness_link.close();
        if let Some(link) = &mut self.link {
            link.echoes.clear();
        }
    }

    /// The first connection is gone, and with it what there was to prove.
    pub(super) fn leave_witness(&mut self, broke: bool) {
        if broke {
            self.witness.link_lost(self.clock.now());
        } else {
            self.witness.link_left();
        }
        self.witness_link.close();
    }
}
