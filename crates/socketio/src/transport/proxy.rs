//! Through a proxy to the server: which one, and how.

use std::{net::IpAddr, sync::Arc};

use tokio::net::lookup_host;
use tokio_rustls::TlsConnector;
use tokio_socks::TargetAddr;

use super::{
    dial,
    meter::{Meter, Metered},
    stream::Tunnel,
    target::Target,
    tls,
};
use crate::{
    error::{ConnectError, ProxyError},
    options::{Proxy, ProxyScheme, ProxyUrl},
};

mod environment;
mod exceptions;
mod socks;
mod tunnel;

/// How many addresses of a server a proxy is asked for, one after the other.
const MAX_ADDRESSES: usize = 4;

/// The proxy that these options mean for this server; `None` is none.
pub(super) fn choose(proxy: &Proxy, target: &Target) -> Result<Option<ProxyUrl>, ProxyError> {
    match proxy {
        Proxy::None => Ok(None),
        Proxy::Via(url) => Ok(Some(url.clone())),
        Proxy::System => environment::proxy(target, |name| {
            // What is not UTF-8 must not look as if nothing were there.
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        }),
    }
}

/// Opens a line to `target` through `proxy`. Where that is reached by TLS, `tls`
/// secures the way to it.
pub(super) async fn open(
    proxy: &ProxyUrl,
    target: &Target,
    tls: Option<&TlsConnector>,
    meter: &Arc<Meter>,
) -> Result<Tunnel, ConnectError> {
    let credentials = proxy.credentials.as_ref();
    match proxy.scheme {
        ProxyScheme::Http | ProxyScheme::Https => {
            let mut line = reach(proxy, tls, meter).await?;
            tunnel::open(&mut line, target, credentials).await?;
            Ok(line)
        }
        ProxyScheme::Socks5 { by_proxy: true } => {
            let place = socks::by_name(target)?;
            let line = reach(proxy, tls, meter).await?;
            Ok(socks::five(line, place, credentials).await?)
        }
        ProxyScheme::Socks4 { by_proxy: true } => {
            let place = socks::by_name(target)?;
            let line = reach(proxy, tls, meter).await?;
            Ok(socks::four(line, place, credentials).await?)
        }
        ProxyScheme::Socks5 { by_proxy: false } | ProxyScheme::Socks4 { by_proxy: false } => {
            by_address(proxy, target, meter).await
        }
    }
}

/// Looks the server's name up here, and asks for its addresses in turn.
async fn by_address(
    proxy: &ProxyUrl,
    target: &Target,
    meter: &Arc<Meter>,
) -> Result<Tunnel, ConnectError> {
    let four = matches!(proxy.scheme, ProxyScheme::Socks4 { .. });
    let found = lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(|_| ConnectError::NameNotFound)?;
    let mut failure = ConnectError::NameNotFound;
    let usable = |ip: IpAddr| !four || ip.is_ipv4();
    let found = found.filter(|address| usable(address.ip()));
    for address in found.take(MAX_ADDRESSES) {
        let line = reach(proxy, None, meter).await?;
        let place = TargetAddr::Ip(address);
        let credentials = proxy.credentials.as_ref();
        let opened = if four {
            socks::four(line, place, credentials).await
        } else {
            socks::five(line, place, credentials).await
        };
        match opened {
            Ok(opened) => return Ok(opened),
            // Another address may be in its reach.
            Err(error @ ProxyError::Unreachable(_)) => failure = error.into(),
            Err(error) => return Err(error.into()),
        }
    }
    Err(failure)
}

/// Opens a line to the proxy itself.
async fn reach(
    proxy: &ProxyUrl,
    tls: Option<&TlsConnector>,
    meter: &Arc<Meter>,
) -> Result<Tunnel, ProxyError> {
    let tcp = dial::dial(&proxy.host, proxy.port).await.map_err(own)?;
    let line = Metered::new(tcp, Arc::clone(meter));
    match tls {
        None => Ok(Tunnel::Tcp(line)),
        Some(connector) => {
            let secured = tls::handshake(connector, &proxy.host, line).await;
            Ok(Tunnel::Secure(Box::new(secured.map_err(own)?)))
        }
    }
}

/// What went wrong on the way to the proxy is not the server's.
pub(super) fn own(error: ConnectError) -> ProxyError {
    match error {
        ConnectError::NameNotFound => ProxyError::NotFound,
        ConnectError::ConnectionRefused => ProxyError::ConnectionRefused,
        ConnectError::TimedOut => ProxyError::TimedOut,
        ConnectError::Tls(_) | ConnectError::Untrusted { .. } => ProxyError::Tls(error.to_string()),
        ConnectError::Network(why) => ProxyError::Network(why),
        other => ProxyError::Network(other.to_string()),
    }
}
