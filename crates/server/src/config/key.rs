//! Every key that can be set, once.

/// One thing that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Listen,
    Public,
    Data,
    Storage,
    SignIn,
    SessionIdleHours,
    CorsOrigins,
    Hosts,
    TrustedProxies,
    TlsCert,
    TlsPrivate,
    Metrics,
    Log,
    LogFormat,
    RateLimits,
    ConnectionsPerIp,
    ConnectionsPerUser,
    MessagesPerSecond,
    MessageBurst,
    FailedSignIns,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One text; what stands for it in the help.
    Text(&'static str),
    /// Any number of texts.
    List(&'static str),
    /// A whole number, 1 or more.
    Number,
    /// `true` or `false`; what its flag, which takes no value, makes it.
    Switch { flag_means: bool },
}

impl Key {
    /// All of them, in the order in which they are shown.
    pub(crate) const ALL: [Self; 20] = [
        Self::Listen,
        Self::Public,
        Self::Data,
        Self::Storage,
        Self::SignIn,
        Self::SessionIdleHours,
        Self::CorsOrigins,
        Self::Hosts,
        Self::TrustedProxies,
        Self::TlsCert,
        Self::TlsPrivate,
        Self::Metrics,
        Self::Log,
        Self::LogFormat,
        Self::RateLimits,
        Self::ConnectionsPerIp,
        Self::ConnectionsPerUser,
        Self::MessagesPerSecond,
        Self::MessageBurst,
        Self::FailedSignIns,
    ];

    /// The name in a file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Public => "public",
            Self::Data => "data",
            Self::Storage => "storage",
            Self::SignIn => "sign_in",
            Self::SessionIdleHours => "session_idle_hours",
            Self::CorsOrigins => "cors_origins",
            Self::Hosts => "hosts",
            Self::TrustedProxies => "trusted_proxies",
            Self::TlsCert => "tls_cert",
            Self::TlsPrivate => "tls_key",
            Self::Metrics => "metrics",
            Self::Log => "log",
            Self::LogFormat => "log_format",
            Self::RateLimits => "rate_limits",
            Self::ConnectionsPerIp => "connections_per_ip",
            Self::ConnectionsPerUser => "connections_per_user",
            Self::MessagesPerSecond => "messages_per_second",
            Self::MessageBurst => "message_burst",
            Self::FailedSignIns => "failed_sign_ins",
        }
    }

    /// The flag, without its dashes. One that may be given more than once is
    /// in the singular.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::SessionIdleHours => "session-idle-hours",
            Self::CorsOrigins => "cors-origin",
            Self::Hosts => "host",
            Self::TrustedProxies => "trusted-proxy",
            Self::TlsCert => "tls-cert",
            Self::TlsPrivate => "tls-key",
            Self::LogFormat => "log-format",
            Self::RateLimits => "no-rate-limits",
            Self::ConnectionsPerIp => "connections-per-ip",
            Self::ConnectionsPerUser => "connections-per-user",
            Self::MessagesPerSecond => "messages-per-second",
            Self::MessageBurst => "message-burst",
            Self::FailedSignIns => "failed-sign-ins",
            _ => self.name(),
        }
    }

    /// The variable of the environment.
    pub(crate) fn variable(self) -> String {
        format!("{VARIABLES}{}", self.name().to_ascii_uppercase())
    }

    /// What a value looks like.
    pub(crate) fn form(self) -> Form {
        match self {
            Self::Listen | Self::Metrics => Form::Text("ADDRESS:PORT"),
            Self::Data => Form::Text("DIR"),
            Self::Storage => Form::Text("sqlite|memory"),
            Self::SignIn => Form::Text("guest|claimed|password|invite"),
            Self::TlsCert | Self::TlsPrivate => Form::Text("FILE"),
            Self::Log => Form::Text("LEVEL"),
            Self::LogFormat => Form::Text("text|json"),
            Self::CorsOrigins => Form::List("URL"),
            Self::Hosts => Form::List("NAME"),
            Self::TrustedProxies => Form::List("ADDRESS"),
            Self::Public => Form::Switch { flag_means: true },
            Self::RateLimits => Form::Switch { flag_means: false },
            Self::SessionIdleHours
            | Self::ConnectionsPerIp
            | Self::ConnectionsPerUser
            | Self::MessagesPerSecond
            | Self::MessageBurst
            | Self::FailedSignIns => Form::Number,
        }
    }

    /// The value that holds if nobody says another. The numbers are those of
    /// [`Limits`](super::Limits) and [`Config`](super::Config), which a test holds.
    pub(crate) fn default(self) -> Option<&'static str> {
        match self {
            Self::Listen => Some("127.0.0.1:3000"),
            Self::Public => Some("false"),
            Self::Storage => Some("sqlite"),
            Self::SessionIdleHours => Some("720"),
            Self::CorsOrigins => Some("http://localhost:8080"),
            Self::Log => Some("info"),
            Self::LogFormat => Some("text"),
            Self::RateLimits => Some("true"),
            Self::ConnectionsPerIp | Self::MessagesPerSecond => Some("20"),
            Self::ConnectionsPerUser => Some("8"),
            Self::MessageBurst => Some("200"),
            Self::FailedSignIns => Some("10"),
            Self::Data
            | Self::SignIn
            | Self::Hosts
            | Self::TrustedProxies
            | Self::TlsCert
            | Self::TlsPrivate
            | Self::Metrics => None,
        }
    }

    /// One line for the help.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Listen => "Where to listen; port 0 takes a free one",
            Self::Public => "Listen beyond this machine",
            Self::Data => "The folder for the data; created if it is not there",
            Self::Storage => "What keeps users and messages; memory forgets them at the end",
            Self::SignIn => "Who may sign in; on this machine alone: guest",
            Self::SessionIdleHours => "Hours that a session lives without a connection",
            Self::CorsOrigins => "A web page's origin that may connect",
            Self::Hosts => "A host name under which this server is asked for",
            Self::TrustedProxies => {
                "A proxy in front of this server, or its network: it does the encryption, \
                 and its X-Forwarded-For counts"
            }
            Self::TlsCert => "The certificate chain, in PEM",
            Self::TlsPrivate => "The private key, in PEM",
            Self::Metrics => "Where to serve metrics for Prometheus",
            Self::Log => "How much to log: error, warn, info, debug, or a list by target",
            Self::LogFormat => "How log lines look",
            Self::RateLimits => "Lift every limit below; for load tests only",
            Self::ConnectionsPerIp => "Connections at once from one address",
            Self::ConnectionsPerUser => "Connections at once of one user",
            Self::MessagesPerSecond => "Messages a second of one user",
            Self::MessageBurst => "Messages of one user that may come at once",
            Self::FailedSignIns => "Failed sign-ins a minute from one address",
        }
    }

    /// The key of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// The name that was probably meant, if one is near.
    pub(crate) fn nearest(name: &str) -> Option<&'static str> {
        let name = name.to_ascii_lowercase().replace('-', "_");
        Self::ALL
            .into_iter()
            .map(|key| (strsim::damerau_levenshtein(&name, key.name()), key.name()))
            .min()
            .filter(|(distance, near)| distance * 2 <= near.len())
            .map(|(_, near)| near)
    }
}

/// What the names of all variables begin with.
pub(crate) const VARIABLES: &str = "PARLOUR_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_found_by_its_name() {
        for key in Key::ALL {
            assert_eq!(Key::named(key.name()), Some(key));
        }
        assert_eq!(Key::named("nothing"), None);
    }

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        assert_eq!(Key::nearest("lisen"), Some("listen"));
        assert_eq!(Key::nearest("tls-cert"), Some("tls_cert"));
        assert_eq!(Key::nearest("cors_origin"), Some("cors_origins"));
        assert_eq!(Key::nearest("colour"), None);
    }
}
