//! How far somebody got with what others wrote.

use std::collections::BTreeMap;

use super::Memory;
use crate::storage::{
    Refusal, StorageError, Told, UserKey, Written,
    pair::{Pair, last_that},
};

impl Memory {
    pub(super) fn received(&mut self, user: UserKey, up_to: u64) -> Result<Written, StorageError> {
        let Some(reader) = self.users.get_mut(&user) else {
            return Ok(Written::Refused(Refusal::UnknownUser));
        };
        let up_to = up_to.min(reader.last_seq);
        let before = reader.received;
        if up_to <= before {
            return Ok(Written::Receipts(Vec::new()));
        }
        reader.received = up_to;
        let (start, end) = (
            reader.inbox.partition_point(|(seq, _)| *seq <= before),
            reader.inbox.partition_point(|(seq, _)| *seq <= up_to),
        );
        let numbers: Vec<u64> = reader.inbox.range(start..end).map(|(_, at)| *at).collect();
        let mut last = BTreeMap::new();
        for message in numbers.into_iter().filter_map(|number| self.at(number)) {
            if message.from != user {
                last.insert(message.from, message.from_seq);
            }
        }
        let mut news = Vec::new();
        for (writer, seq) in last {
            let pair = Pair::of(user, writer);
            let Some(thread) = self.threads.get_mut(&pair) else {
                continue;
            };
            let marks = thread.marks_mut(pair, user);
            if marks.received < seq {
                marks.received = seq;
                news.push(Told { writer, seq });
            }
        }
        Ok(Written::Receipts(news))
    }

    pub(super) fn read(
        &mut self,
        user: UserKey,
        peer: UserKey,
        up_to: u64,
    ) -> Result<Written, StorageError> {
        if !self.users.contains_key(&user) {
            return Ok(Written::Refused(Refusal::UnknownUser));
        }
        let told = self.last_read(user, peer, up_to)?;
        Ok(Written::Receipts(told.into_iter().collect()))
    }

    fn last_read(
        &mut self,
        user: UserKey,
        peer: UserKey,
        up_to: u64,
    ) -> Result<Option<Told>, StorageError> {
        let pair = Pair::of(user, peer);
        let Some(thread) = self.threads.get(&pair).filter(|_| user != peer) else {
            return Ok(None);
        };
        let (first, last) = (thread.first(), thread.count);
        let up_to = last_that(first, last, |number| {
            Ok(self.spot_at(pair, number)?.seq_of(user) <= up_to)
        })?;
        let Some(up_to) = up_to else {
            return Ok(None);
        };
        let read_count = self.spot_at(pair, up_to)?.written_to(user);
        // The last one that the peer wrote: the first with that many of theirs.
        let before = last_that(first, up_to, |number| {
            Ok(self.spot_at(pair, number)?.written_to(user) < read_count)
        })?;
        let spot = self.spot_at(pair, before.map_or(first, |before| before + 1))?;
        // It may have been forgotten already.
        if spot.sender != peer {
            return Ok(None);
        }
        let Some(thread) = self.threads.get_mut(&pair) else {
            return Ok(None);
        };
        let marks = thread.marks_mut(pair, user);
        if read_count <= marks.read_count {
            return Ok(None);
        }
        marks.read_count = read_count;
        marks.read = spot.sender_seq;
        marks.received = marks.received.max(spot.sender_seq);
        Ok(Some(Told {
            writer: peer,
            seq: spot.sender_seq,
        }))
    }
}
