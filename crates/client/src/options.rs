//! How an account reaches its server, where the address alone does not say it.

use std::fmt;

use parlour_socketio::{Pin, ProxyUrl, Transports, parse_certificates};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::RefusalCode;

/// The most bytes of a path: far more than any server has.
const PATH_BYTES: usize = 1024;

/// The most bytes of certificates: a hundred of them.
const CA_BYTES: usize = 256 * 1024;

/// How a server is reached. What is left out is as it is on most servers. It
/// belongs to one account, is stored with it, and holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[ts(export, optional_fields = nullable)]
pub struct ServerOptions {
    /// Where the server's Socket.IO answers: `/socket.io/` unless it was set up
    /// otherwise. It starts with a slash and has no query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The certificates of those who vouch for the server, as PEM, in place of those
    /// that the system trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The server's very key, as `sha256/…` or in pairs of hexadecimal digits: then no
    /// other is believed, whoever vouches for it, and nobody needs to vouch for this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// Whether to go through a proxy; left out, as the environment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyChoice>,
    /// By which transports; left out, WebSocket, and polling where that is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transports: Option<TransportChoice>,
}

/// A proxy, or none, whatever the environment says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
#[ts(export)]
pub enum ProxyChoice {
    /// Straight to the server.
    Direct,
    /// Through this one.
    Via {
        /// `http`, `https`, `socks5`, `socks5h`, `socks4` or `socks4a`, host and port. A
        /// name and a password have no place here, since this is stored: they come by the
        /// environment's proxy variables.
        url: String,
    },
}

impl fmt::Debug for ProxyChoice {
    /// What was not looked at yet may have a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("Direct"),
            Self::Via { url } if url.contains('@') => f.write_str("Via(…)"),
            Self::Via { url } => write!(f, "Via({url:?})"),
        }
    }
}

/// Which transports to use, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum TransportChoice {
    /// WebSocket, and polling where that is refused.
    WebSocketFirst,
    /// Polling, and then WebSocket where the server offers it.
    PollingFirst,
    /// WebSocket or nothing.
    WebSocket,
    /// Polling alone.
    Polling,
}

impl From<TransportChoice> for Transports {
    fn from(choice: TransportChoice) -> Self {
        match choice {
            TransportChoice::WebSocketFirst => Self::WebSocketFirst,
            TransportChoice::PollingFirst => Self::PollingFirst,
            TransportChoice::WebSocket => Self::WebSocket,
            TransportChoice::Polling => Self::Polling,
        }
    }
}

impl ServerOptions {
    /// Reads what a person gave: blanks around it are no part of it, and an empty
    /// field is one that was left out.
    ///
    /// # Errors
    /// The code of the first option that cannot be used.
    pub(crate) fn checked(self) -> Result<Self, RefusalCode> {
        let path = given(self.path);
        if path.as_deref().is_some_and(|path| !is_path(path)) {
            return Err(RefusalCode::InvalidPath);
        }
        let ca = given(self.ca);
        if ca.as_deref().is_some_and(|ca| !is_ca(ca)) {
            return Err(RefusalCode::InvalidCertificates);
        }
        let pin = given(self.pin);
        if pin
            .as_deref()
            .is_some_and(|pin| pin.parse::<Pin>().is_err())
        {
            return Err(RefusalCode::InvalidPin);
        }
        let proxy = match self.proxy {
            Some(ProxyChoice::Via { url }) => {
                let url = url.trim().to_owned();
                let parsed = url.parse::<ProxyUrl>();
                if parsed
                    .map_err(|_| RefusalCode::InvalidProxy)?
                    .has_credentials()
                {
                    return Err(RefusalCode::ProxyPassword);
                }
                Some(ProxyChoice::Via { url })
            }
            other => other,
        };
        Ok(Self {
            path,
            ca,
            pin,
            proxy,
            transports: self.transports,
        })
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path.len() <= PATH_BYTES
        && !path.contains(['?', '#', '\\'])
        && path.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whoever gives a file with a key in it did not mean to: it would be kept.
fn is_ca(ca: &str) -> bool {
    ca.len() <= CA_BYTES && !ca.contains("PRIVATE KEY") && parse_certificates(ca.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_path(path: &str) -> Result<ServerOptions, RefusalCode> {
        let path = Some(path.to_owned());
        let options = ServerOptions {
            path,
            ..ServerOptions::default()
        };
        options.checked()
    }

    #[test]
    fn a_path_is_taken_as_it_is_and_an_empty_one_is_none() {
        assert_eq!(with_path(" /chat/io ").unwrap().path.unwrap(), "/chat/io");
        assert_eq!(with_path("  ").unwrap(), ServerOptions::default());
    }

    #[test]
    fn what_is_no_path_is_refused() {
        let long = format!("/{}", "x".repeat(PATH_BYTES));
        for path in [
            "chat",
            "/a?b",
            "/a#b",
            "/a b",
            "/a\r\nHost: x",
            "/ä",
            "\\",
            &long,
        ] {
            assert_eq!(with_path(path), Err(RefusalCode::InvalidPath), "{path:?}");
        }
    }

    #[test]
    fn certificates_and_keys_are_looked_at_before_they_are_kept() {
        let ca = |ca: &str| ServerOptions {
            ca: Some(ca.into()),
            ..ServerOptions::default()
        };
        for wrong in [
            "not PEM",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            &"x".repeat(CA_BYTES + 1),
        ] {
            let refused = ca(wrong).checked();
            assert_eq!(
                refused,
                Err(RefusalCode::InvalidCertificates),
                "{wrong:.40}"
            );
        }
        let pin = |pin: &str| ServerOptions {
            pin: Some(pin.into()),
            ..ServerOptions::default()
        };
        assert_eq!(pin("sha256/").checked(), Err(RefusalCode::InvalidPin));
        let key = Pin::of_key(b"a key");
        for good in [key.to_string(), key.hex()] {
            let kept = pin(&format!(" {good}\n")).checked().unwrap().pin;
            assert_eq!(kept, Some(good));
        }
    }

    #[test]
    fn a_proxy_is_kept_without_anybodys_password() {
        let via = |url: &str| ServerOptions {
            proxy: Some(ProxyChoice::Via { url: url.into() }),
            ..ServerOptions::default()
        };
        assert_eq!(
            via("gopher://proxy").checked(),
            Err(RefusalCode::InvalidProxy)
        );
        let secret = via("http://me:hunter2@proxy:8080");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(secret.checked(), Err(RefusalCode::ProxyPassword));
        assert_eq!(
            via(" socks5h://proxy:1080 ").checked().unwrap(),
            via("socks5h://proxy:1080")
        );
    }

    #[test]
    fn nothing_is_said_where_nothing_was_chosen() {
        let text = serde_json::to_string(&ServerOptions::default()).unwrap();
        assert_eq!(text, "{}");
        assert_eq!(
            serde_json::from_str::<ServerOptions>("{}").unwrap(),
            ServerOptions::default()
        );
        // An option of a newer version must not be left out in silence: a pin, say.
        assert!(serde_json::from_str::<ServerOptions>(r#"{"more":1}"#).is_err());
    }
}
