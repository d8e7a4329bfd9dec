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
//! A page of what we missed prolongs CatchingUp; a server that says when it will
//! be back is believed once: Waiting then ends when it said.
//!
//! It is pure: time and chance are arguments, and what is to be done comes
//! back as [`Effect`]s.

mod io;
mod shown;
mod verdicts;
mod waits;

use std::time::{Duration, Instant};

use parlour_protocol::ConnectAuth;

pub(crate) use self::io::{Effect, Identity, Input};
use crate::{
    ServerOptions,
    view::{Failure, FailureCode},
};

/// How long a server may take, once connected, to say who we are and who is
/// there: a large roster over a slow line.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(30);

/// A connection that lived shorter than this counts as another failure, so
/// that a server which accepts and hangs up at once does not get a hot loop.
const STABLE_AFTER: Duration = Duration::from_secs(10);

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
        /// Before this the server wants to be left alone.
        not_before: Instant,
        reason: Failure,
    },
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
    /// When to come back after the end of this connection, if the server said so.
    comes_back: Option<Duration>,
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
            comes_back: None,
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
            Input::Reroute(options) => self.reroute(options),
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
            Input::Progress => {
                if let State::Authenticating { deadline } | State::CatchingUp { deadline } =
                    &mut self.state
                {
                    *deadline = now + CATCH_UP_LIMIT;
                }
                Vec::new()
            }
            Input::Leaving(wait) => {
                self.comes_back = Some(wait);
                Vec::new()
            }
            Input::Taken { resumable } => {
                let reason = Failure {
                    code: FailureCode::AlreadySignedIn,
                    detail: None,
                };
                self.sign_out(Some(reason), resumable);
                vec![Effect::Disconnect]
            }
            Input::Ended(reason) => self.ended(reason),
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
                    self.lost(reason, now, jitter);
                    Vec::new()
                }
                State::Authenticating { .. } | State::CatchingUp { .. } => {
                    self.lost(reason, now, jitter);
                    Vec::new()
                }
                _ => Vec::new(),
            },
            Input::Woke { slept } => self.woke(slept, now, jitter),
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

    /// Whether there is no connection, but one is to come: then a machine that
    /// woke up has something to do at once.
    pub(crate) fn is_on_the_way(&self) -> bool {
        matches!(self.state, State::Connecting | State::Waiting { .. })
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

    fn connect(&mut self) -> Vec<Effect> {
        let Some(identity) = &self.identity else {
            return Vec::new();
        };
        self.attempt = self.attempt.saturating_add(1);
        self.state = State::Connecting;
        self.comes_back = None;
        // The session alone, so that a server that forgot it says so instead
        // of quietly making a new user of the same name.
        let auth = match &identity.session_id {
            Some(session_id) => ConnectAuth {
                session_id: Some(session_id.clone()),
                ..ConnectAuth::default()
            },
            None => ConnectAuth {
                username: Some(identity.username.clone()),
                ..ConnectAuth::default()
            },
        };
        vec![Effect::Connect(auth)]
    }

    /// Leaves the old way for the new one, where there is anybody to go it.
    fn reroute(&mut self, options: ServerOptions) -> Vec<Effect> {
        let Some(identity) = &mut self.identity else {
            return Vec::new();
        };
        identity.options = options;
        if matches!(self.state, State::SignedOut { .. } | State::Loading) {
            return Vec::new();
        }
        self.attempt = 0;
        let mut effects = vec![Effect::Disconnect];
        effects.extend(self.connect());
        effects
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
