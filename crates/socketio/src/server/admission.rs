//! Who may come in at all: decided about each HTTP request, before anything else.

use std::{any::Any, fmt, net::SocketAddr};

use http::{HeaderValue, StatusCode, request::Parts};

/// Decides about each request by its head. Called in the task of its connection:
/// it must not wait.
pub trait Admission: Send + Sync + 'static {
    /// Whether the request is served. `remote` is the other end of the TCP
    /// stream, which may be a proxy.
    fn admit(&self, remote: SocketAddr, request: &Parts) -> Verdict;
}

/// What becomes of a request.
pub enum Verdict {
    /// It is answered with this and nothing else.
    Refuse {
        /// The status of the answer.
        status: StatusCode,
        /// The body of the answer.
        text: &'static str,
    },
    /// A browser asks whether a page of this origin may make requests: it may.
    Preflight {
        /// The origin, as the request has it.
        allow_origin: HeaderValue,
    },
    /// It is served.
    Pass {
        /// The origin whose pages may read the answer.
        allow_origin: Option<HeaderValue>,
        /// Dropped when the session ends that this request opens; at once if it
        /// opens none. Connections of one client can be counted by it.
        guard: Option<Guard>,
    },
}

/// Whatever an [`Admission`] wants to be dropped at the end of a session.
pub type Guard = Box<dyn Any + Send + Sync>;

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse { status, .. } => f.debug_tuple("Refuse").field(status).finish(),
            Self::Preflight { .. } => f.write_str("Preflight"),
            Self::Pass { .. } => f.write_str("Pass"),
        }
    }
}

/// Lets everybody in; pages of other origins get no answer to read.
pub(crate) struct Everybody;

impl Admission for Everybody {
    fn admit(&self, _: SocketAddr, _: &Parts) -> Verdict {
        Verdict::Pass {
            allow_origin: None,
            guard: None,
        }
    }
}
