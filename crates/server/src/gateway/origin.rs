//! Which web pages may talk to this server.
//!
//! A page in a browser names its origin; programs name none. Pages that are
//! not on the list are refused, on WebSockets too, which browsers would
//! otherwise open for anybody.

use std::net::SocketAddr;

use axum::http::{HeaderMap, HeaderValue, Method, header};
use url::{Host, Url};

/// The list, and where this server listens.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    allowed: Vec<String>,
    on_loopback: bool,
}

/// What to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// 403, with a sentence.
    Refuse(&'static str),
    /// Answer the browser's question; then it asks again.
    Preflight(HeaderValue),
    /// Let it pass; the answer names the origin if there is one.
    Pass(Option<HeaderValue>),
}

impl Origins {
    pub(super) fn new(allowed: Vec<Url>, listening: SocketAddr) -> Self {
        Self {
            allowed: allowed
                .iter()
                .map(|url| url.origin().ascii_serialization())
                .collect(),
            on_loopback: listening.ip().is_loopback(),
        }
    }

    pub(super) fn judge(&self, method: &Method, headers: &HeaderMap) -> Verdict {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        // A name that somebody made to point here would turn their page into
        // one of the same host (DNS rebinding).
        if self.on_loopback && !host.is_some_and(is_loopback) {
            return Verdict::Refuse("This host name is not served here.\n");
        }
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Verdict::Pass(None);
        };
        if !self.allows(origin, host) {
            return Verdict::Refuse("This origin is not allowed here.\n");
        }
        if method == Method::OPTIONS {
            return Verdict::Preflight(origin.clone());
        }
        Verdict::Pass(Some(origin.clone()))
    }

    fn allows(&self, origin: &HeaderValue, host: Option<&str>) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let same_host = origin
            .split_once("://")
            .is_some_and(|(_, authority)| host == Some(authority));
        same_host || self.allowed.iter().any(|allowed| allowed == origin)
    }
}

fn is_loopback(host: &str) -> bool {
    match Url::parse(&format!("http://{host}"))
        .as_ref()
        .map(Url::host)
    {
        Ok(Some(Host::Domain(name))) => name == "localhost",
        Ok(Some(Host::Ipv4(ip))) => ip.is_loopback(),
        Ok(Some(Host::Ipv6(ip))) => ip.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(listening: &str, host: &str, origin: Option<&'static str>) -> Verdict {
        let allowed = vec![Url::parse("http://localhost:8080").expect("url")];
        let origins = Origins::new(allowed, listening.parse().expect("address"));
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).expect("host"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        origins.judge(&Method::GET, &headers)
    }

    #[test]
    fn programs_listed_pages_and_own_pages_pass() {
        let local = "127.0.0.1:3000";
        assert_eq!(judge(local, local, None), Verdict::Pass(None));
        for (host, origin) in [
            (local, "http://localhost:8080"),
            (local, "http://127.0.0.1:3000"),
            ("localhost:3000", "http://localhost:3000"),
            ("[::1]:3000", "http://[::1]:3000"),
        ] {
            let origin_header = HeaderValue::from_static(origin);
            assert_eq!(
                judge(local, host, Some(origin)),
                Verdict::Pass(Some(origin_header)),
                "{origin}"
            );
        }
    }

    #[test]
    fn other_pages_are_refused() {
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost:8081",
            "https://localhost:8080",
            "http://localhost:8080.evil.example",
        ] {
            let verdict = judge("127.0.0.1:3000", "127.0.0.1:3000", Some(origin));
            assert!(matches!(verdict, Verdict::Refuse(_)), "{origin}");
        }
    }

    #[test]
    fn a_rebound_name_is_refused_on_loopback_only() {
        let evil = "evil.example:3000";
        let verdict = judge("127.0.0.1:3000", evil, Some("http://evil.example:3000"));
        assert!(matches!(verdict, Verdict::Refuse(_)));
        let verdict = judge("0.0.0.0:3000", "chat.example:3000", None);
        assert_eq!(verdict, Verdict::Pass(None));
    }
}
