//! From the options to a stream: whatever speaks to the server goes over one of these.

use std::{fmt, sync::Arc, time::Duration};

use http::HeaderMap;
use tokio::{sync::OnceCell, time::timeout};
use tokio_rustls::TlsConnector;

use super::{
    dial,
    meter::{Meter, Metered},
    stream::{Stream, Tunnel},
    target::Target,
    tls,
};
use crate::{
    error::ConnectError,
    options::{ConnectOptions, Headers, Pin, Roots},
};

/// Opens streams to one server. A clone costs nothing and shares what was built.
#[derive(Clone)]
pub(crate) struct Dialer {
    inner: Arc<Inner>,
}

struct Inner {
    target: Target,
    roots: Roots,
    pin: Option<Pin>,
    headers: Headers,
    /// Made by the first stream that needs it: the system's certificates are
    /// files, and reading them takes a moment.
    tls: OnceCell<TlsConnector>,
    patience: Duration,
}

impl Dialer {
    /// # Errors
    /// The options cannot describe a server.
    pub(crate) fn from_options(options: &ConnectOptions) -> Result<Self, ConnectError> {
        Ok(Self {
            inner: Arc::new(Inner {
                target: Target::from_options(options)?,
                roots: options.roots.clone(),
                pin: options.pin,
                headers: options.headers.clone(),
                tls: OnceCell::new(),
                patience: options.connect_timeout,
            }),
        })
    }

    /// What the streams lead to.
    pub(crate) fn target(&self) -> &Target {
        &self.inner.target
    }

    /// What every request to the server has among its headers.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.inner.headers.of_requests()
    }

    /// Opens a stream: TCP, and TLS where the address asks for it. What passes
    /// on the line itself is counted by `meter`. Dropping the future gives up.
    ///
    /// # Errors
    /// There is no stream. It takes `connect_timeout` at most.
    pub(crate) async fn dial(&self, meter: Arc<Meter>) -> Result<Stream, ConnectError> {
        timeout(self.inner.patience, self.stages(meter))
            .await
            .unwrap_or(Err(ConnectError::TimedOut))
    }

    async fn stages(&self, meter: Arc<Meter>) -> Result<Stream, ConnectError> {
        let target = &self.inner.target;
        let tcp = dial::dial(&target.host, target.port).await?;
        let tunnel = Tunnel::Tcp(Metered::new(tcp, meter));
        if !target.secure {
            return Ok(Stream::Plain(tunnel));
        }
        let connector = self.tls().await?;
        let secure = tls::handshake(connector, &target.host, tunnel).await?;
        Ok(Stream::Secure(Box::new(secure)))
    }

    async fn tls(&self) -> Result<&TlsConnector, ConnectError> {
        let inner = &self.inner;
        inner
            .tls
            .get_or_try_init(|| tls::connector(&inner.roots, inner.pin))
            .await
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("target", &self.inner.target)
            .finish_non_exhaustive()
    }
}
