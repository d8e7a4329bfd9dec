//! A keyring in the hands of a story.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Duration,
};

use parlour_client::{
    SecretsBackend,
    ports::{SecretError, SecretStore},
};
use parlour_protocol::SessionId;

/// No story waits longer than this for an entry.
const PATIENCE: Duration = Duration::from_secs(20);

/// How it behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Open,
    Locked,
    Missing,
    /// A prompt that nobody answers.
    Hanging,
}

struct State {
    door: Door,
    /// Whoever came while it was hanging is let go.
    released: bool,
    entries: BTreeMap<String, SessionId>,
}

/// A keyring with a door.
pub(super) struct Keyring {
    state: Mutex<State>,
    moved: Condvar,
}

impl Keyring {
    pub(super) fn with(door: Door) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                door,
                released: false,
                entries: BTreeMap::new(),
            }),
            moved: Condvar::new(),
        })
    }

    /// From now on, also for those who wait.
    pub(super) fn set(&self, door: Door) {
        self.change(|state| {
            state.door = door;
            state.released = door != Door::Hanging;
        });
    }

    /// From now on; those who wait go on waiting.
    pub(super) fn set_for_newcomers(&self, door: Door) {
        self.change(|state| state.door = door);
    }

    /// Those who wait are let in.
    pub(super) fn release(&self) {
        self.change(|state| state.released = true);
    }

    /// Another keyring, with nothing in it, is in the place of this one.
    pub(super) fn is_replaced(&self) {
        self.change(|state| state.entries.clear());
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("the door"));
        self.moved.notify_all();
    }

    /// How many sessions it holds.
    pub(super) fn holds(&self) -> usize {
        self.state.lock().expect("the door").entries.len()
    }

    /// Waits until it holds so many sessions.
    pub(super) async fn until_it_holds(self: &Arc<Self>, count: usize) {
        let keyring = self.clone();
        let waiting = move || {
            let state = keyring.state.lock().expect("the door");
            let wait = keyring
                .moved
                .wait_timeout_while(state, PATIENCE, |state| state.entries.len() != count);
            let (state, timeout) = wait.expect("the door");
            let names: Vec<&String> = state.entries.keys().collect();
            assert!(!timeout.timed_out(), "it holds {names:?}, not {count}");
        };
        tokio::task::spawn_blocking(waiting)
            .await
            .expect("it came to hold that many");
    }

    fn enter(&self) -> Result<MutexGuard<'_, State>, SecretError> {
        let mut state = self.state.lock().expect("the door");
        if state.door == Door::Hanging {
            let wait = self.moved.wait_while(state, |state| !state.released);
            state = wait.expect("the door");
            return Ok(state);
        }
        match state.door {
            Door::Locked => Err(SecretError::Locked),
            Door::Missing => Err(SecretError::Missing),
            Door::Open | Door::Hanging => Ok(state),
        }
    }
}

impl SecretStore for Keyring {
    fn backend(&self) -> SecretsBackend {
        SecretsBackend::Keyring
    }

    fn load(&self, name: &str) -> Result<Option<SessionId>, SecretError> {
        Ok(self.enter()?.entries.get(name).cloned())
    }

    fn save(&self, name: &str, session_id: &SessionId) -> Result<(), SecretError> {
        let entries = &mut self.enter()?.entries;
        entries.insert(name.to_owned(), session_id.clone());
        self.moved.notify_all();
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), SecretError> {
        self.enter()?.entries.remove(name);
        self.moved.notify_all();
        Ok(())
    }
}
