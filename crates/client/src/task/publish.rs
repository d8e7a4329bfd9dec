//! What hosts are told: answers, snapshots, changes.

use parlour_protocol::UserId;

use super::{Engine, storage_refusal};
use crate::{Answer, ClientEvent, Refusal, RefusalCode, Snapshot, TimelinePage, store::Place};

/// The most items that one page has.
const PAGE: u32 = 200;

impl Engine {
    pub(super) fn timeline(
        &self,
        user: &UserId,
        before: Option<i64>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Answer, Refusal> {
        let place = match (before, after) {
            (None, None) => Place::End,
            (Some(position), None) => Place::Before(position),
            (None, Some(position)) => Place::After(position),
            (Some(_), Some(_)) => return Err(RefusalCode::InvalidQuery.into()),
        };
        let account = self.account.as_ref().ok_or(RefusalCode::NotSignedIn)?;
        let page = self
            .store
            .page(account.id, user, place, limit.clamp(1, PAGE))
            .map_err(|error| storage_refusal(&error))?;
        let items = page.messages.iter();
        Ok(Answer::Timeline(TimelinePage {
            user: user.clone(),
            items: items.map(|message| self.roster.item(message)).collect(),
            complete: page.complete,
        }))
    }

    pub(super) fn server_options(&self) -> Result<Answer, Refusal> {
        let identity = self.session.identity().ok_or(RefusalCode::NotSignedIn)?;
        Ok(Answer::ServerOptions(identity.options.clone()))
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            session: self.session.view(self.clock.now()),
            secrets: self.secrets_view(),
            compatibility: self.learned.told().cloned().map(Box::new),
            roster: self.roster.entries(),
        }
    }

    /// Publishes what changed since the last time.
    pub(super) fn publish(&mut self) {
        // Before all else: it is in the snapshot, too.
        let report = self.news_of_the_server();
        let changes = std::mem::take(&mut self.changes);
        if changes.is_empty() {
            self.tell(report);
            return;
        }
        let report = report.filter(|_| !changes.is_everything());
        if let Some(account) = &self.account {
            for id in changes.conversations() {
                match self.store.summary(account.id, id) {
                    Ok(summary) => self.roster.set_summary(id, summary),
                    Err(error) => tracing::warn!(%error, "a conversation's summary is out of date"),
                }
                match self.store.marks(account.id, id) {
                    Ok(marks) => self.roster.set_marks(id, marks),
                    Err(error) => tracing::warn!(%error, "a conversation's marks are out of date"),
                }
            }
        }
        let view = || self.session.view(self.clock.now());
        for event in changes.into_events(
            &self.roster,
            view,
            || self.secrets_view(),
            || self.snapshot(),
        ) {
            self.tell(Some(event));
        }
        self.tell(report);
    }

    /// What listeners are to know of the server now.
    fn news_of_the_server(&mut self) -> Option<ClientEvent> {
        if let Some(link) = &self.link {
            self.learned.transport = link.sender.transport();
        }
        self.learned
            .news(self.clock.now())
            .map(|compatibility| ClientEvent::CompatibilityChanged { compatibility })
    }

    fn tell(&self, event: Option<ClientEvent>) {
        if let Some(event) = event {
            // An error means that nobody listens.
            let _ = self.events.send(event);
        }
    }
}
