//! What can go wrong with a proxy.

/// Why a proxy did not bring us to the server. No text here holds a name, a
/// password, or words of the proxy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// This variable of the environment is no proxy's address.
    #[error("the setting {0} is no address of a proxy")]
    Setting(&'static str),
    /// No machine has the proxy's name, or there is no way to ask.
    #[error("there is no proxy of this name")]
    NotFound,
    /// The proxy's machine is there, but no proxy on that port.
    #[error("nothing answers at the address of the proxy")]
    ConnectionRefused,
    /// The proxy did not do its part in time.
    #[error("the proxy did not answer in time")]
    TimedOut,
    /// The proxy wants a name and a password, and has been given none.
    #[error("the proxy wants a sign-in")]
    AuthRequired,
    /// The proxy does not take the name and password that it was given.
    #[error("the proxy refuses the sign-in")]
    AuthRefused,
    /// The proxy does not want to lead us to this server.
    #[error("the proxy does not allow this server: {0}")]
    Forbidden(String),
    /// The proxy could not reach the server.
    #[error("the proxy cannot reach the server: {0}")]
    Unreachable(String),
    /// No secure connection to the proxy.
    #[error("no secure connection to the proxy: {0}")]
    Tls(String),
    /// Something answers there, and it is no such proxy.
    #[error("this is no such proxy: {0}")]
    Protocol(&'static str),
    /// The connection to the proxy broke.
    #[error("the connection to the proxy failed: {0}")]
    Network(String),
}

impl ProxyError {
    /// A failure of the line to the proxy.
    pub(crate) fn network(error: &std::io::Error) -> Self {
        Self::Network(error.to_string())
    }
}
