//! How a server is run: what [`Server::start`](crate::Server::start) is told,
//! and where a program gets it from.
//!
//! ```text
//!  flags > environment > file > defaults     texts, each with where it is from
//!                  │ Settings::gather
//!                  ▼
//!              Settings ── config() ──► Config ── check() ──► a server
//!                  └────── report() ──► what `check-config` prints
//! ```
//!
//! [`Key`] is the one list of keys; flags, variables, the file and the
//! documentation follow it.

#[cfg(test)]
mod documented;
mod error;
mod file;
mod flags;
mod key;
mod limits;
mod network;
mod report;
mod settings;
mod typed;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use url::Url;

use crate::admission::SignInMode;

pub use error::ConfigError;
pub(crate) use flags::{command, given as given_flags};
pub use limits::Limits;
pub use network::{Network, NetworkError};
pub(crate) use settings::Settings;

/// How to run a server.
///
/// [`Config::new`] and [`Config::in_memory`] are servers for this machine
/// alone; what differs is set on their fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Listening beyond this machine is meant.
    pub public: bool,
    /// The folder for the data, the audit log and the admin socket; created if
    /// it is not there. Without it there is none of them.
    pub data: Option<PathBuf>,
    /// What keeps users and messages.
    pub storage: StorageKind,
    /// Who may sign in. `None` is [`SignInMode::Guest`], which a server that
    /// others can reach does not take for granted.
    pub sign_in: Option<SignInMode>,
    /// The origins of the web pages that may connect, besides those that this
    /// server's own host name serves.
    pub cors_origins: Vec<Url>,
    /// The host names under which this server is asked for, without ports. A
    /// server on loopback always answers to loopback's; another one answers to
    /// any name while this is empty.
    pub hosts: Vec<String>,
    /// The proxies in front of this server, whose word counts for the address
    /// of a client. With any, only they and this machine may connect.
    pub trusted_proxies: Vec<Network>,
    /// The certificate, for a server that does its own encryption.
    pub tls: Option<TlsFiles>,
    /// Where metrics are served, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// How long a session lives without a connection.
    pub session_idle: Duration,
    /// How much anybody may do.
    pub limits: Limits,
}

/// What keeps users and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageKind {
    /// A database in the data folder.
    Sqlite,
    /// The process, with whose end everything is gone.
    Memory,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain in PEM, the server's own certificate first.
    pub cert: PathBuf,
    /// The private key in PEM.
    pub key: PathBuf,
}

impl Config {
    /// A server with its data in `data`, open to guests of this machine.
    pub fn new(listen: SocketAddr, data: impl Into<PathBuf>) -> Self {
        Self {
            data: Some(data.into()),
            storage: StorageKind::Sqlite,
            ..Self::in_memory(listen)
        }
    }

    /// A server that keeps nothing, open to guests of this machine.
    #[must_use]
    pub fn in_memory(listen: SocketAddr) -> Self {
        Self {
            listen,
            public: false,
            data: None,
            storage: StorageKind::Memory,
            sign_in: None,
            cors_origins: Vec::new(),
            hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            tls: None,
            metrics: None,
            session_idle: Duration::from_secs(30 * 24 * 60 * 60),
            limits: Limits::default(),
        }
    }

    /// Who may sign in.
    #[must_use]
    pub fn sign_in(&self) -> SignInMode {
        self.sign_in.unwrap_or(SignInMode::Guest)
    }

    /// The start of this server's address.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Whether the choices fit together; nothing is touched.
    ///
    /// # Errors
    /// A choice is missing: what others can reach is never open by default.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.storage == StorageKind::Sqlite && self.data.is_none() {
            return Err(ConfigError::NoData);
        }
        let beyond = !self.listen.ip().is_loopback();
        if beyond && !self.public {
            return Err(ConfigError::Public(self.listen));
        }
        let reachable = beyond || !self.trusted_proxies.is_empty();
        if reachable && self.sign_in.is_none() {
            return Err(ConfigError::SignIn);
        }
        if beyond && self.tls.is_none() && self.trusted_proxies.is_empty() {
            return Err(ConfigError::Unencrypted);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &str) -> Config {
        Config::in_memory(listen.parse().expect("address"))
    }

    #[test]
    fn this_machine_alone_needs_no_choice() {
        for listen in ["127.0.0.1:3000", "[::1]:3000"] {
            assert_eq!(config(listen).check(), Ok(()));
            assert_eq!(config(listen).sign_in(), SignInMode::Guest);
        }
    }

    #[test]
    fn each_choice_for_a_public_server_is_asked_for() {
        let mut config = config("0.0.0.0:3000");
        assert_eq!(config.check(), Err(ConfigError::Public(config.listen)));
        config.public = true;
        assert_eq!(config.check(), Err(ConfigError::SignIn));
        config.sign_in = Some(SignInMode::Guest);
        assert_eq!(config.check(), Err(ConfigError::Unencrypted));
        let mut proxied = config.clone();
        proxied.trusted_proxies = vec!["10.0.0.0/8".parse().expect("network")];
        assert_eq!(proxied.check(), Ok(()));
        config.tls = Some(TlsFiles {
            cert: "cert.pem".into(),
            key: "key.pem".into(),
        });
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn a_proxy_in_front_makes_loopback_public() {
        let mut config = config("127.0.0.1:3000");
        config.trusted_proxies = vec!["127.0.0.1".parse().expect("network")];
        assert_eq!(config.check(), Err(ConfigError::SignIn));
    }

    #[test]
    fn sqlite_needs_a_folder() {
        let mut config = config("127.0.0.1:3000");
        config.storage = StorageKind::Sqlite;
        assert_eq!(config.check(), Err(ConfigError::NoData));
    }
}
