//! The operating system's keyring.

use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error};
use parlour_protocol::SessionId;

use crate::{
    ports::{SecretError, SecretStore},
    view::SecretsBackend,
};

/// Under this name the keyring lists the app's entries.
const SERVICE: &str = "parlour";

/// Makes a connection to the keyring.
type Open = dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync;

/// Keeps sessions in the operating system's keyring: the Secret Service on
/// Linux, the Credential Manager on Windows, the Keychain on macOS.
///
/// Every call makes its own connection. One that is kept would be dead after
/// the keyring's daemon restarts, and a call that waits for a person to answer
/// the keyring's prompt would hold up all others. The few milliseconds do not
/// matter at a start, a sign-in and a sign-out. For the same reason the
/// process-wide default store of `keyring-core` is not used.
///
/// Call it on a blocking thread only: the Secret Service's client panics
/// inside an async runtime.
pub struct KeyringSecrets {
    open: Box<Open>,
}

impl KeyringSecrets {
    /// The keyring of the user whose process this is. Nothing is opened yet.
    pub fn new() -> Self {
        Self {
            open: Box::new(open_native),
        }
    }

    fn entry(&self, account: &str) -> Result<Entry, SecretError> {
        // Wherever it cannot even be connected to, there is none to speak of:
        // no session bus, or nothing on it that offers secrets.
        let store = (self.open)().map_err(|error| {
            tracing::warn!(%error, "no keyring");
            SecretError::Missing
        })?;
        store.build(SERVICE, account, None).map_err(said)
    }
}

impl Default for KeyringSecrets {
    fn default() -> Self {
        Self::new()
    }
}

impl SecretStore for KeyringSecrets {
    fn backend(&self) -> SecretsBackend {
        SecretsBackend::Keyring
    }

    fn load(&self, account: &str) -> Result<Option<SessionId>, SecretError> {
        match self.entry(account)?.get_password() {
            Ok(token) => Ok(Some(SessionId::new(token))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(said(error)),
        }
    }

    fn save(&self, account: &str, session_id: &SessionId) -> Result<(), SecretError> {
        self.entry(account)?
            .set_password(session_id.reveal())
            .map_err(said)
    }

    fn delete(&self, account: &str) -> Result<(), SecretError> {
        match self.entry(account)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(said(error)),
        }
    }
}

/// What a keyring's answer means for us. What could quote an entry is left out.
fn said(error: Error) -> SecretError {
    match error {
        Error::NoStorageAccess(source) if is_absent(source.as_ref()) => SecretError::Missing,
        Error::NoStorageAccess(_) => SecretError::Locked,
        Error::NoDefaultStore => SecretError::Missing,
        Error::BadEncoding(_) => SecretError::Failed("the entry is not a text".into()),
        Error::BadDataFormat(..) => SecretError::Failed("the entry is damaged".into()),
        Error::Ambiguous(_) => SecretError::Failed("there are several entries".into()),
        error => SecretError::Failed(error.to_string()),
    }
}

/// A Secret Service without a keyring in it, and nobody there to make one,
/// answers as if access was denied.
#[cfg(target_os = "linux")]
fn is_absent(source: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(
        source.downcast_ref(),
        Some(secret_service::Error::NoResult | secret_service::Error::Unavailable)
    )
}

/// Elsewhere every user has a keyring.
#[cfg(not(target_os = "linux"))]
fn is_absent(_source: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    false
}

#[cfg(target_os = "linux")]
fn open_native() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "windows")]
fn open_native() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn open_native() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(not(any(target_os = "linux", target_os = "windows", target_os = "macos")))]
fn open_native() -> keyring_core::Result<Arc<CredentialStore>> {
    Err(Error::NoDefaultStore)
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;
