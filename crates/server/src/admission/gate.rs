//! What happens to every HTTP request before Socket.IO sees it.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, Method, StatusCode, request::Parts};
use parlour_socketio::server::{Admission, Verdict};
use url::form_urlencoded;

use super::{
    address::Proxies,
    connections::Connections,
    origin::{Origin, Origins},
};
use crate::config::Config;

/// Decides about each HTTP request by its head. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    origins: Origins,
    proxies: Proxies,
    connections: Connections,
}

/// What anybody may ask.
const HEALTH: [&str; 2] = ["/healthz", "/readyz"];

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

    fn judge(
        &self,
        remote: SocketAddr,
        method: &Method,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Verdict {
        let from = remote.ip().to_canonical();
        if self.proxies.any() && !from.is_loopback() && !self.proxies.trusts(from) {
            return refuse(StatusCode::FORBIDDEN, NOT_THE_PROXY);
        }
        let allow_origin = match self.origins.judge(headers) {
            Origin::Refused(why) => return refuse(StatusCode::FORBIDDEN, why),
            Origin::Page(allow_origin) if method == Method::OPTIONS => {
                return Verdict::Preflight { allow_origin };
            }
            Origin::Page(origin) => Some(origin),
            Origin::None => None,
        };
        if !opens(query) {
            return Verdict::Pass {
                allow_origin,
                guard: None,
            };
        }
        match self.connections.enter(self.client(remote, headers)) {
            Some(counted) => Verdict::Pass {
                allow_origin,
                guard: Some(Box::new(counted)),
            },
            None => refuse(StatusCode::TOO_MANY_REQUESTS, TOO_MANY),
        }
    }
}

impl Admission for Gate {
    fn admit(&self, remote: SocketAddr, request: &Parts) -> Verdict {
        // Whoever watches the server asks under its address, past any proxy; what
        // it is told is no secret, and no page may read it.
        if HEALTH.contains(&request.uri.path()) {
            return Verdict::Pass {
                allow_origin: None,
                guard: None,
            };
        }
        let query = request.uri.query();
        self.judge(remote, &request.method, query, &request.headers)
    }
}

fn refuse(status: StatusCode, text: &'static str) -> Verdict {
    Verdict::Refuse { status, text }
}

/// Whether this request asks for a new session of Engine.IO. Other paths, such
/// as that of the health checks, have no `EIO` in their query. Read as the engine
/// reads it, encoded or not: what only one of the two understood would not be counted.
fn opens(query: Option<&str>) -> bool {
    let query = query.unwrap_or_default().as_bytes();
    let mut opens = false;
    for (name, _) in form_urlencoded::parse(query) {
        match &*name {
            "sid" => return false,
            "EIO" => opens = true,
            _ => {}
        }
    }
    opens
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const OPEN: Option<&str> = Some("EIO=4&transport=polling");

    fn public() -> Config {
        Config::in_memory("0.0.0.0:3000".parse().expect("address"))
    }

    fn ask(gate: &Gate, remote: &str, query: Option<&str>, forwarded: Option<&str>) -> Verdict {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::HOST, HeaderValue::from_static("chat.example"));
        if let Some(forwarded) = forwarded {
            headers.insert("x-forwarded-for", forwarded.parse().expect("value"));
        }
        let remote = SocketAddr::new(remote.parse().expect("address"), 5000);
        gate.judge(remote, &Method::GET, query, &headers)
    }

    fn refused(verdict: &Verdict) -> Option<StatusCode> {
        match verdict {
            Verdict::Refuse { status, .. } => Some(*status),
            _ => None,
        }
    }

    #[test]
    fn an_address_has_twenty_connections() {
        let gate = Gate::new(&public());
        let held: Vec<_> = (0..20)
            .map(|_| ask(&gate, "192.0.2.1", OPEN, None))
            .collect();
        assert!(held.iter().all(|verdict| refused(verdict).is_none()));
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
    fn a_query_counts_however_it_is_written() {
        let mut config = public();
        config.limits.connections_per_ip = 1;
        let gate = Gate::new(&config);
        let _held = ask(&gate, "192.0.2.1", OPEN, None);
        for query in [
            "%45IO=4&transport=polling",
            "transport=websocket&E%49O=%34",
            "&&EIO=4&transport=polling",
            "EIO&EIO=4&transport=polling",
            "EIO=4&transport=polling&sid_=x&Sid=y",
        ] {
            let verdict = ask(&gate, "192.0.2.1", Some(query), None);
            let too_many = Some(StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(refused(&verdict), too_many, "{query}");
        }
        // The engine opens nothing for any `sid`.
        for query in ["EIO=4&sid=", "EIO=4&s%69d=x", "EIO=4&sid"] {
            let verdict = ask(&gate, "192.0.2.1", Some(query), None);
            assert_eq!(refused(&verdict), None, "{query}");
        }
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
    fn health_can_be_asked_under_any_name() {
        let mut config = public();
        config.trusted_proxies = vec!["10.0.0.1".parse().expect("network")];
        config.hosts = vec!["chat.example".to_owned()];
        let gate = Gate::new(&config);
        let ask = |path: &str| {
            let request = http::Request::builder()
                .uri(path)
                .header("host", "10.1.2.3:3000");
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            let watcher = SocketAddr::from(([10, 9, 9, 9], 5000));
            refused(&gate.admit(watcher, &parts))
        };
        assert_eq!(ask("/healthz"), None);
        assert_eq!(ask("/readyz"), None);
        assert_eq!(ask("/"), Some(StatusCode::FORBIDDEN));
        assert_eq!(ask("/socket.io/?EIO=4"), Some(StatusCode::FORBIDDEN));
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
