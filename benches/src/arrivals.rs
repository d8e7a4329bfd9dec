//! Signing in: from the start of a connection to `users`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::packet::Packet;
use crate::swarm::{Driver, Swarm};

/// Which of the protocols a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speech {
    /// What the guide's web client speaks: no answers, no ids.
    #[default]
    Plain,
    /// The extension: ids, and an answer once a message is kept.
    Pm,
}

/// What the server called a client. No `Debug`: the session is a secret.
#[derive(Clone, Deserialize)]
pub(crate) struct Identity {
    #[serde(rename = "sessionID")]
    pub(crate) session: String,
    #[serde(rename = "userID")]
    pub(crate) user: String,
}

impl Speech {
    /// The sign-in of somebody new.
    pub(crate) fn newcomer(self, name: &str) -> String {
        self.auth(json!({ "username": name }))
    }

    /// The sign-in of somebody who was there before.
    pub(crate) fn returning(self, identity: &Identity) -> String {
        self.auth(json!({ "sessionID": identity.session }))
    }

    fn auth(self, mut auth: Value) -> String {
        if self == Self::Pm {
            auth["pm"] = json!({ "v": [1], "caps": [], "client": "bench" });
        }
        auth.to_string()
    }
}

/// A name that no other run of this generator gives.
pub(crate) fn name(number: usize) -> String {
    format!("bench {:x} {number}", std::process::id())
}

/// How far one client has come. Times are those of the swarm.
#[derive(Default)]
pub(crate) struct Arrival {
    pub(crate) dialled: u64,
    pub(crate) identity: Option<Identity>,
    pub(crate) users_at: Option<u64>,
    /// The size of `users`, in bytes.
    pub(crate) users_size: usize,
    /// Whom this client was told of: in `users` and since.
    pub(crate) told: usize,
}

/// Signs clients in, and counts of whom they hear.
#[derive(Default)]
pub(crate) struct Arrivals {
    pub(crate) all: Vec<Arrival>,
    /// How many have their `users`.
    pub(crate) present: usize,
    /// Why connections ended that should not have.
    pub(crate) lost: Vec<String>,
}

impl Driver for Arrivals {
    fn hears(&mut self, who: usize, packet: Packet<'_>, now: u64, _: &mut Vec<u8>) -> Result<()> {
        let arrival = self.all.get_mut(who).context("no such client")?;
        match packet {
            Packet::Session(event) => {
                let (_, identity): (String, Identity) =
                    serde_json::from_slice(event).context("`session` of an unknown form")?;
                arrival.identity = Some(identity);
            }
            Packet::Users(listing) => {
                if arrival.users_at.replace(now).is_none() {
                    self.present += 1;
                }
                arrival.users_size = listing.size;
                arrival.told += listing.people;
            }
            Packet::Arrival => arrival.told += 1,
            Packet::Refused(why) => {
                bail!("sign-in refused: {}", String::from_utf8_lossy(why));
            }
            _ => {}
        }
        Ok(())
    }

    fn loses(&mut self, _: usize, why: &str) -> Result<()> {
        self.lost.push(why.to_owned());
        Ok(())
    }
}

impl Arrivals {
    pub(crate) fn dial(&mut self, swarm: &mut Swarm, auth: &str) -> Result<usize> {
        let dialled = swarm.now();
        self.all.push(Arrival {
            dialled,
            ..Arrival::default()
        });
        swarm.dial(auth)
    }

    /// Connects `count` newcomers, at most `at_once` of them on their way at a
    /// time, and waits until all have their `users`. Whether that was within
    /// `limit`.
    pub(crate) fn bring(
        &mut self,
        swarm: &mut Swarm,
        count: usize,
        at_once: usize,
        speech: Speech,
        limit: Duration,
    ) -> Result<bool> {
        let start = Instant::now();
        let (first, mut dialled) = (self.present, 0);
        while self.present < first + count {
            while dialled < count && dialled < self.present - first + at_once {
                let auth = speech.newcomer(&name(self.all.len()));
                self.dial(swarm, &auth)?;
                dialled += 1;
            }
            swarm.turn(Duration::from_millis(20), self)?;
            if !self.lost.is_empty() || start.elapsed() > limit {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// As [`bring`](Self::bring), where anything else is an error.
    pub(crate) fn bring_all(
        &mut self,
        swarm: &mut Swarm,
        count: usize,
        at_once: usize,
        speech: Speech,
    ) -> Result<()> {
        if self.bring(swarm, count, at_once, speech, Duration::from_secs(300))? {
            return Ok(());
        }
        let why = self.lost.first().map_or("out of time", String::as_str);
        bail!("only {} of {count} clients came in: {why}", self.present)
    }

    /// The identity of a client that has signed in.
    pub(crate) fn identity(&self, who: usize) -> Result<&Identity> {
        let arrival = self.all.get(who).context("no such client")?;
        arrival
            .identity
            .as_ref()
            .context("no `session` came before `users`")
    }

    /// Ends one connection in order, and waits until the server has closed it.
    pub(crate) fn part(&mut self, swarm: &mut Swarm, who: usize) -> Result<()> {
        swarm.leave(who)?;
        let (start, lost) = (Instant::now(), self.lost.len());
        while self.lost.len() == lost && start.elapsed() < Duration::from_secs(1) {
            swarm.turn(Duration::from_millis(5), self)?;
        }
        self.lost.truncate(lost);
        swarm.hang_up(who);
        Ok(())
    }
}
