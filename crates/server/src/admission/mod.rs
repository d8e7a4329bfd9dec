//! Who may come in, and how much they may do: everything that is decided
//! without knowing the chat.
//!
//! ```text
//!  HTTP request ─► Gate: Host, Origin, the proxy, connections of its address
//!  CONNECT ──────► Attempts: has this address guessed, or made users, too often?
//!                  SignInMode: what it takes to get a name
//!                    check_name, Skeleton     may it be a name here, and whose is it
//!                    Passwords, InviteToken   the secret that goes with it
//!  message ──────► TokenBucket: the pace of one user
//! ```
//! All of it is pure but [`Passwords`], which computes on threads of its own.

mod address;
mod attempts;
mod bucket;
mod connections;
mod gate;
mod generations;
mod invite;
mod mode;
mod names;
mod origin;
mod passwords;

pub(crate) use address::Proxies;
pub(crate) use attempts::Attempts;
pub(crate) use bucket::{Rate, TokenBucket};
pub(crate) use gate::Gate;
pub(crate) use invite::{InviteHash, InviteToken};
pub use mode::SignInMode;
pub(crate) use names::{Skeleton, check_name};
pub(crate) use passwords::{PasswordError, PasswordHash, Passwords};
