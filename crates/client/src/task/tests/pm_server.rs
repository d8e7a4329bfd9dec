//! A server that speaks pm, as far as one of its users sees it.

use parlour_protocol::{
    LiveMessage, ServerEvent, SessionId, UserEntry,
    pm::{
        Accepted, Code, MessageId, PeerLimits, Refused, Reply, ServerHello, Stamp, StampedMessage,
        SyncPage, UsersPage, VERSION,
    },
};
use uuid::Uuid;

use super::stage::{Stage, list, user};
use crate::ports::{Answered, LinkEvent, Question};

/// The clock of the server begins here, far from ours.
pub(super) const BEGINNING: i64 = 1_000_000;

/// The inbox of the user `me`, and how the server treats what it is asked.
pub(super) struct PmServer {
    pub(super) epoch: Uuid,
    pub(super) inbox: Vec<StampedMessage>,
    /// The most messages of a page.
    pub(super) page: usize,
    /// Answers to the next messages, instead of taking them.
    pub(super) refusals: Vec<Refused>,
    /// Everybody, by rising id; those whom `users` does not have come in pages.
    pub(super) people: Vec<UserEntry>,
    /// Ids for what comes from elsewhere.
    ids: u64,
}

impl PmServer {
    pub(super) fn new() -> Self {
        Self {
            epoch: Uuid::from_u128(1),
            inbox: Vec::new(),
            page: 200,
            refusals: Vec::new(),
            people: Vec::new(),
            ids: 0,
        }
    }

    /// Somebody who signs in here for the first time, and is online.
    pub(super) fn welcomes(&mut self) -> Stage {
        let mut stage = Stage::new();
        stage.signs_in();
        stage.opens();
        self.lets_in(&mut stage);
        stage
    }

    /// Says who we are and who is there, and answers until we are online.
    pub(super) fn lets_in(&mut self, stage: &mut Stage) {
        stage.hears(vec![
            self.session(),
            list(vec![user("me", &[]), user("bob", &[])]),
        ]);
        self.answers(stage);
        assert!(stage.engine.session.is_online());
    }

    pub(super) fn session(&self) -> LinkEvent {
        LinkEvent::Server(ServerEvent::Session {
            session_id: SessionId::new("session of me"),
            user_id: "me".into(),
            pm: Some(Box::new(ServerHello {
                v: VERSION,
                caps: Vec::new(),
                limits: PeerLimits::default(),
                server_id: Uuid::from_u128(9),
                epoch: self.epoch,
                now: BEGINNING,
                last_seq: self.inbox.len() as u64,
                resumed: true,
            })),
        })
    }

    /// Answers everything that was asked, and what is asked upon that.
    pub(super) fn answers(&mut self, stage: &mut Stage) {
        loop {
            let answers = self.handles(stage);
            if answers.is_empty() {
                return;
            }
            stage.hears(answers);
        }
    }

    /// Acts on everything that was asked; the answers are not heard yet.
    pub(super) fn handles(&mut self, stage: &Stage) -> Vec<LinkEvent> {
        let asked = std::mem::take(&mut stage.wire.lock().expect("the wire").asked);
        asked
            .into_iter()
            .map(|(number, question)| LinkEvent::Answered {
                number,
                answer: self.answer(question),
            })
            .collect()
    }

    fn answer(&mut self, question: Question) -> Answered {
        match question {
            Question::Message(message) => {
                if !self.refusals.is_empty() {
                    return Answered::Message(Reply::No(self.refusals.remove(0)));
                }
                let id = message.id.expect("an id");
                let known = self.inbox.iter().find(|m| m.stamp.id == id).cloned();
                let dup = known.is_some();
                let stored = known.unwrap_or_else(|| {
                    self.store("me", &message.to.to_string(), &message.content, id)
                });
                Answered::Message(Reply::Yes(Accepted::message(
                    id,
                    stored.stamp.seq,
                    stored.stamp.ts,
                    dup,
                )))
            }
            Question::Users(request) => {
                let after = request.after.unwrap_or_default();
                let rest = self.people.iter();
                let rest = rest.filter(|user| user.user_id.as_str() > after.as_str());
                let users: Vec<UserEntry> = rest.take(request.limit).cloned().collect();
                let next = users.last().map(|user| user.user_id.to_string());
                let is_last = users.last() == self.people.last();
                Answered::Users(Reply::Yes(UsersPage {
                    users,
                    next: next.filter(|_| !is_last),
                }))
            }
            Question::Sync(request) => {
                let messages: Vec<StampedMessage> = self
                    .inbox
                    .iter()
                    .filter(|message| message.stamp.seq > request.since)
                    .take(self.page)
                    .cloned()
                    .collect();
                let next = messages.last().map_or(request.since, |m| m.stamp.seq);
                Answered::Sync(Reply::Yes(SyncPage {
                    complete: next == self.inbox.len() as u64,
                    messages,
                    next,
                    epoch: self.epoch,
                }))
            }
        }
    }

    /// Somebody, or another device of ours, wrote this; what our socket hears of it.
    pub(super) fn says(&mut self, from: &str, to: &str, content: &str) -> LinkEvent {
        self.ids += 1;
        let id = MessageId::new(self.ids, &[9; 10]);
        let message = self.store(from, to, content, id);
        LinkEvent::Server(ServerEvent::PrivateMessage(LiveMessage {
            content: message.content,
            from: message.from,
            to: Some(message.to),
            stamp: Some(message.stamp),
        }))
    }

    fn store(&mut self, from: &str, to: &str, content: &str, id: MessageId) -> StampedMessage {
        let seq = self.inbox.len() as u64 + 1;
        let message = StampedMessage {
            content: content.into(),
            from: from.into(),
            to: to.into(),
            stamp: Stamp {
                id,
                seq,
                ts: BEGINNING + seq as i64,
                sent_at: None,
            },
        };
        self.inbox.push(message.clone());
        message
    }

    /// The conversation with somebody, in its order.
    pub(super) fn texts(&self, peer: &str) -> Vec<String> {
        self.inbox
            .iter()
            .filter(|m| m.from == peer.into() || m.to == peer.into())
            .map(|m| m.content.clone())
            .collect()
    }
}

/// A refusal for now, or for good.
pub(super) fn refusal(code: Code) -> Refused {
    if code.is_temporary() {
        Refused::for_now(code, 700)
    } else {
        Refused::new(code)
    }
}

/// Bob with this many unread messages, as the server counts them.
pub(super) fn bob_with_unread(unread: u32) -> UserEntry {
    UserEntry {
        summary: Some(parlour_protocol::pm::Summary {
            unread,
            ..Default::default()
        }),
        ..user("bob", &[])
    }
}
