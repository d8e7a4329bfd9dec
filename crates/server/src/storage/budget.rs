//! How much of what is stored goes into one answer.

use super::Row;

/// What an answer may still hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    rows: usize,
    weight: usize,
    /// The next row goes in whatever its weight, so that a page always gets on.
    first_is_free: bool,
}

impl Budget {
    /// For a page: at least one message.
    pub(super) fn page(rows: usize, weight: usize) -> Self {
        Self {
            rows: rows.max(1),
            weight,
            first_is_free: true,
        }
    }

    /// For an answer that may hold nothing.
    pub(super) fn strict(rows: usize, weight: usize) -> Self {
        Self {
            rows,
            weight,
            first_is_free: false,
        }
    }

    /// How many rows to look at, to know whether there are more.
    pub(super) fn look_at(&self) -> usize {
        self.rows.saturating_add(1)
    }

    /// Whether `row` goes in; then it is counted.
    pub(super) fn take(&mut self, row: &Row) -> bool {
        let fits = row.weight() <= self.weight || self.first_is_free;
        if self.rows == 0 || !fits {
            return false;
        }
        self.rows -= 1;
        self.weight = self.weight.saturating_sub(row.weight());
        self.first_is_free = false;
        true
    }

    /// The weight for further answers of the same kind: none, if a row that
    /// was turned away was too heavy.
    pub(super) fn rest(&self, complete: bool) -> usize {
        if complete || self.rows == 0 {
            self.weight
        } else {
            0
        }
    }
}
