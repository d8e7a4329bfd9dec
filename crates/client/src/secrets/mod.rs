//! Places for the session: the operating system's keyring, a file, memory.
//!
//! All three answer the same [`SecretStore`](crate::ports::SecretStore). A host
//! gives the engine one, or with [`SecretPlaces`] one and what else a person may
//! choose; there is never a silent fallback from one to another.

mod file;
#[cfg(feature = "keyring")]
mod keyring;
mod memory;
mod places;

pub use file::FileSecrets;
#[cfg(feature = "keyring")]
pub use keyring::KeyringSecrets;
pub use memory::MemorySecrets;
pub use places::SecretPlaces;
