//! Choices that are missing.

use std::net::SocketAddr;

/// Why a [`Config`](super::Config) makes no server. Each text is one sentence
/// for the one who started it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Beyond loopback without saying so.
    #[error(
        "{0} can be reached from other machines: add --public if that is meant, \
         or listen on 127.0.0.1"
    )]
    Public(SocketAddr),
    /// Others can reach it, and nobody said who may sign in.
    #[error(
        "say who may sign in on a server that others can reach: add --sign-in guest (anybody, \
         under any name), claimed, password or invite"
    )]
    SignIn,
    /// Others can reach it, and what they send could be read on the way.
    #[error(
        "messages would cross the network unencrypted: add --tls-cert FILE and --tls-key FILE, \
         or --trusted-proxy ADDRESS if a proxy in front of this server does the encryption"
    )]
    Unencrypted,
    /// A database without a place.
    #[error(
        "say where the data is to be kept: add --data DIR, or --storage memory to keep nothing"
    )]
    NoData,
}
