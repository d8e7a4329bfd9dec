//! `users` as it arrives: its size and how many people it names, without
//! keeping it. Thousands of clients get megabytes each at the same time.

use memchr::memmem;

/// What stands once in each entry.
const ENTRY: &[u8] = br#""userID""#;

/// A part of an entry's mark that may stand at the end of a piece.
const CARRIED: usize = ENTRY.len() - 1;

/// Some of a list, or all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Its size so far, in bytes.
    pub(crate) size: usize,
    /// How many people it names so far.
    pub(crate) people: usize,
    /// The end of what came last.
    tail: [u8; CARRIED],
    tail_length: usize,
}

impl Listing {
    pub(crate) fn whole(bytes: &[u8]) -> Self {
        let mut listing = Self::default();
        listing.add(bytes);
        listing
    }

    /// Takes the next piece.
    pub(crate) fn add(&mut self, piece: &[u8]) {
        self.size += piece.len();
        self.people += memmem::find_iter(piece, ENTRY).count();
        // Only a mark across the border fits into this: each side is too short.
        let mut border = [0; 2 * CARRIED];
        let head = piece.get(..CARRIED).unwrap_or(piece);
        let length = self.tail_length + head.len();
        border[..self.tail_length].copy_from_slice(&self.tail[..self.tail_length]);
        border[self.tail_length..length].copy_from_slice(head);
        self.people += memmem::find_iter(&border[..length], ENTRY).count();

        let end = match piece.len() {
            0..CARRIED => &border[..length],
            length => &piece[length - CARRIED..],
        };
        self.tail_length = end.len().min(CARRIED);
        self.tail[..self.tail_length].copy_from_slice(&end[end.len() - self.tail_length..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_counted_wherever_the_list_is_cut() {
        let list = br#"["users",[{"userID":"a"},{"userID":"b"},{"userID":"userID"}]]"#;
        let whole = Listing::whole(list);
        assert_eq!((whole.size, whole.people), (list.len(), 4));
        for size in 1..list.len() {
            let mut listing = Listing::default();
            list.chunks(size).for_each(|piece| listing.add(piece));
            assert_eq!((listing.size, listing.people), (list.len(), 4), "{size}");
        }
    }
}
