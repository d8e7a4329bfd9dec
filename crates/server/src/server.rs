//! The server as a whole: start, stop.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::time::timeout;

use crate::{
    config::{Config, ConfigError},
    counters::{Counters, Counts},
    gateway::Gateway,
    hub::{self, HubHandle, HubThread, Stop},
    limits::STOP_STEP,
    net::{self, Acceptor, Valves},
    storage::{DataFolder, Sqlite, StorageError},
};

/// Why a server does not start. Each text is one sentence for the one who
/// started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The choices do not fit together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another program has the port.
    #[error("{0} is in use by another program: stop it, or listen on another port")]
    InUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The data cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A fault of this program.
    #[error("internal error: {0}")]
    Internal(String),
}

/// Starts servers.
#[derive(Clone, Copy, Debug)]
pub struct Server;

/// A server that runs. Dropped without [`Running::stop`], it goes on until its
/// runtime ends.
pub struct Running {
    addr: SocketAddr,
    acceptor: Acceptor,
    valves: Arc<Valves>,
    gateway: Gateway,
    hub: HubHandle,
    hub_thread: HubThread,
    counters: Arc<Counters>,
}

impl Server {
    /// Starts a server; it is reachable once this returns. The address comes
    /// first, since the data must not be migrated for a server that cannot run.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        config.check()?;
        let Config {
            listen,
            data,
            cors_origins,
            ..
        } = config;
        let data = data.ok_or(ConfigError::NoData)?;
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::InUse(listen),
            _ => StartError::Listen {
                address: listen,
                source,
            },
        };
        let listener = net::bind(listen).map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let counters = Arc::new(Counters::default());
        let hub_counters = counters.clone();
        // Opening may migrate, and migrating may take its time.
        let (hub, hub_thread) = tokio::task::spawn_blocking(move || {
            let storage = Sqlite::open(DataFolder::open(&data)?)?;
            hub::spawn(Box::new(storage), hub_counters)
        })
        .await
        .map_err(|error| StartError::Internal(error.to_string()))??;
        let (gateway, router) = Gateway::new(hub.clone(), counters.clone(), cors_origins, addr)
            .map_err(|error| StartError::Internal(error.to_string()))?;
        let valves = Arc::new(Valves::default());
        Ok(Running {
            addr,
            acceptor: Acceptor::start(listener, router, valves.clone()),
            valves,
            gateway,
            hub,
            hub_thread,
            counters,
        })
    }
}

impl Running {
    /// Where it listens, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address for clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What was refused or ignored so far.
    pub fn counts(&self) -> Counts {
        self.counters.counts()
    }

    /// Waits until the server has ended by a fault of its own.
    pub async fn failed(&self) {
        self.hub.ended().await;
    }

    /// Ends the server in order: no one new, goodbye to those who are here,
    /// what they sent is stored, the database is left in one file.
    pub async fn stop(self) {
        self.gateway.close_door();
        self.acceptor.end().await;
        self.valves.shut_idle();
        if within(STOP_STEP, self.gateway.close()).await.is_err() {
            tracing::warn!("some connections did not close in time");
        }
        self.valves.shut_all();
        if within(STOP_STEP, self.gateway.drained()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        end_hub(&self.hub, self.hub_thread, Stop { checkpoint: true }).await;
    }

    /// Ends the server as a crash would, as far as others can tell: all
    /// connections break, and the database is left as it is.
    pub async fn kill(self) {
        self.gateway.close_door();
        self.valves.shut_all();
        self.acceptor.end().await;
        self.valves.shut_all();
        end_hub(&self.hub, self.hub_thread, Stop { checkpoint: false }).await;
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

async fn end_hub(hub: &HubHandle, thread: HubThread, stop: Stop) {
    let ended = async {
        // Gone already: then it is only joined.
        let _ = hub.stop(stop).await;
        tokio::task::spawn_blocking(|| thread.join()).await
    };
    match within(STOP_STEP, ended).await {
        Ok(Ok(Ok(()))) => {}
        Ok(_) => tracing::error!("the hub ended by a fault"),
        Err(_) => tracing::error!("the hub did not end in time"),
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, ()> {
    timeout(limit, work).await.map_err(|_| ())
}
