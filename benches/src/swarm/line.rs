//! One connection of the swarm: TCP, the upgrade, frames, and what the system
//! did not take yet.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Result, bail};
use mio::net::TcpStream;

use super::{Driver, nanos};
use crate::frame::{self, Received};
use crate::listing::Listing;
use crate::packet::{self, Packet};

/// Frames up to this many bytes are kept until they are whole.
const SMALL: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Dialling,
    Upgrading,
    Open,
    Gone,
}

/// See the module.
pub(super) struct Line {
    /// Nothing once the connection has ended.
    stream: Option<TcpStream>,
    stage: Stage,
    /// The start of something that has not arrived whole. Never long.
    inbox: Vec<u8>,
    /// A list too long for that, and how much of it is still to come.
    listing: Option<(Listing, usize)>,
    /// What the system did not take yet, from `written` on.
    outbox: Vec<u8>,
    written: usize,
    /// The frame with CONNECT, sent once Engine.IO is open.
    connect: Vec<u8>,
}

impl Line {
    /// A connection that is being made. It will sign in with `auth`, JSON.
    pub(super) fn dialling(stream: TcpStream, auth: &str) -> Self {
        Self {
            stream: Some(stream),
            stage: Stage::Dialling,
            inbox: Vec::new(),
            listing: None,
            outbox: Vec::new(),
            written: 0,
            connect: frame::text(format!("40{auth}").as_bytes()),
        }
    }

    /// Sends whole frames, or as much of them as the system takes now.
    pub(super) fn send(&mut self, frames: &[u8]) {
        self.outbox.extend_from_slice(frames);
        // An end is seen by the read that follows it.
        let _ = self.flush();
    }

    pub(super) fn end(&mut self) {
        self.stage = Stage::Gone;
        self.stream = None;
        (self.inbox, self.outbox, self.connect) = Default::default();
        self.written = 0;
    }

    pub(super) fn writable(&mut self, address: SocketAddr) -> io::Result<()> {
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
        self.flush()
    }

    /// Why the connection ended, if it did.
    pub(super) fn readable(
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
            // What was left stands before what comes: one piece to look at.
            let kept = self.inbox.len();
            let (before, room) = scratch.split_at_mut(kept);
            let count = match stream.read(room) {
                Ok(0) => return Ok(Some("the server closed the connection".to_owned())),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Some(error.to_string())),
            };
            let is_all = count < room.len();
            before.copy_from_slice(&self.inbox);
            self.inbox.clear();
            let mut turn = Turn {
                who,
                now: nanos(start),
                heard,
                driver,
            };
            let bytes = &scratch[..kept + count];
            let used = self.take(bytes, &mut turn)?;
            let rest = bytes.get(used..).unwrap_or_default();
            self.inbox.extend_from_slice(rest);
            if self.stage == Stage::Gone {
                return Ok(Some("the server said goodbye".to_owned()));
            }
            // Less than there was room for: the system has no more.
            if is_all {
                break;
            }
        }
        Ok(self.flush().err().map(|error| error.to_string()))
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
                bail!("the server refuses WebSocket: {line}");
            }
            self.stage = Stage::Open;
            used = end + 4;
        }
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            if let Some((listing, missing)) = &mut self.listing {
                let piece = rest.get(..*missing).unwrap_or(rest);
                listing.add(piece);
                used += piece.len();
                *missing -= piece.len();
                if *missing > 0 {
                    return Ok(used);
                }
                let listing = *listing;
                self.listing = None;
                self.packet(Packet::Users(listing), turn)?;
            } else if let Some((received, length)) = frame::first(rest)? {
                used += length;
                match received {
                    Received::Text(text) => self.packet(Packet::read(text), turn)?,
                    Received::Ping(payload) => self.outbox.extend(frame::pong(payload)),
                    Received::Other => {}
                    Received::Close => self.stage = Stage::Gone,
                }
            } else if let Some((length, header)) = long_list(rest)? {
                used += header + ENGINE_AND_EVENT;
                self.listing = Some((Listing::default(), length - ENGINE_AND_EVENT));
            } else {
                return Ok(used);
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        if self.stage == Stage::Dialling {
            return Ok(());
        }
        while self.written < self.outbox.len() {
            let rest = self.outbox.get(self.written..).unwrap_or_default();
            match stream.write(rest) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.outbox.clear();
        self.written = 0;
        Ok(())
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

/// The digits before the JSON of an event.
const ENGINE_AND_EVENT: usize = 2;

/// The length and the header of a frame with a list that is not kept.
fn long_list(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some((length, header)) = frame::announced(bytes)? else {
        return Ok(None);
    };
    let start = bytes.get(header..header + packet::USERS.len());
    Ok(match start {
        Some(start) if length > SMALL && start == packet::USERS => Some((length, header)),
        Some(_) if length > SMALL => bail!("a packet of {length} bytes that is not `users`"),
        _ => None,
    })
}

/// One reading of one client.
struct Turn<'a, D> {
    who: usize,
    now: u64,
    heard: &'a mut u64,
    driver: &'a mut D,
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
