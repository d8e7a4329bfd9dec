//! From an address to what the layers below need.

use crate::{error::ConnectError, options::ConnectOptions};

/// Where to connect.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) secure: bool,
    /// A name or an address, the latter without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// The WebSocket's own address.
    pub(super) request: String,
}

impl Target {
    pub(super) fn from_options(options: &ConnectOptions) -> Result<Self, ConnectError> {
        let url = &options.url;
        let (secure, scheme) = match url.scheme() {
            "http" => (false, "ws"),
            "https" => (true, "wss"),
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
        if !options.path.starts_with('/') || options.path.contains(['?', '#']) {
            return Err(ConnectError::InvalidUrl(
                "the path must start with / and hold no query",
            ));
        }
        if !options.namespace.starts_with('/') || options.namespace.contains(',') {
            return Err(ConnectError::InvalidUrl("the namespace must start with /"));
        }
        Ok(Self {
            secure,
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port,
            request: format!(
                "{scheme}://{host}:{port}{path}?EIO=4&transport=websocket",
                path = options.path
            ),
        })
    }
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
                request: "ws://localhost:3000/socket.io/?EIO=4&transport=websocket".to_owned(),
            }
        );
        let secure = target("https://chat.example").unwrap();
        assert_eq!((secure.secure, secure.port), (true, 443));
        assert!(
            secure
                .request
                .starts_with("wss://chat.example:443/socket.io/?")
        );
        let six = target("http://[::1]:5").unwrap();
        assert_eq!(six.host, "::1");
        assert!(six.request.starts_with("ws://[::1]:5/"));
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
        options.namespace = "admin".to_owned();
        assert!(Target::from_options(&options).is_err());
    }
}
