//! What may stand between a client and its server.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What becomes of a request for a WebSocket.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Upgrades {
    /// It passes.
    Pass,
    /// It is answered like this, and the connection closed.
    Answer(&'static str),
    /// The connection is closed without a word.
    HangUp,
    /// Nothing comes back.
    Swallow,
    /// It passes without the words that ask for the upgrade.
    Strip,
    /// It is granted, and then nothing passes any more.
    Mute,
}

/// What passes no more.
#[derive(Clone, Copy, PartialEq)]
enum Deaf {
    Not,
    /// What polls go over that are on their way.
    Polls,
    /// Everything.
    Whole,
}

/// A proxy in front of one server. Dropping it ends it, with all that goes over it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    asked: Arc<AtomicUsize>,
    deafness: watch::Sender<Deaf>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr, upgrades: Upgrades) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let (deafness, watch) = watch::channel(Deaf::Not);
        let count = asked.clone();
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let mut watch = watch.clone();
                let count = count.clone();
                tokio::spawn(async move {
                    let passing = pass(client, server, upgrades, &count, watch.clone());
                    tokio::select! {
                        () = passing => {}
                        // The sender is gone with the proxy.
                        () = until(&mut watch, |_| false) => {}
                    }
                });
            }
        });
        Self {
            address,
            asked,
            deafness,
            task,
        }
    }

    /// How many asked for a WebSocket.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// From now on nothing passes, on no connection, and nothing ends.
    pub(crate) fn swallow_everything(&self) {
        self.deafness.send_replace(Deaf::Whole);
    }

    /// From now on nothing passes on the connections of polls. Others may be opened.
    pub(crate) fn swallow_polls(&self) {
        self.deafness.send_replace(Deaf::Polls);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    mut client: TcpStream,
    server: SocketAddr,
    upgrades: Upgrades,
    asked: &AtomicUsize,
    mut deafness: watch::Receiver<Deaf>,
) {
    client.set_nodelay(true).unwrap();
    let Some(mut head) = head(&mut client).await else {
        return;
    };
    if *deafness.borrow() == Deaf::Whole {
        std::future::pending::<()>().await;
    }
    let text = String::from_utf8_lossy(&head).to_lowercase();
    let polls = text.starts_with("get ");
    let mut mute = false;
    if text.contains("upgrade: websocket") {
        asked.fetch_add(1, Ordering::Relaxed);
        match upgrades {
            Upgrades::Pass => {}
            Upgrades::Answer(answer) => {
                client.write_all(answer.as_bytes()).await.unwrap();
                return;
            }
            Upgrades::HangUp => return,
            Upgrades::Swallow => std::future::pending().await,
            Upgrades::Strip => head = stripped(&head),
            Upgrades::Mute => mute = true,
        }
    }
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    server.set_nodelay(true).unwrap();
    server.write_all(&head).await.unwrap();
    if mute {
        let answer = self::head(&mut server).await.unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        client.write_all(&answer[..end.unwrap() + 4]).await.unwrap();
        std::future::pending::<()>().await;
    }
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        () = until(&mut deafness, |deaf| deaf == Deaf::Whole || deaf == Deaf::Polls && polls) => std::future::pending().await,
    }
}

/// Waits until it is so, or the proxy is gone.
async fn until(watch: &mut watch::Receiver<Deaf>, so: impl Fn(Deaf) -> bool + Send) {
    let _ = watch.wait_for(|now| so(*now)).await;
}

/// What comes up to the end of a head, at least.
async fn head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

fn stripped(head: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(head.to_vec()).unwrap();
    let kept = text.split_inclusive("\r\n").filter(|line| {
        let line = line.to_lowercase();
        !line.starts_with("upgrade:") && !line.starts_with("connection:")
    });
    kept.collect::<String>().into_bytes()
}
