//! Fits a server's history of one conversation to what we have.
//!
//! Servers give neither ids nor times, so messages are told apart by who wrote
//! them, what they say, and *how many* of them there are: each writer's
//! messages only ever grow at the end, and identical texts are counted.
//!
//! Per writer, the history normally begins with everything that was there
//! before (the *base*); what follows is new. Ours among the new ones account
//! for what was in flight when the last connection broke: the longest run from
//! its front that the counts cover arrived, the rest did not.

use std::collections::{HashMap, HashSet, VecDeque};

use parlour_protocol::{HistoryEntry, UserId};

use crate::{
    store::{Evidence, StoredMessage},
    view::{Delivery, ItemId},
};

/// What follows from a history.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Ours, found in the history: sent, and counted from now on.
    pub(crate) found: Vec<ItemId>,
    /// Ours, in flight at the last break and not in an otherwise intact
    /// history: not arrived, or still on its way.
    pub(crate) missing: Vec<ItemId>,
    /// Ours, and nothing can tell.
    pub(crate) unsure: Vec<ItemId>,
    /// Stood in a history that the server has lost: not counted any more.
    pub(crate) past: Vec<ItemId>,
    /// The whole conversation in its new order.
    pub(crate) order: Vec<Slot>,
}

/// One place of the new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// A message that we have.
    Known(ItemId),
    /// The entry of the history with this index, which we did not have.
    New(usize),
}

/// Fits `history`, the server's view of the conversation between `me` and one
/// peer, to `local`, ours by position.
pub(crate) fn reconcile(
    local: &[StoredMessage],
    history: &[&HistoryEntry],
    me: &UserId,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut slots: Vec<Option<ItemId>> = vec![None; history.len()];
    let is_mine = |index: &usize| history[*index].from == *me;
    let (mine, theirs): (Vec<usize>, Vec<usize>) = (0..history.len()).partition(is_mine);

    let counted = |mine: bool| {
        local
            .iter()
            .filter(move |m| m.mine == mine && m.evidence == Evidence::History)
            .collect::<Vec<_>>()
    };
    // Theirs count as soon as they arrive, which a snapshot taken a moment
    // earlier does not show: a history that only lacks the end is no other one.
    let known = counted(false);
    let shown = if is_prefix(&theirs, &known, history) {
        theirs.len()
    } else {
        known.len()
    };
    match_base(
        &known[..shown],
        &theirs,
        history,
        &mut slots,
        &mut outcome.past,
    );
    let intact = match_base(
        &counted(true),
        &mine,
        history,
        &mut slots,
        &mut outcome.past,
    );
    match_in_flight(local, &mine, history, intact, &mut slots, &mut outcome);
    outcome.order = merge_order(local, &slots);
    outcome
}

/// Whether the entries are how the known messages begin.
fn is_prefix(entries: &[usize], known: &[&StoredMessage], history: &[&HistoryEntry]) -> bool {
    entries.len() <= known.len()
        && entries
            .iter()
            .zip(known)
            .all(|(n, m)| history[*n].content == m.content)
}

/// Matches what the history had before. `false` if the history is not what it
/// was: it was lost or cut, and only texts tell what is still there.
fn match_base(
    known: &[&StoredMessage],
    entries: &[usize],
    history: &[&HistoryEntry],
    slots: &mut [Option<ItemId>],
    past: &mut Vec<ItemId>,
) -> bool {
    let content = |n: usize| history[entries[n]].content.as_str();
    let texts: Vec<&str> = (0..entries.len()).map(content).collect();
    let overlap = overlap(known, &texts);
    // All of it is there, or the server has dropped its oldest.
    if overlap > 0 || known.is_empty() {
        let (dropped, kept) = known.split_at(known.len() - overlap);
        for (n, message) in kept.iter().enumerate() {
            slots[entries[n]] = Some(message.id);
        }
        past.extend(dropped.iter().map(|m| m.id));
        return true;
    }
    let mut places: HashMap<&str, VecDeque<usize>> = HashMap::new();
    for (n, text) in texts.iter().enumerate() {
        places.entry(text).or_default().push_back(n);
    }
    let mut next = 0;
    for message in known {
        let places = places.get_mut(message.content.as_str());
        let place = places.and_then(|places| {
            while places.pop_front_if(|n| *n < next).is_some() {}
            places.pop_front()
        });
        match place {
            Some(n) => {
                slots[entries[n]] = Some(message.id);
                next = n + 1;
            }
            None => past.push(message.id),
        }
    }
    false
}

/// How many of the last known messages the texts begin with: the most that
/// fit. In one pass (Knuth, Morris, Pratt), as histories may be long, and a
/// thousand times the same word.
fn overlap(known: &[&StoredMessage], texts: &[&str]) -> usize {
    // For each prefix of the texts, its longest own end that is a prefix, too.
    let mut borders = vec![0; texts.len()];
    let mut length = 0;
    for n in 1..texts.len() {
        while length > 0 && texts[n] != texts[length] {
            length = borders[length - 1];
        }
        length += usize::from(texts[n] == texts[length]);
        borders[n] = length;
    }
    let mut length = 0;
    for message in known {
        while length > 0 && texts.get(length) != Some(&message.content.as_str()) {
            length = borders[length - 1];
        }
        length += usize::from(texts.get(length) == Some(&message.content.as_str()));
    }
    length
}

/// Accounts for our own messages that were not counted yet by the entries that
/// the base leaves over.
fn match_in_flight(
    local: &[StoredMessage],
    mine: &[usize],
    history: &[&HistoryEntry],
    intact: bool,
    slots: &mut [Option<ItemId>],
    outcome: &mut Outcome,
) {
    let mut left: HashMap<&str, Vec<usize>> = HashMap::new();
    for index in mine.iter().rev().filter(|index| slots[**index].is_none()) {
        left.entry(&history[*index].content)
            .or_default()
            .push(*index);
    }
    let mut take = |message: &StoredMessage| {
        let index = left.get_mut(message.content.as_str()).and_then(Vec::pop)?;
        slots[index] = Some(message.id);
        Some(())
    };
    let uncounted = |wanted: fn(&StoredMessage) -> bool| {
        local
            .iter()
            .filter(move |m| m.mine && m.evidence != Evidence::History && wanted(m))
    };

    // What came back live is there for certain: it takes its entries first.
    for message in uncounted(|m| m.evidence == Evidence::Echo) {
        if take(message).is_some() {
            outcome.found.push(message.id);
        }
    }
    // A connection delivers a prefix of what was sent on it.
    let mut arrived = true;
    let given_to_a_connection = |m: &StoredMessage| match m.delivery {
        Some(Delivery::Sending) => true,
        Some(Delivery::Sent) => matches!(m.evidence, Evidence::None | Evidence::Fence),
        _ => false,
    };
    // What a fence proved and the history has not: lost, unless something later
    // is there. Then the history is only cut, and of such a text no count proves
    // an absence.
    let mut lacking: Vec<&StoredMessage> = Vec::new();
    let mut cut: HashSet<&str> = HashSet::new();
    let mut given: Vec<&StoredMessage> = uncounted(given_to_a_connection).collect();
    // As they were given to it: what was tried again went behind what it stands before.
    given.sort_by_key(|message| match message.delivery {
        Some(Delivery::Sending) => (true, message.written),
        _ => (false, 0),
    });
    for message in given {
        let proven = message.evidence == Evidence::Fence;
        if (proven || arrived) && take(message).is_some() {
            outcome.found.push(message.id);
            outcome.past.extend(lacking.iter().map(|m| m.id));
            cut.extend(lacking.drain(..).map(|m| m.content.as_str()));
        } else if proven {
            lacking.push(message);
        } else {
            arrived = false;
            let absent = intact && lacking.is_empty() && !cut.contains(message.content.as_str());
            let fate = if absent {
                &mut outcome.missing
            } else {
                &mut outcome.unsure
            };
            fate.push(message.id);
        }
    }
    outcome.unsure.extend(lacking.iter().map(|m| m.id));
    // Doubts from earlier may be resolved by what else is there.
    for message in uncounted(|m| m.delivery == Some(Delivery::Unsure)) {
        if take(message).is_some() {
            outcome.found.push(message.id);
        }
    }
}

/// The history's order, into which we fit what it does not hold: what is still
/// to be sent at the end, the rest behind what it stood behind.
fn merge_order(local: &[StoredMessage], slots: &[Option<ItemId>]) -> Vec<Slot> {
    let in_history: HashSet<ItemId> = slots.iter().flatten().copied().collect();
    let mut first = Vec::new();
    let mut behind: HashMap<ItemId, Vec<ItemId>> = HashMap::new();
    let mut waiting = Vec::new();
    let mut anchor = None;
    for message in local {
        if in_history.contains(&message.id) {
            anchor = Some(message.id);
        } else if matches!(message.delivery, Some(Delivery::Queued | Delivery::Sending)) {
            waiting.push(message.id);
        } else {
            match anchor {
                Some(anchor) => behind.entry(anchor).or_default().push(message.id),
                None => first.push(message.id),
            }
        }
    }
    let mut order: Vec<Slot> = first.into_iter().map(Slot::Known).collect();
    for (index, slot) in slots.iter().enumerate() {
        match slot {
            Some(id) => {
                order.push(Slot::Known(*id));
                order.extend(behind.remove(id).into_iter().flatten().map(Slot::Known));
            }
            None => order.push(Slot::New(index)),
        }
    }
    order.extend(waiting.into_iter().map(Slot::Known));
    order
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
