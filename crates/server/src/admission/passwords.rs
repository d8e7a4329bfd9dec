//! Passwords: Argon2id, off the threads that others wait for.

use std::{fmt, sync::Arc};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier},
};
use tokio::sync::Semaphore;

/// Passwords computed at once: each takes a core for some tens of milliseconds
/// and 19 MiB.
const AT_ONCE: usize = 2;

/// Those that may wait for their turn: about two seconds' work. More is a
/// flood, and is told to come back.
const WAITING: usize = 64;

/// What OWASP asks for: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Characters of a new password: below, guessing online succeeds in the end.
const SHORTEST: usize = 8;

/// Bytes of a password; the wire's limit for a `secret`.
const LONGEST: usize = 1024;

/// A password as it is stored: a PHC string with its salt and parameters.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash(String);

impl PasswordHash {
    /// From storage.
    pub(crate) fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For storage, and nothing else.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Why a password was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasswordError {
    /// Too many are waiting: to be tried again.
    Busy,
    /// Under 8 characters or over 1024 bytes: no password for here.
    Length,
    /// A fault of this program or of what is stored.
    Failed,
}

/// Computes passwords, two at a time, on threads for blocking work.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Passwords {
    /// Nobody waits yet.
    pub(crate) fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
        }
    }

    /// What to store for a new user's password.
    pub(crate) async fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        if password.chars().count() < SHORTEST {
            return Err(PasswordError::Length);
        }
        check_most(password)?;
        let password = password.to_owned();
        self.compute(move || hash_now(&password)).await
    }

    /// Whether `password` is the one that was stored as `hash`. A name that
    /// nobody has is asked with `None`, and takes as long as any other.
    pub(crate) async fn verify(
        &self,
        password: &str,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, PasswordError> {
        check_most(password)?;
        let password = password.to_owned();
        match hash.cloned() {
            Some(hash) => self.compute(move || verify_now(&password, &hash)).await,
            None => {
                self.compute(move || hash_now(&password)).await?;
                Ok(false)
            }
        }
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let queued = self.queue.clone().try_acquire_owned();
        let _queued = queued.map_err(|_| PasswordError::Busy)?;
        let turn = self.turns.clone().acquire_owned().await;
        let turn = turn.map_err(|_| PasswordError::Failed)?;
        let done = tokio::task::spawn_blocking(move || {
            // Held here, so that one who stops waiting does not let in a third.
            let _turn = turn;
            work()
        });
        done.await.map_err(|_| PasswordError::Failed)?
    }
}

fn check_most(password: &str) -> Result<(), PasswordError> {
    if password.len() <= LONGEST {
        Ok(())
    } else {
        Err(PasswordError::Length)
    }
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordError::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<PasswordHash, PasswordError> {
    argon2()?
        .hash_password(password.as_bytes())
        .map(|hash| PasswordHash(hash.to_string()))
        .map_err(|_| PasswordError::Failed)
}

fn verify_now(password: &str, hash: &PasswordHash) -> Result<bool, PasswordError> {
    let parsed = argon2::password_hash::phc::PasswordHash::new(&hash.0)
        .map_err(|_| PasswordError::Failed)?;
    // The parameters are those of the stored one: they may have been others once.
    match argon2()?.verify_password(password.as_bytes(), &parsed) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(PasswordError::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse").await.expect("hashed");
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(hash, passwords.hash("correct horse").await.expect("hashed"));
        assert_eq!(
            passwords.verify("correct horse", Some(&hash)).await,
            Ok(true)
        );
        assert_eq!(
            passwords.verify("wrong horse!", Some(&hash)).await,
            Ok(false)
        );
        assert_eq!(passwords.verify("correct horse", None).await, Ok(false));
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
    }

    #[tokio::test]
    async fn the_length_is_bounded_before_any_work() {
        let passwords = Passwords::new();
        let long = "x".repeat(LONGEST + 1);
        for password in ["", "seven77", "ééééééé", &long] {
            assert_eq!(passwords.hash(password).await, Err(PasswordError::Length));
        }
        assert_eq!(
            passwords.verify(&long, None).await,
            Err(PasswordError::Length)
        );
        // Nobody has it, which is not the same as no answer.
        assert_eq!(passwords.verify("seven77", None).await, Ok(false));
    }

    #[tokio::test]
    async fn a_damaged_hash_is_a_fault_and_not_a_wrong_password() {
        let hash = PasswordHash::stored("nonsense");
        let answer = Passwords::new().verify("long enough", Some(&hash)).await;
        assert_eq!(answer, Err(PasswordError::Failed));
    }

    #[tokio::test]
    async fn a_flood_is_turned_away() {
        let passwords = Passwords::new();
        let _all = passwords
            .queue
            .clone()
            .try_acquire_many_owned(66)
            .expect("all");
        assert_eq!(
            passwords.hash("long enough").await,
            Err(PasswordError::Busy)
        );
    }
}
