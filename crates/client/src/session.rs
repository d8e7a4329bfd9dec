//! The session machine: where we stand with the server, and what to do next.
//!
//! ```text
//!              ┌─Resume─→ Loading ──loaded──┐
//!              │             │failed        ↓
//! SignedOut ───┴──SignIn─────┼──────→ Connecting ─opened→ Authenticating ─session→ CatchingUp
//!     ↑                      │          ↑    │failed            │users (no session)    │users
//!     │←─────────────────────┘          │    │                  └────────→ Online ←────┘
//!     │←── refused, or never fit ───────│────┤                                │lost
//!     └── SignOut, from anywhere        └─ Waiting ←──────────────────────────┘
//! ```
//!
//! It is pure: time and chance are arguments, and what is to be done comes
//! back as [`Effect`]s.

use std::time::{Duration, Instant};

use parlour_protocol::{ConnectAuth, INVALID_USERNAME, SessionId, UserId};
use url::Url;

use crate::{
    address::server_text,
    backoff,
    view::{AccountView, Failure, FailureCode, SessionView},
};

/// How long a server may take, once connected, to say who we are and who is
/// there: a large roster over a slow line.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(30);

/// A connection that lived shorter than this counts as another failure, so
/// that a server which accepts and hangs up at once does not get a hot loop.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// Who we are, or want to be.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) server: Url,
    pub(crate) username: String,
    pub(crate) user_id: Option<UserId>,
    /// `None`: sign in by name. A server without sessions is signed in to by
    /// name on every connection.
    pub(crate) session_id: Option<SessionId>,
}

#[derive(Clone, Debug)]
enum State {
    SignedOut {
        reason: Option<Failure>,
        resumable: bool,
    },
    Loading,
    Connecting,
    Authenticating {
        deadline: Instant,
    },
    CatchingUp {
        deadline: Instant,
    },
    Online {
        since: Instant,
    },
    Waiting {
        until: Instant,
        reason: Failure,
    },
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// A person gave a server and a name.
    SignIn(Identity),
    /// The last session is to be taken up again.
    Resume,
    /// The secret store answered, maybe late.
    Loaded(Result<Option<SessionId>, Failure>),
    SignOut,
    /// A person does not want to wait.
    Reconnect,
    /// The connection stands.
    Opened,
    /// The connection could not be made, or was refused.
    Failed(Failure),
    /// The server said who we are.
    SessionGiven {
        session_id: SessionId,
        user_id: UserId,
    },
    /// The server said who is there.
    UsersGiven,
    /// The connection is gone.
    Lost(Failure),
    /// Time has passed.
    Tick,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Read the session from the secret store.
    LoadSession,
    /// Connect once; give up another attempt.
    Connect(ConnectAuth),
    /// Close the connection, or give up the attempt.
    Disconnect,
    /// Delete the session from the secret store.
    ForgetSession,
    /// What is queued belongs to an identity that the server has forgotten.
    HoldQueue,
}

/// The machine.
#[derive(Debug)]
pub(crate) struct Session {
    state: State,
    identity: Option<Identity>,
    /// Attempts since the last connection that lasted.
    attempt: u32,
    /// Whether this identity was ever let in: until then, an address that
    /// leads to no Socket.IO server is a mistyped one.
    proven: bool,
}

impl Session {
    /// Nobody is signed in. `identity` is the last one, for the form.
    pub(crate) fn new(identity: Option<Identity>) -> Self {
        let state = State::SignedOut {
            reason: None,
            resumable: false,
        };
        Self {
            state,
            identity,
            attempt: 0,
            proven: false,
        }
    }

    /// Takes one step.
    pub(crate) fn step(&mut self, input: Input, now: Instant, jitter: f64) -> Vec<Effect> {
        match input {
            Input::SignIn(identity) => {
                self.identity = Some(identity);
                self.proven = false;
                self.attempt = 0;
                let mut effects = vec![Effect::Disconnect];
                effects.extend(self.connect());
                effects
            }
            Input::Resume => self.resume(),
            Input::SignOut => {
                self.sign_out(None, false);
                vec![Effect::Disconnect, Effect::ForgetSession]
            }
            Input::Loaded(answer) => self.loaded(answer),
            Input::Reconnect => match self.state {
                State::Waiting { .. } => self.connect(),
                _ => Vec::new(),
            },
            Input::Opened => {
                if matches!(self.state, State::Connecting) {
                    self.state = State::Authenticating {
                        deadline: now + CATCH_UP_LIMIT,
                    };
                }
                Vec::new()
            }
            Input::Failed(reason) => match self.state {
                State::Connecting => self.failed(reason, now, jitter),
                _ => Vec::new(),
            },
            Input::SessionGiven {
                session_id,
                user_id,
            } => {
                if let Some(identity) = &mut self.identity {
                    identity.session_id = Some(session_id);
                    identity.user_id = Some(user_id);
                }
                if let State::Authenticating { deadline } = self.state {
                    self.state = State::CatchingUp { deadline };
                }
                Vec::new()
            }
            Input::UsersGiven => {
                if matches!(
                    self.state,
                    State::Authenticating { .. } | State::CatchingUp { .. }
                ) {
                    self.state = State::Online { since: now };
                    self.proven = true;
                }
                Vec::new()
            }
            Input::Lost(reason) => match self.state {
                State::Online { since } => {
                    if now.saturating_duration_since(since) >= STABLE_AFTER {
                        self.attempt = 0;
                    }
                    self.wait(reason, now, jitter);
                    Vec::new()
                }
                State::Authenticating { .. } | State::CatchingUp { .. } => {
                    self.wait(reason, now, jitter);
                    Vec::new()
                }
                _ => Vec::new(),
            },
            Input::Tick => self.tick(now, jitter),
        }
    }

    /// When [`Input::Tick`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Authenticating { deadline } | State::CatchingUp { deadline } => Some(deadline),
            State::Waiting { until, .. } => Some(until),
            _ => None,
        }
    }

    /// Whether messages go both ways.
    pub(crate) fn is_online(&self) -> bool {
        matches!(self.state, State::Online { .. })
    }

    /// Whether there is an identity at work, connected or not.
    pub(crate) fn is_signed_in(&self) -> bool {
        !matches!(self.state, State::SignedOut { .. })
    }

    /// Whether the last session may be taken up again.
    pub(crate) fn is_resumable(&self) -> bool {
        matches!(
            self.state,
            State::SignedOut {
                resumable: true,
                ..
            }
        )
    }

    /// Who we are, or were last.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

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
            State::Waiting { until, reason } => SessionView::Waiting {
                account,
                reason: reason.clone(),
                attempt: self.attempt,
                retry_in_ms: u64::try_from(until.saturating_duration_since(now).as_millis())
                    .unwrap_or(u64::MAX),
            },
        }
    }

    fn resume(&mut self) -> Vec<Effect> {
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

    fn connect(&mut self) -> Vec<Effect> {
        let Some(identity) = &self.identity else {
            return Vec::new();
        };
        self.attempt = self.attempt.saturating_add(1);
        self.state = State::Connecting;
        // The session alone, so that a server that forgot it says so instead
        // of quietly making a new user of the same name.
        let auth = match &identity.session_id {
            Some(session_id) => ConnectAuth {
                session_id: Some(session_id.clone()),
                username: None,
            },
            None => ConnectAuth {
                session_id: None,
                username: Some(identity.username.clone()),
            },
        };
        vec![Effect::Connect(auth)]
    }

    fn loaded(&mut self, answer: Result<Option<SessionId>, Failure>) -> Vec<Effect> {
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

    fn failed(&mut self, reason: Failure, now: Instant, jitter: f64) -> Vec<Effect> {
        use FailureCode::{InvalidAddress, NotSocketIo, SessionForgotten, SignInRefused, Tls};
        let by_session = self
            .identity
            .as_ref()
            .is_some_and(|identity| identity.session_id.is_some());
        match reason.code {
            // Only this text says that the server does not know the session.
            // Another refusal (busy, banned) must not cost the session.
            SignInRefused if by_session && reason.detail.as_deref() == Some(INVALID_USERNAME) => {
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
            InvalidAddress | NotSocketIo | Tls if !self.proven => {
                self.sign_out(Some(reason), false);
                Vec::new()
            }
            _ => {
                self.wait(reason, now, jitter);
                Vec::new()
            }
        }
    }

    fn wait(&mut self, reason: Failure, now: Instant, jitter: f64) {
        // Losing a connection that had lasted is the first failure.
        self.attempt = self.attempt.max(1);
        let until = now + backoff::delay(self.attempt, jitter);
        self.state = State::Waiting { until, reason };
    }

    fn sign_out(&mut self, reason: Option<Failure>, resumable: bool) {
        self.state = State::SignedOut { reason, resumable };
        self.attempt = 0;
        if let Some(identity) = &mut self.identity
            && !resumable
        {
            identity.session_id = None;
            identity.user_id = None;
        }
    }

    fn tick(&mut self, now: Instant, jitter: f64) -> Vec<Effect> {
        match self.state {
            State::Waiting { until, .. } if now >= until => self.connect(),
            State::Authenticating { deadline } | State::CatchingUp { deadline }
                if now >= deadline =>
            {
                self.wait(
                    Failure {
                        code: FailureCode::TimedOut,
                        detail: None,
                    },
                    now,
                    jitter,
                );
                vec![Effect::Disconnect]
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
