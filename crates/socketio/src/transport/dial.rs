//! Name → TCP.

use std::{io, net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::net::{TcpStream, lookup_host};

use crate::error::ConnectError;

/// The head start of each address before the next one is tried beside it, so
/// that a dead IPv6 route costs this and not the whole time.
const HEAD_START: Duration = Duration::from_millis(250);
/// No name has more addresses of use than this.
const MAX_ADDRESSES: usize = 16;

/// Connects to the first address of `host` that answers.
pub(super) async fn dial(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let found = lookup_host((host, port))
        .await
        .map_err(|_| ConnectError::NameNotFound)?;
    let addresses: Vec<SocketAddr> = found.take(MAX_ADDRESSES).collect();
    if addresses.is_empty() {
        return Err(ConnectError::NameNotFound);
    }
    let tcp = race(addresses).await.map_err(|error| dial_error(&error))?;
    // Small frames must not wait for the acknowledgement of earlier ones.
    tcp.set_nodelay(true).map_err(|error| dial_error(&error))?;
    Ok(tcp)
}

async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut attempts = FuturesUnordered::new();
    let mut addresses = addresses.into_iter();
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    loop {
        let more = match addresses.next() {
            Some(address) => {
                attempts.push(TcpStream::connect(address));
                true
            }
            None => false,
        };
        let start_next = tokio::time::sleep(HEAD_START);
        tokio::pin!(start_next);
        // An attempt that fails, or the end of its head start, lets the next begin.
        loop {
            tokio::select! {
                result = attempts.next() => match result {
                    Some(Ok(tcp)) => return Ok(tcp),
                    Some(Err(error)) => {
                        failure = telling(failure, error);
                        if more { break; }
                    }
                    None if more => break,
                    None => return Err(failure),
                },
                () = &mut start_next, if more => break,
            }
        }
    }
}

/// Of two failures the one that says more: a refusal means that the machine is there.
fn telling(known: io::Error, new: io::Error) -> io::Error {
    if known.kind() == io::ErrorKind::ConnectionRefused {
        known
    } else {
        new
    }
}

fn dial_error(error: &io::Error) -> ConnectError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectError::ConnectionRefused,
        io::ErrorKind::TimedOut => ConnectError::TimedOut,
        _ => ConnectError::Network(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_address_does_not_hide_a_living_one() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let dead = closed.local_addr().unwrap();
        drop(closed);
        let tcp = race(vec![dead, listener.local_addr().unwrap()])
            .await
            .unwrap();
        assert_eq!(tcp.peer_addr().unwrap(), listener.local_addr().unwrap());
        let error = race(vec![dead, dead]).await.unwrap_err();
        assert!(matches!(
            dial_error(&error),
            ConnectError::ConnectionRefused
        ));
    }

    #[tokio::test]
    async fn a_name_that_cannot_exist_is_not_found() {
        let error = dial("parlour.invalid", 80).await.unwrap_err();
        assert!(matches!(error, ConnectError::NameNotFound));
    }
}
