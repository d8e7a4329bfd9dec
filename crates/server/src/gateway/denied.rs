//! Why somebody is not let in, and how they are told.

use std::time::Duration;

use parlour_protocol::{INVALID_USERNAME, pm::Code};
use parlour_socketio::server::Refusal;
use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::{admission::PasswordError, hub::SignInError, limits::BUSY_RETRY_MS};

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Denied {
    pub(super) code: Code,
    pub(super) retry_after: Option<Duration>,
}

impl Denied {
    pub(super) fn too_often(wait: Duration) -> Self {
        Self {
            code: Code::RateLimited,
            retry_after: Some(wait),
        }
    }

    /// The guide's web client returns to its form on this one text only.
    pub(super) fn refusal(self) -> Refusal {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            code: Code,
            #[serde(skip_serializing_if = "Option::is_none")]
            retry_after_ms: Option<u64>,
        }
        let wait = self.retry_after.map(|wait| wait.as_millis());
        let data = Data {
            code: self.code,
            retry_after_ms: wait.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)),
        };
        Refusal {
            message: INVALID_USERNAME.to_owned(),
            // It has a form in JSON; if not, the text alone will do.
            data: to_raw_value(&data).ok(),
        }
    }
}

impl From<Code> for Denied {
    fn from(code: Code) -> Self {
        let retry_after = code
            .is_temporary()
            .then_some(Duration::from_millis(BUSY_RETRY_MS));
        Self { code, retry_after }
    }
}

impl From<SignInError> for Denied {
    fn from(error: SignInError) -> Self {
        Self::from(match error {
            SignInError::UnknownSession => Code::SessionExpired,
            SignInError::NameTaken => Code::Conflict,
            SignInError::InviteInvalid | SignInError::Banned => Code::Forbidden,
            SignInError::TooMany => Code::RateLimited,
            SignInError::Unavailable => Code::ServerBusy,
        })
    }
}

impl From<PasswordError> for Denied {
    fn from(error: PasswordError) -> Self {
        Self::from(match error {
            PasswordError::Busy => Code::RateLimited,
            PasswordError::Length => Code::Forbidden,
            PasswordError::Failed => Code::ServerBusy,
        })
    }
}
