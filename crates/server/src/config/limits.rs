//! How much anybody may do.

use std::time::Duration;

use crate::{
    admission::Rate,
    limits::{NEW_USERS_BURST, NEW_USERS_PER_MINUTE},
};

/// The limits that whoever runs a server may change. The others are in
/// [`parlour_protocol::limits`] and in `limits.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once from one address (IPv6: one /64 network). At the
    /// door, before anything is read.
    pub connections_per_ip: u32,
    /// Connections at once of one user. The hub.
    pub connections_per_user: u32,
    /// Messages a second of one user, over all connections: beyond it they are
    /// read more slowly, and with a backlog refused. The gateway.
    pub messages_per_second: u32,
    /// Messages that may come at once before that. The gateway.
    pub message_burst: u32,
    /// Failed sign-ins a minute from one address. The gateway.
    pub failed_sign_ins: u32,
}

impl Limits {
    /// No limits at all: for load tests on a machine of one's own.
    pub const NONE: Self = Self {
        connections_per_ip: u32::MAX,
        connections_per_user: u32::MAX,
        messages_per_second: u32::MAX,
        message_burst: u32::MAX,
        failed_sign_ins: u32::MAX,
    };

    /// The pace of one user's messages.
    pub(crate) fn messages(&self) -> Rate {
        Rate::new(
            self.messages_per_second,
            Duration::from_secs(1),
            self.message_burst,
        )
    }

    /// The pace of one address's failed sign-ins.
    pub(crate) fn failures(&self) -> Rate {
        Rate::new(
            self.failed_sign_ins,
            Duration::from_secs(60),
            self.failed_sign_ins,
        )
    }

    /// The pace of one address's new users.
    pub(crate) fn newcomers(&self) -> Rate {
        let is_unlimited = self.failed_sign_ins == u32::MAX;
        let count = if is_unlimited {
            u32::MAX
        } else {
            NEW_USERS_PER_MINUTE
        };
        Rate::new(count, Duration::from_secs(60), NEW_USERS_BURST)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_per_ip: 20,
            connections_per_user: 8,
            messages_per_second: 20,
            message_burst: 200,
            failed_sign_ins: 10,
        }
    }
}
