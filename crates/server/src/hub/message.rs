//! Messages on their way: accepted, committed, told.

use parlour_protocol::pm::{Accepted, Code, MessageId, Refused};
use parlour_socketio::server::AckId;

use super::{
    ConnectionId, Hub, Message,
    frames::{self, Plain, Stamped},
    leave::Why,
    listing::Tongue,
    pending::{Kind, NotStored, Step},
    people::Index,
};
use crate::{
    limits::BUSY_RETRY_MS,
    storage::{NewMessage, Placed, Refusal, Write, Written},
};

/// A message that waits for its commit.
pub(super) struct Sent {
    pub(super) connection: ConnectionId,
    ack: Option<AckId>,
    from: Index,
    to: Index,
}

impl Hub {
    /// Puts a message into the batch, unless it goes nowhere. One from a
    /// connection that was cut is ignored: its client finds out from the history.
    pub(super) fn message(&mut self, message: Message) {
        let Message {
            connection,
            ack,
            to,
            content,
            id,
            sent_at,
        } = message;
        let Some(from) = self.connections.person(connection) else {
            return;
        };
        let Some(to) = self.people.by_id(&to) else {
            self.metrics.message_refused(Code::UnknownRecipient);
            match ack {
                Some(ack) => self.reply(connection, ack, &Refused::new(Code::UnknownRecipient)),
                None => self.metrics.unknown_recipient(),
            }
            return;
        };
        self.begin(Kind::Chat);
        let at_ms = (self.now_ms)();
        let message = NewMessage {
            from: self.people.get(from).key,
            to: self.people.get(to).key,
            id: id.unwrap_or_else(|| new_id(at_ms)),
            from_client: id.is_some(),
            content,
            at_ms,
            sent_at,
        };
        let sent = Sent {
            connection,
            ack,
            from,
            to,
        };
        self.store(Write::Message(message), Step::Sent(sent));
    }

    /// What became of it.
    pub(super) fn sent(
        &mut self,
        sent: &Sent,
        message: &NewMessage,
        outcome: Result<Written, NotStored>,
    ) {
        match outcome {
            Ok(Written::Message(placed)) => {
                if placed.dup {
                    self.metrics.message_duplicate();
                } else {
                    self.deliver(sent, message, placed);
                }
                if let Some(ack) = sent.ack {
                    let Placed {
                        from_seq,
                        at_ms,
                        dup,
                        ..
                    } = placed;
                    let accepted = Accepted::message(message.id, from_seq, at_ms, dup);
                    self.reply(sent.connection, ack, &accepted);
                }
            }
            Ok(Written::Refused(Refusal::Conflict)) => self.refuse(sent, Code::Conflict),
            // Somebody was deleted in the meantime.
            Ok(_) => self.refuse(sent, Code::UnknownRecipient),
            Err(NotStored) => match sent.ack {
                Some(ack) => {
                    self.metrics.message_refused(Code::ServerBusy);
                    let busy = Refused::for_now(Code::ServerBusy, BUSY_RETRY_MS);
                    self.reply(sent.connection, ack, &busy);
                }
                // It cannot be told otherwise.
                None => self.cut(sent.connection, Why::NotStored),
            },
        }
    }

    fn refuse(&mut self, sent: &Sent, code: Code) {
        self.metrics.message_refused(code);
        if let Some(ack) = sent.ack {
            self.reply(sent.connection, ack, &Refused::new(code));
        }
    }

    /// Tells both ends of it: all their connections but the one that sent it.
    fn deliver(&mut self, sent: &Sent, message: &NewMessage, placed: Placed) {
        let Sent { from, to, .. } = *sent;
        let advance = |seq: &mut u64, to: u64| *seq = to.max(*seq);
        advance(&mut self.people.get_mut(from).last_seq, placed.from_seq);
        advance(&mut self.people.get_mut(to).last_seq, placed.to_seq);
        let (sender, recipient) = (self.people.get(from), self.people.get(to));
        let mut plain = None;
        for (person, seq) in [(recipient, placed.to_seq), (sender, placed.from_seq)] {
            // Each end numbers it in its own way.
            let mut stamped = None;
            for &id in &person.here {
                if id == sent.connection {
                    continue;
                }
                let frame = match self.connections.tongue(id) {
                    Some(Tongue::Plain) => plain.get_or_insert_with(|| {
                        frames::private_message(&Plain {
                            content: &message.content,
                            from: &sender.id,
                            to: &recipient.id,
                        })
                    }),
                    Some(Tongue::Pm) => stamped.get_or_insert_with(|| {
                        frames::private_message(&Stamped {
                            content: &message.content,
                            from: &sender.id,
                            to: &recipient.id,
                            id: message.id,
                            seq,
                            ts: placed.at_ms,
                            sent_at: message.sent_at,
                        })
                    }),
                    None => continue,
                };
                if let Some(frame) = frame {
                    self.connections.send(id, frame);
                }
            }
            if from == to {
                break;
            }
        }
    }
}

/// An id for a message whose client gave it none.
fn new_id(at_ms: i64) -> MessageId {
    MessageId::new(u64::try_from(at_ms).unwrap_or(0), &rand::random())
}
