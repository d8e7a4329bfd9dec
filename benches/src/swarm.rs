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

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::frame::{self, Received};
use crate::packet::{self, Packet};
use crate::ticker::Ticker;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Dialling,
    Upgrading,
    Open,
    Gone,
}

struct Line {
    /// Nothing once the connection has ended.
    stream: Option<TcpStream>,
    stage: Stage,
    /// The start of something that has not arrived whole.
    inbox: Vec<u8>,
    /// What the system did not take yet, from `written` on.
    outbox: Vec<u8>,
    written: usize,
    /// The frame with CONNECT, sent once Engine.IO is open.
    connect: Vec<u8>,
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
        self.lines.push(Line {
            stream: Some(stream),
            stage: Stage::Dialling,
            inbox: Vec::new(),
            outbox: Vec::new(),
            written: 0,
            connect: frame::text(format!("40{auth}").as_bytes()),
        });
        Ok(who)
    }

    /// Sends whole frames from client number `who`.
    pub(crate) fn send(&mut self, who: usize, frames: &[u8]) -> Result<()> {
        let line = self.lines.get_mut(who).context("no such client")?;
        line.outbox.extend_from_slice(frames);
        // An end is seen by the read that follows it.
        let _ = flush(line);
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

impl Line {
    fn end(&mut self) {
        self.stage = Stage::Gone;
        self.stream = None;
        (self.inbox, self.outbox, self.connect) = Default::default();
        self.written = 0;
    }

    fn writable(&mut self, address: SocketAddr) -> io::Result<()> {
        if self.stage == Stage::Dialling
            && let Some(stream) = &self.stream
        {
            if let Some(error) = stream.take_error()? {
                return Err(error);
            }
            match stream.peer_addr() {
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
                outcome => outcome?,
            };
            stream.set_nodelay(true)?;
            self.outbox.extend_from_slice(upgrade(address).as_bytes());
            self.stage = Stage::Upgrading;
        }
        flush(self)
    }

    /// Why the connection ended, if it did.
    fn readable(
        &mut self,
        who: usize,
        scratch: &mut [u8],
        start: Instant,
        heard: &mut u64,
        driver: &mut impl Driver,
    ) -> Result<Option<String>> {
        if self.stage == Stage::Dialling {
            return Ok(None);
        }
        while let Some(stream) = &mut self.stream {
            let count = match stream.read(scratch) {
                Ok(0) => return Ok(Some("the server closed the connection".to_owned())),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Some(error.to_string())),
            };
            let now = nanos(start);
            let mut turn = Turn {
                who,
                now,
                heard,
                driver,
            };
            let news = &scratch[..count];
            if self.inbox.is_empty() {
                let used = self.take(news, &mut turn)?;
                self.inbox
                    .extend_from_slice(news.get(used..).unwrap_or_default());
            } else {
                let mut bytes = std::mem::take(&mut self.inbox);
                bytes.extend_from_slice(news);
                let used = self.take(&bytes, &mut turn)?;
                bytes.drain(..used.min(bytes.len()));
                self.inbox = bytes;
            }
            if self.stage == Stage::Gone {
                return Ok(Some("the server said goodbye".to_owned()));
            }
            // Less than there was room for: nothing is left.
            if count < scratch.len() {
                break;
            }
        }
        Ok(flush(self).err().map(|error| error.to_string()))
    }

    /// Hands on what is whole, and says how many bytes that was.
    fn take(&mut self, bytes: &[u8], turn: &mut Turn<'_, impl Driver>) -> Result<usize> {
        let mut used = 0;
        if self.stage == Stage::Upgrading {
            let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
                return Ok(0);
            };
            if !bytes.starts_with(b"HTTP/1.1 101 ") {
                let line = bytes
                    .split(|byte| *byte == b'\r')
                    .next()
                    .unwrap_or_default();
                let line = String::from_utf8_lossy(line).into_owned();
                anyhow::bail!("the server refuses WebSocket: {line}");
            }
            self.stage = Stage::Open;
            used = end + 4;
        }
        while let Some((received, length)) = frame::first(bytes.get(used..).unwrap_or_default())? {
            used += length;
            match received {
                Received::Text(text) => self.packet(Packet::read(text), turn)?,
                Received::Ping(payload) => self.outbox.extend(frame::pong(payload)),
                Received::Other => {}
                Received::Close => self.stage = Stage::Gone,
            }
        }
        Ok(used)
    }

    fn packet(&mut self, packet: Packet<'_>, turn: &mut Turn<'_, impl Driver>) -> Result<()> {
        match packet {
            Packet::Ping => {
                self.outbox.extend(frame::text(packet::PONG));
                return Ok(());
            }
            Packet::Open => self.outbox.append(&mut self.connect),
            _ => {}
        }
        *turn.heard = turn.now;
        turn.driver
            .hears(turn.who, packet, turn.now, &mut self.outbox)
    }
}

/// One reading of one client.
struct Turn<'a, D> {
    who: usize,
    now: u64,
    heard: &'a mut u64,
    driver: &'a mut D,
}

fn flush(line: &mut Line) -> io::Result<()> {
    let Some(stream) = &mut line.stream else {
        return Ok(());
    };
    if line.stage == Stage::Dialling {
        return Ok(());
    }
    while line.written < line.outbox.len() {
        let rest = line.outbox.get(line.written..).unwrap_or_default();
        match stream.write(rest) {
            Ok(count) => line.written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    line.outbox.clear();
    line.written = 0;
    Ok(())
}

fn upgrade(address: SocketAddr) -> String {
    // The key is sixteen bytes in base64; nobody but a proxy would need it to
    // differ.
    format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\n\
         Upgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: cGFybG91ci1iZW5jaC0xNg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}
