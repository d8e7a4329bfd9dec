//! What is learned of a server little by little, and when it is told.

use std::time::{Duration, Instant};

use super::{Compatibility, DialectCode, Finding, FindingCode, Verdict};
use crate::{
    dialect::Dialect,
    ports::{LinkFacts, Transport},
};

/// The shortest time between two reports: what is counted may change with every packet.
const PAUSE: Duration = Duration::from_secs(1);

/// What this server has shown.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    /// Of the connection; `None` before the first one.
    facts: Option<LinkFacts>,
    pub(crate) transport: Option<Transport>,
    pub(crate) dialect: Option<Dialect>,
    lists_me: Option<bool>,
    pub(crate) fences: Option<bool>,
    /// Whether anything of ours came back on another connection.
    pub(crate) echoes: bool,
    entries: u64,
    leaked: u64,
    pub(crate) unreadable_events: u64,
    pub(crate) unreadable_entries: u64,
    pub(crate) left_out: u64,
    pub(crate) impossible_ids: u64,
    pub(crate) between_others: u64,
    /// What was told last, and when.
    told: Option<Compatibility>,
    told_at: Option<Instant>,
}

impl Learned {
    /// A connection stands. What earlier ones have shown of the server stays known.
    pub(crate) fn connected(&mut self, facts: LinkFacts) {
        self.facts = Some(facts);
    }

    /// The first `users` of a connection.
    pub(crate) fn met(&mut self, dialect: Dialect, lists_me: bool) {
        self.dialect = Some(dialect);
        self.lists_me = Some(lists_me);
        (self.entries, self.leaked) = (0, 0);
    }

    /// A history in `users`: how many entries it has, and how many are of the
    /// conversation it stands for.
    pub(crate) fn saw_history(&mut self, entries: usize, ours: usize) {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        self.entries = self.entries.saturating_add(count(entries));
        self.leaked = self
            .leaked
            .saturating_add(count(entries.saturating_sub(ours)));
    }

    /// What listeners know.
    pub(crate) fn told(&self) -> Option<&Compatibility> {
        self.told.as_ref()
    }

    /// What listeners are to be told now. At once where somebody waits for it (the
    /// dialect, the first of all), otherwise after a pause.
    pub(crate) fn news(&mut self, now: Instant) -> Option<Compatibility> {
        let report = self.report()?;
        let told = self.told.as_ref();
        if told == Some(&report) {
            return None;
        }
        let waits = told.is_some_and(|told| told.dialect == report.dialect);
        if waits && self.due().is_some_and(|due| now < due) {
            return None;
        }
        self.told = Some(report.clone());
        self.told_at = Some(now);
        Some(report)
    }

    /// When [`Learned::news`] has more to tell.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        (self.report() != self.told).then_some(self.due()?)
    }

    fn due(&self) -> Option<Instant> {
        self.told_at.map(|told| told + PAUSE)
    }

    fn report(&self) -> Option<Compatibility> {
        let facts = self.facts.as_ref()?;
        let dialect = self.dialect;
        let is = |dialects: &'static [Dialect]| match dialect {
            Some(dialect) => verdict(Some(dialects.contains(&dialect))),
            None => Verdict::Unknown,
        };
        let finding = |code, verdict| Finding {
            code,
            verdict,
            number: None,
        };
        let measured = |code, number: Option<u64>| Finding {
            code,
            verdict: verdict(number.map(|_| true)),
            number,
        };
        let counted = |code, number: u64| Finding {
            code,
            verdict: verdict(Some(number > 0)),
            number: Some(number),
        };
        let time =
            |time: Option<Duration>| time.map(|t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX));
        use Dialect::{B, C, D, Pm};
        use FindingCode as Code;
        let findings = vec![
            finding(Code::SessionsKept, is(&[B, C, D, Pm])),
            finding(Code::IdsLast, is(&[B, C, D, Pm])),
            finding(Code::HistoryKept, is(&[C, D, Pm])),
            self.leak(),
            finding(Code::ListsOneself, verdict(self.lists_me)),
            finding(Code::Acknowledges, is(&[Pm])),
            finding(Code::FenceAnswered, verdict(self.fences)),
            finding(Code::EchoesToOwnDevices, self.echo()),
            finding(Code::Receipts, is(&[Pm])),
            finding(
                Code::WebSocket,
                verdict(self.transport.map(|t| t == Transport::WebSocket)),
            ),
            finding(Code::Encrypted, verdict(facts.encrypted)),
            Finding {
                code: Code::MaxMessageSize,
                verdict: verdict(facts.max_payload.map(|limit| limit.is_some())),
                number: facts
                    .max_payload
                    .flatten()
                    .map(|limit| u64::try_from(limit).unwrap_or(u64::MAX)),
            },
            measured(Code::PingInterval, time(facts.ping_interval)),
            measured(Code::PingTimeout, time(facts.ping_timeout)),
            measured(Code::DeadLinkSeen, time(facts.dead_after)),
            finding(Code::RecoveryOffered, verdict(facts.recovery)),
            counted(Code::UnreadableEvents, self.unreadable_events),
            counted(Code::UnreadableEntries, self.unreadable_entries),
            counted(Code::UsersLeftOut, self.left_out),
            counted(Code::ImpossibleIds, self.impossible_ids),
            counted(Code::MessagesBetweenOthers, self.between_others),
        ];
        Some(Compatibility {
            dialect: dialect.map(code),
            findings,
        })
    }

    fn leak(&self) -> Finding {
        let verdict = match (self.leaked, self.entries) {
            (0, 0) => Verdict::Unknown,
            (0, _) => Verdict::No,
            _ => Verdict::Yes,
        };
        Finding {
            code: FindingCode::HistoryOfOthersLeaked,
            verdict,
            number: (self.entries > 0).then_some(self.leaked),
        }
    }

    fn echo(&self) -> Verdict {
        match self.dialect {
            _ if self.echoes => Verdict::Yes,
            Some(Dialect::Pm) => Verdict::Yes,
            Some(Dialect::A | Dialect::D) => Verdict::No,
            Some(Dialect::B | Dialect::C) | None => Verdict::Unknown,
        }
    }
}

fn code(dialect: Dialect) -> DialectCode {
    match dialect {
        Dialect::A => DialectCode::A,
        Dialect::B => DialectCode::B,
        Dialect::C => DialectCode::C,
        Dialect::D => DialectCode::D,
        Dialect::Pm => DialectCode::Pm,
    }
}

fn verdict(is_so: Option<bool>) -> Verdict {
    match is_so {
        Some(true) => Verdict::Yes,
        Some(false) => Verdict::No,
        None => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(report: &Compatibility, code: FindingCode) -> (Verdict, Option<u64>) {
        let mut found = report.findings.iter().filter(|f| f.code == code);
        let finding = found.next().expect("a finding");
        assert_eq!(found.next(), None, "one for each code");
        (finding.verdict, finding.number)
    }

    #[test]
    fn nothing_is_told_before_there_was_a_connection() {
        let mut learned = Learned {
            unreadable_events: 3,
            ..Learned::default()
        };
        assert_eq!(learned.news(Instant::now()), None);
        assert_eq!(learned.deadline(), None);
    }

    #[test]
    fn what_is_counted_is_told_once_a_second() {
        let mut learned = Learned::default();
        let now = Instant::now();
        learned.connected(LinkFacts::default());
        assert!(learned.news(now).is_some());
        assert_eq!(learned.news(now), None, "nothing is new");
        for _ in 0..1_000 {
            learned.between_others += 1;
            assert_eq!(learned.news(now), None);
        }
        assert_eq!(learned.deadline(), Some(now + PAUSE));
        let told = learned.told().expect("told");
        let counted = finding(told, FindingCode::MessagesBetweenOthers);
        assert_eq!(counted, (Verdict::No, Some(0)), "as it was told");
        let report = learned.news(now + PAUSE).expect("news");
        let counted = finding(&report, FindingCode::MessagesBetweenOthers);
        assert_eq!(counted, (Verdict::Yes, Some(1_000)));
        assert_eq!(learned.deadline(), None);
    }

    #[test]
    fn the_dialect_waits_for_nothing() {
        let mut learned = Learned::default();
        let now = Instant::now();
        learned.connected(LinkFacts::default());
        assert_eq!(learned.news(now).expect("news").dialect, None);
        learned.met(Dialect::D, false);
        let report = learned.news(now).expect("news");
        assert_eq!(report.dialect, Some(DialectCode::D));
        let is = |code| finding(&report, code).0;
        assert_eq!(is(FindingCode::ListsOneself), Verdict::No);
        assert_eq!(is(FindingCode::EchoesToOwnDevices), Verdict::No);
        assert_eq!(is(FindingCode::HistoryKept), Verdict::Yes);
        assert_eq!(is(FindingCode::HistoryOfOthersLeaked), Verdict::Unknown);
        assert_eq!(is(FindingCode::FenceAnswered), Verdict::Unknown);
    }

    #[test]
    fn a_leak_is_counted_anew_with_each_list() {
        let mut learned = Learned::default();
        let now = Instant::now();
        learned.connected(LinkFacts::default());
        for _ in 0..2 {
            learned.met(Dialect::D, false);
            learned.saw_history(5, 2);
            learned.saw_history(1, 1);
        }
        let report = learned.news(now).expect("news");
        let leak = finding(&report, FindingCode::HistoryOfOthersLeaked);
        assert_eq!(leak, (Verdict::Yes, Some(3)));
    }

    #[test]
    fn facts_are_told_with_their_numbers() {
        let mut learned = Learned {
            transport: Some(Transport::Polling),
            ..Learned::default()
        };
        learned.connected(LinkFacts {
            encrypted: Some(true),
            max_payload: Some(Some(1_000_000)),
            ping_interval: Some(Duration::from_secs(25)),
            ping_timeout: Some(Duration::from_secs(20)),
            dead_after: Some(Duration::from_secs(15)),
            recovery: Some(false),
        });
        let report = learned.news(Instant::now()).expect("news");
        let is = |code| finding(&report, code);
        assert_eq!(is(FindingCode::WebSocket), (Verdict::No, None));
        assert_eq!(is(FindingCode::Encrypted), (Verdict::Yes, None));
        assert_eq!(
            is(FindingCode::MaxMessageSize),
            (Verdict::Yes, Some(1_000_000))
        );
        assert_eq!(is(FindingCode::PingInterval), (Verdict::Yes, Some(25_000)));
        assert_eq!(is(FindingCode::PingTimeout), (Verdict::Yes, Some(20_000)));
        assert_eq!(is(FindingCode::DeadLinkSeen), (Verdict::Yes, Some(15_000)));
        assert_eq!(is(FindingCode::RecoveryOffered), (Verdict::No, None));
    }
}
