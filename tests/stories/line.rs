//! A line between a person and a server that somebody pulls out of the wall.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parlour_tests::chance::Chance;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// Connections through it end without a goodbye, each after as many bytes as
/// chance says.
pub(crate) struct Line {
    address: SocketAddr,
    whole: watch::Sender<bool>,
    broken: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Line {
    /// A line to the server at `url` (`http://host:port`) that breaks by the seed.
    pub(crate) async fn to(url: &str, seed: u64) -> Self {
        let server = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (whole, is_whole) = watch::channel(false);
        let broken = Arc::new(AtomicUsize::new(0));
        let count = broken.clone();
        let mut chance = Chance::new(seed);
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                // Enough for signing in and a few messages, in each direction.
                let budget = 1_500 + chance.below(6_000);
                let Ok(far) = TcpStream::connect(&server).await else {
                    continue;
                };
                let (count, is_whole) = (count.clone(), is_whole.clone());
                tokio::spawn(async move {
                    carry(near, far, budget, is_whole).await;
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        Self {
            address,
            whole,
            broken,
            task,
        }
    }

    /// The address for clients.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections have ended.
    pub(crate) fn breaks(&self) -> usize {
        self.broken.load(Ordering::Relaxed)
    }

    /// From now on nothing breaks.
    pub(crate) fn is_mended(&self) {
        self.whole.send_replace(true);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Until one side ends, or one direction has had its bytes. Both are dropped then.
async fn carry(near: TcpStream, far: TcpStream, budget: usize, is_whole: watch::Receiver<bool>) {
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    tokio::select! {
        () = pass(near_in, far_out, budget, is_whole.clone()) => {}
        () = pass(far_in, near_out, budget, is_whole) => {}
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut budget: usize,
    is_whole: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        // Also amid a frame.
        let carried = if *is_whole.borrow() {
            count
        } else {
            count.min(budget)
        };
        if to.write_all(&bytes[..carried]).await.is_err() || carried < count {
            return;
        }
        budget -= carried.min(budget);
    }
}
