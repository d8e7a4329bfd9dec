//! The log that many follow: complete, in order, and never waited for.

use std::time::Duration;

use futures_util::future::join_all;
use parlour_socketio::server::{Feed, Frame, LeaveReason, ServerOptions, Socket};

use crate::{
    raw::{Raw, soon},
    recorder::{Call, Stage, news, options, stage},
};

async fn followers(stage: &mut Stage, count: usize) -> Vec<(Raw, Socket)> {
    let mut followers = Vec::new();
    for _ in 0..count {
        let raw = Raw::join(stage.addr()).await;
        let socket = stage.joined().await;
        stage.feed.subscribe(&socket);
        followers.push((raw, socket));
    }
    followers
}

fn shown(number: u64) -> String {
    format!(r#"42["news",{number}]"#)
}

#[tokio::test]
async fn everybody_hears_everything_in_order() {
    let mut stage = stage(options());
    let followers = followers(&mut stage, 20).await;
    for number in 0..3_000 {
        stage.feed.publish(news(number));
    }
    let listening = followers.into_iter().map(|(mut raw, _socket)| async move {
        for number in 0..3_000 {
            assert_eq!(raw.hear().await, shown(number));
        }
        raw.hears_nothing_else().await;
    });
    join_all(listening).await;
}

#[tokio::test]
async fn what_is_sent_directly_keeps_its_place() {
    let mut stage = stage(options());
    let mut followers = followers(&mut stage, 3).await;
    let (mut raw, socket) = followers.remove(0);
    let mut expected = Vec::new();
    for number in 0..500 {
        stage.feed.publish(news(number));
        expected.push(shown(number));
        if number % 7 == 0 {
            socket.emit("direct", &(number,)).unwrap();
            expected.push(format!(r#"42["direct",{number}]"#));
        }
    }
    for text in expected {
        assert_eq!(raw.hear().await, text);
    }
    for (mut raw, _) in followers {
        for number in 0..500 {
            assert_eq!(raw.hear().await, shown(number));
        }
    }
}

#[tokio::test]
async fn following_begins_and_ends_where_one_says() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let socket = stage.joined().await;
    stage.feed.publish(news(1));
    stage.feed.subscribe(&socket);
    stage.feed.subscribe(&socket);
    stage.feed.publish(news(2));
    stage.feed.unsubscribe(&socket);
    stage.feed.publish(news(3));
    socket.flush();
    assert_eq!(raw.hear().await, shown(2));
    raw.hears_nothing_else().await;

    let second = Feed::new(&options());
    stage.feed.subscribe(&socket);
    stage.feed.publish(news(4));
    second.subscribe(&socket);
    stage.feed.publish(news(5));
    second.publish(news(6));
    assert_eq!(raw.hear().await, shown(4));
    assert_eq!(raw.hear().await, shown(6));
    raw.hears_nothing_else().await;
}

#[tokio::test]
async fn a_burst_beyond_the_limits_reaches_everybody_who_reads() {
    let mut stage = stage(ServerOptions {
        // Long enough that the burst comes before the first tick.
        feed_tick: Duration::from_secs(60),
        out_frames: 64,
        ..options()
    });
    let followers = followers(&mut stage, 3).await;
    for number in 0..1_000 {
        stage.feed.publish(news(number));
    }
    for (mut raw, _socket) in followers {
        // What is left in the log comes with the next tick, or before what is
        // sent directly.
        for number in 0..900 {
            assert_eq!(raw.hear().await, shown(number));
        }
    }
}

#[tokio::test]
async fn one_that_does_not_read_is_cut_and_the_others_go_on() {
    let mut stage = stage(ServerOptions {
        out_bytes: 64 * 1024,
        ..options()
    });
    let mut followers = followers(&mut stage, 2).await;
    let (deaf, dumb) = followers.remove(0);
    let (mut raw, _socket) = followers.remove(0);
    let text = "x".repeat(10_000);
    let feed = stage.feed.clone();
    let mut number = 0_u64;
    // Each is heard before the next is published: only who does not read lags.
    let left = loop {
        feed.publish(Frame::event("/", None, "long", &(number, &text)).unwrap());
        let heard = raw.hear().await;
        assert!(heard.starts_with(&format!(r#"42["long",{number},"#)));
        number += 1;
        match stage.calls.try_recv() {
            Ok(Call::Left(socket, reason)) => break (socket, reason),
            Ok(other) => panic!("nothing else happens: {other:?}"),
            Err(_) => {}
        }
    };
    assert_eq!(left, (dumb, LeaveReason::SlowReader));
    drop(deaf);
}

#[tokio::test]
async fn a_slow_reader_is_cut_by_what_it_is_sent_directly_too() {
    let mut stage = stage(ServerOptions {
        out_frames: 8,
        ..options()
    });
    let raw = Raw::join(stage.addr()).await;
    let socket = stage.joined().await;
    let text = "x".repeat(100_000);
    let frame = Frame::event("/", None, "long", &(&text,)).unwrap();
    soon(async {
        while socket.send(&frame).is_ok() {
            socket.flush();
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(
        stage.left().await,
        (socket.clone(), LeaveReason::SlowReader)
    );
    assert_eq!(socket.queued(), 0);
    soon(socket.drained()).await;
    drop(raw);
}

#[tokio::test]
async fn who_is_gone_costs_nothing_and_is_no_harm() {
    let mut stage = stage(options());
    for (raw, socket) in followers(&mut stage, 50).await {
        drop(raw);
        stage.left().await;
        drop(socket);
    }
    let mut rest = followers(&mut stage, 1).await;
    stage.feed.publish(news(1));
    assert_eq!(rest[0].0.hear().await, shown(1));
}

/// Publishers, senders and newcomers all at the same time: nobody misses
/// anything, nobody has anything twice, and each sees what one of them says in its
/// order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_change_nothing_about_the_order() {
    const EACH: u64 = 2_000;
    let mut stage = stage(ServerOptions {
        feed_tick: Duration::from_millis(1),
        out_frames: 256,
        // Nobody is cut here: that is another test.
        out_bytes: 64 * 1024 * 1024,
        ..options()
    });
    let followers = followers(&mut stage, 8).await;
    let publishers: Vec<_> = (0..3_u64)
        .map(|who| {
            let feed = stage.feed.clone();
            let socket = followers[0].1.clone();
            std::thread::spawn(move || {
                for number in 0..EACH {
                    feed.publish(Frame::event("/", None, "from", &(who, number)).unwrap());
                    if who == 0 && number % 10 == 0 {
                        socket.emit("mark", &(number,)).unwrap();
                    }
                }
            })
        })
        .collect();
    let listening = followers
        .into_iter()
        .enumerate()
        .map(|(at, (mut raw, _))| async move {
            let mut next = [0_u64; 3];
            let mut marks = 0;
            while next != [EACH; 3] || (at == 0 && marks < EACH / 10) {
                let text = raw.hear().await;
                let (name, args) = text[3..text.len() - 1].split_once(',').unwrap();
                let args: Vec<u64> = args.split(',').map(|arg| arg.parse().unwrap()).collect();
                if name == r#""mark""# {
                    assert_eq!(args[0], marks * 10);
                    // What the same thread had published before is there before.
                    assert_eq!(next[0], args[0] + 1);
                    marks += 1;
                } else {
                    let who = usize::try_from(args[0]).unwrap();
                    assert_eq!(args[1], next[who]);
                    next[who] += 1;
                }
            }
            raw.hears_nothing_else().await;
        });
    soon(join_all(listening)).await;
    publishers
        .into_iter()
        .for_each(|publisher| publisher.join().unwrap());
}
