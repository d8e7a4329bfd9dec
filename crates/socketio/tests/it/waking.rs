//! After a sleep: what is alive stays, what is dead is found out soon.
//!
//! A runtime whose only thread is held up is, to everything on it, a process
//! that was stopped. The peers are on threads of their own, and go on.

use std::time::{Duration, Instant};

use parlour_socketio::{CloseReason, ConnectOptions, Socket, SocketEvents, connect};

use crate::peer::{OPEN, Peer, closed, event, listen, next, shown};

/// Longer than any busy machine is taken to be late by.
const STOP: Duration = Duration::from_millis(3_500);

/// Connects to a peer that goes on on a thread of its own, as `life` has it.
async fn connects<F>(
    change: impl FnOnce(&mut ConnectOptions),
    life: impl FnOnce(Peer) -> F + Send + 'static,
) -> (Socket, SocketEvents, std::thread::JoinHandle<()>)
where
    F: Future<Output = ()>,
{
    let (tell, address) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async {
            let (listener, options) = listen().await;
            tell.send(options).unwrap();
            let mut peer = Peer::accept(&listener).await;
            peer.welcome(OPEN).await;
            life(peer).await;
        });
    });
    let mut options = address.recv().unwrap();
    change(&mut options);
    let (socket, events) = connect(options).await.unwrap();
    (socket, events, thread)
}

/// Holds up this thread, and with it everything that runs on it.
fn stops() {
    std::thread::sleep(STOP);
}

/// Waits for the peer, while our side goes on.
async fn ends(peer: std::thread::JoinHandle<()>) {
    let ended = tokio::task::spawn_blocking(move || peer.join()).await;
    ended.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_that_is_alive_outlives_a_stop_longer_than_its_silence() {
    let (socket, mut events, thread) = connects(
        |options| {
            options.probe_interval = Duration::from_millis(500);
            options.silence_limit = STOP / 2;
        },
        |mut peer| async move {
            while peer.hear().await != r#"42["still there?"]"# {}
            peer.say(r#"42["yes"]"#).await;
            peer.hears_the_end().await;
        },
    )
    .await;
    for _ in 0..2 {
        // So that the task runs, and has its timer set.
        tokio::time::sleep(Duration::from_millis(100)).await;
        stops();
        // More than it has to answer in.
        let quiet = tokio::time::timeout(STOP, events.next()).await;
        assert!(quiet.is_err(), "{quiet:?}");
    }
    socket.try_emit("still there?", &()).unwrap();
    assert_eq!(shown(&event(&mut events).await), "yes()");
    drop(events);
    ends(thread).await;
}

#[tokio::test]
async fn a_connection_that_died_meanwhile_is_found_out_within_the_short_limit() {
    let (done, wait) = tokio::sync::oneshot::channel::<()>();
    let (_socket, mut events, thread) = connects(
        |options| {
            options.probe_interval = Duration::from_secs(25);
            options.silence_limit = Duration::from_secs(60);
            options.wake_limit = Duration::from_millis(300);
        },
        // It is there and never looks again, as a machine that is unreachable.
        |peer| async move {
            let _ = wait.await;
            drop(peer);
        },
    )
    .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    stops();
    let woke = Instant::now();
    assert_eq!(closed(&mut events).await, CloseReason::PingTimeout);
    assert!(
        woke.elapsed() < Duration::from_secs(10),
        "not by the long limits"
    );
    done.send(()).unwrap();
    ends(thread).await;
}

#[tokio::test]
async fn what_was_said_during_the_stop_is_heard() {
    let (_socket, mut events, thread) = connects(
        |options| options.silence_limit = STOP / 2,
        |mut peer| async move {
            for number in 0..100 {
                peer.say(&format!(r#"42["n",{number}]"#)).await;
            }
            peer.say("41").await;
            peer.hears_the_end().await;
        },
    )
    .await;
    stops();
    for number in 0..100 {
        assert_eq!(shown(&event(&mut events).await), format!("n({number})"));
    }
    let last = next(&mut events).await;
    assert!(
        matches!(
            last,
            parlour_socketio::SocketEvent::Closed(CloseReason::ServerDisconnect)
        ),
        "{last:?}"
    );
    ends(thread).await;
}
