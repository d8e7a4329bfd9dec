//! Binary packets: a header, then one binary frame for each attachment.

use bytes::Bytes;

use crate::packet::DecodeError;

/// Collects attachments for a header of type `H`.
///
/// ```text
///         begin(n > 0)             part × n
/// Idle ───────────────▶ Collecting ─────────▶ Idle, header and parts handed out
///  │ skip(n)                │ too many bytes
///  └───────────▶ Skipping ◀─┘
///                   │ part × rest
///                   └──────────▶ Idle
/// ```
#[derive(Debug)]
pub(crate) struct Reassembly<H> {
    max_count: usize,
    max_bytes: usize,
    state: State<H>,
}

#[derive(Debug)]
enum State<H> {
    Idle,
    Collecting {
        header: H,
        parts: Vec<Bytes>,
        missing: u64,
        bytes: usize,
    },
    Skipping {
        left: u64,
    },
}

/// What a binary frame, or a header, led to.
#[derive(Debug, PartialEq)]
pub(crate) enum Progress<H> {
    /// More is to come, or the frame belonged to a packet that is skipped.
    Waiting,
    /// All there.
    Complete(H, Vec<Bytes>),
    /// Lost, for this reason.
    Failed(DecodeError),
}

impl<H> Reassembly<H> {
    /// At most so many attachments for one packet, and so many bytes in them.
    pub(crate) fn new(max_count: usize, max_bytes: usize) -> Self {
        Self {
            max_count,
            max_bytes,
            state: State::Idle,
        }
    }

    /// A header that announces `count` attachments.
    pub(crate) fn begin(&mut self, header: H, count: u64) -> Progress<H> {
        if count == 0 {
            return Progress::Complete(header, Vec::new());
        }
        if usize::try_from(count).map_or(true, |count| count > self.max_count) {
            self.skip(count);
            return Progress::Failed(DecodeError::TooManyAttachments);
        }
        self.state = State::Collecting {
            header,
            parts: Vec::new(),
            missing: count,
            bytes: 0,
        };
        Progress::Waiting
    }

    /// The next `count` binary frames are of no interest.
    pub(crate) fn skip(&mut self, count: u64) {
        self.state = if count == 0 {
            State::Idle
        } else {
            State::Skipping { left: count }
        };
    }

    /// A binary frame.
    pub(crate) fn part(&mut self, part: Bytes) -> Progress<H> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => Progress::Failed(DecodeError::StrayAttachment),
            State::Skipping { left } => {
                self.skip(left - 1);
                Progress::Waiting
            }
            State::Collecting {
                header,
                mut parts,
                missing,
                bytes,
            } => {
                let bytes = bytes.saturating_add(part.len());
                if bytes > self.max_bytes {
                    self.skip(missing - 1);
                    return Progress::Failed(DecodeError::TooManyAttachments);
                }
                parts.push(part);
                if missing == 1 {
                    return Progress::Complete(header, parts);
                }
                self.state = State::Collecting {
                    header,
                    parts,
                    missing: missing - 1,
                    bytes,
                };
                Progress::Waiting
            }
        }
    }

    /// Another packet begins. One that was still waiting for attachments is
    /// thereby lost, and comes back.
    pub(crate) fn interrupt(&mut self) -> Option<H> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Collecting { header, .. } => Some(header),
            State::Idle | State::Skipping { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(size: usize) -> Bytes {
        Bytes::from(vec![7; size])
    }

    #[test]
    fn attachments_come_together_in_order() {
        let mut reassembly = Reassembly::new(3, 10);
        assert_eq!(
            reassembly.begin("none", 0),
            Progress::Complete("none", Vec::new())
        );
        assert_eq!(reassembly.begin("two", 2), Progress::Waiting);
        assert_eq!(reassembly.part(part(1)), Progress::Waiting);
        assert_eq!(
            reassembly.part(part(2)),
            Progress::Complete("two", vec![part(1), part(2)])
        );
        assert_eq!(
            reassembly.part(part(1)),
            Progress::Failed(DecodeError::StrayAttachment)
        );
    }

    #[test]
    fn too_many_are_skipped_with_all_that_belongs_to_them() {
        let mut reassembly = Reassembly::new(2, 10);
        let too_many = Progress::Failed(DecodeError::TooManyAttachments);
        assert_eq!(reassembly.begin("many", 3), too_many);
        for _ in 0..3 {
            assert_eq!(reassembly.part(part(1)), Progress::Waiting);
        }
        assert_eq!(reassembly.begin("large", 2), Progress::Waiting);
        assert_eq!(reassembly.part(part(11)), too_many);
        assert_eq!(reassembly.part(part(1)), Progress::Waiting);
        assert_eq!(reassembly.begin("next", 1), Progress::Waiting);
        assert_eq!(
            reassembly.part(part(10)),
            Progress::Complete("next", vec![part(10)])
        );
        assert_eq!(reassembly.begin("absurd", u64::MAX), too_many);
        assert_eq!(reassembly.interrupt(), None);
    }

    #[test]
    fn an_interruption_is_told() {
        let mut reassembly = Reassembly::new(2, 10);
        assert_eq!(reassembly.interrupt(), None);
        assert_eq!(reassembly.begin("one", 1), Progress::Waiting);
        assert_eq!(reassembly.interrupt(), Some("one"));
        assert_eq!(reassembly.interrupt(), None);
    }
}
