//! The whole loop, with its clocks in the hands of a story: waking up.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::{SeedableRng, rngs::StdRng};
use tokio::{
    sync::{broadcast, mpsc, oneshot},
    time::{Instant, sleep, timeout},
};

use super::super::Engine;
use crate::{
    ClientEvent, Command, SessionView,
    handle::{ClientConfig, Request},
    ports::{
        Alone, Clock, Connecting, Connector, Fence, Link, LinkClose, LinkEvent, LinkFacts,
        LinkSender, SendError, Target,
    },
    secrets::MemorySecrets,
    store::Store,
    view::{Failure, FailureCode},
};

const S: Duration = Duration::from_secs(1);

/// The runtime's time, and a wall clock that can be ahead of it.
#[derive(Clone)]
struct Clocks {
    start: Instant,
    ahead_ms: Arc<AtomicI64>,
}

impl Clock for Clocks {
    fn now_ms(&self) -> i64 {
        let passed = i64::try_from(self.start.elapsed().as_millis()).expect("a time");
        passed + self.ahead_ms.load(Ordering::Relaxed)
    }
}

/// A network that is there or not, with a server of dialect C behind it.
#[derive(Clone, Default)]
struct Network {
    up: Arc<Mutex<bool>>,
    attempts: Arc<AtomicUsize>,
    links: Arc<Mutex<Vec<mpsc::Sender<LinkEvent>>>>,
}

struct Mute;

impl LinkSender for Mute {
    fn send(&self, _: &parlour_protocol::OutgoingMessage) -> Result<(), SendError> {
        Ok(())
    }

    fn fence(&self, _: u64) -> Fence {
        Fence::Raised
    }

    fn close(&self) {}
}

impl Connector for Network {
    fn connect(&self, _: Target) -> Connecting {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let this = self.clone();
        Box::pin(async move {
            if !*this.up.lock().expect("the network") {
                return Err(lost(FailureCode::NameNotFound).into());
            }
            let (events, incoming) = mpsc::channel(8);
            for event in [
                super::stage::session("me"),
                super::stage::list(super::stage::everyone()),
            ] {
                events.try_send(event).expect("room");
            }
            this.links.lock().expect("the links").push(events);
            Ok(Link {
                socket_id: "socket".into(),
                sender: Box::new(Mute),
                events: incoming,
                server_patience: 45 * S,
                facts: LinkFacts::default(),
            })
        })
    }
}

impl Network {
    fn is(&self, up: bool) {
        *self.up.lock().expect("the network") = up;
    }

    /// Every connection breaks.
    async fn breaks(&self) {
        let links = std::mem::take(&mut *self.links.lock().expect("the links"));
        for link in links {
            let reason = lost(FailureCode::LinkLost);
            let clean = false;
            // One that has ended already needs no end.
            let _ = link
                .send(LinkEvent::Closed(LinkClose { clean, reason }))
                .await;
        }
    }

    fn attempts(&self) -> usize {
        self.attempts.load(Ordering::Relaxed)
    }
}

fn lost(code: FailureCode) -> Failure {
    Failure { code, detail: None }
}

/// An engine in its loop.
struct Awake {
    network: Network,
    clocks: Clocks,
    events: broadcast::Receiver<ClientEvent>,
    requests: mpsc::Sender<Request>,
    _folder: tempfile::TempDir,
}

impl Awake {
    async fn online() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let network = Network::default();
        network.is(true);
        let clocks = Clocks {
            start: Instant::now(),
            ahead_ms: Arc::default(),
        };
        let config = ClientConfig {
            data: folder.path().to_owned(),
            profile: "test".into(),
            connector: Arc::new(network.clone()),
            secrets: Arc::new(MemorySecrets::default()),
            neighbours: Arc::new(Alone),
            clock: Box::new(clocks.clone()),
            seed: 1,
        };
        let store = Store::open(folder.path()).expect("a store");
        let (sender, events) = broadcast::channel(1024);
        let engine = Engine::new(store, config, StdRng::seed_from_u64(1), sender);
        let (requests, inbox) = mpsc::channel(8);
        tokio::spawn(engine.run(inbox));
        let mut awake = Self {
            network,
            clocks,
            events,
            requests,
            _folder: folder,
        };
        let (answer, answered) = oneshot::channel();
        let sign_in = Command::SignIn {
            server: "http://127.0.0.1:1".into(),
            username: "Me".into(),
            options: None,
        };
        awake
            .requests
            .send(Request::Dispatch(sign_in, answer))
            .await
            .expect("it runs");
        answered.await.expect("an answer").expect("accepted");
        awake.until_online().await;
        awake
    }

    async fn until_online(&mut self) {
        loop {
            let session = match self.events.recv().await.expect("an event") {
                ClientEvent::SessionChanged { session } => session,
                ClientEvent::Snapshot { snapshot } => snapshot.session,
                _ => continue,
            };
            if matches!(session, SessionView::Online { .. }) {
                return;
            }
        }
    }

    /// The connection is gone, and every attempt at another fails for so long.
    async fn is_cut_off_for(&mut self, time: Duration) {
        self.network.is(false);
        self.network.breaks().await;
        sleep(time).await;
        while self.events.try_recv().is_ok() {}
    }

    fn wall_jumps(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).expect("a time");
        self.clocks.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_wakes_up_is_back_within_five_seconds() {
    for awake_for in 0..10 {
        let mut awake = Awake::online().await;
        awake.is_cut_off_for(120 * S + awake_for * S * 3).await;
        // Asleep for ten minutes: timers stand still. Then there is a network again.
        awake.network.is(true);
        awake.wall_jumps(600 * S);
        let woke = Instant::now();
        timeout(5 * S, awake.until_online())
            .await
            .expect("within five seconds");
        assert!(woke.elapsed() <= 3 * S + S / 10, "{:?}", woke.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_sleeps_while_connected_is_back_at_once_when_that_is_noticed() {
    let mut awake = Awake::online().await;
    // Many short connections: the next wait would be long.
    for _ in 0..12 {
        awake.network.breaks().await;
        awake.until_online().await;
    }
    awake.wall_jumps(600 * S);
    awake.network.breaks().await;
    let broke = Instant::now();
    timeout(5 * S, awake.until_online())
        .await
        .expect("within five seconds");
    assert!(broke.elapsed() <= 5 * S);
}

#[tokio::test(start_paused = true)]
async fn a_step_of_the_wall_clock_costs_one_attempt_at_most() {
    let mut awake = Awake::online().await;
    let (mut attempts, mut quiet) = (0, 0);
    for step in [None, Some(3600 * S)] {
        awake.is_cut_off_for(120 * S).await;
        let before = awake.network.attempts();
        if let Some(by) = step {
            awake.wall_jumps(by);
        }
        sleep(10 * S).await;
        (quiet, attempts) = (attempts, awake.network.attempts() - before);
        awake.network.is(true);
        awake.until_online().await;
        sleep(60 * S).await;
    }
    // The wait begins anew once, and doubles as ever.
    assert!(attempts <= quiet + 5, "{attempts} and {quiet}");
    // A step back, and a step while connected, change nothing.
    let before = awake.network.attempts();
    awake
        .clocks
        .ahead_ms
        .fetch_sub(86_400_000, Ordering::Relaxed);
    sleep(60 * S).await;
    awake.wall_jumps(86_400 * S);
    sleep(60 * S).await;
    assert_eq!(awake.network.attempts(), before);
}
