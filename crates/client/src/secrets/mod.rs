//! Places for the session: the operating system's keyring, a file, memory.
//!
//! All three answer the same [`SecretStore`](crate::ports::SecretStore); which
//! one is used is the host's choice, never a silent fallback from one to another.

mod file;
#[cfg(feature = "keyring")]
mod keyring;
mod memory;

pub use file::FileSecrets;
#[cfg(feature = "keyring")]
pub use keyring::KeyringSecrets;
pub use memory::MemorySecrets;
