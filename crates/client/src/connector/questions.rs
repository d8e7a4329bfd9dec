//! What was asked of the server, and its answers: fences, and the
//! acknowledgements of pm.

use std::{pin::Pin, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use parlour_protocol::pm::{Reply, UsersPage};
use parlour_socketio::{Answer, Asked, FenceAnswer};
use serde::de::DeserializeOwned;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::ports::{Answered, LinkEvent, Question};

/// How many questions may wait for their answers: more than the outbox and the
/// inbox ask at a time.
pub(super) const QUESTIONS: usize = 64;

/// How long an answer may take. After it nothing is known: the message may have
/// been taken. Longer than a server makes a message wait for its turn (10 s).
const LIMIT: Duration = Duration::from_secs(20);

/// A question on its way.
pub(super) enum Raised {
    /// A fence, which has no limit of time: not every server answers it.
    Fence(u64, oneshot::Receiver<FenceAnswer>),
    /// A question of pm.
    Asked(u64, Kind, Asked),
}

/// What an answer has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Message,
    Sync,
    Users,
}

impl Kind {
    pub(super) fn of(question: &Question) -> Self {
        match question {
            Question::Message(_) => Self::Message,
            Question::Sync(_) => Self::Sync,
            Question::Users(_) => Self::Users,
        }
    }

    fn read(self, answer: &Answer) -> Answered {
        match self {
            Self::Message => read(answer).map(Answered::Message),
            Self::Sync => read(answer).map(Answered::Sync),
            Self::Users => read_users(answer).map(Answered::Users),
        }
        .unwrap_or_else(|| {
            tracing::warn!(kind = ?self, "an answer cannot be read");
            Answered::Nothing
        })
    }
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Option<T> {
    serde_json::from_str(answer.args.first()?.get()).ok()
}

/// Entry by entry, which the ordinary way cannot.
fn read_users(answer: &Answer) -> Option<Reply<UsersPage>> {
    let json = answer.args.first()?.get();
    match serde_json::from_str(json) {
        Ok(refused) => Some(Reply::No(refused)),
        Err(_) => UsersPage::decode(json).map(Reply::Yes),
    }
}

type Waiting = Pin<Box<dyn Future<Output = Option<LinkEvent>> + Send>>;

/// The questions of one connection.
pub(super) struct Questions {
    raised: mpsc::Receiver<Raised>,
    /// Whether more can be asked.
    open: bool,
    waiting: FuturesUnordered<Waiting>,
}

impl Questions {
    pub(super) fn new(raised: mpsc::Receiver<Raised>) -> Self {
        Self {
            raised,
            open: true,
            waiting: FuturesUnordered::new(),
        }
    }

    /// The next answer. Giving up waiting loses nothing.
    pub(super) async fn next(&mut self) -> LinkEvent {
        loop {
            tokio::select! {
                biased;
                question = self.raised.recv(), if self.open => match question {
                    Some(question) => self.waiting.push(Box::pin(wait(question))),
                    None => self.open = false,
                },
                Some(answer) = self.waiting.next(), if !self.waiting.is_empty() => {
                    if let Some(event) = answer {
                        return event;
                    }
                }
                else => return std::future::pending().await,
            }
        }
    }
}

/// `None` where the connection closed first, which is told by itself.
async fn wait(question: Raised) -> Option<LinkEvent> {
    match question {
        Raised::Fence(number, answer) => match answer.await {
            Ok(FenceAnswer::Refused | FenceAnswer::Accepted) => {
                Some(LinkEvent::FencePassed(number))
            }
            Err(_) => None,
        },
        Raised::Asked(number, kind, asked) => {
            let answer = match timeout(LIMIT, asked.answer()).await {
                Ok(Some(answer)) => kind.read(&answer),
                Ok(None) => return None,
                Err(_) => Answered::Nothing,
            };
            Some(LinkEvent::Answered { number, answer })
        }
    }
}
