//! Nothing lost, nothing doubled, the same order everywhere: what has to hold
//! whatever happened to the server.

use std::collections::{HashMap, HashSet};

use parlour_protocol::{
    UserId,
    pm::{Accepted, MessageId, StampedMessage},
};

/// What a server has acknowledged.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// The sender's id for it.
    pub id: MessageId,
    /// Who wrote it.
    pub from: UserId,
    /// Whom it is for.
    pub to: UserId,
    /// The text.
    pub content: String,
    /// Its number in the sender's inbox.
    pub seq: u64,
}

impl Acknowledged {
    /// An answer, beside what was asked.
    ///
    /// # Panics
    /// If the answer is about another message.
    #[must_use]
    pub fn new(
        from: &UserId,
        to: &UserId,
        content: &str,
        id: MessageId,
        answer: &Accepted,
    ) -> Self {
        assert_eq!(answer.id, Some(id), "the answer is about another message");
        Self {
            id,
            from: from.clone(),
            to: to.clone(),
            content: content.to_owned(),
            seq: answer.seq.expect("a number"),
        }
    }
}

/// One user's messages, as `pm:sync` gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    /// Whose.
    pub owner: UserId,
    /// In the order of their numbers.
    pub messages: Vec<StampedMessage>,
}

impl Inbox {
    /// The ids of one conversation, in order.
    #[must_use]
    pub fn conversation(&self, peer: &UserId) -> Vec<MessageId> {
        let with = |message: &&StampedMessage| {
            (message.from == self.owner && message.to == *peer)
                || (message.from == *peer && message.to == self.owner)
        };
        let messages = self.messages.iter().filter(with);
        messages.map(|message| message.stamp.id).collect()
    }

    /// What somebody wrote here, in order.
    #[must_use]
    pub fn texts_from(&self, sender: &UserId) -> Vec<&str> {
        let messages = self.messages.iter();
        messages
            .filter(|message| message.from == *sender)
            .map(|message| message.content.as_str())
            .collect()
    }

    /// Numbers without gaps from 1, no id twice, nothing of others.
    ///
    /// # Panics
    /// Otherwise.
    pub fn is_whole(&self) {
        let mut seen = HashSet::new();
        for (message, number) in self.messages.iter().zip(1_u64..) {
            let stamp = &message.stamp;
            assert_eq!(stamp.seq, number, "a gap or a double number");
            assert!(
                message.from == self.owner || message.to == self.owner,
                "somebody else's message"
            );
            assert!(
                seen.insert((&message.from, stamp.id)),
                "“{}” is there twice",
                message.content
            );
        }
    }
}

/// Criterion C0 over the inboxes of everybody who took part.
///
/// # Panics
/// If it does not hold.
pub fn holds(acknowledged: &[Acknowledged], inboxes: &[Inbox]) {
    let by_owner: HashMap<&UserId, &Inbox> =
        inboxes.iter().map(|inbox| (&inbox.owner, inbox)).collect();
    for inbox in inboxes {
        inbox.is_whole();
    }
    for (one, other) in pairs(inboxes) {
        assert_eq!(
            one.conversation(&other.owner),
            other.conversation(&one.owner),
            "the order of a conversation differs"
        );
    }
    let found: HashMap<(&UserId, &UserId, MessageId), &StampedMessage> = inboxes
        .iter()
        .flat_map(|inbox| {
            let messages = inbox.messages.iter();
            messages.map(|message| ((&inbox.owner, &message.from, message.stamp.id), message))
        })
        .collect();
    for message in acknowledged {
        for owner in [&message.from, &message.to] {
            if !by_owner.contains_key(owner) {
                continue;
            }
            let Some(stored) = found.get(&(owner, &message.from, message.id)) else {
                panic!("“{}” was acknowledged and is lost", message.content);
            };
            assert_eq!(stored.content, message.content);
            assert_eq!(stored.to, message.to);
            if *owner == message.from {
                assert_eq!(stored.stamp.seq, message.seq, "another number than said");
            }
        }
    }
}

fn pairs(inboxes: &[Inbox]) -> impl Iterator<Item = (&Inbox, &Inbox)> {
    inboxes
        .iter()
        .enumerate()
        .flat_map(move |(index, one)| inboxes[..index].iter().map(move |other| (one, other)))
}
