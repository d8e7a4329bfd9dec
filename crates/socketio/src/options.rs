//! How to connect, and every limit of a connection.

use std::{fmt, time::Duration};

use serde_json::value::RawValue;
use url::Url;

use crate::{cookies::CookieJar, recovery::Recovery, transports::Transports};

mod headers;
mod pin;
mod proxy;
mod roots;

pub(crate) use headers::USER_AGENT;
pub use headers::{HeaderError, Headers};
pub use pin::{Pin, PinError};
pub(crate) use proxy::{Credentials, ProxyScheme};
pub use proxy::{Proxy, ProxyUrl, ProxyUrlError};
pub use roots::{CertificatesError, Roots, parse_certificates, read_certificates};

/// More than anybody waits.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How to connect.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// The server: scheme `http` or `https`, host, port. Path, query and
    /// fragment are ignored; a user name or password makes it invalid.
    pub url: Url,
    /// Where the engine answers, `/socket.io/` unless the server was set up otherwise.
    /// A slash at the end may be left out; what an address cannot hold is encoded.
    pub path: String,
    /// The namespace to join, `/` by default.
    pub namespace: String,
    /// What to tell the server about oneself: a JSON object. It goes as it is; most
    /// servers hang up on any other JSON.
    pub auth: Option<Box<RawValue>>,
    /// Which transports to use, and in which order.
    pub transports: Transports,
    /// The cookies to begin with, and to add to; none by default, and then the
    /// connection has a jar of its own.
    pub cookies: Option<CookieJar>,
    /// What to go on with, of an earlier connection that broke; ignored where it is
    /// of another server or namespace.
    pub recovery: Option<Recovery>,
    /// For everything from looking up the name to being let in; 10 s by default.
    pub connect_timeout: Duration,
    /// How long writing may stand still before the connection counts as lost;
    /// 10 s by default. A slow link that still moves is none that stands still.
    pub write_timeout: Duration,
    /// For the goodbye of [`Socket::close`](crate::Socket::close), what is still
    /// queued included; 2 s by default.
    pub close_timeout: Duration,
    /// After how much silence a probe is sent, and another; 5 s by default.
    pub probe_interval: Duration,
    /// After how much silence the connection counts as lost; 15 s by default. While
    /// something long is being written, and moves, that is no silence.
    pub silence_limit: Duration,
    /// How long the server may take to answer after this machine slept, or this
    /// process was stopped: then a probe goes out at once; 3 s by default.
    pub wake_limit: Duration,
    /// Whether to reach the server through a proxy; as the environment says by default.
    pub proxy: Proxy,
    /// Whose certificates to believe.
    pub roots: Roots,
    /// The server's key, where somebody vouches for that very key. It alone decides
    /// then: an unknown issuer, another name and a time that is over are no matter,
    /// and nobody's certificate stands in for it.
    pub pin: Option<Pin>,
    /// What else to send with every HTTP request of the connection.
    pub headers: Headers,
    /// What a connection may use.
    pub limits: Limits,
}

impl ConnectOptions {
    /// The defaults, for this server.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self {
            url,
            path: "/socket.io/".to_owned(),
            namespace: crate::packet::MAIN_NAMESPACE.to_owned(),
            auth: None,
            transports: Transports::default(),
            cookies: None,
            recovery: None,
            connect_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(2),
            probe_interval: Duration::from_secs(5),
            silence_limit: Duration::from_secs(15),
            wake_limit: Duration::from_secs(3),
            proxy: Proxy::default(),
            roots: Roots::default(),
            pin: None,
            headers: Headers::new(),
            limits: Limits::default(),
        }
    }

    /// No time is longer than anybody waits, so that adding it to a point in time
    /// stays within what a clock can say.
    pub(crate) fn within_reason(mut self) -> Self {
        for time in [
            &mut self.connect_timeout,
            &mut self.write_timeout,
            &mut self.close_timeout,
            &mut self.probe_interval,
            &mut self.silence_limit,
            &mut self.wake_limit,
        ] {
            *time = (*time).min(LONGEST);
        }
        self
    }

    /// Scheme, host and port of the server.
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// What is to be recovered, where it may be presented here.
    pub(crate) fn presented_recovery(&self) -> Option<&Recovery> {
        let recovery = self.recovery.as_ref()?;
        recovery
            .is_for(&self.origin(), &self.namespace)
            .then_some(recovery)
    }
}

impl fmt::Debug for ConnectOptions {
    /// Shows that there is an `auth`, never what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("host", &self.url.host_str())
            .field("path", &self.path)
            .field("namespace", &self.namespace)
            .field("auth", &self.auth.as_ref().map(|_| "…"))
            .field("transports", &self.transports)
            .field("cookies", &self.cookies)
            .field("recovery", &self.recovery)
            .field("connect_timeout", &self.connect_timeout)
            .field("proxy", &self.proxy)
            .field("pin", &self.pin)
            .field("headers", &self.headers)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What a connection may use. Each limit is enforced by the connection's task;
/// a 0 is read as the smallest value that works.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The largest incoming message, and the attachments of one together, in
    /// bytes; 64 MiB by default, since a list of all users with their history
    /// comes as one message. More ends the connection.
    pub incoming_bytes: usize,
    /// The most attachments of one packet; 64 by default. The packet of more is
    /// reported as undecodable.
    pub attachments: usize,
    /// How deep arrays and objects may be nested in what comes in, the array that
    /// holds the arguments included; 64 by default. A deeper packet is reported as
    /// undecodable. Who reads with care and wants to see everything may set it as
    /// high as they like: nothing in this crate recurses.
    pub depth: usize,
    /// The most arguments of one packet; 1,024 by default. The packet of more is
    /// reported as undecodable.
    pub arguments: usize,
    /// The longest name of an incoming event, in bytes; 1,024 by default. The packet
    /// of a longer one is reported as undecodable.
    pub name_bytes: usize,
    /// How many events may wait for their reader, 1,024 by default…
    pub queued_events: usize,
    /// … and about how many bytes, 64 MiB by default. Beyond, the transport is
    /// not read.
    pub queued_event_bytes: usize,
    /// How many packets may wait to be written, 1,024 by default…
    pub queued_packets: usize,
    /// … and about how many bytes, 8 MiB by default. Beyond, emitting is refused
    /// or waits.
    pub queued_packet_bytes: usize,
    /// How many callers may wait for an answer at a time; 1,024 by default.
    /// Others wait for their turn within their time.
    pub acks: usize,
    /// How many namespaces may be joined at a time over one connection, the first
    /// one included; 16 by default. More are refused.
    pub namespaces: usize,
    /// How many fences may be unanswered; 1,024 by default. More are refused.
    pub fences: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            incoming_bytes: 64 << 20,
            attachments: 64,
            depth: 64,
            arguments: 1_024,
            name_bytes: 1_024,
            queued_events: 1_024,
            queued_event_bytes: 64 << 20,
            queued_packets: 1_024,
            queued_packet_bytes: 8 << 20,
            acks: 1_024,
            namespaces: 16,
            fences: 1_024,
        }
    }
}
