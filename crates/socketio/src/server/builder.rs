//! Putting a server together.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};
use tokio_rustls::TlsAcceptor;

use super::{
    Admission, Namespace, Running, ServerOptions,
    admission::Everybody,
    engine::sessions::Sessions,
    listener,
    registry::Registry,
    site::{Fallback, Phase, Site},
    tally::Tally,
};

/// A server of Socket.IO. See [`Server::builder`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Server;

impl Server {
    /// Begins with a server that has no namespace yet.
    pub fn builder(options: ServerOptions) -> ServerBuilder {
        let options = options.bounded();
        ServerBuilder {
            registry: Registry::new(&options),
            options,
            admission: Box::new(Everybody),
            fallback: Box::new(not_found),
            tls: None,
        }
    }
}

/// What a server will do. See [`Server::builder`].
#[must_use = "a server serves nobody before it is started"]
pub struct ServerBuilder {
    options: ServerOptions,
    registry: Registry,
    admission: Box<dyn Admission>,
    fallback: Box<Fallback>,
    tls: Option<TlsAcceptor>,
}

impl std::fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl ServerBuilder {
    /// Serves a namespace. A client that asks for one that is not served is told
    /// `Invalid namespace`.
    pub fn namespace(mut self, name: &str, namespace: impl Namespace) -> Self {
        self.registry.add(name, namespace);
        self
    }

    /// Decides who may come in. By default everybody may; browsers then keep the
    /// answers to HTTP from pages of other origins, but a WebSocket they let every
    /// page open. Where that matters an [`Admission`] looks at `Origin`.
    pub fn admission(mut self, admission: impl Admission) -> Self {
        self.admission = Box::new(admission);
        self
    }

    /// Answers requests to other paths than the engine's. By default with 404. It
    /// must not wait.
    pub fn fallback(
        mut self,
        fallback: impl Fn(&Request<()>) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.fallback = Box::new(fallback);
        self
    }

    /// Speaks TLS, and nothing else.
    pub fn tls(mut self, config: Arc<rustls::ServerConfig>) -> Self {
        self.tls = Some(TlsAcceptor::from(config));
        self
    }

    /// Serves `listener` from now on; [`bind`](super::bind) makes one with room for
    /// many clients at once.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(self, listener: TcpListener) -> Running {
        let address = listener.local_addr().ok();
        let registry = Arc::new(self.registry);
        let sessions = Arc::new(Sessions::default());
        let tally = Arc::new(Tally::default());
        let (phase, seen) = watch::channel(Phase::Serving);
        let (alive, gone) = mpsc::channel(1);
        let site = Site {
            options: self.options,
            maker: registry.clone(),
            admission: self.admission,
            fallback: self.fallback,
            sessions: sessions.clone(),
            tally: tally.clone(),
            phase: seen,
            _alive: alive,
        };
        let accept = tokio::spawn(listener::accept(listener, self.tls, Arc::new(site)));
        Running {
            address,
            registry,
            sessions,
            tally,
            phase,
            accept: accept.abort_handle(),
            gone,
        }
    }
}

fn not_found(_: &Request<()>) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from_static(b"Nothing is here."));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}
