//! A line between a client and a server that goes wrong in every way a line can.
//!
//! Each connection gets one fault by the seed: after so many bytes of one
//! direction, also amid a frame, something happens to it. What happened is counted.

mod fault;
mod pass;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

pub use self::fault::{Fault, Manner};
use self::{
    fault::{Direction, Plan},
    pass::carry,
};
use crate::chance::Chance;

/// What goes wrong on a line, and how soon.
#[derive(Clone, Debug)]
pub struct Troubles {
    /// The faults that a connection may get, each as likely as the others.
    pub faults: Vec<Fault>,
    /// How many bytes a connection may carry to the server before its fault.
    pub up: Range<usize>,
    /// How many bytes it may carry to the client; drawn evenly by magnitude, since
    /// lists of all users are long.
    pub down: Range<usize>,
    /// How long the bytes of a lost connection may be on their way, at most. It must
    /// stay below the server's patience: beyond, nobody can tell.
    pub late: Duration,
    /// Ways of being slow that a connection may have.
    pub manners: Vec<Manner>,
}

impl Troubles {
    /// Connections that end without a goodbye amid their traffic, nothing else.
    #[must_use]
    pub fn cuts(bytes: Range<usize>) -> Self {
        Self {
            faults: vec![Fault::Cut],
            up: bytes.clone(),
            down: bytes,
            late: Duration::ZERO,
            manners: vec![Manner::Prompt],
        }
    }

    /// Everything.
    #[must_use]
    pub fn all(up: Range<usize>, down: Range<usize>, late: Duration) -> Self {
        Self {
            faults: Fault::ALL.to_vec(),
            up,
            down,
            late,
            manners: Manner::ALL.to_vec(),
        }
    }
}

/// What all connections of a line share.
#[derive(Debug)]
struct Shared {
    made: Mutex<BTreeMap<Fault, usize>>,
    ended: AtomicUsize,
    /// Whether connections have faults.
    troubled: watch::Sender<bool>,
}

impl Shared {
    fn note(&self, fault: Fault) {
        *self
            .made
            .lock()
            .expect("nobody panics while counting")
            .entry(fault)
            .or_default() += 1;
    }
}

/// A line to a server. Its connections end with it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A line to the server at `url` (`http://host:port`), on which nothing goes
    /// wrong before [`Self::begins`].
    ///
    /// # Panics
    /// If there is no port.
    pub async fn to(url: &str, seed: u64, troubles: Troubles) -> Self {
        let server = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            made: Mutex::default(),
            ended: AtomicUsize::new(0),
            troubled: watch::Sender::new(false),
        });
        let task = tokio::spawn(serve(listener, server, seed, troubles, shared.clone()));
        Self {
            address,
            shared,
            task,
        }
    }

    /// The address for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on things go wrong, also on connections that exist.
    pub fn begins(&self) {
        self.shared.troubled.send_replace(true);
    }

    /// From now on nothing new goes wrong.
    pub fn is_mended(&self) {
        self.shared.troubled.send_replace(false);
    }

    /// What went wrong so far, and how often.
    #[must_use]
    pub fn faults(&self) -> BTreeMap<Fault, usize> {
        self.shared
            .made
            .lock()
            .expect("nobody panics while counting")
            .clone()
    }

    /// How often something went wrong so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.faults().values().sum()
    }

    /// How many connections have ended, for whatever reason.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.shared.ended.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    server: String,
    seed: u64,
    troubles: Troubles,
    shared: Arc<Shared>,
) {
    let mut chance = Chance::new(seed);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((near, _)) = accepted else { continue };
                let plan = plan(&troubles, &mut chance);
                let (server, shared) = (server.clone(), shared.clone());
                connections.spawn(async move {
                    // Where the server is away, the client is hung up on.
                    if let Ok(far) = TcpStream::connect(&server).await {
                        carry(near, far, plan, &shared).await;
                    }
                    shared.ended.fetch_add(1, Ordering::Relaxed);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

fn plan(troubles: &Troubles, chance: &mut Chance) -> Plan {
    let pick = |count: usize, chance: &mut Chance| chance.below(count.max(1));
    let fault = troubles.faults[pick(troubles.faults.len(), chance)];
    let up = chance.below(4) > 0;
    let (direction, after) = if up {
        let range = &troubles.up;
        (
            Direction::Up,
            range.start + chance.below(range.end - range.start),
        )
    } else {
        (Direction::Down, by_magnitude(&troubles.down, chance))
    };
    let late = u64::try_from(troubles.late.as_millis()).unwrap_or(u64::MAX);
    Plan {
        fault,
        direction,
        after,
        manner: troubles.manners[pick(troubles.manners.len(), chance)],
        gather: Duration::from_millis(20 + chance.number() % 180),
        late: Duration::from_millis(chance.number() % late.max(1)),
        seed: chance.number(),
    }
}

/// As likely between 100 and 200 as between 1,000 and 2,000.
fn by_magnitude(range: &Range<usize>, chance: &mut Chance) -> usize {
    let (low, high) = (range.start.max(1), range.end.max(2));
    let doublings = usize::try_from((high / low).max(1).ilog2()).unwrap_or(0);
    let base = low << chance.below(doublings + 1);
    (base + chance.below(base)).min(high)
}

#[cfg(test)]
mod tests;
