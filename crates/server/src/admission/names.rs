//! Names beyond their spelling: which are taken, which nobody may have.

use std::fmt;

use parlour_protocol::Username;
use unicode_security::skeleton;

/// Nobody may be taken for the one who runs the server.
const RESERVED: [&str; 3] = ["admin", "system", "support"];

/// What a name looks like (UTS 39): two names with the same skeleton cannot be
/// told apart by eye. For comparing and storing, never for showing.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Skeleton(String);

impl Skeleton {
    /// The skeleton of `name`.
    pub(crate) fn of(name: &Username) -> Self {
        Self(fold(name.as_str()))
    }

    /// The text, for storage.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Skeleton {
    // Names are nobody's business in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Skeleton(…)")
    }
}

/// The name is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reserved;

/// Whether anybody may have `name` here.
///
/// # Errors
/// It is reserved, or looks like one that is.
pub(crate) fn check_name(name: &Username) -> Result<(), Reserved> {
    let folded = fold(name.as_str());
    if RESERVED.iter().any(|reserved| fold(reserved) == folded) {
        Err(Reserved)
    } else {
        Ok(())
    }
}

/// The skeleton comes before the small letters, since a foreign capital may
/// look like one of ours while its small letter does not; and after, since a
/// small letter may look like another. `I` looks like `l` and is the capital of
/// `i`: all three are one, or `AIice` would be a name next to `Alice`.
fn fold(text: &str) -> String {
    let capitals: String = skeleton(text).collect();
    let small: String = skeleton(&capitals.to_lowercase()).collect();
    small.to_lowercase().replace('i', "l")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Username {
        Username::parse(text).expect("a name")
    }

    fn same(one: &str, other: &str) -> bool {
        Skeleton::of(&name(one)) == Skeleton::of(&name(other))
    }

    #[test]
    fn names_that_look_alike_are_one() {
        assert!(same("alice", "аlice"), "Cyrillic а");
        assert!(same("Alice", "ALICE"));
        assert!(same("Alice", "AIice"), "a capital I");
        assert!(same("Bob", "Вob"), "Cyrillic В");
        assert!(same("paypal", "раураl"), "Cyrillic р, а, у");
        assert!(same("Zoë", "Zoe\u{308}"));
        assert!(!same("alice", "bob"));
        assert!(!same("Zoë", "Zoe"));
    }

    #[test]
    fn reserved_names_are_refused_however_they_are_written() {
        for text in [
            "admin",
            "Admin",
            "ADMIN",
            "аdmin",
            "SYSTEM",
            "suррort",
            "ａｄｍｉｎ",
        ] {
            assert_eq!(check_name(&name(text)), Err(Reserved), "{text}");
        }
        for text in ["administrator", "Ann", "my system"] {
            assert_eq!(check_name(&name(text)), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_skeleton_never_prints_itself() {
        assert_eq!(format!("{:?}", Skeleton::of(&name("Ann"))), "Skeleton(…)");
    }
}
