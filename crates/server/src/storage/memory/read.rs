//! Pages and summaries.

use super::Memory;
use crate::{
    limits::CONVERSATIONS,
    storage::{
        Conversation, ConversationSummary, Page, StorageError, UserKey,
        budget::Budget,
        pair::{Overview, Pair, Spot, last_that},
    },
};

impl Memory {
    pub(super) fn recent_of(
        &self,
        user: UserKey,
        per_peer: usize,
        mut weight: usize,
    ) -> Vec<Conversation> {
        let overviews = self.overviews(user).into_iter().take(CONVERSATIONS);
        overviews
            .map(|Overview { peer, .. }| {
                let mut budget = Budget::strict(per_peer, weight);
                let page = self.newest(user, peer, &mut budget);
                weight = budget.rest(page.complete);
                Conversation {
                    peer,
                    rows: page.rows,
                }
            })
            .collect()
    }

    pub(super) fn summaries_of(
        &self,
        user: UserKey,
        mut weight: usize,
    ) -> Vec<ConversationSummary> {
        let overviews = self.overviews(user).into_iter().take(CONVERSATIONS);
        overviews
            .map(|overview| {
                let mut budget = Budget::strict(1, weight);
                let last = self.newest(user, overview.peer, &mut budget).rows.pop();
                weight = budget.rest(last.is_some());
                overview.summary(user, last)
            })
            .collect()
    }

    pub(super) fn overview(&self, user: UserKey, peer: UserKey) -> Option<Overview> {
        let pair = Pair::of(user, peer);
        let thread = self.threads.get(&pair)?;
        Some(Overview {
            peer,
            last: self.spot_at(pair, thread.count).ok()?,
            own: thread.marks(pair, user),
            theirs: thread.marks(pair, peer),
        })
    }

    pub(super) fn since(&self, user: UserKey, since: u64, budget: &mut Budget) -> Page {
        let Some(user_of) = self.users.get(&user) else {
            return self.page(user, [], budget);
        };
        let start = user_of.inbox.partition_point(|(seq, _)| *seq <= since);
        let after = user_of.inbox.range(start..).map(|(_, number)| *number);
        self.page(user, after, budget)
    }

    pub(super) fn newest(&self, user: UserKey, peer: UserKey, budget: &mut Budget) -> Page {
        let thread = self.threads.get(&Pair::of(user, peer));
        let messages = thread.into_iter().flat_map(|thread| &thread.messages);
        self.backwards(user, messages.rev().copied(), budget)
    }

    pub(super) fn before(
        &self,
        user: UserKey,
        peer: UserKey,
        before: u64,
        budget: &mut Budget,
    ) -> Result<Page, StorageError> {
        let pair = Pair::of(user, peer);
        let Some(thread) = self.threads.get(&pair) else {
            return Ok(self.page(user, [], budget));
        };
        let first = thread.first();
        let up_to = last_that(first, thread.count, |number| {
            Ok(self.spot_at(pair, number)?.seq_of(user) < before)
        })?;
        let wanted = up_to.map_or(0, |up_to| (up_to + 1).saturating_sub(first));
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let messages = thread.messages.iter().take(wanted).rev().copied();
        Ok(self.backwards(user, messages, budget))
    }

    /// The place of message `number` of a conversation.
    pub(super) fn spot_at(&self, pair: Pair, number: u64) -> Result<Spot, StorageError> {
        let spot = self.threads.get(&pair).and_then(|thread| {
            let at = usize::try_from(number.checked_sub(thread.first())?).ok()?;
            let message = self.at(*thread.messages.get(at)?)?;
            Some(self.spot(number, message))
        });
        spot.ok_or(StorageError::Damaged("conversation"))
    }

    fn overviews(&self, user: UserKey) -> Vec<Overview> {
        let peers = self.users.get(&user).into_iter();
        let mut overviews: Vec<Overview> = peers
            .flat_map(|user| &user.peers)
            .filter_map(|peer| self.overview(user, *peer))
            .collect();
        overviews.sort_by_key(|overview| std::cmp::Reverse(overview.last.seq_of(user)));
        overviews
    }

    fn backwards(
        &self,
        user: UserKey,
        numbers: impl IntoIterator<Item = u64>,
        budget: &mut Budget,
    ) -> Page {
        let mut page = self.page(user, numbers, budget);
        page.rows.reverse();
        page
    }

    fn page(
        &self,
        user: UserKey,
        numbers: impl IntoIterator<Item = u64>,
        budget: &mut Budget,
    ) -> Page {
        let mut rows = Vec::new();
        for message in numbers.into_iter().filter_map(|number| self.at(number)) {
            let row = message.row(user);
            if !budget.take(&row) {
                return Page {
                    rows,
                    complete: false,
                };
            }
            rows.push(row);
        }
        Page {
            rows,
            complete: true,
        }
    }
}
