//! How much of a conversation a history only repeats.
//!
//! Most histories are what we have, and perhaps something more at the end. What
//! both begin with needs no fitting: of that [`reconcile`](super::reconcile)
//! says nothing new, as long as the rest fits by itself. Then it is looked at
//! and never held in memory.

use parlour_protocol::{HistoryEntry, UserId};

use crate::{
    store::{Evidence, StoredMessage},
    view::Delivery,
};

/// A message of ours, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glimpse<'a> {
    pub(crate) position: i64,
    pub(crate) mine: bool,
    pub(crate) content: &'a str,
    pub(crate) delivery: Option<Delivery>,
    pub(crate) evidence: Evidence,
}

impl Glimpse<'_> {
    /// Whether no history changes it, nor its place behind what it stands behind.
    fn is_settled(&self) -> bool {
        let waits = matches!(self.delivery, Some(Delivery::Queued | Delivery::Sending));
        let in_doubt = self.mine
            && match self.delivery {
                Some(Delivery::Sent) => self.evidence != Evidence::Past,
                Some(Delivery::Unsure) => true,
                _ => self.evidence == Evidence::Echo,
            };
        self.evidence != Evidence::History && !waits && !in_doubt
    }
}

/// What a conversation and a history have in common at the beginning.
#[derive(Debug)]
pub(crate) struct Beginning<'a> {
    history: &'a [&'a HistoryEntry],
    me: &'a UserId,
    /// How many entries are in it.
    entries: usize,
    /// The position of its last message.
    last: i64,
}

impl<'a> Beginning<'a> {
    pub(crate) fn of(history: &'a [&'a HistoryEntry], me: &'a UserId) -> Self {
        Self {
            history,
            me,
            entries: 0,
            last: i64::MIN,
        }
    }

    /// Takes the next message of ours, by position, if it belongs to it. After one
    /// that does not, none does.
    pub(crate) fn takes(&mut self, message: &Glimpse<'_>) -> bool {
        // Places that are not clear are for the order to mend.
        if message.position <= self.last {
            return false;
        }
        if !message.is_settled() {
            let next = self.history.get(self.entries);
            let repeated = message.evidence == Evidence::History
                && next.is_some_and(|entry| {
                    (entry.from == *self.me) == message.mine && entry.content == message.content
                });
            if !repeated {
                return false;
            }
            self.entries += 1;
        }
        self.last = message.position;
        true
    }

    /// How many entries are in it, and the position of its last message, if `rest`,
    /// what we have behind it, fits to the rest of the history by itself.
    ///
    /// That is so where each writer's rest continues alike on both sides. Where it
    /// does not, the history was cut, lost or changed, and only all of it tells.
    pub(crate) fn apart_from(&self, rest: &[StoredMessage]) -> Option<(usize, i64)> {
        let entries = &self.history[self.entries..];
        let alike = |mine: bool| {
            let mut told = entries
                .iter()
                .filter(|entry| (entry.from == *self.me) == mine);
            let known = rest
                .iter()
                .filter(|message| message.mine == mine && message.evidence == Evidence::History);
            for message in known {
                match told.next() {
                    Some(entry) if entry.content == message.content => {}
                    Some(_) => return false,
                    // Theirs may be too new for the history; ours would be lost.
                    None => return !mine,
                }
            }
            true
        };
        (alike(true) && alike(false)).then_some((self.entries, self.last))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{
        dialect::reconcile::{Outcome, Slot, reconcile},
        view::ItemId,
    };

    /// What is fitted the short way, as if it had been the long one; and whether
    /// it was.
    fn fit(local: &[StoredMessage], history: &[&HistoryEntry], me: &UserId) -> (Outcome, usize) {
        let mut beginning = Beginning::of(history, me);
        let taken = local
            .iter()
            .take_while(|message| beginning.takes(&message.glimpse()))
            .count();
        let Some((entries, last)) = beginning.apart_from(&local[taken..]) else {
            return (reconcile(local, history, me), 0);
        };
        let (before, rest) = local.split_at(taken);
        assert!(before.is_sorted_by(|a, b| a.position < b.position));
        assert_eq!(last, before.last().map_or(i64::MIN, |m| m.position));
        let mut outcome = reconcile(rest, &history[entries..], me);
        let behind = outcome.order.into_iter().map(|slot| match slot {
            Slot::New(index) => Slot::New(index + entries),
            known @ Slot::Known(_) => known,
        });
        let before = before.iter().map(|message| Slot::Known(message.id));
        outcome.order = before.chain(behind).collect();
        (outcome, taken)
    }

    fn message() -> impl Strategy<Value = StoredMessage> {
        let text = prop_oneof![Just("a"), Just("b"), Just("c")];
        // Most is in order; the rest is whatever a file may hold.
        let evidence = prop_oneof![
            8 => Just(Evidence::History),
            1 => Just(Evidence::None),
            1 => Just(Evidence::Fence),
            1 => Just(Evidence::Echo),
            1 => Just(Evidence::Past),
        ];
        let delivery = prop_oneof![
            6 => Just(Delivery::Sent),
            1 => Just(Delivery::Queued),
            1 => Just(Delivery::Sending),
            1 => Just(Delivery::Unsure),
            1 => Just(Delivery::Held),
            1 => Just(Delivery::Failed),
        ];
        let step = prop_oneof![9 => Just(1), 1 => Just(0)];
        (any::<bool>(), text, evidence, delivery, step).prop_map(
            |(mine, text, evidence, delivery, step)| StoredMessage {
                id: ItemId(0),
                peer: "bob".into(),
                position: step,
                mine,
                content: text.into(),
                at: None,
                delivery: mine.then_some(delivery),
                evidence,
                refusal: None,
                written: 0,
            },
        )
    }

    fn conversation() -> impl Strategy<Value = Vec<StoredMessage>> {
        vec(message(), 0..24).prop_map(|mut messages| {
            let mut position = 0;
            for (id, message) in (1..).zip(&mut messages) {
                position += message.position;
                (message.id, message.position) = (ItemId(id), position);
            }
            messages
        })
    }

    fn entry(mine: bool, content: &str) -> HistoryEntry {
        let (from, to) = if mine { ("me", "bob") } else { ("bob", "me") };
        HistoryEntry {
            content: content.into(),
            from: from.into(),
            to: to.into(),
        }
    }

    /// Mostly what a server would show of this conversation, begun and ended anywhere.
    fn met() -> impl Strategy<Value = (Vec<StoredMessage>, Vec<HistoryEntry>)> {
        let more = vec(
            (any::<bool>(), prop_oneof![Just("a"), Just("b"), Just("d")]),
            0..5,
        );
        let cut = prop_oneof![4 => Just(0_usize), 1 => 0..6_usize];
        let swap = proptest::option::weighted(0.2, 0..20_usize);
        (conversation(), more, cut.clone(), cut, swap, any::<u32>()).prop_map(
            |(local, more, cut, end, swap, arrived)| {
                let shown = local.iter().filter(|message| {
                    message.evidence == Evidence::History
                        || (message.evidence != Evidence::Past
                            && message.delivery != Some(Delivery::Queued)
                            && arrived >> (message.id.0 % 32) & 1 == 1)
                });
                let mut history: Vec<HistoryEntry> = shown
                    .map(|message| entry(message.mine, &message.content))
                    .skip(cut)
                    .collect();
                history.truncate(history.len().saturating_sub(end));
                history.extend(more.into_iter().map(|(mine, text)| entry(mine, text)));
                if let Some(at) = swap.filter(|at| at + 1 < history.len()) {
                    history.swap(at, at + 1);
                }
                (local, history)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]
        #[test]
        fn the_short_way_comes_to_the_same((local, history) in met()) {
            let history: Vec<&HistoryEntry> = history.iter().collect();
            let me = "me".into();
            let (short, _) = fit(&local, &history, &me);
            prop_assert_eq!(short, reconcile(&local, &history, &me));
        }
    }

    fn said(count: i64) -> Vec<StoredMessage> {
        let messages = (1..=count).map(|n| StoredMessage {
            id: ItemId(n),
            peer: "bob".into(),
            position: n * 2,
            mine: n % 2 == 0,
            content: format!("{}", n % 3),
            at: None,
            delivery: (n % 2 == 0).then_some(Delivery::Sent),
            evidence: Evidence::History,
            refusal: None,
            written: 0,
        });
        messages.collect()
    }

    #[test]
    fn what_only_grew_is_not_fitted_again() {
        let mut local = said(50);
        let mut history: Vec<HistoryEntry> = local
            .iter()
            .map(|message| entry(message.mine, &message.content))
            .collect();
        // Something that a server before lost, and something that waits.
        local[20].evidence = Evidence::Past;
        history.remove(20);
        local[49].delivery = Some(Delivery::Queued);
        local[49].evidence = Evidence::None;
        history[48] = entry(false, "new");
        let shown: Vec<&HistoryEntry> = history.iter().collect();
        let (outcome, taken) = fit(&local, &shown, &"me".into());
        assert_eq!(taken, 49);
        assert_eq!(outcome.order[49], Slot::New(48));
        assert_eq!(outcome, reconcile(&local, &shown, &"me".into()));
    }

    #[test]
    fn a_history_that_was_lost_is_fitted_whole() {
        let local = said(50);
        let other = entry(true, "other");
        let (outcome, taken) = fit(&local, &[&other], &"me".into());
        assert_eq!(taken, 0);
        assert_eq!(outcome.past.len(), 25, "ours: theirs may be too new for it");
    }
}
