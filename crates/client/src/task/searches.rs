//! Searches: on a thread and a connection of their own, so that the longest of
//! them holds up nothing; and the index that they use, brought up to date here.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{Engine, storage_refusal};
use crate::{
    Answer, Query, Refusal, RefusalCode,
    store::{
        Store, StoreError,
        search::{Question, SearchPage, Wanted, find},
    },
};

/// How many searches may wait. All but the newest give up at once, so more than
/// a few only wait when the disk hangs.
const QUEUE: usize = 8;

/// The most hits that one page has.
const PAGE: u32 = 200;

/// The pause between two steps of indexing: most of the time is for other things.
const PAUSE: Duration = Duration::from_millis(25);

/// The pause after a step that failed: the disk is full, for instance.
const LONG_PAUSE: Duration = Duration::from_secs(60);

/// A newer search than there can be: nobody is to be answered any more.
const ENDED: u64 = u64::MAX;

/// Whoever asked.
pub(super) type Asker = oneshot::Sender<Result<Answer, Refusal>>;

struct Job {
    question: Question,
    number: u64,
    asker: Asker,
}

/// The thread that searches, from the first search on.
pub(super) struct Searches {
    folder: PathBuf,
    /// The number of the newest search that waits or is under way.
    newest: Arc<AtomicU64>,
    thread: Option<(SyncSender<Job>, JoinHandle<()>)>,
    reports: (mpsc::Sender<()>, mpsc::Receiver<()>),
    /// When the next step of indexing is due.
    indexing: Option<Instant>,
}

impl Searches {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            newest: Arc::default(),
            thread: None,
            reports: mpsc::channel(1),
            indexing: None,
        }
    }

    /// Waits until a search finds the index broken.
    pub(super) async fn broken(&mut self) {
        // It does not end while we have a sender, too.
        self.reports.1.recv().await;
    }

    /// Where the database is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.indexing
    }

    fn ask(&mut self, question: Question, asker: Asker) {
        let number = self.newest.load(Ordering::Relaxed) + 1;
        let job = Job {
            question,
            number,
            asker,
        };
        let jobs = match self.jobs() {
            Ok(jobs) => jobs,
            Err(error) => {
                let _ = job.asker.send(Err(storage_refusal(&error.into())));
                return;
            }
        };
        let (job, code) = match jobs.try_send(job) {
            Ok(()) => return self.newest.store(number, Ordering::Relaxed),
            Err(TrySendError::Full(job)) => (job, RefusalCode::Busy),
            Err(TrySendError::Disconnected(job)) => {
                self.thread = None;
                (job, RefusalCode::StorageFailed)
            }
        };
        // Whoever asked may have stopped waiting.
        let _ = job.asker.send(Err(code.into()));
    }

    fn jobs(&mut self) -> std::io::Result<&SyncSender<Job>> {
        let started = match self.thread.take() {
            Some(thread) => thread,
            None => {
                let (jobs, queue) = sync_channel(QUEUE);
                let searcher = Searcher {
                    folder: self.folder.clone(),
                    newest: self.newest.clone(),
                    broken: self.reports.0.clone(),
                };
                let thread = thread::Builder::new()
                    .name("parlour-search".into())
                    .spawn(move || searcher.run(&queue))?;
                (jobs, thread)
            }
        };
        Ok(&self.thread.insert(started).0)
    }
}

impl Searches {
    /// Gives up what is under way and waits for it: nobody but the engine has the
    /// database open from then on.
    pub(super) fn end(&mut self) {
        self.newest.store(ENDED, Ordering::Relaxed);
        if let Some((jobs, thread)) = self.thread.take() {
            drop(jobs);
            if thread.join().is_err() {
                tracing::error!("the search thread has panicked");
            }
        }
    }
}

impl Drop for Searches {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the thread has.
struct Searcher {
    folder: PathBuf,
    newest: Arc<AtomicU64>,
    broken: mpsc::Sender<()>,
}

impl Searcher {
    fn run(&self, queue: &Receiver<Job>) {
        let mut connection = None;
        for job in queue {
            let answer = self.answer(&mut connection, &job);
            let _ = job.asker.send(answer);
        }
    }

    fn answer(&self, kept: &mut Option<Connection>, job: &Job) -> Result<Answer, Refusal> {
        let found = match kept.take().map_or_else(|| Store::reader(&self.folder), Ok) {
            Ok(connection) => {
                let found = self.find(&connection, job);
                *kept = Some(connection);
                found
            }
            Err(error) => Err(error),
        };
        match found {
            Ok(Some(page)) => Ok(Answer::Search(page)),
            Ok(None) if self.newest.load(Ordering::Relaxed) == ENDED => {
                Err(RefusalCode::Closed.into())
            }
            Ok(None) => Err(RefusalCode::Superseded.into()),
            Err(error) => {
                // Another connection may fare better.
                *kept = None;
                Err(storage_refusal(&error))
            }
        }
    }

    fn find(&self, connection: &Connection, job: &Job) -> Result<Option<SearchPage>, StoreError> {
        let is_wanted =
            || self.newest.load(Ordering::Relaxed) <= job.number && !job.asker.is_closed();
        if !is_wanted() {
            return Ok(None);
        }
        find(connection, &job.question, &is_wanted).or_else(|error| {
            if !error.is_corruption() {
                return Err(error);
            }
            tracing::warn!(%error, "the search index may be broken; this search does without");
            // One report is enough.
            let _ = self.broken.try_send(());
            let mut question = job.question.clone();
            question.indexed = false;
            find(connection, &question, &is_wanted)
        })
    }
}

impl Engine {
    /// Answers a question, now or from another thread.
    pub(super) fn answer(&mut self, query: Query, asker: Asker) {
        let answer = match query {
            Query::Timeline {
                user,
                before,
                after,
                limit,
            } => self.timeline(&user, before, after, limit),
            Query::ServerOptions => self.server_options(),
            Query::Search {
                text,
                user,
                before,
                limit,
            } => {
                let account = self.account.as_ref().map(|account| account.id);
                let question = account.ok_or(RefusalCode::NotSignedIn).and_then(|account| {
                    Ok(Question {
                        account,
                        wanted: Wanted::new(&text).ok_or(RefusalCode::InvalidQuery)?,
                        peer: user,
                        before,
                        limit: limit.clamp(1, PAGE) as usize,
                        indexed: true,
                    })
                });
                match question {
                    Ok(question) => return self.searches.ask(question, asker),
                    Err(code) => Err(code.into()),
                }
            }
        };
        // Whoever asked may have stopped waiting.
        let _ = asker.send(answer);
    }

    /// A search found the index broken.
    pub(super) fn search_broken(&mut self) {
        if !self.store.search_is_sound() {
            tracing::warn!("the search index is broken; it is made anew");
            if let Err(error) = self.store.reset_search() {
                tracing::error!(%error, "the search index could not be made anew");
            }
        }
        self.plan_indexing();
    }

    /// Whether an error came from the search index, which is then made anew: what
    /// failed can be tried again.
    pub(super) fn recovers(&mut self, error: &StoreError) -> bool {
        let recovered = self.store.recover_search(error).unwrap_or_else(|error| {
            tracing::error!(%error, "the search index could not be made anew");
            false
        });
        if recovered {
            self.plan_indexing();
        }
        recovered
    }

    /// Looks whether messages are to be entered into the index.
    pub(super) fn plan_indexing(&mut self) {
        let behind = self.store.search_is_behind().unwrap_or_else(|error| {
            tracing::warn!(%error, "the state of the search index cannot be read");
            false
        });
        self.searches.indexing = behind.then(|| self.clock.now());
    }

    /// Enters some messages into the index, if that is due.
    pub(super) fn index_if_due(&mut self) {
        let now = self.clock.now();
        if self.searches.indexing.is_none_or(|due| due > now) {
            return;
        }
        self.searches.indexing = match self.store.index_more() {
            Ok(more) => more.then(|| self.clock.now() + PAUSE),
            Err(error) if self.recovers(&error) => self.searches.indexing,
            Err(error) => {
                // It is no reason to leave the server: everything else may work.
                tracing::warn!(%error, "old messages could not be entered into the search index");
                Some(now + LONG_PAUSE)
            }
        };
    }
}

#[cfg(test)]
mod tests;
