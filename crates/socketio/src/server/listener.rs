//! From a TCP stream to a session: one task per connection.
//!
//! ```text
//!  accept ─▶ TLS ─▶ HTTP ──┬─▶ closed
//!                          ├─▶ WebSocket: a session of its own, to its end
//!                          └─▶ WebSocket: moves a session, whose task takes it
//! ```

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{
    Frame, Guard, LeaveReason, RequestInfo,
    engine::{
        door::{Next, new_session},
        fixed, handshake,
        session::Input,
        sid::Sid,
        stream::{LEAVE, Patient, Stream, linger},
        upgrade,
        upper::MakeUpper,
    },
    http,
    site::{Phase, Site},
    tally::{Open, add},
};

/// Connections that the system holds until they are accepted. A server that
/// restarts is met by all its clients at once, and one that finds no room tries
/// again only after a second: with 1,024 that second was nearly all of the time
/// that 2,000 took to come in. Linux takes 4,096 at most unless told otherwise.
const BACKLOG: u32 = 4096;
/// How much of what is written the system holds for one connection, in bytes
/// (Linux takes it twice). Left to itself it would hold megabytes, and say only when
/// a third of them is gone that the client has read: a slow client would look as
/// if it stood still. And what the system holds for one that does stand still is
/// memory, too.
const SEND_BUFFER: u32 = 256 * 1024;
/// How long accepting rests after it failed: for want of descriptors as a rule.
const ACCEPT_REST: Duration = Duration::from_millis(50);
/// The most bytes in the head of a request.
const HEAD: usize = 16 * 1024;

/// Listens on `address`, with room for many clients at once. An address that was
/// just in use by a server that ended is free again at once.
///
/// # Errors
/// The address is in use, or not of this machine, or not allowed.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Elsewhere this option would let two servers share the address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    // Connections have it from their listener.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts connections, until it is aborted.
pub(crate) async fn accept<M: MakeUpper>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    site: Arc<Site<M>>,
) {
    let places = Arc::new(Semaphore::new(site.options.tcp_connections));
    let mut failing = false;
    while let Ok(place) = places.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((tcp, remote)) => {
                failing = false;
                let (tls, site) = (tls.clone(), site.clone());
                tokio::spawn(async move {
                    connection(tcp, remote, tls, &site).await;
                    drop(place);
                });
            }
            // That one is gone, and says nothing about the next.
            Err(error) if is_of_one(&error) => {}
            Err(error) => {
                // Said once in a row: twenty times a second nobody wants to read it.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "connections cannot be accepted");
                }
                sleep(ACCEPT_REST).await;
            }
        }
    }
}

/// Whether accepting failed because of the connection that would have been it.
fn is_of_one(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

async fn connection<M: MakeUpper>(
    tcp: TcpStream,
    remote: SocketAddr,
    tls: Option<TlsAcceptor>,
    site: &Arc<Site<M>>,
) {
    add(&site.tally.connections_total);
    let _open = Open::new(&site.tally.connections);
    // Boxed, so that a WebSocket does not carry the room for HTTP along.
    let before = Box::pin(site.unless_aborting(before(tcp, remote, tls, site)));
    let Some(Some((next, stream, early))) = before.await else {
        return;
    };
    match next {
        Next::Open(origin, guard) => opened(origin, guard, stream, early, site).await,
        Next::Move(claim) => {
            let moving = moving(claim, stream, early, site);
            Box::pin(site.unless_aborting(moving)).await;
        }
        Next::Nothing => {
            Box::pin(site.unless_aborting(turn_away(stream))).await;
        }
    }
}

/// A session of its own, to its end.
async fn opened<M: MakeUpper>(
    origin: Arc<RequestInfo>,
    guard: Option<Guard>,
    stream: Stream,
    early: Vec<u8>,
    site: &Arc<Site<M>>,
) {
    let (session, outbound) = new_session(site, origin);
    let open = handshake::open_packet(&Sid::random(), &[], &site.options);
    // It is the first, so it fits.
    let _ = outbound.push(&Frame::text(&open));
    drop(open);
    let entry = site.sessions.enter(outbound.clone(), guard);
    site.tell(&outbound);
    drop(outbound);
    let rest = session.over_websocket(stream, early).await;
    drop(entry);
    Box::pin(site.unless_aborting(rest.linger())).await;
}

/// TLS and HTTP, until the connection goes on as a WebSocket or ends.
async fn before<M: MakeUpper>(
    tcp: TcpStream,
    remote: SocketAddr,
    tls: Option<TlsAcceptor>,
    site: &Arc<Site<M>>,
) -> Option<(Next, Stream, Vec<u8>)> {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone at once");
        return None;
    }
    let stream = match tls {
        None => Stream::Plain(tcp),
        Some(tls) => match timeout(site.options.header_timeout, tls.accept(tcp)).await {
            Ok(Ok(tls)) => Stream::Tls(Box::new(tls)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a connection could not be secured");
                return None;
            }
            Err(_) => return None,
        },
    };
    let next = Arc::new(Mutex::new(None));
    let service = {
        let (site, next) = (site.clone(), next.clone());
        service_fn(move |request: Request<Incoming>| {
            let (site, slot) = (site.clone(), next.clone());
            Box::pin(async move {
                let mut next = None;
                let answer = http::answer(&site, remote, request, &mut next).await;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = next;
                Ok::<_, std::convert::Infallible>(answer)
            })
        })
    };
    let stream = Patient::new(stream, site.options.stall_timeout);
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(site.options.header_timeout)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut phase = site.phase.clone();
    loop {
        if *phase.borrow_and_update() > Phase::Closing {
            Pin::new(&mut connection).graceful_shutdown();
        }
        tokio::select! {
            done = poll_fn(|context| connection.poll_without_shutdown(context)) => match done {
                Ok(()) => break,
                Err(error) => {
                    tracing::debug!(%error, "an HTTP connection ended");
                    if error.is_parse() {
                        // It is told so, and is to hear it.
                        break;
                    }
                    return None;
                }
            },
            changed = phase.changed() => if changed.is_err() {
                return None;
            },
        }
    }
    let parts = connection.into_parts();
    let stream = parts.io.into_inner().into_inner();
    let next = next.lock().unwrap_or_else(PoisonError::into_inner).take();
    match next {
        Some(next) => Some((next, stream, parts.read_buf.to_vec())),
        None => {
            linger(stream).await;
            None
        }
    }
}

/// Moves a session to this stream, whose task then takes it.
async fn moving<M>(claim: upgrade::Claim, mut stream: Stream, early: Vec<u8>, site: &Site<M>) {
    let session = claim.session();
    let mut phase = site.phase.clone();
    let probed = tokio::select! {
        probed = upgrade::probe(&mut stream, early, &session.outbound) => probed,
        () = sleep(site.options.upgrade_timeout) => None,
        _ = phase.wait_for(|phase| *phase > Phase::Full) => None,
    };
    match probed {
        // If the session is over meanwhile, so is the stream.
        Some(early) => drop(session.inputs.send(Input::Moved(stream, early)).await),
        None => {
            drop(claim);
            turn_away(stream).await;
        }
    }
}

/// Closes a WebSocket that is of no use.
async fn turn_away(mut stream: Stream) {
    let close = fixed::websocket_close(LeaveReason::ProtocolError);
    if let Ok(Ok(())) = timeout(LEAVE, stream.write_all(&close)).await {
        linger(stream).await;
    }
}
