//! The order of a conversation on a server that numbers its messages, for
//! all of it at once: after everything was fetched anew.

use crate::view::ItemId;

/// A message, as far as its order matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) id: ItemId,
    pub(crate) position: i64,
    /// Its number in the inbox, if the server has it.
    pub(crate) seq: Option<u64>,
    /// Whether it is still to be sent.
    pub(crate) waits: bool,
}

/// The new positions of those that have to move. `places` come by position.
///
/// What the server has stands by its number; what it does not have stays behind
/// what it stood behind; what is still to be sent comes last.
pub(crate) fn by_seq(places: &[Place]) -> Vec<(ItemId, i64)> {
    let mut first = Vec::new();
    let mut numbered: Vec<(u64, Vec<&Place>)> = Vec::new();
    let mut waiting = Vec::new();
    for place in places {
        match (place.seq, numbered.last_mut()) {
            (Some(seq), _) => numbered.push((seq, vec![place])),
            (None, _) if place.waits => waiting.push(place),
            (None, Some((_, group))) => group.push(place),
            (None, None) => first.push(place),
        }
    }
    numbered.sort_by_key(|(seq, _)| *seq);
    let groups = numbered.into_iter().flat_map(|(_, group)| group);
    let mut last = 0;
    let mut moved = Vec::new();
    for place in first.into_iter().chain(groups).chain(waiting) {
        // Positions only have to rise: what stands right stays untouched.
        if place.position > last {
            last = place.position;
        } else {
            last += 1;
            moved.push((place.id, last));
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In order: a number, `-` for none, `w` for one that waits. What comes out
    /// is the order of their indexes.
    fn order(places: &[&str]) -> Vec<i64> {
        let mut places: Vec<Place> = (1..)
            .zip(places)
            .map(|(n, text)| Place {
                id: ItemId(n),
                position: n,
                seq: text.parse().ok(),
                waits: *text == "w",
            })
            .collect();
        for (id, position) in by_seq(&places) {
            if let Some(place) = places.iter_mut().find(|place| place.id == id) {
                place.position = position;
            }
        }
        places.sort_by_key(|place| place.position);
        assert!(
            places.is_sorted_by(|a, b| a.position < b.position),
            "no two in one place"
        );
        places.iter().map(|place| place.id.0).collect()
    }

    #[test]
    fn what_stands_right_stays() {
        assert_eq!(order(&["-", "1", "2", "-", "5", "w"]), [1, 2, 3, 4, 5, 6]);
        assert!(by_seq(&[]).is_empty());
    }

    #[test]
    fn the_servers_order_wins_and_takes_along_what_stood_behind() {
        assert_eq!(order(&["7", "-", "3"]), [3, 1, 2]);
    }

    #[test]
    fn what_waits_comes_last_in_its_own_order() {
        assert_eq!(order(&["w", "1", "w", "-", "2"]), [2, 4, 5, 1, 3]);
    }
}
