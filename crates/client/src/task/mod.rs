//! The loop that owns all state: something happens → steps of the machines →
//! effects → what changed is published.

mod account;
mod arrivals;
mod catch_up;
mod changes;
mod commands;
pub(crate) mod exports;
mod link;
mod people;
mod pm;
mod proof;
mod publish;
mod searches;
mod secrets;
mod send;
mod trouble;
mod witness;

use std::{
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use parlour_protocol::ConnectAuth;
use parlour_socketio::CookieJar;
use rand::{RngExt, rngs::StdRng};
use tokio::{
    sync::{broadcast, mpsc},
    time::timeout,
};

use self::{
    changes::Changes,
    link::OpenLink,
    searches::Searches,
    secrets::SecretsTask,
    trouble::storage_refusal,
    witness::{WitnessLink, Witnessed},
};
use crate::{
    ClientEvent,
    compatibility::Learned,
    handle::{ClientConfig, Request},
    outbox::Outbox,
    ports::{Clock, Connecting, Connector, Link, LinkEvent, Neighbours, NoLink, Target},
    roster::Roster,
    session::{Effect, Input, Session},
    store::{Account, Store, StoreError},
    wake::Waking,
    witness::Witness,
};

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// How many events of the server are handled before what changed is published.
const LINK_BATCH: usize = 64;

/// What woke the loop.
enum Wake {
    Request(Option<Request>),
    Connected(Result<Link, NoLink>),
    Link(Vec<LinkEvent>),
    Witness(Witnessed),
    Secrets(secrets::Answer),
    SearchBroken,
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
    /// What the server, or what stands before it, knows this sign-in by.
    cookies: CookieJar,
    /// Whether the last connection never came to a WebSocket.
    polled: bool,
    link: Option<OpenLink>,
    /// What is left of the connection before: for when its goodbye is to be waited for.
    closing: Option<mpsc::Receiver<LinkEvent>>,
    witness: Witness,
    witness_link: WitnessLink,
    /// What this server can and cannot do.
    learned: Learned,
    secrets: SecretsTask,
    searches: Searches,
    neighbours: Arc<dyn Neighbours>,
    exports: exports::Exports,
    clock: Box<dyn Clock>,
    waking: Waking,
    random: StdRng,
    events: broadcast::Sender<ClientEvent>,
    changes: Changes,
    /// What `users` left out, on a server that speaks pm.
    paging: Option<pm::Paging>,
}

impl Engine {
    pub(crate) fn new(
        store: Store,
        config: ClientConfig,
        random: StdRng,
        events: broadcast::Sender<ClientEvent>,
    ) -> Self {
        let searches = Searches::new(&config.data);
        Self {
            store,
            session: Session::new(None),
            roster: Roster::default(),
            outbox: Outbox::default(),
            account: None,
            connector: config.connector,
            connecting: None,
            cookies: CookieJar::new(),
            polled: false,
            link: None,
            closing: None,
            witness: Witness::default(),
            witness_link: WitnessLink::default(),
            learned: Learned::default(),
            secrets: SecretsTask::start(config.profile, config.secrets),
            searches,
            neighbours: config.neighbours,
            exports: exports::Exports::default(),
            clock: config.clock,
            waking: Waking::default(),
            random,
            events,
            changes: Changes::default(),
            paging: None,
        }
    }

    /// Runs until it is stopped or nobody holds a handle any more.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        self.plan_indexing();
        let resumed = self.open_secrets();
        let resumed = resumed.and_then(|()| self.resume_last());
        let resumed = resumed.and_then(|()| self.probe_secrets());
        self.settle(resumed);
        let stopped = loop {
            match self.next(&mut requests).await {
                Wake::Request(None) => break None,
                Wake::Request(Some(Request::Stop(done))) => break Some(done),
                Wake::Request(Some(request)) => self.request(request),
                Wake::Connected(outcome) => self.connected(outcome),
                Wake::Link(events) => {
                    let handled = self.link_events(events);
                    self.settle(handled);
                }
                Wake::Witness(news) => {
                    self.witness_news(news);
                    self.settle(Ok(()));
                }
                Wake::Secrets(answer) => {
                    let handled = self.secrets_answered(answer);
                    self.settle(handled);
                }
                Wake::SearchBroken => self.search_broken(),
                Wake::Time => {
                    let handled = self.time_passed();
                    self.settle(handled);
                }
            }
        };
        self.say_goodbye().await;
        self.searches.end();
        self.exports.end();
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
        let deadline = self.deadline();
        tokio::select! {
            request = requests.recv() => Wake::Request(request),
            outcome = attempt(&mut self.connecting) => Wake::Connected(outcome),
            events = link::link_brings(&mut self.link, LINK_BATCH) => Wake::Link(events),
            news = self.witness_link.next(LINK_BATCH) => Wake::Witness(news),
            answer = self.secrets.answer() => Wake::Secrets(answer),
            () = self.searches.broken() => Wake::SearchBroken,
            () = sleep_until(deadline) => Wake::Time,
        }
    }

    /// When [`Engine::time_passed`] is due.
    fn deadline(&self) -> Option<Instant> {
        [
            self.session.deadline(),
            self.outbox.deadline(),
            self.proof_deadline(),
            self.learned.deadline(),
            self.secrets.deadline(),
            self.pm_deadline(),
            self.searches.deadline(),
            self.waking_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Dispatch(command, answer) => {
                let result = self.dispatch(command);
                self.settle(Ok(()));
                let _ = answer.send(result);
            }
            Request::Query(query, answer) => self.answer(query, answer),
            Request::Export(path, user, answer) => self.export(path, user, answer),
            Request::Subscribe(answer) => {
                let _ = answer.send((self.snapshot(), self.events.subscribe()));
            }
            Request::Stop(_) => {}
        }
    }

    /// Gives the session machine an input and does what it says.
    fn step(&mut self, input: Input) -> Result<(), StoreError> {
        let jitter: f64 = self.random.random();
        let effects = self.session.step(input, self.clock.now(), jitter);
        self.changes.session();
        for effect in effects {
            self.apply(effect)?;
        }
        let live = self.session.is_online();
        self.roster.set_live(live);
        if !self.session.is_signed_in() {
            self.waking.rest();
        }
        Ok(())
    }

    fn apply(&mut self, effect: Effect) -> Result<(), StoreError> {
        match effect {
            Effect::LoadSession => self.load_session()?,
            Effect::Connect(mut auth) => {
                if self.connector.can_ask() {
                    match self.hello() {
                        Ok(hello) => auth.pm = Some(hello),
                        // Without this the attempt would never end.
                        Err(error) => return self.no_attempt(error),
                    }
                }
                self.connecting = self.target(auth).map(|to| self.connector.connect(to));
            }
            Effect::Disconnect => {
                self.connecting = None;
                self.drop_link(None);
            }
            Effect::ForgetSession => self.forget_session()?,
            Effect::HoldQueue => {
                if let Some(account) = &self.account {
                    self.store.hold_queue(account.id)?;
                }
            }
        }
        Ok(())
    }

    /// Where to connect as this.
    fn target(&self, auth: ConnectAuth) -> Option<Target> {
        let identity = self.session.identity()?;
        Some(Target {
            server: identity.server.clone(),
            auth,
            options: identity.options.clone(),
            cookies: self.cookies.clone(),
            polled: self.polled,
        })
    }

    fn time_passed(&mut self) -> Result<(), StoreError> {
        self.index_if_due();
        self.secrets_overdue()?;
        // First: after a sleep, much that seems overdue is not.
        self.look_at_the_clocks()?;
        self.proof_overdue()?;
        self.patience_over()?;
        self.step_if_due()
    }

    fn waking_deadline(&self) -> Option<Instant> {
        let hurry = self.session.is_on_the_way();
        self.session
            .is_signed_in()
            .then(|| self.waking.deadline(self.clock.now(), hurry))
    }

    /// Whether we slept: then what kept us from connecting is over, or not, but
    /// nothing that was tried before tells.
    fn look_at_the_clocks(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.waking_deadline().is_none_or(|due| due > now) {
            return Ok(());
        }
        let hurry = self.session.is_on_the_way();
        match self.waking.look(now, self.clock.now_ms(), hurry) {
            Some(slept) => {
                tracing::info!(?slept, "the machine slept, or we were stopped");
                self.outbox.slept(now);
                if let Some(link) = &mut self.link {
                    link.fences.slept(now);
                }
                self.step(Input::Woke { slept })
            }
            None => Ok(()),
        }
    }

    fn step_if_due(&mut self) -> Result<(), StoreError> {
        let due = self
            .session
            .deadline()
            .is_some_and(|deadline| deadline <= self.clock.now());
        if due { self.step(Input::Tick) } else { Ok(()) }
    }

    /// Ends a turn of the loop: sends what can be sent, and publishes what changed.
    fn settle(&mut self, turn: Result<(), StoreError>) {
        let turn = turn.and_then(|()| {
            self.ask_inbox();
            self.flush()
        });
        if let Err(error) = turn {
            self.storage_failed(&error);
        }
        self.publish();
    }

    async fn say_goodbye(&mut self) {
        match timeout(GOODBYE, self.secrets_settled()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the local database failed"),
            Err(_) => tracing::warn!("the secret store does not answer; it is not waited for"),
        }
        self.witness_link.close();
        if let Some(link) = self.link.take() {
            link.sender.close();
            self.closing = Some(link.events);
        }
        if let Some(mut events) = self.closing.take() {
            // Until the link ends, or its time is over.
            let _ = timeout(GOODBYE, async { while events.recv().await.is_some() {} }).await;
        }
    }
}

async fn attempt(connecting: &mut Option<Connecting>) -> Result<Link, NoLink> {
    let outcome = match connecting {
        Some(connecting) => connecting.await,
        None => pending().await,
    };
    *connecting = None;
    outcome
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
