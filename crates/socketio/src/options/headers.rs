//! Headers of one's own.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The most headers of one's own.
const MAX_HEADERS: usize = 32;
/// The most bytes of their names and values together: servers refuse longer
/// heads, and there is more in them than this.
const MAX_BYTES: usize = 8 << 10;

/// How this client calls itself where nobody gave it another name.
pub(crate) const USER_AGENT: &str = concat!("parlour-socketio/", env!("CARGO_PKG_VERSION"));

/// What belongs to the connection and its transports, and to nobody else. What
/// begins with `proxy-` or `sec-websocket-` does, too.
const RESERVED: [HeaderName; 14] = [
    // Of the body: what goes up is ours, and what comes down is not unpacked.
    header::ACCEPT_ENCODING,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    // Of one hop.
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
    // Of the address, and of what the server set.
    header::HOST,
    header::COOKIE,
];

/// Headers that are sent with every HTTP request of a connection, to the server
/// and not to a proxy on the way. A `User-Agent` among them replaces the
/// ordinary one. `Debug` shows their names, never a value.
///
/// ```
/// use parlour_socketio::{ConnectOptions, Headers};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut options = ConnectOptions::new("https://chat.example".parse()?);
/// options.headers.set("Authorization", "Bearer 0123")?;
/// assert!(options.headers.set("Connection", "close").is_err());
/// assert!(!format!("{options:?}").contains("0123"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Headers {
    map: HeaderMap,
}

impl Headers {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a header, in the place of one of the same name.
    ///
    /// # Errors
    /// It cannot be one, belongs to the connection itself, or is too much.
    /// Nothing has changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::Name)?;
        if is_reserved(&name) {
            return Err(HeaderError::Reserved(name.as_str().to_owned()));
        }
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| HeaderError::Value(name.as_str().to_owned()))?;
        value.set_sensitive(true);
        let others = self.map.iter().filter(|(other, _)| **other != name);
        let (count, bytes) = others.fold((0, 0), |(count, bytes), (name, value)| {
            (count + 1, bytes + size(name, value))
        });
        if count + 1 > MAX_HEADERS || bytes + size(&name, &value) > MAX_BYTES {
            return Err(HeaderError::TooMuch);
        }
        self.map.insert(name, value);
        Ok(())
    }

    /// Their names, in lower case.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(HeaderName::as_str)
    }

    /// Those of a request: these, and how this client calls itself.
    pub(crate) fn of_requests(&self) -> HeaderMap {
        let mut map = self.map.clone();
        map.entry(header::USER_AGENT)
            .or_insert(HeaderValue::from_static(USER_AGENT));
        map
    }
}

fn is_reserved(name: &HeaderName) -> bool {
    RESERVED.contains(name)
        || ["proxy-", "sec-websocket-"]
            .iter()
            .any(|start| name.as_str().starts_with(start))
}

fn size(name: &HeaderName, value: &HeaderValue) -> usize {
    name.as_str().len() + value.len()
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.names().map(|name| (name, "…")))
            .finish()
    }
}

/// Why a header cannot be sent. None of the texts holds a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name has characters that no header's has.
    #[error("this is no name of a header")]
    Name,
    /// The value has characters that no header's has, line breaks for instance.
    #[error("the value of the header {0} has characters that it must not have")]
    Value(String),
    /// The connection sets this header itself, or could not work with it.
    #[error("the header {0} belongs to the connection")]
    Reserved(String),
    /// There are more than 32, or more than 8 KiB of them.
    #[error("too many headers, or too long ones")]
    TooMuch,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_replaces_one_of_its_name_whatever_the_case() {
        let mut headers = Headers::new();
        headers.set("X-Team", "red").unwrap();
        headers.set("x-team", "blue").unwrap();
        let sent = headers.of_requests();
        assert_eq!(sent.get_all("x-team").iter().count(), 1);
        assert_eq!(sent["x-team"], "blue");
        assert_eq!(sent["user-agent"], USER_AGENT);
        headers.set("USER-AGENT", "mine").unwrap();
        assert_eq!(headers.of_requests()["user-agent"], "mine");
    }

    #[test]
    fn what_would_break_the_request_is_refused() {
        let mut headers = Headers::new();
        for name in ["", "a b", "a:b", "a\r\nb", "\u{e4}"] {
            assert_eq!(headers.set(name, "x"), Err(HeaderError::Name), "{name:?}");
        }
        for value in [
            "canary\r\nHost: x",
            "canary\n",
            "canary\0",
            "canary\u{e4}\u{7f}",
        ] {
            let error = headers.set("x-a", value).unwrap_err();
            assert_eq!(error, HeaderError::Value("x-a".to_owned()));
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
        for name in [
            "Host",
            "CONNECTION",
            "Upgrade",
            "Transfer-Encoding",
            "Content-Length",
            "Cookie",
            "Proxy-Authorization",
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Extensions",
        ] {
            assert!(
                matches!(headers.set(name, "x"), Err(HeaderError::Reserved(_))),
                "{name}"
            );
        }
        assert_eq!(headers.names().count(), 0);
    }

    #[test]
    fn there_is_a_limit() {
        let mut headers = Headers::new();
        for number in 0..MAX_HEADERS {
            headers.set(&format!("x-{number}"), "x").unwrap();
        }
        assert_eq!(headers.set("x-more", "x"), Err(HeaderError::TooMuch));
        headers.set("x-0", "another").unwrap();
        let long = "x".repeat(MAX_BYTES);
        assert_eq!(headers.set("x-0", &long), Err(HeaderError::TooMuch));
        assert_eq!(headers.of_requests()["x-0"], "another");
    }

    #[test]
    fn values_are_not_shown() {
        let mut headers = Headers::new();
        headers.set("Authorization", "Bearer canary").unwrap();
        let shown = format!("{headers:?} {:?}", headers.of_requests());
        assert!(
            shown.contains("authorization") && !shown.contains("canary"),
            "{shown}"
        );
    }
}
