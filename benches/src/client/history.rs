//! A history of many messages: what a person waits for.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use parlour_client::made::{COMMON, Made, RARE, SHORT};
use parlour_client::{Answer, ClientConfig, ClientEvent, ClientHandle, Command, Query};
use serde::Serialize;

use crate::samples::{Samples, Summary};
use crate::usage::{Memory, memory};

/// What a page of a conversation has, as the app asks for it.
const PAGE: u32 = 50;

/// What came of it. Times are in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryReport {
    /// How many messages there were.
    pub messages: u64,
    /// How many people.
    pub people: u64,
    /// Messages a second that were stored and indexed in large transactions.
    pub stored_per_second: f64,
    /// Bytes of the database.
    pub file: u64,
    /// From nothing to the first snapshot.
    pub start: Option<Summary>,
    /// The newest page of a conversation.
    pub open: Option<Summary>,
    /// A page before a position.
    pub back: Option<Summary>,
    /// A page behind a position.
    pub forward: Option<Summary>,
    /// The first page of a search, by what is looked for.
    pub search: Searches,
    /// Queueing a message durably.
    pub queue: Option<Summary>,
    /// Of this process, at the end.
    pub memory: Option<Memory>,
}

/// Searches, each until it gives hits or has looked at everything.
#[derive(Clone, Debug, Serialize)]
pub struct Searches {
    /// A word of a third of the messages.
    pub common: Option<Summary>,
    /// That word, in a conversation of a few hundred messages.
    pub common_in_one: Option<Summary>,
    /// A word of one message of 50,000.
    pub rare: Option<Summary>,
    /// A word of none, of syllables that many have.
    pub nowhere: Option<Summary>,
    /// A word of two characters.
    pub short: Option<Summary>,
}

/// Makes the history in `folder` and measures.
///
/// # Errors
/// When the database fails, or an answer is not what was stored.
pub fn run(folder: &Path, made: Made, times: usize) -> Result<HistoryReport> {
    let start = Instant::now();
    made.write(folder)?;
    let stored_per_second = made.messages as f64 / start.elapsed().as_secs_f64();
    let file = std::fs::metadata(folder.join("parlour.db"))?.len();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let started = starts(folder, made, times.min(20)).await?;
        let client = ClientHandle::start(config(folder))?;
        let asked = Asked {
            client: &client,
            made,
            times,
        };
        let report = HistoryReport {
            messages: made.messages,
            people: made.people,
            stored_per_second,
            file,
            start: started,
            open: asked.pages(|_| (None, None)).await?,
            back: asked.pages(|position| (Some(position), None)).await?,
            forward: asked.pages(|position| (None, Some(position))).await?,
            search: Searches {
                common: asked.search(COMMON, None).await?,
                common_in_one: asked.search(COMMON, Some(made.people / 2)).await?,
                rare: asked.search(RARE, None).await?,
                nowhere: asked.search("bacadafagazz", None).await?,
                short: asked.search(SHORT, None).await?,
            },
            queue: asked.queue().await?,
            memory: memory(Some(std::process::id())),
        };
        client.stop().await;
        Ok(report)
    })
}

fn config(folder: &Path) -> ClientConfig {
    ClientConfig::new(folder.to_owned(), "bench", super::pretended())
}

/// From nothing to the first snapshot, with everybody in it.
async fn starts(folder: &Path, made: Made, times: usize) -> Result<Option<Summary>> {
    let mut samples = Samples::default();
    for _ in 0..times {
        let start = Instant::now();
        let client = ClientHandle::start(config(folder))?;
        let mut events = client.subscribe().await?;
        let first = events.next().await;
        samples.add_span(start.elapsed());
        let Some(ClientEvent::Snapshot { snapshot }) = first else {
            bail!("the first event is no snapshot");
        };
        let people = snapshot.roster.len() as u64;
        if people < made.people {
            bail!("the snapshot has {people} people of {}", made.people);
        }
        client.stop().await;
    }
    Ok(samples.summary())
}

struct Asked<'a> {
    client: &'a ClientHandle,
    made: Made,
    times: usize,
}

impl Asked<'_> {
    /// Pages of the longest conversation and of others, at places all over it.
    async fn pages(
        &self,
        place: impl Fn(i64) -> (Option<i64>, Option<i64>),
    ) -> Result<Option<Summary>> {
        let mut samples = Samples::default();
        let longest = i64::try_from(self.made.longest())?;
        for number in 0..self.times as u64 {
            let user = self.made.user(if number % 2 == 0 {
                0
            } else {
                number % self.made.people
            });
            // Far apart, so that no page is warm from the one before.
            let position = longest * (1 + i64::try_from((50 + number * 37) % 97)?) / 99;
            let (before, after) = place(if number % 2 == 0 { position } else { 5 });
            let query = Query::Timeline {
                user,
                before,
                after,
                limit: PAGE,
            };
            let start = Instant::now();
            let answer = self.client.query(query).await?;
            samples.add_span(start.elapsed());
            let Answer::Timeline(page) = answer else {
                bail!("no page: {answer:?}");
            };
            if number == 0 && page.items.len() != PAGE as usize {
                bail!("a page of {} items", page.items.len());
            }
        }
        Ok(samples.summary())
    }

    async fn search(&self, text: &str, user: Option<u64>) -> Result<Option<Summary>> {
        let mut samples = Samples::default();
        let hits_expected = text != "bacadafagazz";
        for _ in 0..self.times.min(50) {
            let mut before = None;
            let mut found = 0;
            let start = Instant::now();
            loop {
                let query = Query::Search {
                    text: text.to_owned(),
                    user: user.map(|number| self.made.user(number)),
                    before,
                    limit: PAGE,
                };
                let answer = self.client.query(query).await?;
                let Answer::Search(page) = answer else {
                    bail!("no page: {answer:?}");
                };
                found += page.hits.len();
                before = page.next;
                if found > 0 || before.is_none() {
                    break;
                }
            }
            samples.add_span(start.elapsed());
            if (found > 0) != hits_expected {
                bail!("{found} hits for {text:?}");
            }
        }
        Ok(samples.summary())
    }

    async fn queue(&self) -> Result<Option<Summary>> {
        let mut samples = Samples::default();
        for number in 0..self.times as u64 {
            let command = Command::SendMessage {
                to: self.made.user(number % self.made.people),
                content: format!("one more, of the usual length and with the usual words {number}"),
            };
            let start = Instant::now();
            self.client.dispatch(command).await.context("queued")?;
            samples.add_span(start.elapsed());
        }
        Ok(samples.summary())
    }
}
