//! What may be a name.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::limits::{USERNAME_BYTES, USERNAME_GRAPHEMES};

/// A name in NFKC, trimmed, 1 to 32 graphemes and at most 128 bytes, without
/// control, bidirectional or invisible characters.
///
/// It is what people see, never an identity: that is the pair of server and user id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, type = "string"))]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsernameError {
    /// Nothing is left after trimming.
    Empty,
    /// Over 32 graphemes or 128 bytes.
    TooLong,
    /// A control, bidirectional or invisible character could make it look like another name.
    Invisible,
}

impl fmt::Display for UsernameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the name is empty",
            Self::TooLong => "the name is too long",
            Self::Invisible => "the name has a character that cannot be seen",
        })
    }
}

impl std::error::Error for UsernameError {}

impl Username {
    /// Normalises and checks `text`.
    pub fn parse(text: &str) -> Result<Self, UsernameError> {
        // Normalising can lengthen a text eighteenfold: bound it first.
        if text.len() > 4 * USERNAME_BYTES {
            return Err(UsernameError::TooLong);
        }
        let name: String = text.trim().nfkc().collect();
        let name = name.trim();
        if name.is_empty() {
            return Err(UsernameError::Empty);
        }
        if name.len() > USERNAME_BYTES || name.graphemes(true).count() > USERNAME_GRAPHEMES {
            return Err(UsernameError::TooLong);
        }
        if name.chars().any(is_invisible) {
            return Err(UsernameError::Invisible);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Username {
    type Error = UsernameError;

    fn try_from(text: String) -> Result<Self, UsernameError> {
        Self::parse(&text)
    }
}

impl From<Username> for String {
    fn from(name: Username) -> Self {
        name.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Control, bidirectional and zero-width characters, and the blank ones that
/// are not spaces. The joiners stay out too: emoji sequences in names lose to
/// the safety of telling two names apart.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_normalised() {
        assert_eq!(
            Username::parse("  Ａlice ").expect("a name").as_str(),
            "Alice"
        );
        assert_eq!(
            Username::parse("Zoë").expect("a name"),
            Username::parse("Zoe\u{308}").expect("a name")
        );
        assert_eq!(
            Username::parse("李雷 👩").expect("a name").as_str(),
            "李雷 👩"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for text in [
            "ali\u{202E}ce",
            "ali\u{200B}ce",
            "a\u{0}b",
            "a\nb",
            "\u{3164}a",
            "a\u{FEFF}b",
        ] {
            assert_eq!(
                Username::parse(text),
                Err(UsernameError::Invisible),
                "{text:?}"
            );
        }
    }

    #[test]
    fn names_are_bounded() {
        assert_eq!(Username::parse(" \t "), Err(UsernameError::Empty));
        assert!(Username::parse(&"x".repeat(32)).is_ok());
        assert_eq!(
            Username::parse(&"x".repeat(33)),
            Err(UsernameError::TooLong)
        );
        assert_eq!(
            Username::parse(&"x\u{302}\u{303}".repeat(32)),
            Err(UsernameError::TooLong)
        );
        assert_eq!(
            Username::parse(&"\u{FDFA}".repeat(100)),
            Err(UsernameError::TooLong)
        );
    }
}
