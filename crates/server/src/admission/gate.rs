//! What happens to every HTTP request before Socket.IO sees it.

use std::{
    any::Any,
    net::{IpAddr, SocketAddr},
};

use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::{
    address::Proxies,
    connections::Connections,
    origin::{Origin, Origins},
};
use crate::config::Config;

/// Decides about each HTTP request by its head.
#[derive(Debug)]
pub(crate) struct Gate {
    origins: Origins,
    proxies: Proxies,
    connections: Connections,
}

/// What to do with a request.
#[derive(Debug)]
pub(crate) enum Judgement {
    /// Answer this, with a sentence.
    Refuse(StatusCode, &'static str),
    /// Answer the browser's question; then it asks again.
    Preflight(HeaderValue),
    /// Let it pass; the answer names the origin if there is one. The guard
    /// belongs to a connection that this request opens.
    Pass(Option<HeaderValue>, Option<Guard>),
}

/// Counts one connection of an address until dropped.
pub(crate) type Guard = Box<dyn Any + Send + Sync>;

const NOT_THE_PROXY: &str = "This server is reached through its proxy.\n";
const TOO_MANY: &str = "Too many connections from this address.\n";

impl Gate {
    /// The gate of a server run like this.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            origins: Origins::new(config),
            proxies: Proxies::new(config.trusted_proxies.clone()),
            connections: Connections::new(config.limits.connections_per_ip),
        }
    }

    /// The address of the client behind a request: for limits and the audit log.
    pub(crate) fn client(&self, remote: SocketAddr, headers: &HeaderMap) -> IpAddr {
        self.proxies.client(remote.ip(), headers)
    }

    /// Decides. `query` tells a request that opens a connection from those of
    /// one that is open.
    pub(crate) fn judge(
        &self,
        remote: SocketAddr,
        method: &Method,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Judgement {
        let from = remote.ip().to_canonical();
        if self.proxies.any() && !from.is_loopback() && !self.proxies.trusts(from) {
            return Judgement::Refuse(StatusCode::FORBIDDEN, NOT_THE_PROXY);
        }
        let origin = match self.origins.judge(headers) {
            Origin::Refused(why) => return Judgement::Refuse(StatusCode::FORBIDDEN, why),
            Origin::Page(origin) if method == Method::OPTIONS => {
                return Judgement::Preflight(origin);
            }
            Origin::Page(origin) => Some(origin),
            Origin::None => None,
        };
        if !opens(query) {
            return Judgement::Pass(origin, None);
        }
        match self.connections.enter(self.client(remote, headers)) {
            Some(counted) => Judgement::Pass(origin, Some(Box::new(counted))),
            None => Judgement::Refuse(StatusCode::TOO_MANY_REQUESTS, TOO_MANY),
        }
    }
}

/// Whether this request asks for a new session of Engine.IO. Other paths, such
/// as that of the health checks, have no `EIO` in their query.
fn opens(query: Option<&str>) -> bool {
    let parameters = query.unwrap_or_default().split('&');
    let mut opens = false;
    for parameter in parameters {
        match parameter.split_once('=') {
            Some(("sid", _)) => return false,
            Some(("EIO", _)) => opens = true,
            _ => {}
        }
    }
    opens
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Option<&str> = Some("EIO=4&transport=polling");

    fn public() -> Config {
        Config::in_memory("0.0.0.0:3000".parse().expect("address"))
    }

    fn ask(gate: &Gate, remote: &str, query: Option<&str>, forwarded: Option<&str>) -> Judgement {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::HOST, HeaderValue::from_static("chat.example"));
        if let Some(forwarded) = forwarded {
            headers.insert("x-forwarded-for", forwarded.parse().expect("value"));
        }
        let remote = SocketAddr::new(remote.parse().expect("address"), 5000);
        gate.judge(remote, &Method::GET, query, &headers)
    }

    fn refused(judgement: &Judgement) -> Option<StatusCode> {
        match judgement {
            Judgement::Refuse(status, _) => Some(*status),
            _ => None,
        }
    }

    #[test]
    fn an_address_has_twenty_connections() {
        let gate = Gate::new(&public());
        let held: Vec<_> = (0..20)
            .map(|_| ask(&gate, "192.0.2.1", OPEN, None))
            .collect();
        assert!(held.iter().all(|judgement| refused(judgement).is_none()));
        let more = ask(&gate, "192.0.2.1", OPEN, None);
        assert_eq!(refused(&more), Some(StatusCode::TOO_MANY_REQUESTS));
        // What belongs to an open one passes, and so does another address.
        for query in [Some("EIO=4&transport=polling&sid=abc"), None] {
            assert_eq!(refused(&ask(&gate, "192.0.2.1", query, None)), None);
        }
        assert_eq!(refused(&ask(&gate, "192.0.2.2", OPEN, None)), None);
        drop(held);
        assert_eq!(refused(&ask(&gate, "192.0.2.1", OPEN, None)), None);
    }

    #[test]
    fn behind_a_proxy_each_client_is_counted_by_itself() {
        let mut config = public();
        config.trusted_proxies = vec!["10.0.0.1".parse().expect("network")];
        config.limits.connections_per_ip = 1;
        let gate = Gate::new(&config);
        let first = ask(&gate, "10.0.0.1", OPEN, Some("203.0.113.1"));
        assert_eq!(refused(&first), None);
        let second = ask(&gate, "10.0.0.1", OPEN, Some("203.0.113.2"));
        assert_eq!(refused(&second), None);
        let again = ask(&gate, "10.0.0.1", OPEN, Some("203.0.113.1"));
        assert_eq!(refused(&again), Some(StatusCode::TOO_MANY_REQUESTS));
    }

    #[test]
    fn nobody_comes_past_the_proxy() {
        let mut config = public();
        config.trusted_proxies = vec!["10.0.0.1".parse().expect("network")];
        let gate = Gate::new(&config);
        let stranger = ask(&gate, "203.0.113.1", OPEN, Some("10.0.0.1"));
        assert_eq!(refused(&stranger), Some(StatusCode::FORBIDDEN));
        assert_eq!(refused(&ask(&gate, "127.0.0.1", None, None)), None);
    }
}
