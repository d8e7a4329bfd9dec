//! Whether what a sender's app says of its messages is true.

use std::collections::BTreeMap;

use parlour_client::Delivery;

/// What was counted in one direction of a conversation, or in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Written.
    pub said: usize,
    /// Called sent, and there once.
    pub sent: usize,
    /// Called unsure…
    pub unsure: usize,
    /// … of which are there.
    pub unsure_there: usize,
    /// Called held or failed, and not there.
    pub withheld: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.said += other.said;
        self.sent += other.sent;
        self.unsure += other.unsure;
        self.unsure_there += other.unsure_there;
        self.withheld += other.withheld;
    }
}

/// Compares what one person wrote to another, in order and with what the app says
/// of each, with what is there in the end.
///
/// Texts are repeated at random, so no message can be told by its text; but
/// everything that is lost, doubled or moved shifts the others.
///
/// # Errors
/// What is not true, in words.
pub fn judge(said: &[(String, Delivery)], there: &[String]) -> Result<Counts, String> {
    let mut counts = Counts {
        said: said.len(),
        ..Counts::default()
    };
    // How many of those that are there can be accounted for by the messages so far.
    let mut accounted = vec![0];
    for (number, (text, delivery)) in said.iter().enumerate() {
        let taken = accounted
            .iter()
            .filter(|place| there.get(**place) == Some(text))
            .map(|place| place + 1);
        let next: Vec<usize> = match delivery {
            Delivery::Sent => {
                counts.sent += 1;
                taken.collect()
            }
            Delivery::Unsure => {
                counts.unsure += 1;
                merge(&accounted, taken)
            }
            Delivery::Held | Delivery::Failed => {
                counts.withheld += 1;
                continue;
            }
            Delivery::Queued | Delivery::Sending => {
                return Err(format!("message {number} is still {delivery:?}"));
            }
        };
        if next.is_empty() {
            let around = accounted.last().copied().unwrap_or_default();
            return Err(format!(
                "message {number} of {} ({text:?}) is called sent; those there go on with {:?} at {around} of {}: {}",
                said.len(),
                &there[around..there.len().min(around + 6)],
                there.len(),
                difference(said, there),
            ));
        }
        accounted = next;
    }
    if accounted.last() != Some(&there.len()) {
        return Err(format!(
            "{} are there and {} can be accounted for at most: {}",
            there.len(),
            accounted.last().copied().unwrap_or_default(),
            difference(said, there),
        ));
    }
    counts.unsure_there = there.len() - counts.sent;
    Ok(counts)
}

/// Both, rising and each once.
fn merge(one: &[usize], other: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut both: Vec<usize> = one.iter().copied().chain(other).collect();
    both.sort_unstable();
    both.dedup();
    both
}

/// Of which texts there are more, or fewer, than were called sent.
fn difference(said: &[(String, Delivery)], there: &[String]) -> String {
    let mut balance: BTreeMap<&str, isize> = BTreeMap::new();
    for text in there {
        *balance.entry(text).or_default() += 1;
    }
    for (text, _) in said.iter().filter(|(_, d)| *d == Delivery::Sent) {
        *balance.entry(text).or_default() -= 1;
    }
    balance.retain(|_, count| *count != 0);
    let rest: Vec<String> = said
        .iter()
        .enumerate()
        .filter(|(_, (_, d))| *d != Delivery::Sent)
        .map(|(n, (text, d))| format!("{n} {text:?} {d:?}"))
        .collect();
    format!("more (or fewer) there than sent: {balance:?}; not sent: {rest:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ok`: sent; `ok?`: unsure; `ok-`: held.
    fn verdict(said: &[&str], there: &[&str]) -> Result<Counts, String> {
        let said: Vec<(String, Delivery)> = said
            .iter()
            .map(|word| match word.char_indices().next_back() {
                Some((end, '?')) => (word[..end].to_owned(), Delivery::Unsure),
                Some((end, '-')) => (word[..end].to_owned(), Delivery::Held),
                Some((end, '~')) => (word[..end].to_owned(), Delivery::Sending),
                _ => ((*word).to_owned(), Delivery::Sent),
            })
            .collect();
        let there: Vec<String> = there.iter().map(|word| (*word).to_owned()).collect();
        judge(&said, &there)
    }

    #[test]
    fn what_is_true_is_counted() {
        let counts = verdict(&["a", "b?", "a", "b?", "c-", "a"], &["a", "a", "b", "a"]);
        assert_eq!(
            counts,
            Ok(Counts {
                said: 6,
                sent: 3,
                unsure: 2,
                unsure_there: 1,
                withheld: 1
            })
        );
        assert_eq!(verdict(&[], &[]), Ok(Counts::default()));
    }

    #[test]
    fn whatever_is_not_true_is_found() {
        for (said, there) in [
            // Lost: at the end, amid, all.
            (vec!["a", "b"], vec!["a"]),
            (vec!["a", "b", "a", "a"], vec!["a", "a", "a"]),
            (vec!["a"], vec![]),
            // Doubled.
            (vec!["a", "b"], vec!["a", "b", "b"]),
            (vec!["a", "b", "a"], vec!["a", "a", "b", "a"]),
            // Lost and doubled, so that the numbers fit.
            (vec!["a", "b", "c"], vec!["a", "b", "b"]),
            // Moved.
            (vec!["a", "b"], vec!["b", "a"]),
            (vec!["a?", "b", "c"], vec!["b", "a", "c"]),
            // There, and called held.
            (vec!["a", "b-", "c"], vec!["a", "b", "c"]),
            // Unsure, and there twice.
            (vec!["a?"], vec!["a", "a"]),
            // Not decided.
            (vec!["a", "b~"], vec!["a", "b"]),
            // Nobody wrote it.
            (vec![], vec!["a"]),
        ] {
            assert!(verdict(&said, &there).is_err(), "{said:?} {there:?}");
        }
    }
}
