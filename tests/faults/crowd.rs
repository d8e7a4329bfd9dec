//! Row 17: many who are there, many who come at once. Sized to the machine; the
//! benchmark goes further.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parlour_tests::{pm::Device, program::ServerProgram, wire::RawSocket};
use serde_json::json;
use tokio::{
    sync::{Barrier, Semaphore},
    task::JoinSet,
};

use crate::setting::many;

/// What one idle connection may cost in a program that was not optimised: it
/// takes about 6 KiB.
const MEMORY_EACH: usize = 16 << 10;

/// What a crowd may cost at its worst moment.
const MEMORY_PEAK: usize = 200 << 20;

/// Within which all of a crowd have to be in.
const ALL_IN: Duration = Duration::from_secs(60);

/// Who come one after the other, more or less.
const AT_A_TIME: usize = 32;

pub(crate) async fn many_idle_connections_cost_little() {
    let idle = many(2_000, 5_000);
    let mut server = ServerProgram::start();
    let ann = Device::signs_in(&server.url(), "Ann").await;
    let (before, files) = (server.memory(), server.open_files());
    let crowd = Crowd::comes(&server, "idle", idle, AT_A_TIME).await;
    let each = server.memory().saturating_sub(before) / idle;
    assert!(each < MEMORY_EACH, "{each} bytes for each connection");
    assert!(server.memory_peak() < before + MEMORY_PEAK);
    ann.says(ann.user(), "still here").await;
    assert!(!ann.is_closed());
    crowd.leaves().await;
    settles(&server, files).await;
    assert!(server.terminate().0.success());
}

pub(crate) async fn many_who_come_at_once_are_all_let_in() {
    let storm = many(1_000, 2_000);
    let mut server = ServerProgram::start();
    let ann = Device::signs_in(&server.url(), "Ann").await;
    let (before, files) = (server.memory(), server.open_files());
    let begun = Instant::now();
    let crowd = Crowd::comes(&server, "storm", storm, storm).await;
    let took = begun.elapsed();
    assert!(took < ALL_IN, "it took {took:?}");
    let peak = server.memory_peak().saturating_sub(before);
    assert!(peak < MEMORY_PEAK, "it cost {peak} bytes");
    ann.says(ann.user(), "still here").await;
    assert!(!ann.is_closed());
    crowd.leaves().await;
    settles(&server, files).await;
    assert!(server.terminate().0.success());
}

/// Connections that are read and otherwise do nothing.
struct Crowd {
    readers: JoinSet<bool>,
    gone: Arc<Semaphore>,
}

impl Crowd {
    /// All of them have their `users` when this returns, or one was refused.
    async fn comes(server: &ServerProgram, name: &str, count: usize, at_a_time: usize) -> Self {
        let address = server.address();
        let turns = Arc::new(Semaphore::new(at_a_time));
        let all_in = Arc::new(Barrier::new(count + 1));
        let gone = Arc::new(Semaphore::new(0));
        let mut readers = JoinSet::new();
        for number in 0..count {
            let (address, turns) = (address.clone(), turns.clone());
            let (all_in, gone) = (all_in.clone(), gone.clone());
            let auth = json!({"username": format!("{name} {number}")});
            readers.spawn(async move {
                let turn = turns.acquire().await.expect("open");
                let (mut socket, _) = RawSocket::joins(&address, &auth).await;
                drop(turn);
                // Reads on while the others come: it is not to be a slow reader.
                let mut wait = std::pin::pin!(async {
                    all_in.wait().await;
                    let _ = gone.acquire().await;
                });
                loop {
                    tokio::select! {
                        () = &mut wait => return true,
                        text = socket.text() => if text.is_none() {
                            return false;
                        },
                    }
                }
            });
        }
        let refused = async {
            match readers.join_next().await {
                Some(Ok(_)) => panic!("one was cut"),
                Some(Err(error)) => panic!("one was refused: {error}"),
                None => {}
            }
        };
        tokio::select! {
            _ = all_in.wait() => {}
            () = refused => {}
        }
        Self { readers, gone }
    }

    async fn leaves(mut self) {
        self.gone.close();
        while let Some(stayed) = self.readers.join_next().await {
            assert!(stayed.expect("no panic"), "one was cut while it was idle");
        }
    }
}

/// Waits until what was opened for the crowd is closed again.
async fn settles(server: &ServerProgram, files: usize) {
    let end = Instant::now() + Duration::from_secs(20);
    while server.open_files() > files + 8 {
        assert!(Instant::now() < end, "{} files open", server.open_files());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
