//! The log of messages and what points into it.

use std::{collections::VecDeque, sync::Arc};

use parlour_protocol::pm::MessageId;

use super::Memory;
use crate::storage::{
    NewMessage, Placed, Refusal, Row, UserKey, Written,
    pair::{Marks, Pair, Spot},
};

pub(super) struct Message {
    pub(super) from: UserKey,
    pub(super) to: UserKey,
    pub(super) from_seq: u64,
    pub(super) to_seq: u64,
    /// The sender's messages in the conversation, up to this one.
    pub(super) sender_count: u64,
    pub(super) id: MessageId,
    pub(super) from_client: bool,
    pub(super) content: Arc<str>,
    pub(super) at_ms: i64,
    pub(super) sent_at: Option<i64>,
}

impl Message {
    /// As one of the two sees it.
    pub(super) fn row(&self, reader: UserKey) -> Row {
        Row {
            seq: if self.from == reader {
                self.from_seq
            } else {
                self.to_seq
            },
            from: self.from,
            to: self.to,
            id: self.id,
            content: self.content.clone(),
            at_ms: self.at_ms,
            sent_at: self.sent_at,
        }
    }
}

/// A conversation.
#[derive(Default)]
pub(super) struct Thread {
    /// Where in the log.
    pub(super) messages: VecDeque<u64>,
    /// How many there have been, and how many of them the one with the lower key wrote.
    pub(super) count: u64,
    low_count: u64,
    low: Marks,
    high: Marks,
}

impl Thread {
    pub(super) fn marks(&self, pair: Pair, user: UserKey) -> Marks {
        if user == pair.low {
            self.low
        } else {
            self.high
        }
    }

    pub(super) fn marks_mut(&mut self, pair: Pair, user: UserKey) -> &mut Marks {
        if user == pair.low {
            &mut self.low
        } else {
            &mut self.high
        }
    }

    /// The number of the first message that is still there.
    pub(super) fn first(&self) -> u64 {
        self.count + 1 - self.messages.len() as u64
    }
}

impl Memory {
    pub(super) fn message(&mut self, message: &NewMessage) -> Written {
        let &NewMessage { from, to, id, .. } = message;
        if !self.users.contains_key(&from) || !self.users.contains_key(&to) {
            return Written::Refused(Refusal::UnknownUser);
        }
        if message.from_client {
            let number = self.ids.get(&(from, id));
            if let Some(first) = number.and_then(|number| self.at(*number)) {
                return repeated(first, message);
            }
        }
        let number = self.log_start + self.log.len() as u64;
        let from_seq = self.give_number(from, number);
        let to_seq = if from == to {
            from_seq
        } else {
            self.give_number(to, number)
        };
        let pair = Pair::of(from, to);
        let thread = self.threads.entry(pair).or_default();
        if thread.messages.is_empty() {
            for (user, peer) in [(from, to), (to, from)] {
                let user = self.users.get_mut(&user);
                user.map(|user| user.peers.insert(peer));
            }
        }
        thread.count += 1;
        thread.low_count += u64::from(from == pair.low);
        thread.messages.push_back(number);
        let sender_count = if from == pair.low {
            thread.low_count
        } else {
            thread.count - thread.low_count
        };
        if message.from_client {
            self.ids.insert((from, id), number);
        }
        self.held.messages += 1;
        self.held.text += message.content.len();
        self.log.push_back(Some(Message {
            from,
            to,
            from_seq,
            to_seq,
            sender_count,
            id,
            from_client: message.from_client,
            content: message.content.clone(),
            at_ms: message.at_ms,
            sent_at: message.sent_at,
        }));
        while self.held.messages > self.bounds.messages || self.held.text > self.bounds.text {
            self.forget_oldest();
        }
        Written::Message(Placed {
            from_seq,
            to_seq,
            at_ms: message.at_ms,
            dup: false,
        })
    }

    /// The message with this number in the log, if it is still there.
    pub(super) fn at(&self, number: u64) -> Option<&Message> {
        let at = usize::try_from(number.checked_sub(self.log_start)?).ok()?;
        self.log.get(at)?.as_ref()
    }

    /// Takes a message out of the log, and its id with it.
    pub(super) fn take(&mut self, number: u64) -> Option<Message> {
        let at = usize::try_from(number.checked_sub(self.log_start)?).ok()?;
        let message = self.log.get_mut(at)?.take()?;
        self.held.messages -= 1;
        self.held.text -= message.content.len();
        if message.from_client {
            self.ids.remove(&(message.from, message.id));
        }
        Some(message)
    }

    pub(super) fn spot(&self, number: u64, message: &Message) -> Spot {
        Spot {
            number,
            sender: message.from,
            sender_seq: message.from_seq,
            recipient_seq: message.to_seq,
            sender_count: message.sender_count,
        }
    }

    fn give_number(&mut self, user: UserKey, number: u64) -> u64 {
        let Some(user) = self.users.get_mut(&user) else {
            return 0;
        };
        user.last_seq += 1;
        user.inbox.push_back((user.last_seq, number));
        user.last_seq
    }

    /// The oldest message is the first wherever it is.
    fn forget_oldest(&mut self) {
        let message = self.take(self.log_start);
        self.log.pop_front();
        self.log_start += 1;
        let Some(Message { from, to, .. }) = message else {
            return;
        };
        let pair = Pair::of(from, to);
        let is_over = self.threads.get_mut(&pair).is_some_and(|thread| {
            thread.messages.pop_front();
            thread.messages.is_empty()
        });
        if is_over {
            self.threads.remove(&pair);
        }
        for (user, peer) in [(from, to), (to, from)] {
            let Some(user) = self.users.get_mut(&user) else {
                continue;
            };
            user.inbox
                .pop_front_if(|(_, number)| *number < self.log_start);
            if is_over {
                user.peers.remove(&peer);
            }
        }
    }
}

fn repeated(first: &Message, message: &NewMessage) -> Written {
    if first.to != message.to || first.content != message.content {
        return Written::Refused(Refusal::Conflict);
    }
    Written::Message(Placed {
        from_seq: first.from_seq,
        to_seq: first.to_seq,
        at_ms: first.at_ms,
        dup: true,
    })
}
