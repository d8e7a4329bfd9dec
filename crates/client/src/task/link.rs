//! What a connection brings.

use std::{collections::VecDeque, future::pending};

use parlour_protocol::ServerEvent;

use super::{Engine, pm::Pm};
use crate::{
    dialect::{Dialect, tame::tame},
    fences::Fences,
    ports::{Link, LinkClose, LinkEvent, NoLink, Transport},
    session::Input,
    store::StoreError,
    view::{Failure, FailureCode},
    witness::Echoes,
};

/// How long what was in flight may still arrive after a server said goodbye.
const CLEAN_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// The longest that we believe a server to need to notice a dead connection.
/// One that claims more must not keep a message waiting for good.
const LONGEST_PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// How many notes to oneself may be on their way back.
const NOTES: usize = 64;

/// A connection, and what we learned on it.
pub(super) struct OpenLink {
    pub(super) sender: Box<dyn crate::ports::LinkSender>,
    pub(super) events: tokio::sync::mpsc::Receiver<LinkEvent>,
    pub(super) socket_id: String,
    /// Since when it stands.
    pub(super) opened: std::time::Instant,
    pub(super) server_patience: std::time::Duration,
    /// Whether the server knows sessions: it gave one, or took ours.
    pub(super) has_session: bool,
    /// Whether the server has said who we are.
    pub(super) session_given: bool,
    /// Where the server does not list oneself, it sends what one writes to
    /// oneself back: the texts that are still to come back.
    pub(super) notes: Option<VecDeque<String>>,
    /// Known once the first `users` is there.
    pub(super) dialect: Option<Dialect>,
    /// Whether the first `users` had oneself in it.
    pub(super) lists_me: bool,
    /// Where the server does not speak pm.
    pub(super) fences: Fences,
    /// What came back of what we wrote.
    pub(super) echoes: Echoes,
    /// Where the server speaks pm.
    pub(super) pm: Option<Box<Pm>>,
}

impl OpenLink {
    /// A message to oneself was written.
    pub(super) fn wrote_note(&mut self, content: String) {
        let Some(notes) = &mut self.notes else { return };
        // One that never comes back must not be waited for in vain.
        if notes.len() == NOTES {
            notes.pop_front();
        }
        notes.push_back(content);
    }
}

/// The next events of a connection, at least one and at most `limit`.
pub(super) async fn next_events(
    queue: &mut tokio::sync::mpsc::Receiver<LinkEvent>,
    limit: usize,
) -> Vec<LinkEvent> {
    let mut events = Vec::new();
    if queue.recv_many(&mut events, limit).await == 0 {
        let reason = Failure {
            code: FailureCode::LinkLost,
            detail: None,
        };
        events.push(LinkEvent::Closed(LinkClose {
            clean: false,
            reason,
        }));
    }
    events
}

/// The next events of the connection, if there is one.
pub(super) async fn link_brings(link: &mut Option<OpenLink>, limit: usize) -> Vec<LinkEvent> {
    match link {
        Some(link) => next_events(&mut link.events, limit).await,
        None => pending().await,
    }
}

impl Engine {
    pub(super) fn connected(&mut self, outcome: Result<Link, NoLink>) {
        let input = match outcome {
            Ok(link) => {
                self.closing = None;
                self.link = Some(OpenLink {
                    sender: link.sender,
                    events: link.events,
                    socket_id: link.socket_id,
                    opened: self.clock.now(),
                    server_patience: link.server_patience.min(LONGEST_PATIENCE),
                    has_session: self
                        .session
                        .identity()
                        .is_some_and(|identity| identity.session_id.is_some()),
                    session_given: false,
                    notes: None,
                    dialect: None,
                    lists_me: false,
                    fences: Fences::new(None),
                    echoes: Echoes::default(),
                    pm: None,
                });
                self.learned.connected(link.facts);
                Input::Opened
            }
            Err(none) => {
                // Perhaps it is another network now.
                self.polled = false;
                Input::Failed(none)
            }
        };
        let handled = self.step(input);
        self.settle(handled);
    }

    /// What came in one go. With pm it is stored in one go, too: there is an
    /// answer to each message.
    pub(super) fn link_events(&mut self, events: Vec<LinkEvent>) -> Result<(), StoreError> {
        let mut each = events.into_iter();
        if !self.speaks_pm() {
            return each.try_for_each(|event| self.link_event(event));
        }
        self.store.begin()?;
        let handled = each.try_for_each(|event| self.link_event(event));
        self.store.end(handled)
    }

    fn link_event(&mut self, event: LinkEvent) -> Result<(), StoreError> {
        // An event may be behind the one that ended the link.
        if self.link.is_none() {
            return Ok(());
        }
        match event {
            LinkEvent::Server(event) => match tame(event) {
                Some(event) => self.server_event(event),
                None => {
                    tracing::warn!("the server named a user who cannot be; that was dropped");
                    self.learned.impossible_ids += 1;
                    Ok(())
                }
            },
            LinkEvent::Unreadable(name) => {
                tracing::warn!(
                    event = name,
                    "the server sent something that cannot be read"
                );
                self.learned.unreadable_events += 1;
                Ok(())
            }
            LinkEvent::FencePassed(fence) => self.fence_passed(fence),
            LinkEvent::Answered { number, answer } => self.answered(number, answer),
            LinkEvent::Closed(close) => {
                tracing::info!(code = ?close.reason.code, clean = close.clean, "the connection is closed");
                self.suspect_the_first()?;
                self.drop_link(Some(&close));
                self.step(Input::Lost(close.reason))
            }
        }
    }

    /// Leaves a connection that has become useless; another follows.
    pub(super) fn break_off(&mut self, code: FailureCode) -> Result<(), StoreError> {
        self.drop_link(None);
        self.step(Input::Lost(Failure { code, detail: None }))
    }

    /// Lets go of the connection; what is in flight is in doubt from now on.
    pub(super) fn drop_link(&mut self, close: Option<&LinkClose>) {
        let Some(link) = self.link.take() else { return };
        self.polled = link.sender.transport() == Some(Transport::Polling);
        link.sender.close();
        self.leave_witness(close.is_some());
        let clean = close.is_some_and(|close| close.clean);
        let patience = if clean {
            CLEAN_PATIENCE
        } else {
            link.server_patience
        };
        self.closing = Some(link.events);
        self.outbox.link_lost(self.clock.now() + patience);
        self.roster.set_live(false);
        self.changes.everyone();
    }

    fn server_event(&mut self, event: ServerEvent) -> Result<(), StoreError> {
        match event {
            ServerEvent::Session {
                session_id,
                user_id,
                pm,
            } => self.session_given(session_id, user_id, pm.as_deref()),
            ServerEvent::Users(users) => self.catch_up(users),
            ServerEvent::UserConnected(user) => self.user_connected(&user),
            ServerEvent::UserDisconnected(id) => self.user_disconnected(&id),
            ServerEvent::PrivateMessage(message) => self.message_arrived(message),
            ServerEvent::Receipt(receipt) => self.receipt(&receipt),
            ServerEvent::Bye(bye) => self.bye(&bye),
            ServerEvent::Typing(typing) => {
                self.typing(typing.from);
                Ok(())
            }
        }
    }
}
