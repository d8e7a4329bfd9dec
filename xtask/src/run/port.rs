//! Whether the port is free, and if not, who has it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long the one that has the port may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn check(listen: SocketAddr) -> Result<()> {
    match TcpListener::bind(listen) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {}
        Err(error) => return Err(error).with_context(|| format!("cannot listen at {listen}")),
    }
    let who = if is_chat_server(listen).unwrap_or(false) {
        "a Socket.IO server, perhaps a parlour-server of an earlier run"
    } else {
        "another program"
    };
    let next = SocketAddr::new(listen.ip(), listen.port().checked_add(1).unwrap_or(3000));
    bail!("{listen} is in use by {who}. End it, or choose another: cargo xtask run --listen {next}")
}

/// Asks for an Engine.IO handshake, which only a Socket.IO server answers.
fn is_chat_server(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let path = "/socket.io/?EIO=4&transport=polling";
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    // Enough for the headers and the start of the body.
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    let deadline = Instant::now() + PATIENCE;
    while answer.len() < 16 * 1024 {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
        }
        if is_handshake(&answer) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_handshake(answer: &[u8]) -> bool {
    String::from_utf8_lossy(answer).contains("0{\"sid\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers one request, and stays on the port until the test is over.
    fn answering(body: &'static str) -> (SocketAddr, std::thread::JoinHandle<TcpListener>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
            )
            .unwrap();
            listener
        });
        (address, thread)
    }

    #[test]
    fn a_free_port_is_fine() {
        check("127.0.0.1:0".parse().unwrap()).unwrap();
    }

    #[test]
    fn a_chat_server_on_the_port_is_recognised() {
        let (address, thread) = answering("0{\"sid\":\"x\",\"upgrades\":[]}");
        let error = check(address).unwrap_err().to_string();
        assert!(error.contains("perhaps a parlour-server"), "{error}");
        assert!(error.contains("--listen"), "{error}");
        drop(thread.join().unwrap());
    }

    #[test]
    fn any_other_program_is_not_taken_for_one() {
        let (address, thread) = answering("hello");
        let error = check(address).unwrap_err().to_string();
        assert!(error.contains("in use by another program"), "{error}");
        drop(thread.join().unwrap());
    }
}
