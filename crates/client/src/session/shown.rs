//! The session machine as people see it.

use std::time::Instant;

use super::{Session, State};
use crate::{
    address::server_text,
    view::{AccountView, Failure, SessionView},
};

impl Session {
    /// What people see of this.
    pub(crate) fn view(&self, now: Instant) -> SessionView {
        let signed_out = |reason: &Option<Failure>, resumable| SessionView::SignedOut {
            server: self
                .identity
                .as_ref()
                .map(|identity| server_text(&identity.server)),
            username: self
                .identity
                .as_ref()
                .map(|identity| identity.username.clone()),
            reason: reason.clone(),
            resumable,
        };
        let Some(identity) = &self.identity else {
            return signed_out(&None, false);
        };
        let account = AccountView {
            server: server_text(&identity.server),
            username: identity.username.clone(),
            user_id: identity.user_id.clone(),
        };
        match &self.state {
            State::SignedOut { reason, resumable } => signed_out(reason, *resumable),
            State::Loading | State::Connecting => SessionView::Connecting {
                account,
                attempt: self.attempt,
            },
            State::Authenticating { .. } => SessionView::Authenticating { account },
            State::CatchingUp { .. } => SessionView::CatchingUp { account },
            State::Online { .. } => SessionView::Online { account },
            State::Waiting { until, reason, .. } => SessionView::Waiting {
                account,
                reason: reason.clone(),
                attempt: self.attempt,
                retry_in_ms: u64::try_from(until.saturating_duration_since(now).as_millis())
                    .unwrap_or(u64::MAX),
            },
        }
    }
}
