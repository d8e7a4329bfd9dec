//! Texts as they are compared when somebody searches: without case, accents and
//! what cannot be seen.
//!
//! The index holds folded texts, and folding is ours and not SQLite's, so that
//! what the index finds, what is scanned and what is marked in a snippet is
//! always the same. Accents go (Latin, Greek, Cyrillic, Vietnamese, also Hebrew
//! points and Arabic vowel marks); signs that make another letter stay (the
//! Japanese voicing mark, Indic vowels and viramas, Thai tones). Wide and narrow
//! forms, ligatures and other compatible characters are one, `ß` is `ss`, and
//! any run of white space is one blank.

use unicode_normalization::char::{canonical_combining_class, decompose_compatible};

/// Changes whenever the same text could fold into something else: then an index
/// made before is made again.
pub(crate) fn version() -> String {
    let (major, minor, _) = unicode_normalization::UNICODE_VERSION;
    let (case, _, _) = char::UNICODE_VERSION;
    format!("1/{major}.{minor}/{case}")
}

/// The folded text.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    each(text, |character, _| folded.push(character));
    folded
}

/// A folded text that knows where each of its parts comes from.
pub(crate) struct Mapped {
    pub(crate) text: String,
    /// For each byte of the text, where in the original its character begins.
    origins: Vec<usize>,
    original: usize,
}

impl Mapped {
    pub(crate) fn new(original: &str) -> Self {
        let mut text = String::with_capacity(original.len());
        let mut origins = Vec::with_capacity(original.len());
        each(original, |character, origin| {
            text.push(character);
            origins.resize(text.len(), origin);
        });
        Self {
            text,
            origins,
            original: original.len(),
        }
    }

    /// Where the part of the folded text that begins here begins in the original.
    pub(crate) fn origin(&self, at: usize) -> usize {
        self.origins.get(at).copied().unwrap_or(self.original)
    }

    /// Where the part that ends here ends in the original: behind the whole of its
    /// last character, and the accents on it.
    pub(crate) fn origin_of_end(&self, at: usize) -> usize {
        let Some(last) = at
            .checked_sub(1)
            .and_then(|last| self.origins.get(last))
            .copied()
        else {
            return 0;
        };
        let rest = self.origins.get(at..).unwrap_or_default();
        let next = rest.iter().find(|origin| **origin > last);
        next.copied().unwrap_or(self.original)
    }
}

/// Gives each folded character with the place of its origin.
fn each(text: &str, mut emit: impl FnMut(char, usize)) {
    let mut after_blank = false;
    for (origin, character) in text.char_indices() {
        if character.is_whitespace() {
            if !after_blank {
                emit(' ', origin);
            }
            after_blank = true;
            continue;
        }
        if character.is_ascii() {
            if character != '\0' {
                emit(character.to_ascii_lowercase(), origin);
                after_blank = false;
            }
            continue;
        }
        decompose_compatible(character, |part| {
            if part.is_whitespace() {
                // A decomposed blank is a mark on nothing, ` ̈` for instance.
                return;
            }
            if !is_ignored(part) {
                // By the upper case, as `ς` and `σ`, `ß` and `SS` have the same; by
                // the lower case before that, as `ẞ` is its own.
                for upper in part.to_lowercase().flat_map(char::to_uppercase) {
                    upper.to_lowercase().for_each(|lower| emit(lower, origin));
                }
                after_blank = false;
            }
        });
    }
}

/// Accents, and what cannot be seen.
fn is_ignored(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
    ) || matches!(canonical_combining_class(character), 10..=35 | 200..=240)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_do_not_matter() {
        for (one, other) in [
            ("STRASSE", "straße"),
            ("ÀÉÎõü", "aeiou"),
            ("A\u{300}", "à"),
            ("ΟΔΟΣ", "οδος"),
            ("İstanbul", "istanbul"),
            ("Ёлка", "елка"),
            ("Tiếng Việt", "tieng viet"),
            ("ﬁx", "FIX"),
            ("ＡＢＣ", "abc"),
            ("a\u{200d}b", "ab"),
            ("a \n\t b", "a b"),
            ("x\0y", "xy"),
            ("שָׁלוֹם", "שלום"),
            ("é\u{301}", "e"),
        ] {
            assert_eq!(fold(one), fold(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn other_letters_stay_other_letters() {
        for (one, other) in [
            ("か", "が"),
            ("กา", "กี"),
            ("कि", "की"),
            ("o", "0"),
            ("北", "比"),
        ] {
            assert_ne!(fold(one), fold(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn every_character_folds_into_what_folds_into_itself() {
        for character in ('\u{1}'..=char::MAX).filter(|c| !c.is_whitespace()) {
            let once = fold(&character.to_string());
            assert_eq!(
                fold(&once),
                once,
                "{character:?} {:x}",
                u32::from(character)
            );
        }
    }

    #[test]
    fn a_part_is_found_again_in_the_original() {
        let original = "Über  Cafe\u{301} 각!";
        let mapped = Mapped::new(original);
        let part = |wanted: &str| {
            let wanted = fold(wanted);
            let at = mapped.text.find(&wanted).expect("it is there");
            &original[mapped.origin(at)..mapped.origin_of_end(at + wanted.len())]
        };
        assert_eq!(part("uber"), "Über");
        assert_eq!(part("r c"), "r  C");
        assert_eq!(part("cafe"), "Cafe\u{301}");
        assert_eq!(part("가"), "각", "a syllable is not cut");
        assert_eq!(part("!"), "!");
        assert_eq!(Mapped::new("").origin_of_end(0), 0);
    }
}
