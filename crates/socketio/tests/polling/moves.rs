//! From polling to WebSocket, with everything that is on its way.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use parlour_socketio::{
    CloseReason, Placeholder, Socket, SocketEvent, SocketEvents, Transport, Transports,
};

use crate::{
    echo::{arrives, bytes, closed, echo, event, shown, soon, to},
    proxy::{Proxy, Upgrades},
};

/// Says numbers until it has moved and a little longer; every third as a file.
async fn says(socket: &Socket) -> u32 {
    let mut after = 0;
    let mut number = 0;
    while after < 20 {
        if number % 3 == 0 {
            let part = vec![bytes(number, 100)];
            let args = (number, Placeholder(0));
            while socket
                .try_emit_with_attachments("n", &args, part.clone())
                .is_err()
            {
                tokio::task::yield_now().await;
            }
        } else {
            socket.emit("n", &(number,)).await.unwrap();
        }
        number += 1;
        if socket.transport() == Transport::WebSocket {
            after += 1;
        }
        // Now and then the queues run empty.
        if number % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    number
}

/// Hears numbers in order, from 0, up to the word that ends them; and apart from
/// these the ones that the server has said by itself.
async fn hears(events: &mut SocketEvents) -> (u32, u32) {
    let (mut own, mut many) = (0, 0);
    loop {
        let event = match soon(events.next()).await {
            Some(SocketEvent::Event(event)) => event,
            other => panic!("expected an event: {other:?}"),
        };
        let number = || event.args[0].get().parse::<u32>().unwrap();
        match event.name.as_str() {
            "n" => {
                assert_eq!(number(), own);
                if own % 3 == 0 {
                    assert_eq!(event.attachments, [bytes(own, 100)]);
                }
                own += 1;
            }
            "many" => {
                assert_eq!(number(), many);
                many += 1;
            }
            _ => return (own, many),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_out_of_order_in_200_moves() {
    let server = echo(|_| {});
    let moves = stream::iter(0..200).map(|_| {
        let options = to(server.addr(), Transports::PollingFirst);
        async {
            let (socket, mut events) = arrives(options).await;
            let saying = async {
                socket.emit("many", &(300,)).await.unwrap();
                let said = says(&socket).await;
                socket.emit("end", &()).await.unwrap();
                said
            };
            let (said, (heard, many)) = tokio::join!(saying, hears(&mut events));
            assert_eq!((said, 300), (heard, many));
            socket.close();
            assert_eq!(closed(&mut events).await, CloseReason::Local);
        }
    });
    moves.buffer_unordered(8).collect::<()>().await;
    assert_eq!(server.counts().upgrades_total, 200);
}

/// Stays on polling, whatever becomes of the move, and works.
async fn stays(upgrades: Upgrades) {
    let server = echo(|_| {});
    let proxy = Proxy::start(server.addr(), upgrades).await;
    let (socket, mut events) = arrives(to(proxy.address, Transports::PollingFirst)).await;
    for number in 0..100 {
        socket.emit("n", &(number,)).await.unwrap();
        assert_eq!(shown(&event(&mut events).await), format!("n({number})"));
    }
    soon(async {
        while proxy.asked() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    for number in 0..100 {
        socket.emit("n", &(number,)).await.unwrap();
        assert_eq!(shown(&event(&mut events).await), format!("n({number})"));
    }
    assert_eq!(socket.transport(), Transport::Polling, "{upgrades:?}");
    assert_eq!(proxy.asked(), 1);
}

#[tokio::test]
async fn a_move_that_fails_or_hangs_leaves_polling_as_it_is() {
    for upgrades in [
        Upgrades::HangUp,
        Upgrades::Swallow,
        Upgrades::Mute,
        Upgrades::Answer("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
    ] {
        stays(upgrades).await;
    }
}

#[tokio::test]
async fn one_may_close_at_any_moment_of_a_move() {
    let server = echo(|_| {});
    for pause in 0..60 {
        let (socket, mut events) = arrives(to(server.addr(), Transports::PollingFirst)).await;
        tokio::time::sleep(Duration::from_micros(100 * pause)).await;
        let asked = socket.try_ask("last", &(pause,)).unwrap();
        socket.close();
        // What was taken is written, wherever that stood.
        drop(asked);
        loop {
            match soon(events.next()).await {
                Some(SocketEvent::Event(_)) => {}
                Some(SocketEvent::Closed(reason)) => break assert_eq!(reason, CloseReason::Local),
                other => panic!("{other:?}"),
            }
        }
    }
    soon(async {
        while server.counts().polling + server.counts().websocket > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
