//! What the hub is told once, before it starts.

use std::time::Duration;

use parlour_protocol::pm;

use crate::{
    admission::Rate,
    config::{Config, Limits},
};

/// What the hub is told once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Connections at once of one user. The newest beyond it is refused:
    /// whoever is here stays, since two programs that each throw the other out
    /// would come back for ever.
    pub(crate) connections_per_user: u32,
    /// How long a session lives without a connection.
    pub(crate) session_idle: Duration,
    /// The pace of one user's messages; `None` slows nobody down.
    pub(crate) messages: Option<Rate>,
    /// The pace of messages, as clients are told it.
    pub(crate) told: pm::Rate,
}

impl Policy {
    /// That of a server run like this.
    pub(crate) fn of(config: &Config) -> Self {
        let Limits {
            connections_per_user,
            messages_per_second,
            message_burst,
            ..
        } = config.limits;
        Self {
            connections_per_user,
            session_idle: config.session_idle,
            messages: (messages_per_second < u32::MAX).then(|| config.limits.messages()),
            told: pm::Rate {
                per_second: messages_per_second,
                burst: message_burst,
            },
        }
    }
}
