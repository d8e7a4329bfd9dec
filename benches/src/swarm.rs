//! Many raw clients on one thread: sockets that do not block, one `poll`, and
//! no allocation for what is received whole.
//!
//! ```text
//! Dialling ─connected→ Upgrading ─101→ Open ─packets→ the driver
//!     └────────┴─────────────┴───────────┴─end→ Gone ─why→ the driver
//! ```
//!
//! The swarm answers what every client answers (Engine.IO's open, heartbeats);
//! all else goes to the [`Driver`].

mod line;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::frame;
use crate::packet::Packet;
use crate::ticker::Ticker;
use line::Line;

/// What is read in one call. Large, for `users` and for what a saturated
/// server has ready.
const SCRATCH: usize = 256 * 1024;

/// Events taken from the system at once.
const EVENTS: usize = 4096;

const TICK: Token = Token(usize::MAX);

/// What is done with what the server sends.
pub(crate) trait Driver {
    /// Client number `who` received a packet. `now` was read after the bytes.
    /// What is put into `out`, whole frames, is sent by the same client.
    fn hears(&mut self, who: usize, packet: Packet<'_>, now: u64, out: &mut Vec<u8>) -> Result<()>;

    /// The connection of client number `who` ended.
    fn loses(&mut self, who: usize, why: &str) -> Result<()>;
}

/// See the module.
pub(crate) struct Swarm {
    address: SocketAddr,
    poll: Poll,
    events: Events,
    lines: Vec<Line>,
    scratch: Vec<u8>,
    ticker: Option<Ticker>,
    start: Instant,
    /// When the last packet came that was no heartbeat.
    last_heard: u64,
}

impl Swarm {
    pub(crate) fn new(address: SocketAddr) -> Result<Self> {
        Ok(Self {
            address,
            poll: Poll::new().context("no poll")?,
            events: Events::with_capacity(EVENTS),
            lines: Vec::new(),
            scratch: vec![0; SCRATCH],
            ticker: None,
            start: Instant::now(),
            last_heard: 0,
        })
    }

    /// Nanoseconds since this swarm was made.
    pub(crate) fn now(&self) -> u64 {
        nanos(self.start)
    }

    pub(crate) fn last_heard(&self) -> u64 {
        self.last_heard
    }

    /// Starts a connection that signs in with `auth`, JSON. Its number is the
    /// number of those before it.
    pub(crate) fn dial(&mut self, auth: &str) -> Result<usize> {
        let who = self.lines.len();
        let mut stream = TcpStream::connect(self.address).context("cannot connect")?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut stream, Token(who), interest)?;
        self.lines.push(Line::dialling(stream, auth));
        Ok(who)
    }

    /// Sends whole frames from client number `who`.
    pub(crate) fn send(&mut self, who: usize, frames: &[u8]) -> Result<()> {
        let line = self.lines.get_mut(who).context("no such client")?;
        line.send(frames);
        Ok(())
    }

    /// Says goodbye; the end of the connection is then seen as any other.
    pub(crate) fn leave(&mut self, who: usize) -> Result<()> {
        let mut goodbye = frame::text(b"41");
        goodbye.extend(frame::close());
        self.send(who, &goodbye)
    }

    /// Cuts a connection and frees what it held. The driver is not told.
    pub(crate) fn hang_up(&mut self, who: usize) {
        if let Some(line) = self.lines.get_mut(who) {
            line.end();
        }
    }

    /// From now on [`turn`](Self::turn) returns at least this often.
    pub(crate) fn tick_every(&mut self, interval: Duration) -> Result<()> {
        let ticker = Ticker::start(self.poll.registry(), TICK, interval)?;
        self.ticker = Some(ticker);
        Ok(())
    }

    /// Waits for at most `wait`, and hands everything that came to the driver.
    pub(crate) fn turn(&mut self, wait: Duration, driver: &mut impl Driver) -> Result<()> {
        let wait = match &self.ticker {
            Some(ticker) => ticker.at_most(wait),
            None => wait,
        };
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            outcome => outcome.context("poll")?,
        }
        for event in &self.events {
            let Token(who) = event.token();
            let Some(line) = self.lines.get_mut(who) else {
                if let Some(ticker) = &self.ticker {
                    ticker.take()?;
                }
                continue;
            };
            if event.is_writable()
                && let Err(why) = line.writable(self.address)
            {
                line.end();
                driver.loses(who, &why.to_string())?;
                continue;
            }
            if event.is_readable() {
                let (scratch, start) = (&mut self.scratch, self.start);
                let heard = &mut self.last_heard;
                if let Some(why) = line.readable(who, scratch, start, heard, driver)? {
                    line.end();
                    driver.loses(who, &why)?;
                }
            }
        }
        Ok(())
    }

    /// Turns until nothing but heartbeats came for as long as `quiet`, or
    /// until `limit` is over; whether it became quiet.
    pub(crate) fn settle(
        &mut self,
        quiet: Duration,
        limit: Duration,
        driver: &mut impl Driver,
    ) -> Result<bool> {
        let start = Instant::now();
        let begin = self.now();
        while start.elapsed() < limit {
            self.turn(quiet / 10, driver)?;
            let since = self.now().saturating_sub(self.last_heard.max(begin));
            if Duration::from_nanos(since) >= quiet {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn nanos(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
