//! What stands between us and the server.

use std::{fmt, str::FromStr};

use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// Whether to reach the server through a proxy.
///
/// Whichever kind it is, it is asked for a line to the server and for nothing else.
/// What is said to an `http://` server goes through it as it is, to an `https://`
/// server secured.
///
/// ```
/// use parlour_socketio::{ConnectOptions, Proxy};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut options = ConnectOptions::new("https://chat.example".parse()?);
/// options.proxy = Proxy::Via("socks5h://me:secret@127.0.0.1:9050".parse()?);
/// assert!(!format!("{options:?}").contains("secret"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// What the environment says: `https_proxy` or `http_proxy` by the server's
    /// scheme, else `all_proxy`, each in small letters or else in capitals.
    /// `no_proxy` lists who is reached without one: names with all below them,
    /// addresses, networks (`10.0.0.0/8`), each with a port or without, or `*`.
    /// The own machine is always reached without one.
    #[default]
    System,
    /// No proxy, whatever the environment says.
    None,
    /// This one, for every server, the own machine included.
    Via(ProxyUrl),
}

/// The address of a proxy: `http`, `https`, `socks5`, `socks5h`, `socks4` or
/// `socks4a`, host, port, and before the host a name and a password where the
/// proxy wants them. Without a scheme it is `http`; `socks` is `socks5h`. The
/// ordinary ports are 80, 443 and 1080.
///
/// `socks5h` and `socks4a` have the proxy look up the server's name, `socks5` and
/// `socks4` look it up here. The others always have the proxy do it.
///
/// Neither `Debug` nor `Display` show the name or the password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    pub(crate) scheme: ProxyScheme,
    /// A name or an address, the latter without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) credentials: Option<Credentials>,
}

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyScheme {
    Http,
    Https,
    Socks5 { by_proxy: bool },
    Socks4 { by_proxy: bool },
}

/// A name and a password. They are shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl ProxyUrl {
    /// Whether a name or a password is in it, which has no place where it could
    /// be read by others.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }
}

impl ProxyScheme {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "http" => Self::Http,
            "https" => Self::Https,
            "socks5" => Self::Socks5 { by_proxy: false },
            // Desktops write `socks`, and mean the fifth.
            "socks5h" | "socks" => Self::Socks5 { by_proxy: true },
            "socks4" => Self::Socks4 { by_proxy: false },
            "socks4a" => Self::Socks4 { by_proxy: true },
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 { by_proxy: false } => "socks5",
            Self::Socks5 { by_proxy: true } => "socks5h",
            Self::Socks4 { by_proxy: false } => "socks4",
            Self::Socks4 { by_proxy: true } => "socks4a",
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 { .. } | Self::Socks4 { .. } => 1080,
        }
    }

    /// Whether the protocol has room for this name and password.
    fn takes(self, credentials: &Credentials) -> bool {
        let Credentials { user, password } = credentials;
        // RFC 1929 has one byte for each length.
        let short = |text: &str| (1..=255).contains(&text.len());
        match self {
            Self::Http | Self::Https => !user.contains(':') && user.len() + password.len() < 4_096,
            Self::Socks5 { .. } => short(user) && short(password),
            Self::Socks4 { .. } => short(user) && !user.contains('\0') && password.is_empty(),
        }
    }
}

impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        let text = text.trim();
        let parsed = if text.contains("://") {
            Url::parse(text)
        } else {
            Url::parse(&format!("http://{text}"))
        };
        let url = parsed.map_err(|error| match error {
            url::ParseError::InvalidPort => ProxyUrlError::Port,
            _ => ProxyUrlError::Host,
        })?;
        let scheme = ProxyScheme::of(url.scheme()).ok_or(ProxyUrlError::Scheme)?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(ProxyUrlError::Path);
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(ProxyUrlError::Host)?;
        // Only the web's own schemes have had their hosts looked at.
        let host = match Host::parse(&decoded(host).ok_or(ProxyUrlError::Host)?) {
            Ok(Host::Domain(name)) if name.len() <= 255 => name,
            Ok(Host::Ipv4(address)) => address.to_string(),
            Ok(Host::Ipv6(address)) => address.to_string(),
            _ => return Err(ProxyUrlError::Host),
        };
        let port = url.port().unwrap_or(scheme.port());
        if port == 0 {
            return Err(ProxyUrlError::Port);
        }
        Ok(Self {
            scheme,
            host,
            port,
            credentials: credentials(&url, scheme)?,
        })
    }
}

fn credentials(url: &Url, scheme: ProxyScheme) -> Result<Option<Credentials>, ProxyUrlError> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text| decoded(text).ok_or(ProxyUrlError::Credentials);
    let credentials = Credentials {
        user: decoded(url.username())?,
        password: decoded(url.password().unwrap_or_default())?,
    };
    if scheme.takes(&credentials) {
        Ok(Some(credentials))
    } else {
        Err(ProxyUrlError::Credentials)
    }
}

fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, host, port) = (self.scheme.name(), &self.host, self.port);
        if host.contains(':') {
            write!(f, "{name}://[{host}]:{port}")
        } else {
            write!(f, "{name}://{host}:{port}")
        }
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self}")?;
        if self.has_credentials() {
            f.write_str(", with a sign-in")?;
        }
        f.write_str(")")
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Why this is no address of a proxy. None of the texts holds a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// Not one of the known kinds.
    #[error("a proxy is of the kind http, https, socks5, socks5h, socks4 or socks4a")]
    Scheme,
    /// There is no host, or it cannot be one.
    #[error("the proxy's host cannot be one")]
    Host,
    /// The port is none.
    #[error("the proxy's port cannot be one")]
    Port,
    /// There is more behind host and port.
    #[error("a proxy's address ends with its port")]
    Path,
    /// This kind of proxy has no room for such a name or password.
    #[error("this kind of proxy cannot take such a name or password")]
    Credentials,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<ProxyUrl>().unwrap().to_string()
    }

    #[test]
    fn every_kind_is_read() {
        for (text, expected) in [
            ("proxy", "http://proxy:80"),
            ("proxy:3128", "http://proxy:3128"),
            (" HTTP://Proxy.Example/ ", "http://proxy.example:80"),
            ("http://proxy:80", "http://proxy:80"),
            ("https://proxy", "https://proxy:443"),
            ("socks5://proxy", "socks5://proxy:1080"),
            ("socks5://proxy:80", "socks5://proxy:80"),
            ("socks5h://PROXY:9050", "socks5h://proxy:9050"),
            ("socks://proxy/", "socks5h://proxy:1080"),
            ("socks4://proxy", "socks4://proxy:1080"),
            ("socks4a://10.0.0.1", "socks4a://10.0.0.1:1080"),
            ("socks5://[::1]:1", "socks5://[::1]:1"),
            ("http://[2001:DB8::1]", "http://[2001:db8::1]:80"),
            (
                "socks5://b\u{fc}ro.example",
                "socks5://xn--bro-hoa.example:1080",
            ),
        ] {
            assert_eq!(shown(text), expected, "{text}");
            assert_eq!(shown(expected), expected);
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let long = format!("socks5://me:{}@proxy", "x".repeat(256));
        for (text, error) in [
            ("", ProxyUrlError::Host),
            ("http://", ProxyUrlError::Host),
            ("socks5://", ProxyUrlError::Host),
            ("http://a b", ProxyUrlError::Host),
            ("socks5://a%20b", ProxyUrlError::Host),
            ("http://:3128", ProxyUrlError::Host),
            ("proxy:99999", ProxyUrlError::Port),
            ("proxy:0", ProxyUrlError::Port),
            ("ftp://proxy", ProxyUrlError::Scheme),
            ("quic://proxy", ProxyUrlError::Scheme),
            ("http://proxy/path", ProxyUrlError::Path),
            ("http://proxy?a", ProxyUrlError::Path),
            ("socks5://proxy#a", ProxyUrlError::Path),
            ("http://a%3Ab:c@proxy", ProxyUrlError::Credentials),
            ("http://me:%FF@proxy", ProxyUrlError::Credentials),
            ("socks5://me@proxy", ProxyUrlError::Credentials),
            ("socks4://me:secret@proxy", ProxyUrlError::Credentials),
            (&long, ProxyUrlError::Credentials),
        ] {
            assert_eq!(text.parse::<ProxyUrl>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_sign_in_is_read_and_never_shown() {
        for text in [
            "http://us%40er:can%3Aary@proxy",
            "socks5://us%40er:can%3Aary@proxy",
        ] {
            let url: ProxyUrl = text.parse().unwrap();
            let credentials = url.credentials.clone().unwrap();
            assert_eq!(credentials.user, "us@er");
            assert_eq!(credentials.password, "can:ary");
            let proxy = Proxy::Via(url.clone());
            let shown = format!("{url} {url:?} {credentials:?} {proxy:?}");
            assert!(!shown.contains("can") && !shown.contains("us@"), "{shown}");
        }
    }
}
