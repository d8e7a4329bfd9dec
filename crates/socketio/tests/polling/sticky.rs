//! Two servers behind a balancer that tells by a cookie who belongs where.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parlour_socketio::{CookieJar, Transport, Transports, connect};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::echo::{arrives, echo, event, shown, soon, to};

/// Sends each connection to the server that its cookie names; who has none to the
/// next in turn, with a cookie.
struct Balancer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Balancer {
    async fn start(servers: [SocketAddr; 2]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let turn = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(balance(client, servers, turn.clone()));
            }
        });
        Self { address, task }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn balance(mut client: TcpStream, servers: [SocketAddr; 2], turn: Arc<AtomicUsize>) {
    let Some(request) = head(&mut client).await else {
        return;
    };
    let text = String::from_utf8_lossy(&request).to_lowercase();
    let known = (0..2).find(|node| text.contains(&format!("node=n{node}")));
    let node = known.unwrap_or_else(|| turn.fetch_add(1, Ordering::Relaxed) % 2);
    let mut server = TcpStream::connect(servers[node]).await.unwrap();
    server.write_all(&request).await.unwrap();
    if known.is_none() {
        let Some(answer) = head(&mut server).await else {
            return;
        };
        let line = answer.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
        let cookie = format!("Set-Cookie: node=n{node}; Path=/; HttpOnly\r\n");
        let (first, rest) = answer.split_at(line);
        let answer = [first, cookie.as_bytes(), rest].concat();
        client.write_all(&answer).await.unwrap();
    }
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

async fn head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

#[tokio::test]
async fn a_session_finds_its_server_by_the_cookie() {
    let servers = [echo(|_| {}), echo(|_| {})];
    let balancer = Balancer::start([servers[0].addr(), servers[1].addr()]).await;
    for transports in [Transports::Polling, Transports::PollingFirst] {
        for _ in 0..6 {
            let (socket, mut events) = arrives(to(balancer.address, transports)).await;
            for number in 0..20 {
                socket.emit("n", &(number,)).await.unwrap();
                assert_eq!(shown(&event(&mut events).await), format!("n({number})"));
            }
            if transports == Transports::PollingFirst {
                soon(async {
                    while socket.transport() == Transport::Polling {
                        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                    }
                })
                .await;
            }
            assert_eq!(socket.cookies().len(), 1);
            assert!(!format!("{:?}", socket.cookies()).contains("n0"));
        }
    }
    let both = servers
        .iter()
        .all(|server| server.counts().sessions_total >= 5);
    assert!(both, "the balancer balances");
    assert_eq!(
        servers[0].counts().upgrades_total + servers[1].counts().upgrades_total,
        6
    );
}

#[tokio::test]
async fn the_jar_leads_the_next_connection_to_the_same_server() {
    let servers = [echo(|_| {}), echo(|_| {})];
    let balancer = Balancer::start([servers[0].addr(), servers[1].addr()]).await;
    for transports in [Transports::Polling, Transports::WebSocketFirst] {
        let jar = CookieJar::new();
        let before = servers[0].counts().sessions_total;
        for _ in 0..4 {
            let mut options = to(balancer.address, transports);
            options.cookies = Some(jar.clone());
            let (_socket, _events) = soon(connect(options)).await.unwrap();
        }
        let there = servers[0].counts().sessions_total - before;
        assert!(there == 0 || there == 4, "{there}");
        assert_eq!(jar.len(), 1);
    }
}
