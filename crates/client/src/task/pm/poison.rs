//! A message that breaks every connection it is written to must not do so for
//! ever, and a server that is killed at any moment must not cost an innocent one.
//!
//! From one broken connection nobody can tell which it was. So whoever was first
//! without an answer when a connection broke is suspected, and put to the test:
//!
//! ```text
//!  strikes   is sent
//!     0      with the others
//!     1      alone: nothing else is on its way
//!    2-4     alone, on a connection that has been calm for a while; until
//!            then only its own conversation waits
//!     5      not any more: it has failed, and a person decides
//! ```
//!
//! So it has three tries of its own on connections that gave no cause for doubt. A
//! server that falls at random moments, or soon after each start, hardly meets
//! one message in each of them: what is answered is acquitted, and an answer takes
//! milliseconds.
//! Only breaks soon after the message was written count, and none that the server
//! has announced; silence is found out later than that.
//!
//! Where pm is not spoken, messages have to wait out their patience before they are
//! tried again, so that connections are calm by then. There the attempts are counted
//! that a connection did not survive for long.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use parlour_protocol::UserId;

use crate::{
    dialect::Dialect,
    store::{AccountId, Evidence, StoreError},
    task::Engine,
    view::Delivery,
};

/// Those that may have been by chance: in company, and on a new connection.
const BY_CHANCE: u32 = 2;

/// So many broken connections make a message failed: three tries beyond chance.
const STRIKES: u32 = BY_CHANCE + 3;

/// A connection that breaks later than this after a message was written breaks by
/// something else. Less than it takes to notice a dead one.
const SOON: Duration = Duration::from_secs(5);

/// How long a connection has to stand before a message is written to it that has
/// broken two: longer than servers which fall again and again stand.
pub(super) const CALM: Duration = Duration::from_secs(3);

/// What is to be careful about.
#[derive(Debug, Default)]
pub(in crate::task) struct Doubted {
    /// Whether messages are to be sent one by one.
    pub(in crate::task) alone: bool,
    /// Conversations that wait for a calm connection.
    pub(in crate::task) waiting: HashSet<UserId>,
}

impl Engine {
    /// The connection broke: if that can be by the first message without an
    /// answer, it is noted.
    pub(in crate::task) fn suspect_the_first(&mut self) -> Result<(), StoreError> {
        let announced = match self.link.as_ref().and_then(|link| link.pm.as_ref()) {
            Some(pm) => pm.leaving,
            None => return self.acquit_the_patient(),
        };
        let Some((id, since)) = self.outbox.unanswered().filter(|_| !announced) else {
            return Ok(());
        };
        if self.clock.now().saturating_duration_since(since) > SOON {
            return Ok(());
        }
        self.store.add_strike(id)
    }

    /// What the connection has survived for a while is not what it broke by: that was
    /// no attempt that counts.
    fn acquit_the_patient(&mut self) -> Result<(), StoreError> {
        let Some(then) = self.clock.now().checked_sub(SOON) else {
            return Ok(());
        };
        let acquitted = self.outbox.unproven_since(then);
        self.store.atomically(|store| {
            acquitted
                .iter()
                .try_for_each(|id| store.uncount_attempt(*id))
        })
    }

    /// How suspects are to be dealt with now.
    pub(in crate::task) fn doubted(&self) -> Doubted {
        let mut doubted = Doubted::default();
        let is_pm = self
            .link
            .as_ref()
            .is_some_and(|link| link.dialect == Some(Dialect::Pm));
        if !is_pm {
            return doubted;
        }
        doubted.alone = self.outbox.is_on_trial();
        let calm = self.is_calm(self.clock.now());
        for (peer, strikes) in self.outbox.suspects() {
            if strikes < BY_CHANCE || calm {
                doubted.alone = true;
            } else {
                doubted.waiting.insert(peer.clone());
            }
        }
        doubted
    }

    fn is_calm(&self, now: Instant) -> bool {
        let pm = self.link.as_ref().and_then(|link| link.pm.as_ref());
        pm.and_then(|pm| pm.calm_from).is_some_and(|at| at <= now)
    }

    /// Whether something is to be done once the connection is calm.
    pub(super) fn waits_for_calm(&self) -> bool {
        !self.is_calm(self.clock.now())
            && self
                .outbox
                .suspects()
                .any(|(_, strikes)| strikes >= BY_CHANCE)
    }

    /// What has had its last try and did not arrive is given up.
    pub(super) fn give_up_poison(&mut self, account: AccountId) -> Result<(), StoreError> {
        for id in self.store.struck_out(account, STRIKES)? {
            tracing::warn!("a message broke too many connections");
            self.set_delivery(id, Delivery::Failed, Evidence::None)?;
        }
        Ok(())
    }
}
