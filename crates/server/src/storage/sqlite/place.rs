//! The keys of rows: whose in the upper 32 bits, which one in the lower.

use crate::storage::StorageError;

const NUMBERS: i64 = 0xffff_ffff;

/// The key of number `number` of `owner`, a user or a conversation.
pub(super) fn place(owner: u32, number: u64) -> Result<i64, StorageError> {
    match u32::try_from(number) {
        Ok(number) => Ok(before_all(owner) | i64::from(number)),
        Err(_) => Err(StorageError::Exhausted("messages of one user")),
    }
}

/// The same, for searching: what is beyond every number counts as the last.
pub(super) fn bound(owner: u32, number: u64) -> i64 {
    before_all(owner) | i64::try_from(number).unwrap_or(NUMBERS).min(NUMBERS)
}

/// A key before all of `owner`, who has no number 0.
pub(super) fn before_all(owner: u32) -> i64 {
    i64::from(owner) << 32
}

/// The last key that `owner` can have.
pub(super) fn end(owner: u32) -> i64 {
    before_all(owner) | NUMBERS
}

/// The number of a row.
pub(super) fn number(place: i64) -> u64 {
    (place & NUMBERS).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_do_not_overlap() {
        assert!(end(1) < before_all(2));
        assert_eq!(place(7, 9).expect("place"), (7 << 32) + 9);
        assert_eq!(number(place(7, 9).expect("place")), 9);
        assert_eq!(number(end(7)), u64::from(u32::MAX));
        assert_eq!(bound(7, u64::MAX), end(7));
        assert!(place(7, 1 << 32).is_err());
    }
}
