//! The lines of the standard input, read without holding up the events.

use std::io::{BufRead, Read, stdin};

use tokio::sync::mpsc;

/// Bytes of one line: a message of 16 KiB with every character escaped, and room.
const LINE: u64 = 128 * 1024;

/// How many lines are read ahead.
const AHEAD: usize = 16;

/// One line, by its number from 1; an error says why it cannot be read.
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) text: Result<String, String>,
}

/// The standard input.
pub(crate) struct Input(mpsc::Receiver<Line>);

impl Input {
    /// Reads on a thread of its own: the process may end while it blocks there,
    /// which the runtime's own standard input would wait for.
    pub(crate) fn start() -> Self {
        let (lines, input) = mpsc::channel(AHEAD);
        std::thread::spawn(move || {
            let mut input = stdin().lock();
            for number in 1.. {
                match read_line(&mut input) {
                    Some(text) if text.as_deref().is_ok_and(|text| text.trim().is_empty()) => {}
                    Some(text) => {
                        if lines.blocking_send(Line { number, text }).is_err() {
                            return;
                        }
                    }
                    None => return,
                }
            }
        });
        Self(input)
    }

    /// The next line that is not empty; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Line> {
        self.0.recv().await
    }
}

/// Reads one line. One that is too long is skipped to its end.
fn read_line(input: &mut impl BufRead) -> Option<Result<String, String>> {
    let mut line = Vec::new();
    let read = match input.by_ref().take(LINE).read_until(b'\n', &mut line) {
        Ok(read) => read,
        Err(error) => return Some(Err(error.to_string())),
    };
    if read == 0 {
        return None;
    }
    if line.last() != Some(&b'\n') && line.len() as u64 == LINE {
        let mut rest = Vec::new();
        loop {
            rest.clear();
            match input.by_ref().take(LINE).read_until(b'\n', &mut rest) {
                Ok(0) | Err(_) => break,
                Ok(_) if rest.last() == Some(&b'\n') => break,
                Ok(_) => {}
            }
        }
        return Some(Err(format!("the line is longer than {LINE} bytes")));
    }
    Some(String::from_utf8(line).map_err(|_| "the line is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_costs_only_itself() {
        let long = "x".repeat(3 * LINE as usize);
        let text = format!("one\n{long}\ntwo");
        let mut input = text.as_bytes();
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut input) {
            lines.push(line.map(|line| line.trim().to_owned()).is_ok());
        }
        assert_eq!(lines, [true, false, true]);
    }

    #[test]
    fn what_is_not_text_is_an_error() {
        let mut input: &[u8] = b"\xff\xfe\nok\n";
        assert!(read_line(&mut input).is_some_and(|line| line.is_err()));
        assert!(read_line(&mut input).is_some_and(|line| line.is_ok()));
        assert!(read_line(&mut input).is_none());
    }
}
