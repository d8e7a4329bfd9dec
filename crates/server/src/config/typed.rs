//! Texts become a [`Config`].

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use url::Url;

use super::{
    Config, Limits, Network, StorageKind, TlsFiles,
    key::Key,
    settings::{Given, SettingError, Settings},
};
use crate::{admission::SignInMode, logs::LogFormat};

impl Settings {
    /// What a server is told. Whether it fits together is asked by
    /// [`Config::check`].
    pub(crate) fn config(&self) -> Result<Config, SettingError> {
        let one = "an address with a port, such as 127.0.0.1:3000";
        Ok(Config {
            listen: self.required(Key::Listen, one, |text| text.parse().ok())?,
            public: self.switch(Key::Public)?,
            data: self.optional(Key::Data, "a folder", path)?,
            storage: self.required(Key::Storage, "sqlite or memory", storage)?,
            sign_in: self.optional(
                Key::SignIn,
                "guest, claimed, password or invite",
                SignInMode::named,
            )?,
            cors_origins: self.list(
                Key::CorsOrigins,
                "a URL such as https://chat.example",
                origin,
            )?,
            hosts: self.list(Key::Hosts, "a host name without a port", host)?,
            trusted_proxies: self.list(
                Key::TrustedProxies,
                "an address such as 10.0.0.1 or a network such as 10.0.0.0/8",
                |text| text.parse::<Network>().ok(),
            )?,
            tls: self.tls()?,
            metrics: self.optional(Key::Metrics, one, |text| text.parse::<SocketAddr>().ok())?,
            session_idle: Duration::from_secs(
                60 * 60 * u64::from(self.number(Key::SessionIdleHours)?),
            ),
            limits: self.limits()?,
        })
    }

    /// How much to log.
    pub(crate) fn log(&self) -> &str {
        self.first(Key::Log).map_or("info", |(text, _)| text)
    }

    /// Whether somebody said how much to log.
    pub(crate) fn says_log(&self) -> bool {
        self.get(Key::Log)
            .is_some_and(|given| given.source != super::settings::Source::Default)
    }

    /// How log lines look.
    pub(crate) fn log_format(&self) -> Result<LogFormat, SettingError> {
        self.required(Key::LogFormat, "text or json", LogFormat::named)
    }

    fn tls(&self) -> Result<Option<TlsFiles>, SettingError> {
        let cert = self.optional(Key::TlsCert, "a file", path)?;
        let key = self.optional(Key::TlsPrivate, "a file", path)?;
        let alone = |key: Key, other: &str| {
            self.get(key).map_or(Ok(None), |given| {
                Err(wrong(given, format!("{other} is missing")))
            })
        };
        match (cert, key) {
            (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert, key })),
            (None, None) => Ok(None),
            (Some(_), None) => alone(Key::TlsCert, "the private key (tls_key)"),
            (None, Some(_)) => alone(Key::TlsPrivate, "the certificate (tls_cert)"),
        }
    }

    fn limits(&self) -> Result<Limits, SettingError> {
        let limits = Limits {
            connections_per_ip: self.number(Key::ConnectionsPerIp)?,
            connections_per_user: self.number(Key::ConnectionsPerUser)?,
            messages_per_second: self.number(Key::MessagesPerSecond)?,
            message_burst: self.number(Key::MessageBurst)?,
            failed_sign_ins: self.number(Key::FailedSignIns)?,
        };
        Ok(if self.switch(Key::RateLimits)? {
            limits
        } else {
            Limits::NONE
        })
    }

    fn switch(&self, key: Key) -> Result<bool, SettingError> {
        self.required(key, "true or false", |text| text.parse().ok())
    }

    fn number(&self, key: Key) -> Result<u32, SettingError> {
        self.required(key, "a whole number, 1 or more", |text| {
            text.parse().ok().filter(|number| *number > 0)
        })
    }

    fn first(&self, key: Key) -> Option<(&str, &Given)> {
        let given = self.get(key)?;
        Some((given.texts.first()?, given))
    }

    fn optional<T>(
        &self,
        key: Key,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, SettingError> {
        let Some((text, given)) = self.first(key) else {
            return Ok(None);
        };
        read(text)
            .map(Some)
            .ok_or_else(|| wrong(given, format!("`{text}` is not {expected}")))
    }

    /// For a key that has a default.
    fn required<T>(
        &self,
        key: Key,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, SettingError> {
        self.optional(key, expected, read)?
            .ok_or_else(|| SettingError::Value {
                from: super::settings::Source::Default,
                what: format!("`{}` has no value; it takes {expected}", key.name()),
            })
    }

    fn list<T>(
        &self,
        key: Key,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, SettingError> {
        let Some(given) = self.get(key) else {
            return Ok(Vec::new());
        };
        given
            .texts
            .iter()
            .map(|text| {
                read(text).ok_or_else(|| wrong(given, format!("`{text}` is not {expected}")))
            })
            .collect()
    }
}

fn wrong(given: &Given, what: String) -> SettingError {
    SettingError::Value {
        from: given.source.clone(),
        what,
    }
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

fn storage(text: &str) -> Option<StorageKind> {
    match text {
        "sqlite" => Some(StorageKind::Sqlite),
        "memory" => Some(StorageKind::Memory),
        _ => None,
    }
}

/// A page's origin is a scheme, a host and a port: a URL with more would look
/// like a narrower rule than it is.
fn origin(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    (bare && matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

fn host(text: &str) -> Option<String> {
    let url = Url::parse(&format!("http://{text}/")).ok()?;
    let bare = url.port().is_none() && url.username().is_empty() && url.path() == "/";
    (bare && !text.contains([':', '/', '?', '#', '@']))
        .then(|| url.host_str().map(str::to_owned))?
}
