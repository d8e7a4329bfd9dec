//! Repair of half emoji in JSON text.
//!
//! A JavaScript string may end in the middle of a surrogate pair, for example
//! where a text was cut at a fixed length, and `JSON.stringify` then writes the
//! lone half as `\ud83d`. That is well-formed JSON but no Unicode text, so a
//! Rust decoder refuses the whole document: one such character in one stored
//! message would hide everything that came with it. Replacing each lone half by
//! U+FFFD beforehand costs that one character and nothing else.

use std::borrow::Cow;

/// An escape `\uXXXX` is this long, and so is the replacement.
const ESCAPE: usize = 6;
const REPLACEMENT: &[u8; ESCAPE] = b"\\ufffd";

/// Replaces the escapes of lone surrogates in `json` by `\ufffd`.
///
/// Text without any comes back borrowed. The length never changes. What is not
/// JSON passes through without complaint: finding that out is the parser's part.
#[must_use]
pub fn repair(json: &str) -> Cow<'_, str> {
    let mut repaired: Option<Vec<u8>> = None;
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(found) = json.get(at..).and_then(|rest| rest.find('\\')) {
        let start = at + found;
        at = match escape(bytes, start) {
            // `\n`, `\\`, `\"`: two bytes, the second of which starts no escape.
            // A character of several bytes may stand there in broken JSON.
            None => next_boundary(json, start + 2),
            Some(unit) if is_high(unit) => match escape(bytes, start + ESCAPE) {
                Some(next) if is_low(next) => start + 2 * ESCAPE,
                _ => replace(&mut repaired, bytes, start),
            },
            Some(unit) if is_low(unit) => replace(&mut repaired, bytes, start),
            Some(_) => start + ESCAPE,
        };
    }
    match repaired.map(String::from_utf8) {
        // Only ASCII was written over ASCII, so this is always valid.
        Some(Ok(text)) => Cow::Owned(text),
        Some(Err(_)) | None => Cow::Borrowed(json),
    }
}

fn replace(repaired: &mut Option<Vec<u8>>, original: &[u8], start: usize) -> usize {
    let text = repaired.get_or_insert_with(|| original.to_vec());
    if let Some(place) = text.get_mut(start..start + ESCAPE) {
        place.copy_from_slice(REPLACEMENT);
    }
    start + ESCAPE
}

/// The code unit of the escape `\uXXXX` that starts at `start`, if one does.
fn escape(bytes: &[u8], start: usize) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = bytes.get(start..start + ESCAPE)? else {
        return None;
    };
    digits.iter().try_fold(0_u16, |unit, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(value).ok()?)
    })
}

fn next_boundary(text: &str, mut at: usize) -> usize {
    while at < text.len() && !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

fn is_high(unit: u16) -> bool {
    (0xd800..0xdc00).contains(&unit)
}

fn is_low(unit: u16) -> bool {
    (0xdc00..0xe000).contains(&unit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(json: &str) -> String {
        serde_json::from_str(&repair(json)).unwrap()
    }

    #[test]
    fn a_half_emoji_becomes_one_replacement_character() {
        assert_eq!(decoded(r#""a\ud83d""#), "a\u{fffd}");
        assert_eq!(decoded(r#""\ude00b""#), "\u{fffd}b");
        assert_eq!(decoded(r#""\uD83D\uD83D\uDE00""#), "\u{fffd}😀");
        assert_eq!(decoded(r#""\ude00\ud83d""#), "\u{fffd}\u{fffd}");
        assert_eq!(decoded(r#""\ud83dx\ude00""#), "\u{fffd}x\u{fffd}");
        assert_eq!(decoded(r#""\ud83d\n""#), "\u{fffd}\n");
    }

    #[test]
    fn whole_text_is_neither_changed_nor_copied() {
        for json in [
            r#""\ud83d\ude00""#,
            r#""\\ud83d""#,
            r#""\\\\ud83d \u00e4 \/""#,
            r#""plain""#,
            "",
        ] {
            assert!(matches!(repair(json), Cow::Borrowed(same) if same == json));
        }
    }

    #[test]
    fn an_escaped_backslash_before_a_half_is_seen() {
        assert_eq!(decoded(r#""\\\ud83d""#), "\\\u{fffd}");
    }

    #[test]
    fn broken_text_passes_through() {
        for json in [
            "\\", "\\u", "\\ud8", "\\ud83", "\\é", "\\😀\\", "\\uzzzz", "\\u😀d",
        ] {
            assert_eq!(repair(json), json);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_keeps_its_length(text in ".*") {
            prop_assert_eq!(repair(&text).len(), text.len());
        }

        #[test]
        fn any_mixture_of_halves_can_be_decoded(
            units in prop::collection::vec(prop_oneof![0xd7f0_u16..0xe010, 0x20_u16..0x7f], 0..40)
        ) {
            let json: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let text = decoded(&format!("\"{json}\""));
            prop_assert_eq!(text, String::from_utf16_lossy(&units));
        }
    }
}
