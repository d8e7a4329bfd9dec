//! The least that a server could do: pass each message on, and nothing else.
//! No chat server can be faster on the same machine, so it shows how far the
//! load generator itself reaches.
//!
//! It is no Socket.IO server: it answers the clients of this crate with what
//! they wait for, keeps nothing, checks nothing and believes everything.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use memchr::memmem;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(usize::MAX);
const SCRATCH: usize = 64 * 1024;

/// How a frame starts that says goodbye.
const CLOSE: u8 = 0x88;

/// What a user id starts with; the number of the connection follows.
const USER: &str = "user";

/// Listens on a free port, tells it, and passes messages on until it is ended.
///
/// # Errors
/// When there is no port, or no poll.
pub fn run(tell: impl FnOnce(SocketAddr) -> Result<()>) -> Result<()> {
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    tell(listener.local_addr()?)?;
    let mut relay = Relay::default();
    let mut events = Events::with_capacity(1024);
    let mut scratch = vec![0; SCRATCH];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            outcome => outcome?,
        }
        for event in &events {
            if event.token() == LISTENER {
                relay.accept(&listener, &poll)?;
            } else {
                relay.serve(event.token().0, &mut scratch);
            }
        }
    }
}

struct Client {
    stream: TcpStream,
    upgraded: bool,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
}

#[derive(Default)]
struct Relay {
    clients: Vec<Option<Client>>,
    /// Who has something to be written after this reading.
    ready: Vec<usize>,
}

impl Relay {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) -> Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("cannot accept"),
            };
            stream.set_nodelay(true)?;
            let token = Token(self.clients.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, token, interest)?;
            self.clients.push(Some(Client {
                stream,
                upgraded: false,
                inbox: Vec::new(),
                outbox: Vec::new(),
            }));
        }
    }

    fn serve(&mut self, who: usize, scratch: &mut [u8]) {
        loop {
            let Some(Some(client)) = self.clients.get_mut(who) else {
                return;
            };
            let count = match client.stream.read(scratch) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Ok(count) if count > 0 => count,
                _ => {
                    self.clients[who] = None;
                    return;
                }
            };
            client.inbox.extend_from_slice(&scratch[..count]);
            let mut inbox = std::mem::take(&mut client.inbox);
            let used = self.take(who, &mut inbox);
            inbox.drain(..used);
            if let Some(Some(client)) = self.clients.get_mut(who) {
                client.inbox = inbox;
            }
            if count < scratch.len() {
                break;
            }
        }
        self.flush(who);
        while let Some(other) = self.ready.pop() {
            self.flush(other);
        }
    }

    /// Handles what is whole; how many bytes that was.
    fn take(&mut self, who: usize, bytes: &mut [u8]) -> usize {
        let mut used = 0;
        if let Some(Some(client)) = self.clients.get_mut(who)
            && !client.upgraded
        {
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
                return 0;
            };
            client.upgraded = true;
            let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                Connection: Upgrade\r\n\r\n";
            client.outbox.extend_from_slice(answer);
            put(&mut client.outbox, br#"0{"sid":"x","upgrades":[]}"#);
            used = end + 4;
        }
        while let Some((start, end)) = unmask(&mut bytes[used..]) {
            if bytes[used] == CLOSE {
                self.clients[who] = None;
                return used;
            }
            self.text(who, &bytes[used + start..used + end]);
            used += end;
        }
        used
    }

    fn text(&mut self, who: usize, text: &[u8]) {
        if text.starts_with(b"40") {
            let session = format!(r#"42["session",{{"sessionID":"x","userID":"{USER}{who:08}"}}]"#);
            if let Some(Some(client)) = self.clients.get_mut(who) {
                put(&mut client.outbox, br#"40{"sid":"x"}"#);
                put(&mut client.outbox, session.as_bytes());
                put(&mut client.outbox, br#"42["users",[]]"#);
            }
            return;
        }
        let to = memmem::rfind(text, USER.as_bytes()).map(|at| at + USER.len());
        let digits = to.and_then(|at| text.get(at..at + 8));
        let number =
            digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok());
        if let Some(to) = number
            && let Some(Some(client)) = self.clients.get_mut(to)
        {
            put(&mut client.outbox, text);
            if self.ready.last() != Some(&to) {
                self.ready.push(to);
            }
        }
    }

    fn flush(&mut self, who: usize) {
        let Some(Some(client)) = self.clients.get_mut(who) else {
            return;
        };
        while !client.outbox.is_empty() {
            match client.stream.write(&client.outbox) {
                Ok(count) => {
                    client.outbox.drain(..count);
                }
                // Its reader or the next message brings it back here.
                Err(_) => return,
            }
        }
    }
}

/// Appends a server's text frame. Nothing here is longer than 64 KiB.
fn put(out: &mut Vec<u8>, text: &[u8]) {
    out.push(0x81);
    if let Ok(length) = u8::try_from(text.len())
        && length < 126
    {
        out.push(length);
    } else {
        out.push(126);
        out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    }
    out.extend_from_slice(text);
}

/// Unmasks the first frame, if it is whole: where its text starts and ends.
fn unmask(bytes: &mut [u8]) -> Option<(usize, usize)> {
    let (length, header) = match *bytes.get(1)? & 0x7f {
        126 => (
            usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
            4,
        ),
        short => (usize::from(short), 2),
    };
    let (start, end) = (header + 4, header + 4 + length);
    let [.., a, b, c, d] = *bytes.get(..start)? else {
        return None;
    };
    let mask = [a, b, c, d];
    for (index, byte) in bytes.get_mut(start..end)?.iter_mut().enumerate() {
        *byte ^= mask[index % 4];
    }
    Some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame;

    #[test]
    fn frames_are_read_once_they_are_whole() {
        for length in [0, 10, 125, 126, 5_000] {
            let payload = vec![b'x'; length];
            let mut bytes = frame::text(&payload);
            let whole = bytes.len();
            assert_eq!(unmask(&mut bytes[..whole - 1]), None);
            let (start, end) = unmask(&mut bytes).unwrap();
            assert_eq!((&bytes[start..end], end), (&payload[..], whole));
        }
    }
}
