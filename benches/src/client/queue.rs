//! The whole engine: from "queued", which is on the disk, to "sent", which the
//! server has proven.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use parlour_client::{
    Answer, ClientConfig, ClientEvent, ClientHandle, Command, Delivery, Query, SessionView,
    Subscription,
};
use parlour_protocol::UserId;
use serde::Serialize;
use tokio::time::{sleep, timeout};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether all are sent.
const LOOK: Duration = Duration::from_millis(5);

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct QueueReport {
    /// How many messages.
    pub messages: u64,
    /// How many a second were on the disk.
    pub queued_per_second: f64,
    /// How many a second were sent, from the first that was queued to the last
    /// that was proven.
    pub sent_per_second: f64,
}

/// Signs in to the server at `url`, with a new database in `folder`, and writes
/// notes to oneself.
///
/// # Errors
/// When a message ends as anything but sent.
pub fn run(url: &str, folder: &Path, messages: u64) -> Result<QueueReport> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let config = ClientConfig::new(folder.to_owned(), "bench", super::pretended());
        let client = ClientHandle::start(config)?;
        let measured = timeout(PATIENCE, measure(&client, url, messages)).await;
        client.stop().await;
        measured.context("not everything was sent")?
    })
}

async fn measure(client: &ClientHandle, url: &str, messages: u64) -> Result<QueueReport> {
    let mut events = client.subscribe().await?;
    let sign_in = Command::SignIn {
        server: url.to_owned(),
        username: "Measured".to_owned(),
        options: None,
    };
    client.dispatch(sign_in).await?;
    let me = online(&mut events).await?;
    let start = Instant::now();
    for number in 0..messages {
        let command = Command::SendMessage {
            to: me.clone(),
            content: format!("a message of the usual length, with its number: {number}"),
        };
        client.dispatch(command).await?;
    }
    let queued = start.elapsed().as_secs_f64();
    // They are sent in order: the last of them is sent when all are.
    loop {
        let query = Query::Timeline {
            user: me.clone(),
            before: None,
            after: None,
            limit: 1,
        };
        let answer = client.query(query).await?;
        let Answer::Timeline(page) = answer else {
            bail!("no page: {answer:?}");
        };
        match page.items.first().and_then(|item| item.delivery) {
            Some(Delivery::Sent) => break,
            Some(Delivery::Queued | Delivery::Sending) => sleep(LOOK).await,
            other => bail!("the last message is {other:?}"),
        }
    }
    let sent = start.elapsed().as_secs_f64();
    Ok(QueueReport {
        messages,
        queued_per_second: messages as f64 / queued,
        sent_per_second: messages as f64 / sent,
    })
}

async fn online(events: &mut Subscription) -> Result<UserId> {
    loop {
        let session = match events.next().await.context("the engine has ended")? {
            ClientEvent::Snapshot { snapshot } => snapshot.session,
            ClientEvent::SessionChanged { session } => session,
            _ => continue,
        };
        match session {
            SessionView::Online { account } => {
                return account.user_id.context("the server gives no id");
            }
            SessionView::Waiting { reason, .. } => bail!("not connected: {:?}", reason.code),
            _ => {}
        }
    }
}
