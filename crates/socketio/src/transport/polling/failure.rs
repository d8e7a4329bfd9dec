//! Why a request came to nothing, in the words of both ends of a connection.

use crate::error::{CloseReason, ConnectError};

/// See the module. Holds nothing of what was sent or received.
#[derive(Debug)]
pub(super) enum Failure {
    /// There was no way to the server.
    Reach(ConnectError),
    /// It answered with something else than 200.
    Status(u16),
    /// It sends us elsewhere.
    Redirected { status: u16, error: ConnectError },
    /// The line broke.
    Broken(String),
    /// The answer is over the limit.
    TooLarge,
    /// It took too long.
    TimedOut,
    /// The answer is none of this protocol.
    Foreign(&'static str),
}

impl Failure {
    pub(super) fn into_close(self) -> CloseReason {
        match self {
            Self::Reach(_) | Self::Broken(_) => CloseReason::TransportClosed,
            Self::Status(status) | Self::Redirected { status, .. } => CloseReason::Http { status },
            Self::TooLarge => CloseReason::TooLarge,
            Self::TimedOut => CloseReason::PingTimeout,
            Self::Foreign(what) => CloseReason::Protocol(what.to_owned()),
        }
    }

    /// As the failure of a first request.
    pub(super) fn into_connect(self) -> ConnectError {
        match self {
            Self::Reach(error) | Self::Redirected { error, .. } => error,
            Self::Status(status) => ConnectError::from_status(status),
            Self::Broken(what) => ConnectError::Network(what),
            Self::TooLarge => ConnectError::NotSocketIo("its answer is too large".to_owned()),
            Self::TimedOut => ConnectError::TimedOut,
            Self::Foreign(what) => ConnectError::NotSocketIo(what.to_owned()),
        }
    }
}

impl From<hyper::Error> for Failure {
    fn from(error: hyper::Error) -> Self {
        if error.is_parse_too_large() {
            Self::Foreign("the head of an answer is too long")
        } else if error.is_parse() {
            Self::Foreign("it does not speak HTTP")
        } else if error.is_incomplete_message() {
            Self::Broken("the server closed the connection without an answer".to_owned())
        } else {
            Self::Broken(error.to_string())
        }
    }
}
