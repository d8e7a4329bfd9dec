//! The loop that owns all state: something happens → steps of the machines →
//! effects → what changed is published.

mod catch_up;
mod changes;
mod commands;
mod link;
mod secrets;
mod send;

use std::{future::pending, sync::Arc, time::Duration};

use parlour_protocol::UserId;
use rand::{RngExt, rngs::StdRng};
use tokio::{
    sync::{broadcast, mpsc},
    time::{Instant, timeout},
};

use self::{changes::Changes, link::OpenLink, secrets::SecretsTask};
use crate::{
    Answer, ClientEvent, Query, Refusal, RefusalCode, Snapshot, TimelinePage,
    address::{parse_server, server_text},
    handle::{ClientConfig, Request},
    outbox::Outbox,
    ports::{Clock, Connecting, Connector, Link, LinkEvent, Target},
    roster::Roster,
    session::{Effect, Identity, Input, Session},
    store::{Account, Store, StoreError},
    view::{Delivery, Failure, FailureCode},
};

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// How many events of the server are handled before what changed is published.
const LINK_BATCH: usize = 64;

/// The most items that one page has.
const PAGE: u32 = 200;

/// What woke the loop.
enum Wake {
    Request(Option<Request>),
    Connected(Result<Link, Failure>),
    Link(Vec<LinkEvent>),
    Secrets(secrets::Answer),
    Time,
}

/// All state of an engine.
pub(crate) struct Engine {
    store: Store,
    session: Session,
    roster: Roster,
    outbox: Outbox,
    /// The account in use: `None` until a server has let us in.
    account: Option<Account>,
    connector: Arc<dyn Connector>,
    connecting: Option<Connecting>,
    link: Option<OpenLink>,
    secrets: SecretsTask,
    clock: Box<dyn Clock>,
    random: StdRng,
    events: broadcast::Sender<ClientEvent>,
    changes: Changes,
}

impl Engine {
    pub(crate) fn new(
        store: Store,
        config: ClientConfig,
        random: StdRng,
        events: broadcast::Sender<ClientEvent>,
    ) -> Self {
        Self {
            store,
            session: Session::new(None),
            roster: Roster::default(),
            outbox: Outbox::default(),
            account: None,
            connector: config.connector,
            connecting: None,
            link: None,
            secrets: SecretsTask::start(config.profile, config.secrets),
            clock: config.clock,
            random,
            events,
            changes: Changes::default(),
        }
    }

    /// Runs until it is stopped or nobody holds a handle any more.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let resumed = self.resume_last();
        self.settle(resumed);
        let stopped = loop {
            match self.next(&mut requests).await {
                Wake::Request(None) => break None,
                Wake::Request(Some(Request::Stop(done))) => break Some(done),
                Wake::Request(Some(request)) => self.request(request),
                Wake::Connected(outcome) => self.connected(outcome),
                Wake::Link(events) => {
                    let handled = events
                        .into_iter()
                        .try_for_each(|event| self.link_event(event));
                    self.settle(handled);
                }
                Wake::Secrets(answer) => {
                    let handled = self.secrets_answered(answer);
                    self.settle(handled);
                }
                Wake::Time => {
                    let handled = self.time_passed();
                    self.settle(handled);
                }
            }
        };
        self.say_goodbye().await;
        if let Err(error) = self.store.checkpoint() {
            tracing::warn!(%error, "the write-ahead log was left as it is");
        }
        drop(self);
        if let Some(done) = stopped {
            // Whoever asked may have stopped waiting.
            let _ = done.send(());
        }
    }

    async fn next(&mut self, requests: &mut mpsc::Receiver<Request>) -> Wake {
        let deadline = [
            self.session.deadline(),
            self.outbox.deadline(),
            self.secrets.deadline(),
        ]
        .into_iter()
        .flatten()
        .min();
        tokio::select! {
            request = requests.recv() => Wake::Request(request),
            outcome = attempt(&mut self.connecting) => Wake::Connected(outcome),
            events = link::next_events(&mut self.link, LINK_BATCH) => Wake::Link(events),
            answer = self.secrets.answer() => Wake::Secrets(answer),
            () = sleep_until(deadline) => Wake::Time,
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Dispatch(command, answer) => {
                let result = self.dispatch(command);
                self.settle(Ok(()));
                let _ = answer.send(result);
            }
            Request::Query(query, answer) => {
                let _ = answer.send(self.query(&query));
            }
            Request::Subscribe(answer) => {
                let _ = answer.send((self.snapshot(), self.events.subscribe()));
            }
            Request::Stop(_) => {}
        }
    }

    fn query(&self, query: &Query) -> Result<Answer, Refusal> {
        match query {
            Query::Timeline {
                user,
                before,
                limit,
            } => {
                let account = self.account.as_ref().ok_or(RefusalCode::NotSignedIn)?;
                let limit = (*limit).clamp(1, PAGE);
                // One more than asked for tells whether there is more.
                let mut page = self
                    .store
                    .page(account.id, user, *before, limit + 1)
                    .map_err(|error| storage_refusal(&error))?;
                let complete = page.len() <= limit as usize;
                if !complete {
                    page.remove(0);
                }
                let items = page
                    .iter()
                    .map(|message| self.roster.item(message))
                    .collect();
                Ok(Answer::Timeline(TimelinePage {
                    user: user.clone(),
                    items,
                    complete,
                }))
            }
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            session: self.session.view(std::time::Instant::now()),
            secrets: self.secrets.view(),
            roster: self.roster.entries(),
        }
    }

    /// Takes up the identity of the last run.
    fn resume_last(&mut self) -> Result<(), StoreError> {
        let Some(account) = self.store.current_account()? else {
            return Ok(());
        };
        let Some(server) = parse_server(&account.server) else {
            return Ok(());
        };
        let identity = Identity {
            server,
            username: account.username.clone(),
            user_id: account.user_id.clone(),
            session_id: None,
        };
        self.session = Session::new(Some(identity));
        if account.has_session {
            self.enter(account)?;
            self.step(Input::Resume)?;
        }
        Ok(())
    }

    /// Makes an account the one in use: its people, its queue.
    fn enter(&mut self, account: Account) -> Result<(), StoreError> {
        let mut roster = Roster::stored(account.user_id.clone(), self.store.users(account.id)?);
        for id in roster.ids() {
            let summary = self.store.summary(account.id, &id)?;
            roster.set_summary(&id, summary);
        }
        self.roster = roster;
        self.outbox = Outbox::default();
        self.account = Some(account);
        self.reload_outbox()?;
        self.changes.everything();
        Ok(())
    }

    fn reload_outbox(&mut self) -> Result<(), StoreError> {
        let Some(account) = &self.account else {
            return Ok(());
        };
        let mut queued = self.store.pending(account.id)?;
        queued.retain(|message| message.delivery == Delivery::Queued);
        self.outbox.reload(queued);
        Ok(())
    }

    /// Nobody's account is in use.
    fn leave(&mut self) {
        self.account = None;
        self.roster = Roster::default();
        self.outbox = Outbox::default();
        self.changes.everything();
    }

    /// Gives the session machine an input and does what it says.
    fn step(&mut self, input: Input) -> Result<(), StoreError> {
        let jitter: f64 = self.random.random();
        let effects = self.session.step(input, std::time::Instant::now(), jitter);
        self.changes.session();
        for effect in effects {
            self.apply(effect)?;
        }
        let live = self.session.is_online();
        self.roster.set_live(live);
        Ok(())
    }

    fn apply(&mut self, effect: Effect) -> Result<(), StoreError> {
        match effect {
            Effect::LoadSession => {
                if let Some(account) = &self.account {
                    self.secrets.load(account);
                }
            }
            Effect::Connect(auth) => {
                if let Some(identity) = self.session.identity() {
                    let target = Target {
                        server: identity.server.clone(),
                        auth,
                    };
                    self.connecting = Some(self.connector.connect(target));
                }
            }
            Effect::Disconnect => {
                self.connecting = None;
                self.drop_link(None);
            }
            Effect::ForgetSession => {
                if let Some(account) = &self.account {
                    self.store.set_has_session(account.id, false)?;
                    self.secrets.delete(account);
                }
                self.leave();
            }
            Effect::HoldQueue => {
                if let Some(account) = &self.account {
                    self.store.hold_queue(account.id)?;
                }
            }
        }
        Ok(())
    }

    fn time_passed(&mut self) -> Result<(), StoreError> {
        self.secrets_overdue()?;
        self.patience_over()?;
        self.step_if_due()
    }

    fn step_if_due(&mut self) -> Result<(), StoreError> {
        let due = self
            .session
            .deadline()
            .is_some_and(|deadline| deadline <= std::time::Instant::now());
        if due { self.step(Input::Tick) } else { Ok(()) }
    }

    /// Ends a turn of the loop: sends what can be sent, and publishes what changed.
    fn settle(&mut self, turn: Result<(), StoreError>) {
        let turn = turn.and_then(|()| self.flush());
        if let Err(error) = turn {
            self.storage_failed(&error);
        }
        self.publish();
    }

    /// What came cannot be stored: leave the connection and try again later,
    /// when the server tells it once more.
    fn storage_failed(&mut self, error: &StoreError) {
        tracing::error!(%error, "the local database failed");
        self.drop_link(None);
        let reason = Failure {
            code: FailureCode::StorageFailed,
            detail: Some(error.to_string()),
        };
        if let Err(error) = self.step(Input::Lost(reason)) {
            tracing::error!(%error, "the local database failed again");
        }
    }

    /// Publishes what changed since the last time.
    fn publish(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        if changes.is_empty() {
            return;
        }
        if let Some(account) = &self.account {
            for id in changes.conversations() {
                match self.store.summary(account.id, id) {
                    Ok(summary) => self.roster.set_summary(id, summary),
                    Err(error) => tracing::warn!(%error, "a conversation's summary is out of date"),
                }
            }
        }
        let view = || self.session.view(std::time::Instant::now());
        for event in changes.into_events(
            &self.roster,
            view,
            || self.secrets.view(),
            || self.snapshot(),
        ) {
            // An error means that nobody listens.
            let _ = self.events.send(event);
        }
    }

    async fn say_goodbye(&mut self) {
        if let Some(mut link) = self.link.take() {
            link.sender.close();
            // Until the link ends, or its time is over.
            let _ = timeout(GOODBYE, async {
                while link.events.recv().await.is_some() {}
            })
            .await;
        }
    }

    /// The account of a server that let us in; a change of identity is a
    /// change of account.
    fn enter_account(&mut self, user_id: Option<&UserId>) -> Result<(), StoreError> {
        let Some(identity) = self.session.identity() else {
            return Ok(());
        };
        let server = server_text(&identity.server);
        let username = identity.username.clone();
        let same = self
            .account
            .as_ref()
            .is_some_and(|account| account.server == server && account.user_id.as_ref() == user_id);
        if same {
            return Ok(());
        }
        let account = self.store.atomically(|store| {
            if let Some(old) = self.account.as_ref().filter(|old| old.server == server) {
                store.hold_queue(old.id)?;
            }
            store.enter_account(&server, user_id, &username)
        })?;
        self.enter(account)
    }
}

/// A storage error as an answer.
fn storage_refusal(error: &StoreError) -> Refusal {
    tracing::error!(%error, "the local database failed");
    RefusalCode::StorageFailed.into()
}

async fn attempt(connecting: &mut Option<Connecting>) -> Result<Link, Failure> {
    let outcome = match connecting {
        Some(connecting) => connecting.await,
        None => pending().await,
    };
    *connecting = None;
    outcome
}

async fn sleep_until(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(Instant::from_std(deadline)).await,
        None => pending().await,
    }
}
