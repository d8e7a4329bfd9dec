//! What is due from time to time, and at the end.

use super::Hub;
use crate::{
    limits::{SESSION_RENEWAL_MS, SWEEP_TICKS, UPKEEP},
    storage::Write,
};

impl Hub {
    /// The last call: everything in one file.
    pub(crate) fn close(&mut self) {
        self.store_seen(usize::MAX);
        if let Err(error) = self.storage.close() {
            tracing::error!(%error, "the database could not be checkpointed");
        }
    }

    /// Time has passed: [`TICK`](crate::limits::TICK).
    pub(super) fn tick(&mut self) {
        self.settle();
        self.store_seen(UPKEEP);
        let now = (self.now_ms)();
        let all_renewed = self.renew_sessions(now);
        self.sweep_is_due |= self.ticks.is_multiple_of(SWEEP_TICKS);
        self.ticks = self.ticks.wrapping_add(1);
        if self.sweep_is_due && all_renewed {
            self.sweep_is_due = false;
            self.sweep(now);
        }
    }

    /// Stores who was last seen when: for the order of `users` after a restart,
    /// and not worth a commit of its own each time.
    fn store_seen(&mut self, most: usize) {
        let seen: Vec<_> = self.seen.iter().copied().take(most).collect();
        let writes: Vec<_> = seen
            .into_iter()
            .map(|user| {
                self.seen.remove(&user);
                let person = self.people.by_key(user);
                Write::Seen {
                    user,
                    at_ms: person.map_or(0, |person| self.people.get(person).last_seen_ms),
                }
            })
            .collect();
        if !writes.is_empty() {
            // Whatever is wrong is in the log, and nothing hangs on this.
            let _ = self.store_now(&writes);
        }
    }

    /// Stores that the sessions of those who are here are in use; whether all of
    /// them are so marked now.
    fn renew_sessions(&mut self, now_ms: i64) -> bool {
        let stale = self
            .connections
            .iter_mut()
            .filter(|connection| now_ms - connection.used_ms >= SESSION_RENEWAL_MS)
            .take(UPKEEP);
        let writes: Vec<_> = stale
            .map(|connection| {
                // If it fails, the next connect or the next hour does it.
                connection.used_ms = now_ms;
                Write::UseSession {
                    hash: connection.session,
                    at_ms: now_ms,
                }
            })
            .collect();
        // Whatever is wrong is in the log.
        writes.is_empty() || self.store_now(&writes).is_ok() && writes.len() < UPKEEP
    }

    /// Ends the sessions that nobody has used for too long, and old invitations.
    fn sweep(&mut self, now_ms: i64) {
        let sweep = Write::Sweep {
            // Those that are connected were renewed within the hour, also where the
            // clock has leapt.
            unused_since_ms: now_ms - self.idle_ms(),
            now_ms,
        };
        // Whatever is wrong is in the log; an old session is refused anyway.
        let _ = self.store_now(&[sweep]);
    }
}
