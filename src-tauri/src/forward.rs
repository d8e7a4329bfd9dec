//! From the accounts' events to the page, in batches.

use std::sync::{Mutex, PoisonError};

use parlour_client::{AccountsEvent, Listener};
use tauri::{
    WebviewWindow,
    async_runtime::{self, JoinHandle},
    ipc::Channel,
};
use tokio::sync::mpsc;

/// How many events go to the page at once.
const BATCH: usize = 256;

/// The one forwarding that is under way.
#[derive(Default)]
pub(crate) struct Forwarder(Mutex<Option<JoinHandle<()>>>);

impl Forwarder {
    /// Starts a forwarding and ends the one before.
    pub(crate) fn replace(&self, forwarding: impl Future<Output = ()> + Send + 'static) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = current.replace(async_runtime::spawn(forwarding)) {
            before.abort();
        }
    }
}

/// Passes events on until the page or the accounts are gone.
///
/// A channel to the page never says that it is full: it piles up whatever a
/// busy page has not taken. So the next batch waits until the page has run a
/// script that was queued behind this one. Meanwhile the events wait in the
/// accounts' subscriptions, which are bounded and say when they lag.
pub(crate) async fn forward(
    window: WebviewWindow,
    mut listener: Listener,
    channel: Channel<Vec<AccountsEvent>>,
) {
    while let Some(first) = listener.next().await {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Some(event) = listener.try_next()
        {
            batch.push(event);
        }
        if channel.send(batch).is_err() || page_has_taken_it(&window).await.is_err() {
            return;
        }
    }
}

async fn page_has_taken_it(window: &WebviewWindow) -> tauri::Result<()> {
    let (done, mut taken) = mpsc::channel(1);
    window.eval_with_callback("0", move |_| {
        // Full means that it has been said.
        let _ = done.try_send(());
    })?;
    // `None` too: a page that is being loaded drops the question.
    taken.recv().await;
    Ok(())
}
