//! The server as a whole: start, stop.

mod data;
mod end;

use std::{fmt, io, net::SocketAddr, sync::Arc};

use parlour_protocol::limits::PACKET_BYTES;
use parlour_socketio::server::{self as socketio, Counts as EngineCounts, Feed, ServerOptions};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    admission::Gate,
    audit::{Audit, AuditThread, Entry},
    config::{Config, ConfigError},
    gateway::{Chat, Ending, FeedAnnouncer, Reception},
    http::{self, Health},
    hub::{self, HubHandle, HubThread, NAMESPACE, Policy, Stop},
    limits::{
        BODY_TIMEOUT, CONNECT_TIMEOUT, HEADER_TIMEOUT, OUTGOING_BYTES, PING_INTERVAL, PING_TIMEOUT,
        STALL_TIMEOUT, STOP_BREAK, STOP_CLOSE, STOP_DRAIN, TCP_CONNECTIONS, TICK,
    },
    metrics::{Counts, Metrics},
    storage::{DataFolder, StorageError},
    tls::{Tls, TlsError},
};

use end::{end_audit, end_hub, within};

/// Why a server does not start. Each text is one sentence for the one who
/// started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The choices do not fit together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
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
    /// The audit log cannot be written.
    #[error("the audit log cannot be written: {0}")]
    Audit(io::Error),
    /// A fault of this program.
    #[error("internal error: {0}")]
    Internal(String),
}

/// Starts servers.
#[derive(Clone, Copy, Debug)]
pub struct Server;

/// A server that runs. Dropped without [`Running::stop`], it breaks all
/// connections off.
pub struct Running {
    addr: SocketAddr,
    scheme: &'static str,
    layer: socketio::Running,
    hub: HubHandle,
    hub_thread: HubThread,
    metrics: Arc<Metrics>,
    health: Health,
    tls: Option<Tls>,
    ticking: Ticking,
    ending: Ending,
    audit: Audit,
    audit_thread: AuditThread,
    // A server that keeps nothing holds its folder by this.
    _folder: Option<DataFolder>,
}

impl Server {
    /// Starts a server; it is reachable once this returns. The address comes
    /// first, since the data must not be migrated for a server that cannot run.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        config.check()?;
        let tls = config.tls.as_ref().map(Tls::load).transpose()?;
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::InUse(config.listen),
            _ => StartError::Listen {
                address: config.listen,
                source,
            },
        };
        let listener = socketio::bind(config.listen).map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let metrics = Arc::new(Metrics::default());
        let options = options();
        let feed = Feed::new(&options);
        // Opening may migrate, and migrating may take its time.
        let data::Data {
            storage,
            audit,
            audit_thread,
            folder,
        } = data::open(&config).await?;
        let announcer = Box::new(FeedAnnouncer(feed.clone()));
        let policy = Policy::of(&config);
        let (hub, hub_thread) = hub::spawn(storage, announcer, policy, metrics.clone())?;
        let reception = Reception::new(&config);
        let ending = Ending::default();
        let namespace = Chat::new(
            hub.clone(),
            feed,
            reception,
            metrics.clone(),
            audit.clone(),
            ending.clone(),
        );
        let health = Health::default();
        let asked = health.clone();
        let mut layer = socketio::Server::builder(options)
            .namespace(NAMESPACE, namespace)
            .admission(Gate::new(&config))
            .fallback(move |request| http::answer(&asked, request));
        if let Some(tls) = &tls {
            layer = layer.tls(tls.server_config()?);
        }
        audit.record(Entry::Server { action: "started" });
        Ok(Running {
            addr,
            scheme: config.scheme(),
            layer: layer.start(listener),
            ticking: Ticking(tokio::spawn(tick(hub.clone(), health.clone()))),
            hub,
            hub_thread,
            metrics,
            health,
            tls,
            ending,
            audit,
            audit_thread,
            _folder: folder,
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
        format!("{}://{}", self.scheme, self.addr)
    }

    /// What was refused or ignored so far.
    pub fn counts(&self) -> Counts {
        self.metrics.counts()
    }

    /// Everything that is counted.
    pub(crate) fn metrics(&self) -> Arc<Metrics> {
        self.metrics.clone()
    }

    /// What the layer below counts.
    pub(crate) fn engine(&self) -> Box<dyn Fn() -> EngineCounts + Send + Sync> {
        Box::new(self.layer.watch())
    }

    /// For those who ask the hub from outside.
    pub(crate) fn hub(&self) -> HubHandle {
        self.hub.clone()
    }

    /// For those who have something to write down.
    pub(crate) fn audit(&self) -> Audit {
        self.audit.clone()
    }

    /// Reads the certificate again; `false` if there is none.
    pub(crate) fn reload_tls(&self) -> Result<bool, TlsError> {
        self.tls
            .as_ref()
            .map_or(Ok(false), |tls| tls.reload().map(|()| true))
    }

    /// Waits until the server has ended by a fault of its own.
    pub async fn failed(&self) {
        self.hub.ended().await;
    }

    /// Ends the server in order: no one new, goodbye to those who are here,
    /// what they sent is stored and answered, the database is left in one file.
    pub async fn stop(self) {
        self.health.drain();
        self.layer.stop_accepting();
        self.ending.begin();
        // From here on those who speak pm know that the end is near.
        if within(STOP_DRAIN, self.hub.drain()).await.is_err() {
            tracing::warn!("what was received could not be stored in time");
        }
        let closed = self.layer.close(STOP_CLOSE);
        if within(STOP_CLOSE + STOP_BREAK, closed).await.is_err() {
            // Dropped by that, which breaks off whoever is left.
            tracing::warn!("connections could not be ended in time");
        }
        drop(self.ticking);
        end_hub(&self.hub, self.hub_thread, Stop { checkpoint: true }).await;
        self.audit.record(Entry::Server { action: "stopped" });
        drop(self.audit);
        end_audit(self.audit_thread).await;
    }

    /// Ends the server as a crash would, as far as others can tell: all
    /// connections break, and the database is left as it is.
    pub async fn kill(self) {
        self.layer.abort().await;
        drop(self.ticking);
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

/// How connections are treated.
fn options() -> ServerOptions {
    ServerOptions {
        ping_interval: PING_INTERVAL,
        ping_timeout: PING_TIMEOUT,
        connect_timeout: CONNECT_TIMEOUT,
        max_payload: PACKET_BYTES,
        out_bytes: OUTGOING_BYTES,
        stall_timeout: STALL_TIMEOUT,
        header_timeout: HEADER_TIMEOUT,
        body_timeout: BODY_TIMEOUT,
        tcp_connections: TCP_CONNECTIONS,
        ..ServerOptions::default()
    }
}

/// The task that [ticks](tick), ended when dropped: it would keep the hub.
struct Ticking(JoinHandle<()>);

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What happens from time to time.
async fn tick(hub: HubHandle, health: Health) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        hub.tick();
        match timeout(TICK, hub.probe()).await {
            Ok(Some(works)) => health.storage(works.is_ok()),
            Ok(None) => return,
            // A disk that hangs stores nothing either.
            Err(_) => health.storage(false),
        }
    }
}
