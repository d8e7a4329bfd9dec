//! What is shown of a message that was found: the surroundings of its first hits.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::fold::Mapped;

/// How many characters before the first hit are shown.
const BEFORE: usize = 30;

/// How many characters are shown in all, unless the first hit alone is longer.
const LENGTH: usize = 160;

/// How many hits of one message are marked; more are of no help.
const MARKS: usize = 64;

/// A part of a snippet. The parts in a row are the text, with `…` where it is cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SnippetPart {
    /// The text. It is no markup of any kind.
    pub text: String,
    /// Whether this is what was searched for.
    pub matched: bool,
}

/// The surroundings of the first places where one of the folded `terms` is.
pub(crate) fn snippet(content: &str, terms: &[String]) -> Vec<SnippetPart> {
    let mapped = Mapped::new(content);
    let marks = marks(&mapped, terms);
    let first = marks.first().copied().unwrap_or((0, 0));
    let start = back(content, first.0, BEFORE);
    let end = forth(content, start, LENGTH).max(first.1);

    let mut parts = Vec::new();
    let mut put = |text: String, matched| {
        if !text.is_empty() {
            parts.push(SnippetPart { text, matched });
        }
    };
    let cut = |is_cut| if is_cut { "…" } else { "" };
    let mut at = start;
    let mut lead = cut(start > 0);
    for (from, to) in marks.into_iter().take_while(|(_, to)| *to <= end) {
        put(format!("{lead}{}", &content[at..from]), false);
        put(content[from..to].to_owned(), true);
        (at, lead) = (to, "");
    }
    let rest = &content[at..end];
    put(format!("{lead}{rest}{}", cut(end < content.len())), false);
    parts
}

/// Where the terms are in the original, in order and without overlaps.
fn marks(mapped: &Mapped, terms: &[String]) -> Vec<(usize, usize)> {
    let mut marks: Vec<(usize, usize)> = terms
        .iter()
        .flat_map(|term| {
            let found = mapped.text.match_indices(term.as_str()).take(MARKS);
            found.map(|(at, part)| (mapped.origin(at), mapped.origin_of_end(at + part.len())))
        })
        .collect();
    marks.sort_unstable();
    let mut apart: Vec<(usize, usize)> = Vec::with_capacity(marks.len());
    for (from, to) in marks {
        match apart.last_mut() {
            Some((_, end)) if from < *end => *end = to.max(*end),
            _ => apart.push((from, to)),
        }
    }
    apart
}

/// So many characters back, and not between the parts of one.
fn back(text: &str, at: usize, count: usize) -> usize {
    let mut starts = boundaries(text.get(..at).unwrap_or_default()).rev();
    starts.nth(count.saturating_sub(1)).unwrap_or(0)
}

/// So many characters on.
fn forth(text: &str, at: usize, count: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    boundaries(rest)
        .nth(count)
        .map_or(text.len(), |end| at + end)
}

/// Where something begins that a reader takes for a character, near enough: no
/// accent, selector or joined part is torn off.
fn boundaries(text: &str) -> impl DoubleEndedIterator<Item = usize> {
    text.char_indices().filter_map(|(at, character)| {
        let joined = text[..at].ends_with('\u{200d}');
        let follows = unicode_normalization::char::is_combining_mark(character)
            || matches!(character, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
        (!joined && !follows).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts, with what was found in brackets.
    fn shown(content: &str, terms: &[&str]) -> String {
        let terms: Vec<String> = terms
            .iter()
            .map(|term| super::super::fold::fold(term))
            .collect();
        snippet(content, &terms)
            .iter()
            .map(|part| match part.matched {
                true => format!("[{}]", part.text),
                false => part.text.clone(),
            })
            .collect()
    }

    #[test]
    fn what_was_found_is_marked() {
        assert_eq!(
            shown("Say hello to Helloween", &["hello"]),
            "Say [hello] to [Hello]ween"
        );
        assert_eq!(shown("aaaa", &["aa"]), "[aa][aa]");
        assert_eq!(shown("abcd", &["abc", "bcd"]), "[abcd]");
        assert_eq!(shown("Grüße", &["gruss"]), "[Grüß]e");
        assert_eq!(shown("<b>bold</b>", &["bold"]), "<b>[bold]</b>");
        assert_eq!(shown("nothing", &["else"]), "nothing");
    }

    #[test]
    fn a_long_text_is_cut_around_the_first_hit() {
        let text = format!("{}needle{}", "ä".repeat(500), "ö".repeat(500));
        let before = "ä".repeat(BEFORE);
        let after = "ö".repeat(LENGTH - BEFORE - 6);
        assert_eq!(
            shown(&text, &["needle"]),
            format!("…{before}[needle]{after}…")
        );
        let long = "x".repeat(1000);
        assert_eq!(shown(&long, &[&long]), format!("[{long}]"));
    }

    #[test]
    fn no_character_is_torn_apart() {
        let family = "👨\u{200d}👩\u{200d}👧";
        let text = format!("{}needle{}", family.repeat(40), "e\u{301}".repeat(400));
        let parts = snippet(&text, &["needle".to_owned()]);
        assert_eq!(parts[0].text, format!("…{}", family.repeat(BEFORE)));
        let rest = parts[2].text.trim_end_matches('…');
        assert!(rest.ends_with('\u{301}') && rest.starts_with('e'));
    }
}
