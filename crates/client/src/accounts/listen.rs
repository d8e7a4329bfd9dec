//! One listener to all accounts.

use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::{AccountEntry, AccountKey, AccountsEvent, Listing, entries};
use crate::{ClientEvent, ClientHandle, Subscription};

type Events = Pin<Box<dyn Stream<Item = ClientEvent> + Send>>;
type Lists = Pin<Box<dyn Stream<Item = Listing> + Send>>;

/// The events of all accounts, one after the other. Each account's wait in its own
/// bounded subscription until they are taken, and the accounts take turns: one that
/// tells much neither pushes out nor holds up what another tells, and one that was
/// not listened to fast enough starts over with its snapshot, alone.
///
/// The list of accounts cannot lag: only how it is now is kept for each listener.
pub struct Listener {
    lists: Lists,
    /// What was last told of the list.
    told: Option<Vec<AccountEntry>>,
    /// In the order of their next turn.
    turns: VecDeque<(AccountKey, ClientHandle, Events)>,
}

impl Listener {
    pub(super) fn new(mut list: watch::Receiver<Listing>) -> Self {
        list.mark_changed();
        let lists = stream::unfold(list, |mut list| async {
            list.changed().await.ok()?;
            let now = list.borrow_and_update().clone();
            Some((now, list))
        });
        Self {
            lists: Box::pin(lists),
            told: None,
            turns: VecDeque::new(),
        }
    }

    /// The next event; `None` once all engines have ended. It may be given up at any
    /// time: nothing is lost.
    pub async fn next(&mut self) -> Option<AccountsEvent> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The next event if it is there already: for hosts that pass on batches.
    pub fn try_next(&mut self) -> Option<AccountsEvent> {
        // Whoever waits next asks all of them again, so no wake-up is missed.
        match self.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(event) => event,
            Poll::Pending => None,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<AccountsEvent>> {
        loop {
            match self.lists.as_mut().poll_next(context) {
                Poll::Ready(Some(list)) => {
                    if let Some(event) = self.take_list(&list) {
                        return Poll::Ready(Some(event));
                    }
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        for _ in 0..self.turns.len() {
            let Some((account, engine, mut events)) = self.turns.pop_front() else {
                break;
            };
            match events.as_mut().poll_next(context) {
                Poll::Ready(Some(event)) => {
                    self.turns.push_back((account, engine, events));
                    return Poll::Ready(Some(AccountsEvent::Account { account, event }));
                }
                // The engine has ended; the list tells why.
                Poll::Ready(None) => {}
                Poll::Pending => self.turns.push_back((account, engine, events)),
            }
        }
        Poll::Pending
    }

    /// Listens to the engines that are new, and no more to those that are gone.
    fn take_list(&mut self, list: &Listing) -> Option<AccountsEvent> {
        let running: BTreeMap<AccountKey, &ClientHandle> = list
            .iter()
            .filter_map(|listed| Some((listed.entry.key, listed.engine.as_ref()?)))
            .collect();
        self.turns.retain(|(key, engine, _)| {
            running
                .get(key)
                .is_some_and(|running| running.is_same(engine))
        });
        for (key, engine) in running {
            if !self.turns.iter().any(|(known, ..)| *known == key) {
                self.turns
                    .push_back((key, engine.clone(), events_of(engine.clone())));
            }
        }
        let entries = entries(list);
        if self.told.as_ref() == Some(&entries) {
            return None;
        }
        self.told = Some(entries.clone());
        Some(AccountsEvent::Accounts { accounts: entries })
    }
}

/// What an engine tells, its snapshot first. Nothing is asked of it before the first
/// poll, and a poll that is given up loses nothing: what was begun is in the stream.
fn events_of(engine: ClientHandle) -> Events {
    enum Ear {
        Asking(ClientHandle),
        Listening(Box<Subscription>),
    }
    Box::pin(stream::unfold(Ear::Asking(engine), |ear| async {
        let mut subscription = match ear {
            Ear::Asking(engine) => Box::new(engine.listen().await?),
            Ear::Listening(subscription) => subscription,
        };
        let event = subscription.next().await?;
        Some((event, Ear::Listening(subscription)))
    }))
}
