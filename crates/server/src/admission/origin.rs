//! Which web pages may talk to this server, and under which host names.
//!
//! A page in a browser names its origin; programs name none. Pages that are
//! not on the list are refused, on WebSockets too, which browsers would
//! otherwise open for anybody.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::{Host, Url};

use crate::config::Config;

/// The list, and where this server listens.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    allowed: Vec<String>,
    hosts: Vec<String>,
    on_loopback: bool,
}

/// What the headers of a request say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// 403, with a sentence.
    Refused(&'static str),
    /// A program, which names none.
    None,
    /// A page that may talk to this server.
    Page(HeaderValue),
}

const WRONG_HOST: &str = "This host name is not served here.\n";
const WRONG_ORIGIN: &str = "This origin is not allowed here.\n";

impl Origins {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            allowed: config
                .cors_origins
                .iter()
                .map(|url| url.origin().ascii_serialization())
                .collect(),
            hosts: config
                .hosts
                .iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
            on_loopback: config.listen.ip().is_loopback(),
        }
    }

    pub(super) fn judge(&self, headers: &HeaderMap) -> Origin {
        let Ok(host) = only(headers, header::HOST) else {
            return Origin::Refused(WRONG_HOST);
        };
        let host = host.and_then(|host| host.to_str().ok());
        if !self.serves(host) {
            return Origin::Refused(WRONG_HOST);
        }
        let origin = match only(headers, header::ORIGIN) {
            Ok(Some(origin)) => origin,
            Ok(None) => return Origin::None,
            Err(Several) => return Origin::Refused(WRONG_ORIGIN),
        };
        if self.allows(origin, host) {
            Origin::Page(origin.clone())
        } else {
            Origin::Refused(WRONG_ORIGIN)
        }
    }

    /// On loopback, a name that somebody made to point here would turn their
    /// page into one of the same host (DNS rebinding): only known names are
    /// served. Elsewhere that is a choice.
    fn serves(&self, host: Option<&str>) -> bool {
        if self.hosts.is_empty() && !self.on_loopback {
            return true;
        }
        let Some(host) = host.and_then(|host| Url::parse(&format!("http://{host}")).ok()) else {
            return false;
        };
        let listed = host
            .host_str()
            .is_some_and(|name| self.hosts.iter().any(|known| known == name));
        listed || is_loopback(&host)
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

/// A header is there more than once.
struct Several;

/// The one value of a header. Of several, somebody in between may have looked at
/// another one than we would.
fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&HeaderValue>, Several> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    values.next().map_or(Ok(first), |_| Err(Several))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(listen: &str, hosts: &[&str], host: &str, origin: Option<&str>) -> Origin {
        let mut config = Config::in_memory(listen.parse().expect("address"));
        config.cors_origins = vec![Url::parse("http://localhost:8080").expect("url")];
        config.hosts = hosts.iter().map(|&host| host.to_owned()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("host"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("origin"));
        }
        Origins::new(&config).judge(&headers)
    }

    const LOCAL: &str = "127.0.0.1:3000";
    const ANY: &str = "0.0.0.0:3000";

    #[test]
    fn programs_listed_pages_and_own_pages_pass() {
        assert_eq!(judge(LOCAL, &[], LOCAL, None), Origin::None);
        for (host, origin) in [
            (LOCAL, "http://localhost:8080"),
            (LOCAL, "http://127.0.0.1:3000"),
            ("localhost:3000", "http://localhost:3000"),
            ("[::1]:3000", "http://[::1]:3000"),
        ] {
            let page = Origin::Page(HeaderValue::from_static(origin));
            assert_eq!(judge(LOCAL, &[], host, Some(origin)), page, "{origin}");
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
            let verdict = judge(LOCAL, &[], LOCAL, Some(origin));
            assert_eq!(verdict, Origin::Refused(WRONG_ORIGIN), "{origin}");
        }
    }

    #[test]
    fn two_hosts_or_two_pages_are_none() {
        let origins = Origins::new(&Config::in_memory(LOCAL.parse().expect("address")));
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, LOCAL.parse().expect("host"));
        assert_eq!(origins.judge(&headers), Origin::None);
        for page in ["http://127.0.0.1:3000", "https://evil.example"] {
            headers.append(header::ORIGIN, page.parse().expect("origin"));
        }
        assert_eq!(origins.judge(&headers), Origin::Refused(WRONG_ORIGIN));
        headers.append(header::HOST, "evil.example".parse().expect("host"));
        assert_eq!(origins.judge(&headers), Origin::Refused(WRONG_HOST));
    }

    #[test]
    fn a_rebound_name_is_refused_on_loopback() {
        let evil = "evil.example:3000";
        let verdict = judge(LOCAL, &[], evil, Some("http://evil.example:3000"));
        assert_eq!(verdict, Origin::Refused(WRONG_HOST));
        assert_eq!(judge(ANY, &[], "chat.example:3000", None), Origin::None);
    }

    #[test]
    fn listed_hosts_are_served_and_no_others() {
        let hosts = ["Chat.example"];
        for listen in [LOCAL, ANY] {
            assert_eq!(judge(listen, &hosts, "chat.example", None), Origin::None);
            assert_eq!(
                judge(listen, &hosts, "CHAT.example:443", None),
                Origin::None
            );
            assert_eq!(judge(listen, &hosts, "localhost:3000", None), Origin::None);
            let verdict = judge(listen, &hosts, "evil.example", None);
            assert_eq!(verdict, Origin::Refused(WRONG_HOST));
        }
    }
}
