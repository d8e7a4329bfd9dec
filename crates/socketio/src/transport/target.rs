//! From an address to what the layers below need.

use http::{HeaderMap, header};
use url::Url;

use crate::{error::ConnectError, fence, options::ConnectOptions};

/// No engine's path is longer, in bytes.
const MAX_PATH: usize = 1_024;

/// Where to connect.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) secure: bool,
    /// A name or an address, the latter without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Host and port as they stand in an address: the port where it is not the
    /// scheme's own.
    pub(crate) authority: String,
    /// Where the engine answers, fit for a request line, with a slash at its end.
    pub(crate) path: String,
}

impl Target {
    pub(super) fn from_options(options: &ConnectOptions) -> Result<Self, ConnectError> {
        let url = &options.url;
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => {
                return Err(ConnectError::InvalidUrl(
                    "the scheme is neither http nor https",
                ));
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ConnectError::InvalidUrl("a user name has no place in it"));
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(ConnectError::InvalidUrl("there is no host"))?;
        let port = url.port_or_known_default();
        let port = port
            .filter(|port| *port != 0)
            .ok_or(ConnectError::InvalidUrl("no port"))?;
        if !options.namespace.starts_with('/') || options.namespace.contains(',') {
            return Err(ConnectError::InvalidUrl("the namespace must start with /"));
        }
        if fence::is_ours(&options.namespace) {
            return Err(ConnectError::InvalidUrl("fences use this namespace"));
        }
        Ok(Self {
            secure,
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port,
            authority: match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            },
            path: path(url, &options.path)?,
        })
    }

    /// The address of the engine's WebSocket.
    pub(crate) fn websocket(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!(
            "{scheme}://{}{}",
            self.authority,
            self.resource("websocket")
        )
    }

    /// What an answer with this status and these headers means, where it sends us
    /// elsewhere. The rest of that address is left out: it may hold secrets.
    pub(crate) fn redirect(&self, status: u16, headers: &HeaderMap) -> Option<ConnectError> {
        if !matches!(status, 301..=303 | 307 | 308) {
            return None;
        }
        let location = headers.get(header::LOCATION)?.to_str().ok()?;
        let scheme = if self.secure { "https" } else { "http" };
        let here = Url::parse(&format!("{scheme}://{}{}", self.authority, self.path)).ok()?;
        let there = here.join(location).ok()?;
        let origin = match there.origin() {
            origin @ url::Origin::Tuple(..) => origin.ascii_serialization(),
            // Nothing of what such an address says is fit to be repeated.
            url::Origin::Opaque(_) => "another kind of place".to_owned(),
        };
        Some(ConnectError::Redirected { status, origin })
    }

    /// The address by which cookies know the engine.
    pub(super) fn cookie_url(&self) -> Result<Url, ConnectError> {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.path)
            .parse()
            .map_err(|_| ConnectError::InvalidUrl("it has no form as an address"))
    }

    /// Path and query of a request to the engine for this transport.
    pub(crate) fn resource(&self, transport: &str) -> String {
        format!("{}?EIO=4&transport={transport}", self.path)
    }
}

/// The path as requests have it: percent-encoded where it must be, and with a
/// slash at its end as the official client sends it; some servers answer to no other.
fn path(url: &Url, path: &str) -> Result<String, ConnectError> {
    if !path.starts_with('/') || path.contains(['?', '#', '\\']) {
        return Err(ConnectError::InvalidUrl(
            "the path must start with / and hold no query",
        ));
    }
    if path.chars().any(char::is_control) || path.len() > MAX_PATH {
        return Err(ConnectError::InvalidUrl("the path cannot be one"));
    }
    let mut url = url.clone();
    url.set_path(path);
    let encoded = url.path();
    let slash = if encoded.ends_with('/') { "" } else { "/" };
    Ok(format!("{encoded}{slash}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, ConnectError> {
        Target::from_options(&ConnectOptions::new(url.parse().unwrap()))
    }

    #[test]
    fn addresses_become_those_of_websockets() {
        let plain = target("http://localhost:3000/ignored?also#this").unwrap();
        assert_eq!(
            plain,
            Target {
                secure: false,
                host: "localhost".to_owned(),
                port: 3000,
                authority: "localhost:3000".to_owned(),
                path: "/socket.io/".to_owned(),
            }
        );
        assert_eq!(
            plain.websocket(),
            "ws://localhost:3000/socket.io/?EIO=4&transport=websocket"
        );
        let secure = target("https://chat.example").unwrap();
        assert_eq!((secure.secure, secure.port), (true, 443));
        assert!(
            secure
                .websocket()
                .starts_with("wss://chat.example/socket.io/?")
        );
        let six = target("http://[::1]:5").unwrap();
        assert_eq!(six.host, "::1");
        assert!(six.websocket().starts_with("ws://[::1]:5/"));
    }

    #[test]
    fn the_path_ends_in_a_slash_and_is_encoded() {
        for (given, sent) in [
            ("/", "/"),
            ("/chat", "/chat/"),
            ("/chat/", "/chat/"),
            ("/a/b/engine.io", "/a/b/engine.io/"),
            ("/a b/\u{fc}", "/a%20b/%C3%BC/"),
            ("/a%20b/%2F", "/a%20b/%2F/"),
            ("/100%", "/100%/"),
            ("/\"<>{}", "/%22%3C%3E%7B%7D/"),
        ] {
            let mut options = ConnectOptions::new("http://a".parse().unwrap());
            options.path = given.to_owned();
            let target = Target::from_options(&options).unwrap();
            assert_eq!(target.path, sent, "{given}");
            let request: Result<http::Uri, _> = target.websocket().parse();
            assert!(request.is_ok(), "{given}");
        }
        for wrong in ["", "chat", "/a?b", "/a#b", "/a\\b", "/a\r\nHost: b", "/a\0"] {
            let mut options = ConnectOptions::new("http://a".parse().unwrap());
            options.path = wrong.to_owned();
            assert!(Target::from_options(&options).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_redirect_names_the_place_and_no_more() {
        let target = target("https://chat.example").unwrap();
        let origin = |location: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, location.parse().unwrap());
            match target.redirect(302, &headers)? {
                ConnectError::Redirected {
                    status: 302,
                    origin,
                } => Some(origin),
                other => panic!("{other}"),
            }
        };
        let found = |origin: &str| Some(origin.to_owned());
        let secret = "http://me:pw@login.example:8080/sign-in?token=x#y";
        assert_eq!(origin(secret), found("http://login.example:8080"));
        assert_eq!(origin("/login?a"), found("https://chat.example"));
        assert_eq!(origin("//b.example/"), found("https://b.example"));
        assert_eq!(origin("data:text/html,hi"), found("another kind of place"));
        assert_eq!(origin("https://\u{e4}.example/"), None, "not ASCII");
        assert_eq!(origin("http://["), None);
        assert!(target.redirect(302, &HeaderMap::new()).is_none());
        assert!(target.redirect(400, &HeaderMap::new()).is_none());
    }

    #[test]
    fn others_are_refused() {
        for url in [
            "ftp://a",
            "ws://a",
            "mailto:a@b",
            "http://me:pw@a",
            "http://me@a",
            "http://a:0",
        ] {
            assert!(
                matches!(target(url), Err(ConnectError::InvalidUrl(_))),
                "{url}"
            );
        }
        let mut options = ConnectOptions::new("http://a".parse().unwrap());
        options.path = "/x?y".to_owned();
        assert!(Target::from_options(&options).is_err());
        options.path = "/x/".to_owned();
        for namespace in ["admin", "/a,b", "/__f7", "/__p7"] {
            options.namespace = namespace.to_owned();
            assert!(Target::from_options(&options).is_err(), "{namespace}");
        }
    }
}
