//! The engine's face: start it, ask it, listen to it.

use std::{path::PathBuf, sync::Arc, thread};

use parlour_protocol::UserId;
use rand::{SeedableRng, rngs::StdRng};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::{
    Answer, ClientEvent, Command, Query, Refusal, RefusalCode, Snapshot,
    connector::SocketIoConnector,
    ports::{Alone, Clock, Connector, Neighbours, SecretStore, SystemClock},
    store::{Store, StoreError, export::Exported},
    task::{
        Engine,
        exports::{self, ExportError},
    },
};

/// How many requests may wait for the engine. It answers each within
/// milliseconds; more than this means that it is stuck, and is said.
const REQUESTS: usize = 256;

/// How many events a subscription may be behind before it is told that it lags.
const EVENTS: usize = 1024;

/// What an engine is made of.
pub struct ClientConfig {
    /// The folder of the profile's database; made if missing.
    pub data: PathBuf,
    /// The profile's name: keeps its entries in the secret store apart.
    pub profile: String,
    /// How connections are made.
    pub connector: Arc<dyn Connector>,
    /// Where the session is kept.
    pub secrets: Arc<dyn SecretStore>,
    /// The other accounts beside this one.
    pub neighbours: Arc<dyn Neighbours>,
    /// The time that messages are given.
    pub clock: Box<dyn Clock>,
    /// What chance begins with; the same seed gives the same waits.
    pub seed: u64,
}

impl ClientConfig {
    /// The ordinary one: our own connector, the system's clock.
    pub fn new(data: PathBuf, profile: &str, secrets: Arc<dyn SecretStore>) -> Self {
        Self {
            data,
            profile: profile.to_owned(),
            connector: Arc::new(SocketIoConnector),
            secrets,
            neighbours: Arc::new(Alone),
            clock: Box::new(SystemClock),
            seed: rand::random(),
        }
    }
}

/// Why an engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread could not be made.
    #[error("the engine's thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// What a host asks of the engine's task.
pub(crate) enum Request {
    Dispatch(Command, oneshot::Sender<Result<(), Refusal>>),
    Query(Query, oneshot::Sender<Result<Answer, Refusal>>),
    Export(PathBuf, Option<UserId>, exports::Asker),
    Subscribe(oneshot::Sender<(Snapshot, broadcast::Receiver<ClientEvent>)>),
    Stop(oneshot::Sender<()>),
}

/// A running engine. Clones speak to the same one; it ends with
/// [`ClientHandle::stop`] or with its last handle.
#[derive(Clone)]
pub struct ClientHandle {
    requests: mpsc::Sender<Request>,
}

impl ClientHandle {
    /// Opens the database and starts the engine on a thread of its own, with
    /// its own runtime: a slow host cannot hold up the connection, nor the
    /// disk the host. The last session is resumed by itself.
    pub fn start(config: ClientConfig) -> Result<Self, StartError> {
        let store = Store::open(&config.data)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let (events, _) = broadcast::channel(EVENTS);
        thread::Builder::new()
            .name("parlour-engine".into())
            .spawn(move || {
                let random = StdRng::seed_from_u64(config.seed);
                // A connector may need the runtime already when it is made.
                runtime.block_on(async move {
                    let engine = Engine::new(store, config, random, events);
                    engine.run(inbox).await;
                });
                // Name look-ups may hang for long; nobody waits for them.
                runtime.shutdown_background();
            })?;
        Ok(Self { requests })
    }

    /// Of an engine that a test runs by hand.
    #[cfg(test)]
    pub(crate) fn by_hand(requests: mpsc::Sender<Request>) -> Self {
        Self { requests }
    }

    /// Asks for something to be done: accepted, or refused with a code.
    pub async fn dispatch(&self, command: Command) -> Result<(), Refusal> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Dispatch(command, answer))?;
        answered
            .await
            .map_err(|_| Refusal::from(RefusalCode::Closed))?
    }

    /// Asks for something to be told.
    pub async fn query(&self, query: Query) -> Result<Answer, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Query(query, answer))?;
        answered
            .await
            .map_err(|_| Refusal::from(RefusalCode::Closed))?
    }

    /// Writes all that is in the database, or the conversation with `user`, into a
    /// new file as JSON (`docs/EXPORT.md`). The file is there once this is done,
    /// whole and for this user alone; nothing is left of one that failed.
    ///
    /// # Errors
    /// See [`ExportError`]. A file that exists is never overwritten.
    pub async fn export(
        &self,
        path: PathBuf,
        user: Option<UserId>,
    ) -> Result<Exported, ExportError> {
        let (answer, answered) = oneshot::channel();
        let asked = self.ask(Request::Export(path, user, answer));
        asked.map_err(|refusal| match refusal.code {
            RefusalCode::Busy => ExportError::Busy,
            _ => ExportError::Closed,
        })?;
        answered.await.map_err(|_| ExportError::Closed)?
    }

    /// Listens: a snapshot first, then what happens.
    pub async fn subscribe(&self) -> Result<Subscription, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Subscribe(answer))?;
        let (snapshot, events) = answered
            .await
            .map_err(|_| Refusal::from(RefusalCode::Closed))?;
        Ok(Subscription {
            handle: self.clone(),
            events,
            snapshot: Some(snapshot),
            missed: None,
        })
    }

    /// Listens, however long the engine takes; `None` once it has ended.
    pub(crate) async fn listen(&self) -> Option<Subscription> {
        let (snapshot, events) = self.attach_again().await?;
        Some(Subscription {
            handle: self.clone(),
            events,
            snapshot: Some(snapshot),
            missed: None,
        })
    }

    /// Blocks until the engine has taken up what was there the last time.
    pub(crate) fn wait_until_ready(&self) {
        let (answer, answered) = oneshot::channel();
        if self
            .requests
            .blocking_send(Request::Subscribe(answer))
            .is_ok()
        {
            // An error means that it has ended, which is noticed elsewhere.
            let _ = answered.blocking_recv();
        }
    }

    /// Whether both speak to the same engine.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.requests.same_channel(&other.requests)
    }

    /// Ends the engine: says goodbye to the server and closes the database.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.requests.send(Request::Stop(done)).await.is_ok() {
            // An error means that it has ended, which is what was asked for.
            let _ = stopped.await;
        }
    }

    /// Until the engine has ended, for whatever reason.
    pub(crate) async fn ended(&self) {
        self.requests.closed().await;
    }

    /// Waits for its turn: a listener that lags is no less of one because the
    /// engine is busy. `None` once the engine has ended.
    async fn attach_again(&self) -> Option<(Snapshot, broadcast::Receiver<ClientEvent>)> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request::Subscribe(answer)).await.ok()?;
        answered.await.ok()
    }

    fn ask(&self, request: Request) -> Result<(), Refusal> {
        self.requests
            .try_send(request)
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => RefusalCode::Busy.into(),
                mpsc::error::TrySendError::Closed(_) => RefusalCode::Closed.into(),
            })
    }
}

/// One listener. A slow one is told what it missed and gets a fresh snapshot;
/// it never holds up the engine or another listener.
pub struct Subscription {
    handle: ClientHandle,
    events: broadcast::Receiver<ClientEvent>,
    snapshot: Option<Snapshot>,
    /// How many events were missed, until there is a fresh snapshot.
    missed: Option<u64>,
}

impl Subscription {
    /// The next event; `None` once the engine has ended. It may be given up at
    /// any time: nothing is lost.
    pub async fn next(&mut self) -> Option<ClientEvent> {
        if let Some(snapshot) = self.snapshot.take() {
            return Some(ClientEvent::Snapshot { snapshot });
        }
        if self.missed.is_none() {
            match self.events.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Closed) => return None,
                Err(broadcast::error::RecvError::Lagged(missed)) => self.missed = Some(missed),
            }
        }
        let (snapshot, events) = self.handle.attach_again().await?;
        self.snapshot = Some(snapshot);
        self.events = events;
        let missed = self.missed.take().unwrap_or_default();
        Some(ClientEvent::Lagged { missed })
    }

    /// The next event if it is there already: for hosts that pass on batches.
    pub fn try_next(&mut self) -> Option<ClientEvent> {
        if let Some(snapshot) = self.snapshot.take() {
            return Some(ClientEvent::Snapshot { snapshot });
        }
        // A lag is left to `next`, which can ask for the snapshot. Peeking at
        // the length keeps `try_recv` from consuming the news of it.
        if self.missed.is_some() || self.events.len() > EVENTS {
            None
        } else {
            self.events.try_recv().ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use super::*;
    use crate::view::{SecretsBackend, SecretsView, SessionView};

    fn snapshot() -> Snapshot {
        Snapshot {
            session: SessionView::SignedOut {
                server: None,
                username: None,
                reason: None,
                resumable: false,
            },
            secrets: SecretsView::unused(SecretsBackend::Memory),
            compatibility: None,
            roster: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_lagging_listener_gets_its_snapshot_from_a_busy_engine_too() {
        let (requests, mut inbox) = mpsc::channel(1);
        let (sender, events) = broadcast::channel(1);
        let mut listener = Subscription {
            handle: ClientHandle { requests },
            events,
            snapshot: None,
            missed: None,
        };
        for _ in 0..3 {
            let snapshot = snapshot();
            sender
                .send(ClientEvent::Snapshot { snapshot })
                .expect("sent");
        }
        // The queue of requests is full, and the listener is interrupted.
        let (done, _) = oneshot::channel();
        let busy = listener.handle.ask(Request::Stop(done));
        assert_eq!(busy, Ok(()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(
            std::pin::pin!(listener.next())
                .poll(&mut context)
                .is_pending()
        );
        assert_eq!(listener.try_next(), None, "the lag is not forgotten");

        let engine = async {
            inbox.recv().await;
            let Some(Request::Subscribe(answer)) = inbox.recv().await else {
                panic!("it asks again");
            };
            let _ = answer.send((snapshot(), sender.subscribe()));
        };
        let (event, ()) = tokio::join!(listener.next(), engine);
        assert_eq!(event, Some(ClientEvent::Lagged { missed: 2 }));
        assert!(matches!(
            listener.next().await,
            Some(ClientEvent::Snapshot { .. })
        ));
    }
}
