//! Signs of life on long polling, where there are no pings of one's own.
//!
//! A probe is a CONNECT to a namespace that no server has. The answer to its
//! request proves little, for it may be that of something in between; but the
//! refusal that comes back with a poll has gone the whole way: it proves that the
//! server lives, and that the poll which waits is not waiting on a dead line.
//!
//! A server that knows of no namespaces does not answer. There the answer to the
//! request has to do.

use crate::fence::PROBE_PREFIX as PREFIX;

/// The probes of a connection.
#[derive(Debug, Default)]
pub(super) struct Probes {
    /// The last one, where it is not answered yet.
    sent: Option<u32>,
    /// Whether probes are answered by the whole way.
    echoed: bool,
}

/// The answer to a probe.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Echo {
    pub(super) number: u32,
    /// What is to be said in return: the server has let us in there.
    pub(super) leave: Option<String>,
}

impl Probes {
    /// The packet that asks.
    pub(super) fn ask(&mut self, number: u32) -> String {
        self.sent = Some(number);
        format!("40{PREFIX}{number},")
    }

    /// The request with the probe was answered: its number, where that has to do.
    pub(super) fn posted(&mut self) -> Option<u32> {
        if self.echoed { None } else { self.sent.take() }
    }

    /// Whether a request that was answered is a sign of life.
    pub(super) fn need_posts(&self) -> bool {
        !self.echoed
    }

    /// The answer in this packet, if it is one.
    pub(super) fn echo(&mut self, packet: &str) -> Option<Echo> {
        let (accepted, rest) = match packet.get(..2)? {
            "44" => (false, &packet[2..]),
            "40" => (true, &packet[2..]),
            _ => return None,
        };
        let rest = rest.strip_prefix(PREFIX)?;
        let end = rest.find(',').unwrap_or(rest.len());
        let number = rest[..end].parse().ok()?;
        self.echoed = true;
        Some(Echo {
            number,
            leave: accepted.then(|| format!("41{PREFIX}{number},")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_by_the_server_is_an_answer() {
        let mut probes = Probes::default();
        assert_eq!(probes.ask(7), "40/__p7,");
        let echo = probes.echo(r#"44/__p7,{"message":"Invalid namespace"}"#);
        let expected = Echo {
            number: 7,
            leave: None,
        };
        assert_eq!(echo, Some(expected));
        assert!(!probes.need_posts());
        probes.ask(8);
        assert_eq!(probes.posted(), None);
    }

    #[test]
    fn where_it_is_let_in_it_leaves() {
        let echo = Probes::default().echo(r#"40/__p7,{"sid":"x"}"#).unwrap();
        assert_eq!(echo.leave.as_deref(), Some("41/__p7,"));
    }

    #[test]
    fn where_nobody_answers_the_request_has_to_do() {
        let mut probes = Probes::default();
        assert_eq!(probes.posted(), None);
        probes.ask(1);
        assert_eq!(probes.posted(), Some(1));
        assert_eq!(probes.posted(), None);
        assert!(probes.need_posts());
    }

    #[test]
    fn other_packets_are_left_to_others() {
        let mut probes = Probes::default();
        for packet in [
            "",
            "4",
            "40",
            "44",
            "44/__f1,",
            "44/__p,",
            "44/__px,",
            "42/__p1,[]",
            "é4/__p1,",
            "44/__p99999999999,",
        ] {
            assert_eq!(probes.echo(packet), None, "{packet:?}");
        }
        assert!(probes.need_posts());
    }
}
