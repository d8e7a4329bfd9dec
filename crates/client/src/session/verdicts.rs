//! What the secret store's answer and a server's refusal mean for the session.

use std::time::Instant;

use parlour_protocol::{INVALID_USERNAME, SessionId, pm::Code};

use super::{Effect, Session, State};
use crate::{
    ports::NoLink,
    view::{Failure, FailureCode},
};

impl Session {
    pub(super) fn resume(&mut self) -> Vec<Effect> {
        let has_session = self
            .identity
            .as_ref()
            .is_some_and(|identity| identity.session_id.is_some());
        match (&self.state, has_session) {
            // A refusal that did not cost the session: it need not be in the store.
            (State::SignedOut { .. }, true) => self.connect(),
            (State::SignedOut { .. }, false) => {
                self.state = State::Loading;
                vec![Effect::LoadSession]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn loaded(&mut self, answer: Result<Option<SessionId>, Failure>) -> Vec<Effect> {
        // A prompt may be answered long after we stopped waiting for it.
        if !matches!(self.state, State::Loading) && !self.is_resumable() {
            return Vec::new();
        }
        match (answer, &mut self.identity) {
            (Ok(Some(session_id)), Some(identity)) => {
                identity.session_id = Some(session_id);
                self.proven = true;
                self.attempt = 0;
                self.connect()
            }
            (Ok(_), _) => {
                let reason = Failure {
                    code: FailureCode::SessionMissing,
                    detail: None,
                };
                self.sign_out(Some(reason), false);
                Vec::new()
            }
            (Err(reason), _) => {
                self.sign_out(Some(reason), true);
                Vec::new()
            }
        }
    }

    /// The server ended the session while we were there.
    pub(super) fn ended(&mut self, reason: Failure) -> Vec<Effect> {
        if matches!(self.state, State::SignedOut { .. }) {
            return Vec::new();
        }
        self.sign_out(Some(reason), false);
        vec![Effect::Disconnect, Effect::HoldQueue, Effect::ForgetSession]
    }

    pub(super) fn failed(&mut self, none: NoLink, now: Instant, jitter: f64) -> Vec<Effect> {
        use FailureCode::{
            InvalidAddress, NotSocketIo, ProxyAuthRequired, Redirected, SessionForgotten,
            SignInRefused, Tls,
        };
        let NoLink {
            reason,
            code,
            retry_after,
        } = none;
        // By the code, or where there is none, by the text.
        let forgets = match code {
            Some(code) => code == Code::SessionExpired,
            None => reason.detail.as_deref().is_some_and(says_unknown_session),
        };
        let by_session = self
            .identity
            .as_ref()
            .is_some_and(|identity| identity.session_id.is_some());
        match reason.code {
            // Another refusal (maintenance, banned) must not cost the session.
            SignInRefused if by_session && forgets => {
                let reason = Failure {
                    code: SessionForgotten,
                    detail: None,
                };
                self.sign_out(Some(reason), false);
                vec![Effect::HoldQueue, Effect::ForgetSession]
            }
            SignInRefused => {
                self.sign_out(Some(reason), by_session);
                Vec::new()
            }
            InvalidAddress | NotSocketIo | ProxyAuthRequired | Redirected | Tls if !self.proven => {
                self.sign_out(Some(reason), false);
                Vec::new()
            }
            _ => {
                let least = retry_after.unwrap_or_default();
                self.wait_at_least(least, reason, now, jitter);
                Vec::new()
            }
        }
    }
}

/// Whether a refusal of a session, told in words alone, means that the server
/// does not know it: the guide's text, or that of a server whose sessions are UUIDs
/// and which cannot even read ours. We sent nothing else that it could be about.
fn says_unknown_session(text: &str) -> bool {
    text == INVALID_USERNAME || text.contains("UUID parsing failed")
}
