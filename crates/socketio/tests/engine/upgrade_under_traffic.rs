//! The move from polling to WebSocket while both sides talk without a pause.
//!
//! The client does what official ones do: it polls all the time, probes beside it,
//! and when the probe has worked waits for its poll and its POST to come back
//! before it says `5`. Both sides number their messages: none may be missing, come
//! twice, or out of order.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use parlour_socketio::server::{Feed, Frame};
use tokio::sync::mpsc;

use crate::{
    http::Poller,
    stage::{options, soon, stage},
    websocket::Ws,
};

const MESSAGES: usize = 600;

/// Takes the numbers out of what came, and leaves the rest.
fn numbers(packets: &str, news: &mut Vec<usize>, back: &mut Vec<usize>) {
    for packet in packets.split('\x1e') {
        let number = |prefix| -> Option<usize> {
            let rest: &str = packet.strip_prefix(prefix)?;
            Some(rest.strip_suffix(']').unwrap().parse().unwrap())
        };
        if let Some(number) = number(r#"42["news","#) {
            news.push(number);
        } else if let Some(number) = number(r#"42["message-back","#) {
            back.push(number);
        } else {
            assert!(packet == "6", "{packet}");
        }
    }
}

async fn moves_at(when: usize) {
    let mut stage = stage(options());
    let poller = Poller::join(stage.addr()).await;
    let socket = stage.joined().await;

    // The server talks.
    let talking = tokio::spawn(async move {
        for number in 0..MESSAGES {
            socket.emit("news", &(number,)).unwrap();
            if number % 7 == 0 {
                tokio::time::sleep(Duration::from_micros(300)).await;
            }
        }
    });

    moves(stage.addr(), poller, when).await;
    soon(talking).await.unwrap();
}

/// What the client does. It hears all news, and says as much.
async fn moves(addr: SocketAddr, poller: Poller, when: usize) {
    let poller = Arc::new(poller);
    // The client polls…
    let paused = Arc::new(AtomicBool::new(false));
    let (heard, mut polled) = mpsc::unbounded_channel();
    let polling = tokio::spawn({
        let (poller, paused) = (poller.clone(), paused.clone());
        async move {
            while !paused.load(Ordering::SeqCst) {
                let answer = poller.poll().await;
                assert_eq!(answer.status, 200, "{answer:?}");
                heard.send(answer.body).unwrap();
            }
        }
    });
    // … and probes, and talks, as long as it must by POST.
    let mut ws = Ws::beside(addr, &poller.sid).await;
    let mut said = 0;
    let say = |number: usize| format!(r#"42["message",{number}]"#);
    while said < when {
        poller
            .says(&format!("{}\x1e{}", say(said), say(said + 1)))
            .await;
        said += 2;
    }
    ws.says("2probe").await;
    assert_eq!(ws.hears().await, "3probe");
    // One more POST within the move.
    poller.says(&say(said)).await;
    said += 1;
    paused.store(true, Ordering::SeqCst);
    soon(polling).await.unwrap();
    ws.says("5").await;

    let (mut news, mut back) = (Vec::new(), Vec::new());
    while let Some(body) = polled.recv().await {
        numbers(&body, &mut news, &mut back);
    }
    while news.len() < MESSAGES || back.len() < MESSAGES {
        if said < MESSAGES {
            ws.says(&say(said)).await;
            said += 1;
        }
        numbers(&ws.hears().await, &mut news, &mut back);
    }
    assert!(news.iter().copied().eq(0..MESSAGES), "{news:?}");
    assert!(back.iter().copied().eq(0..MESSAGES), "{back:?}");
    assert_eq!(poller.poll().await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_out_of_order() {
    // From before the first message to after most of the server's.
    for when in [0, 2, 20, 60] {
        moves_at(when).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_of_its_own_that_speaks_to_all_keeps_the_order_too() {
    let mut stage = stage(options());
    let feed = Feed::new(&options());
    let (mut sockets, mut pollers) = (Vec::new(), Vec::new());
    for _ in 0..12 {
        pollers.push(Poller::join(stage.addr()).await);
        let socket = stage.joined().await;
        feed.subscribe(&socket);
        sockets.push(socket);
    }
    // Without a runtime, now by the log, now to each.
    let talking = std::thread::spawn(move || {
        for number in 0..MESSAGES {
            let frame = Frame::event("/", None, "news", &(number,)).unwrap();
            if number % 3 > 0 {
                feed.publish(frame);
            } else {
                sockets.iter().for_each(|to| to.send(&frame).unwrap());
            }
            if number % 5 == 0 {
                sockets.iter().for_each(|socket| socket.flush());
                std::thread::sleep(Duration::from_micros(300));
            }
        }
        (feed, sockets)
    });
    let addr = stage.addr();
    let moving = pollers.into_iter().enumerate();
    join_all(moving.map(|(when, poller)| tokio::spawn(moves(addr, poller, 2 * when))))
        .await
        .into_iter()
        .for_each(|moved| moved.unwrap());
    let (_feed, sockets) = talking.join().unwrap();
    assert!(sockets.iter().all(|socket| socket.queued() == 0));
}
