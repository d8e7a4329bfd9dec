//! One log for many sockets.
//!
//! Who is there, what changed: things that everybody is told. Queueing each of
//! them for each socket as it happens costs one write per socket and frame. So
//! they are put into a log instead. Every socket has a place in it, and every few
//! milliseconds all of them are brought to its end: one write per socket.
//!
//! ```text
//!  publish ─► ring  … 41 42 43 44 45 46 │ head
//!                         ▲           ▲
//!          most sockets ──┘           └── one that was just sent something else
//! ```
//! Nearly all of them stand at the same place, so what they have not had is
//! joined once ([`Chunk`]) and shared by all of them.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{Frame, ServerOptions, Socket, socket::WeakSocket};

mod pace;
mod ring;

use pace::Pace;
use ring::Ring;
pub(super) use ring::{Chunk, Since};

/// After how many sockets other threads get a turn.
const TURN: usize = 64;

/// Numbers for subscriptions to whatever log.
static TICKETS: AtomicU64 = AtomicU64::new(0);

/// A log of frames that sockets follow. Clones are the same log.
///
/// What is published reaches every follower, in order, within
/// [`ServerOptions::feed_tick`]; under load less often, at least every 200 ms.
/// What is sent to a socket by itself comes behind everything that was published
/// before: on each socket the order is the one of the calls.
///
/// ```no_run
/// use parlour_socketio::server::{Feed, Frame, ServerOptions, Socket};
/// # fn example(socket: &Socket) -> Result<(), serde_json::Error> {
/// let feed = Feed::new(&ServerOptions::default());
/// feed.subscribe(socket);
/// feed.publish(Frame::event("/", None, "user connected", &("alice",))?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Feed {
    log: Arc<Log>,
}

impl Feed {
    /// An empty log, which keeps as much as [`ServerOptions::out_frames`] and
    /// [`ServerOptions::out_bytes`] say. It has a thread of its own that rests while
    /// nothing is published, and ends with the last handle and follower.
    #[must_use]
    pub fn new(options: &ServerOptions) -> Self {
        let options = options.clone().bounded();
        let log = Arc::new(Log {
            ring: Mutex::new(Ring::new(options.out_frames, options.out_bytes)),
            head: AtomicU64::new(0),
            walked: Mutex::default(),
            fresh: Mutex::default(),
            pace: Pace::new(options.feed_tick),
        });
        log.pace.start(Arc::downgrade(&log));
        Self { log }
    }

    /// Adds a frame to the log. If followers have not had so much of it that
    /// it is full, they are brought to its end first, by this thread.
    pub fn publish(&self, frame: Frame) {
        if lock(&self.log.ring).is_full() {
            self.log.sweep();
        }
        let head = {
            let mut ring = lock(&self.log.ring);
            ring.push(frame);
            ring.head()
        };
        // Whoever publishes may be overtaken here, but never backwards.
        self.log.head.fetch_max(head, Ordering::AcqRel);
        if !self.log.pace.ring() {
            self.log.sweep();
        }
    }

    /// Lets a socket have what is published from now on. A socket follows one
    /// log at a time: this ends its following of another one.
    pub fn subscribe(&self, socket: &Socket) {
        let ticket = TICKETS.fetch_add(1, Ordering::Relaxed);
        let follow = Follow {
            cursor: self.log.head.load(Ordering::Acquire),
            log: Arc::clone(&self.log),
            ticket,
        };
        let from = follow.cursor;
        if !socket.follow(follow) {
            return;
        }
        let follower = Follower {
            socket: socket.downgrade(),
            ticket,
        };
        lock(&self.log.fresh).add(follower);
        if self.log.head.load(Ordering::Acquire) != from {
            // It may have missed its turn while it was not on the list yet.
            self.log.pace.ring();
        }
    }

    /// Lets it have nothing of what is published from now on.
    pub fn unsubscribe(&self, socket: &Socket) {
        socket.unfollow(&self.log);
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

/// What all handles and followers share.
pub(super) struct Log {
    ring: Mutex<Ring>,
    /// The ring's, to be looked at without its lock.
    head: AtomicU64,
    /// Those who were there at the last sweep. Its lock is held for all of one.
    walked: Mutex<Vec<Follower>>,
    /// Those who came since: subscribing never waits for a sweep.
    fresh: Mutex<Fresh>,
    pace: Pace,
}

struct Follower {
    socket: WeakSocket,
    /// Differs from the socket's own if it has subscribed anew since.
    ticket: u64,
}

impl Follower {
    fn follows(&self) -> bool {
        let socket = self.socket.upgrade();
        socket.is_some_and(|socket| socket.follows(self.ticket))
    }
}

#[derive(Default)]
struct Fresh {
    followers: Vec<Follower>,
    /// From how many on those are looked for that follow no more: nothing may ever
    /// be published.
    crowded: usize,
}

impl Fresh {
    fn add(&mut self, follower: Follower) {
        if self.followers.len() >= self.crowded {
            self.followers.retain(Follower::follows);
            self.crowded = (self.followers.len() * 2).max(TURN);
        }
        self.followers.push(follower);
    }
}

impl Log {
    /// Brings every follower to the head.
    fn sweep(&self) {
        let mut followers = lock(&self.walked);
        // The chunk before the newcomers: none of them stands before its end
        // without being visited.
        let chunk = lock(&self.ring).chunk();
        followers.append(&mut lock(&self.fresh).followers);
        let mut visited = 0_usize;
        followers.retain(|follower| {
            visited += 1;
            if visited.is_multiple_of(TURN) {
                std::thread::yield_now();
            }
            let socket = follower.socket.upgrade();
            socket.is_some_and(|socket| socket.bring(&chunk, follower.ticket))
        });
        lock(&self.ring).swept(&chunk);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.pace.end();
    }
}

/// A socket's place in a log.
pub(super) struct Follow {
    log: Arc<Log>,
    cursor: u64,
    ticket: u64,
}

impl Follow {
    /// What it has not had, which it now has.
    pub(super) fn take(&mut self) -> Since {
        if self.log.head.load(Ordering::Acquire) == self.cursor {
            return Since::Nothing;
        }
        lock(&self.log.ring).since(&mut self.cursor)
    }

    /// The same up to the end of the chunk, and without a lock for nearly all.
    pub(super) fn take_from(&mut self, chunk: &Chunk) -> Since {
        if chunk.begins_after(self.cursor) {
            return self.take();
        }
        chunk.since(&mut self.cursor)
    }

    pub(super) fn is_of(&self, log: &Arc<Log>) -> bool {
        Arc::ptr_eq(&self.log, log)
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        self.is_of(&other.log)
    }

    pub(super) fn ticket(&self) -> u64 {
        self.ticket
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

/// What these locks guard is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{outbound::Outbound, rooms::Space, tally::Tally};

    #[test]
    fn who_comes_and_goes_all_the_time_is_kept_once() {
        let options = ServerOptions::default();
        let feed = Feed::new(&options);
        let out = Outbound::new(1, &options, Arc::new(Tally::default()));
        let socket = Socket::new(Arc::new(Space::new("/")), out);
        for _ in 0..10 * TURN {
            feed.subscribe(&socket);
            feed.unsubscribe(&socket);
        }
        assert!(lock(&feed.log.fresh).followers.len() <= TURN);
    }
}
