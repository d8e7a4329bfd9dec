//! From the options to a stream: whatever speaks to the server goes over one of these.

use std::{fmt, sync::Arc, time::Duration};

use http::HeaderMap;
use tokio::{
    sync::OnceCell,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;

use super::{
    dial,
    meter::{Meter, Metered},
    proxy,
    stream::{Stream, Tunnel},
    target::Target,
    tls,
};
use crate::{
    clock,
    error::{ConnectError, ProxyError},
    options::{ConnectOptions, Headers, Pin, ProxyScheme, ProxyUrl, Roots},
};

/// The share of `connect_timeout` that a stream may take.
const SHARE: f64 = 0.9;

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
    proxy: Option<ProxyUrl>,
    /// The same for the way to a proxy that is reached by TLS itself.
    proxy_tls: OnceCell<TlsConnector>,
    patience: Duration,
}

impl Dialer {
    /// # Errors
    /// The options cannot describe a server, or the environment's setting no proxy.
    pub(crate) fn from_options(options: &ConnectOptions) -> Result<Self, ConnectError> {
        let target = Target::from_options(options)?;
        Ok(Self {
            inner: Arc::new(Inner {
                proxy: proxy::choose(&options.proxy, &target)?,
                proxy_tls: OnceCell::new(),
                target,
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

    /// Opens a stream: TCP, through the proxy where there is one, and TLS where the
    /// address asks for it. What passes on the line itself is counted by `meter`.
    /// Dropping the future gives up.
    ///
    /// # Errors
    /// There is no stream. It takes a little less than `connect_timeout`, so that
    /// who waits that long hears which part of the way stood still.
    pub(crate) async fn dial(&self, meter: Arc<Meter>) -> Result<Stream, ConnectError> {
        let inner = &self.inner;
        let patience = inner.patience.mul_f64(SHARE);
        let deadline = Instant::from_std(clock::now() + patience);
        let tunnel = match &inner.proxy {
            Some(proxy) => timeout_at(deadline, self.through(proxy, meter))
                .await
                .unwrap_or(Err(ProxyError::TimedOut.into()))?,
            None => {
                let direct = dial::dial(&inner.target.host, inner.target.port);
                let tcp = timeout_at(deadline, direct)
                    .await
                    .unwrap_or(Err(ConnectError::TimedOut))?;
                Tunnel::Tcp(Metered::new(tcp, meter))
            }
        };
        if !inner.target.secure {
            return Ok(Stream::Plain(tunnel));
        }
        timeout_at(deadline, self.secure(tunnel))
            .await
            .unwrap_or(Err(ConnectError::TimedOut))
    }

    async fn through(&self, proxy: &ProxyUrl, meter: Arc<Meter>) -> Result<Tunnel, ConnectError> {
        let inner = &self.inner;
        let tls = if proxy.scheme == ProxyScheme::Https {
            // The pin is the server's key, not the proxy's.
            let connector = tls::connector(&inner.roots, None);
            let connector = inner.proxy_tls.get_or_try_init(|| connector).await;
            Some(connector.map_err(proxy::own)?)
        } else {
            None
        };
        proxy::open(proxy, &inner.target, tls, &meter).await
    }

    async fn secure(&self, tunnel: Tunnel) -> Result<Stream, ConnectError> {
        let inner = &self.inner;
        let connector = inner
            .tls
            .get_or_try_init(|| tls::connector(&inner.roots, inner.pin))
            .await?;
        let secure = tls::handshake(connector, &inner.target.host, tunnel).await?;
        Ok(Stream::Secure(Box::new(secure)))
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("target", &self.inner.target)
            .field("proxy", &self.inner.proxy)
            .finish_non_exhaustive()
    }
}
