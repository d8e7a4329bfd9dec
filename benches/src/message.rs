//! A chat message as bytes: encoded and masked once, patched before each send.

use anyhow::{Context as _, Result, bail};

use crate::arrivals::Speech;
use crate::frame::{self, MASK};

/// How long a text is, in bytes: that of a short sentence.
pub const TEXT_LENGTH: usize = 50;

/// Digits of the time and of the count that a text starts with.
const STAMP: usize = 16;
const COUNT: usize = 8;

/// Numbers of acks all have eight digits, so that they fit into one place.
const FIRST_ACK: u64 = 10_000_000;

/// What stands before the text in a message.
const BEFORE_TEXT: &[u8] = br#""content":""#;

/// Where the text stands in a message that starts with it, as most do.
const USUAL_PLACE: usize = br#"["private message",{"#.len();

/// One sender's messages to one person.
#[derive(Debug)]
pub(crate) struct Template {
    frame: Vec<u8>,
    payload: usize,
    stamp: usize,
    count: usize,
    ack: Option<usize>,
    id: Option<usize>,
}

impl Template {
    /// `sender` is a number of the sender's own, `run` one of this run, for
    /// the ids of messages.
    pub(crate) fn new(speech: Speech, to: &str, sender: usize, run: u64) -> Self {
        let text = format!(
            "{:0>1$}{2:x>3$}",
            "",
            STAMP + COUNT,
            "",
            TEXT_LENGTH - STAMP - COUNT
        );
        let to = serde_json::Value::from(to);
        let (payload, ack, id) = match speech {
            Speech::Plain => {
                let message = format!(r#"42["private message",{{"content":"{text}","to":{to}}}]"#);
                (message, None, None)
            }
            Speech::Pm => {
                let id = message_id(sender, run);
                let message = format!(
                    r#"42{FIRST_ACK}["private message",{{"content":"{text}","to":{to},"id":"{id}"}}]"#
                );
                // The last digits of the id are the count.
                let end = message.len() - r#""}]"#.len();
                (message, Some(2), Some(end - COUNT))
            }
        };
        let text = payload.find(&text).unwrap_or_default();
        let start = frame::payload_start(payload.len());
        Self {
            frame: frame::text(payload.as_bytes()),
            payload: start,
            stamp: start + text,
            count: start + text + STAMP,
            ack: ack.map(|at| start + at),
            id: id.map(|at| start + at),
        }
    }

    /// The frame of message number `count`, sent at `now`.
    pub(crate) fn stamped(&mut self, now: u64, count: u64) -> &[u8] {
        self.digits::<STAMP, 16>(self.stamp, now);
        self.digits::<COUNT, 16>(self.count, count);
        if let Some(at) = self.ack {
            self.digits::<8, 10>(at, FIRST_ACK + count);
        }
        if let Some(at) = self.id {
            self.digits::<COUNT, 16>(at, count);
        }
        &self.frame
    }

    /// Writes a number of `N` digits under the mask.
    fn digits<const N: usize, const BASE: u64>(&mut self, at: usize, mut number: u64) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let Some(place) = self.frame.get_mut(at..at + N) else {
            return;
        };
        for (offset, byte) in place.iter_mut().enumerate().rev() {
            let digit = DIGITS[(number % BASE) as usize % DIGITS.len()];
            number /= BASE;
            *byte = digit ^ MASK[(at - self.payload + offset) % MASK.len()];
        }
    }
}

/// A version 7 UUID whose last eight digits are left for the count.
fn message_id(sender: usize, run: u64) -> String {
    let millis = (run / 1_000_000) & 0xffff_ffff_ffff;
    let random = run & 0xfff;
    format!(
        "{:08x}-{:04x}-7{random:03x}-8{random:03x}-{:04x}{:08x}",
        millis >> 16,
        millis & 0xffff,
        sender & 0xffff,
        0
    )
}

/// The time and the count in a message that was received.
pub(crate) fn read(event: &[u8]) -> Result<(u64, u64)> {
    let rest = event.get(USUAL_PLACE..).unwrap_or_default();
    let text = match rest.strip_prefix(BEFORE_TEXT) {
        Some(text) => text,
        None => {
            let at = memchr::memmem::find(event, BEFORE_TEXT).context("a message without text")?;
            event.get(at + BEFORE_TEXT.len()..).unwrap_or_default()
        }
    };
    let stamp = text.get(..STAMP).context("a text without a time")?;
    let count = text
        .get(STAMP..STAMP + COUNT)
        .context("a text without a count")?;
    Ok((number(stamp, 16)?, number(count, 16)?))
}

/// The count of the message that an answer is for.
pub(crate) fn read_ack(ack: &[u8]) -> Result<u64> {
    let digits = ack.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (id, answer) = ack.split_at(digits);
    if memchr::memmem::find(answer, br#""ok":true"#).is_none() {
        bail!("a message was refused: {}", String::from_utf8_lossy(answer));
    }
    number(id, 10)?
        .checked_sub(FIRST_ACK)
        .context("an answer to nothing")
}

fn number(digits: &[u8], base: u32) -> Result<u64> {
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = char::from(*byte)
            .to_digit(base)
            .context("a text that this run did not send")?;
        Ok(number
            .wrapping_mul(u64::from(base))
            .wrapping_add(u64::from(digit)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(template: &mut Template, now: u64, count: u64) -> String {
        let start = template.payload;
        let bytes = template.stamped(now, count)[start..].iter();
        let bytes = bytes
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask);
        String::from_utf8(bytes.collect()).unwrap()
    }

    #[test]
    fn a_plain_message_says_when_and_which_it_was() {
        let mut template = Template::new(Speech::Plain, "bob", 3, 7);
        payload(&mut template, u64::MAX, 0xffff_ffff);
        let text = payload(&mut template, 0x1234, 0xab);
        assert_eq!(
            text,
            r#"42["private message",{"content":"0000000000001234000000abxxxxxxxxxxxxxxxxxxxxxxxxxx","to":"bob"}]"#
        );
        assert_eq!(read(&text.as_bytes()[2..]).unwrap(), (0x1234, 0xab));
    }

    #[test]
    fn a_message_with_an_id_has_another_one_each_time() {
        let mut template = Template::new(Speech::Pm, "bob", 0x0102, 1_800_000_000_000_000_123);
        let text = payload(&mut template, 1, 2);
        assert!(
            text.starts_with(r#"4210000002["private message",{"#),
            "{text}"
        );
        let value: serde_json::Value = serde_json::from_str(&text[10..]).unwrap();
        let first = value[1]["id"].as_str().unwrap().to_owned();
        assert_eq!(first, "01a3185c-5000-707b-807b-010200000002");
        assert_eq!(value[1]["content"].as_str().unwrap().len(), TEXT_LENGTH);
        assert!(!payload(&mut template, 1, 3).contains(&first));
    }

    #[test]
    fn the_text_is_found_wherever_it_stands() {
        let event =
            br#"["private message",{"from":"a","content":"000000000000000f00000001","to":"b"}]"#;
        assert_eq!(read(event).unwrap(), (15, 1));
        assert!(read(br#"["private message",{"content":"hello"}]"#).is_err());
    }

    #[test]
    fn only_a_good_answer_counts() {
        assert_eq!(read_ack(br#"10000007[{"ok":true,"seq":1}]"#).unwrap(), 7);
        let error = read_ack(br#"10000007[{"ok":false,"code":"server_busy"}]"#).unwrap_err();
        assert!(error.to_string().contains("server_busy"));
    }
}
