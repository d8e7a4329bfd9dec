//! People who go on whatever happens to the server: one who writes until all
//! is acknowledged, one who keeps a copy of an inbox by its cursor.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use parlour_protocol::{
    UserId,
    pm::{MessageId, Reply, StampedMessage},
};
use parlour_tests::{
    inbox::{Acknowledged, Inbox},
    pm::{Account, Device, new_id},
};
use tokio::sync::watch;

/// What was acknowledged so far, by whomever; and the word to stop.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    entries: Arc<Mutex<Vec<Acknowledged>>>,
    count: watch::Sender<usize>,
    stop: Arc<AtomicBool>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            entries: Arc::default(),
            count: watch::Sender::new(0),
            stop: Arc::default(),
        }
    }

    pub(crate) fn enter(&self, entry: Acknowledged) {
        let mut entries = self.lock();
        entries.push(entry);
        let count = entries.len();
        drop(entries);
        self.count.send_replace(count);
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Waits until so many are acknowledged.
    pub(crate) async fn reaches(&self, count: usize) {
        let mut counts = self.count.subscribe();
        // The sender is part of this ledger: it cannot be gone.
        let _ = counts.wait_for(|now| *now >= count).await;
    }

    pub(crate) fn entries(&self) -> Vec<Acknowledged> {
        self.lock().clone()
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Acknowledged>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who writes numbered texts to one other.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) url: String,
    pub(crate) account: Account,
    pub(crate) to: UserId,
    /// What every text begins with.
    pub(crate) name: &'static str,
    /// Messages on their way at a time.
    pub(crate) window: usize,
    /// The length of a text, by its number.
    pub(crate) length: fn(usize) -> usize,
    /// How many, where there is an end to it.
    pub(crate) count: Option<usize>,
}

struct Waiting {
    id: MessageId,
    text: String,
}

impl Writer {
    /// Writes until told to stop, or to the end, and all has been acknowledged.
    /// Gives how many there were.
    pub(crate) async fn write(self, ledger: Ledger) -> usize {
        let mut waiting = VecDeque::new();
        let mut written = 0;
        loop {
            let device = Device::resumes_when_it_can(&self.url, &self.account).await;
            loop {
                while waiting.len() < self.window
                    && !ledger.is_stopped()
                    && self.count.is_none_or(|count| written < count)
                {
                    waiting.push_back(self.message(written));
                    written += 1;
                }
                if waiting.is_empty() {
                    device.leaves().await;
                    return written;
                }
                if !self.send(&device, &mut waiting, &ledger).await {
                    break;
                }
            }
        }
    }

    fn message(&self, number: usize) -> Waiting {
        Waiting {
            id: new_id(),
            text: numbered(self.name, number, (self.length)(number)),
        }
    }

    /// Sends all that waits; what is acknowledged waits no longer. `false`: the
    /// connection is gone.
    async fn send(
        &self,
        device: &Device,
        waiting: &mut VecDeque<Waiting>,
        ledger: &Ledger,
    ) -> bool {
        let attempts = waiting
            .iter()
            .map(|message| device.try_say(&self.to, message.id, &message.text));
        let answers = join_all(attempts).await;
        let mut lives = true;
        let mut rest = Duration::ZERO;
        let mut answers = answers.into_iter();
        waiting.retain(|message| match answers.next() {
            Some(Ok(Reply::Yes(accepted))) => {
                let from = &self.account.user;
                let (text, id) = (&message.text, message.id);
                ledger.enter(Acknowledged::new(from, &self.to, text, id, &accepted));
                false
            }
            Some(Ok(Reply::No(refused))) => {
                assert!(refused.code.is_temporary(), "refused: {:?}", refused.code);
                rest = Duration::from_millis(refused.retry_after_ms.unwrap_or(100).min(500));
                true
            }
            Some(Err(_)) | None => {
                lives = false;
                true
            }
        });
        // What the server asked for; usually nothing.
        tokio::time::sleep(rest).await;
        lives
    }
}

/// A text that tells its number, and has about this length.
pub(crate) fn numbered(name: &str, number: usize, length: usize) -> String {
    let head = format!("{name} {number}");
    let fill = length.saturating_sub(head.len() + 1);
    if fill == 0 {
        return head;
    }
    format!("{head} {}", "x".repeat(fill))
}

/// The number in such a text.
pub(crate) fn number_in(text: &str) -> usize {
    let number = text
        .split(' ')
        .nth(1)
        .and_then(|number| number.parse().ok());
    number.expect("a numbered text")
}

/// Whether one writer's texts are there from the first, in order, none missing.
pub(crate) fn is_in_order<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    let mut count = 0;
    for text in texts {
        assert_eq!(number_in(text), count, "one is missing, or out of order");
        count += 1;
    }
    count
}

/// Somebody who keeps a copy of the own inbox, as a good client does: a page
/// after a reconnect, live events where they follow the cursor.
pub(crate) struct Follower {
    pub(crate) url: String,
    pub(crate) account: Account,
    copy: Vec<StampedMessage>,
}

impl Follower {
    pub(crate) fn new(url: &str, account: &Account) -> Self {
        Self {
            url: url.to_owned(),
            account: account.clone(),
            copy: Vec::new(),
        }
    }

    /// Follows until told to stop and nothing is missing.
    pub(crate) async fn follow(mut self, ledger: Ledger) -> Inbox {
        loop {
            let device = Device::resumes_when_it_can(&self.url, &self.account).await;
            if self.keep_up(&device, &ledger).await {
                return Inbox {
                    owner: self.account.user,
                    messages: self.copy,
                };
            }
        }
    }

    /// `true`: the end. `false`: the connection is gone.
    async fn keep_up(&mut self, device: &Device, ledger: &Ledger) -> bool {
        let mut looked_at = 0;
        loop {
            let stopped = ledger.is_stopped();
            let Ok(missed) = device.try_sync(self.cursor()).await else {
                return false;
            };
            for message in missed {
                self.take(message);
            }
            if stopped {
                return true;
            }
            loop {
                let news = device.heard(|heard| heard.messages[looked_at..].to_vec());
                looked_at += news.len();
                if !news.into_iter().all(|message| self.take(message)) {
                    break;
                }
                if device.is_closed() {
                    return false;
                }
                let news = device.until_within(Duration::from_secs(3600), "news", |heard| {
                    heard.messages.len() > looked_at
                        || heard.closed.is_some()
                        || ledger.is_stopped()
                });
                // The word to stop wakes nobody: it is looked for now and then.
                let _ = tokio::time::timeout(Duration::from_millis(100), news).await;
                if ledger.is_stopped() {
                    break;
                }
            }
        }
    }

    fn cursor(&self) -> u64 {
        self.copy.len().try_into().expect("not that many")
    }

    /// `false`: something between is missing.
    fn take(&mut self, message: StampedMessage) -> bool {
        let seq = message.stamp.seq;
        if seq == self.cursor() + 1 {
            self.copy.push(message);
            return true;
        }
        if seq > self.cursor() {
            return false;
        }
        let place = usize::try_from(seq - 1).expect("not that many");
        assert_eq!(
            self.copy[place], message,
            "the same number, another message"
        );
        true
    }
}
