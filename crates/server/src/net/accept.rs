//! Listening, and one HTTP connection at a time handed to the router.

use std::{io, net::SocketAddr, sync::Arc};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use super::{stream::Stream, valve::Valves};
use crate::limits::{ACCEPT_REST, HEADER_TIMEOUT, TCP_BACKLOG, TCP_CONNECTIONS};

/// Listens on `address`. An address that was just in use by a server that
/// ended is free again at once.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Elsewhere this option would let two servers share the address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(TCP_BACKLOG)
}

/// The task that accepts connections, until told to end.
#[derive(Debug)]
pub(crate) struct Acceptor {
    task: JoinHandle<()>,
}

impl Acceptor {
    /// Serves `router` on `listener`; `valves` gets every stream.
    pub(crate) fn start(listener: TcpListener, router: Router, valves: Arc<Valves>) -> Self {
        Self {
            task: tokio::spawn(accept(listener, router, valves)),
        }
    }

    /// Accepts no more, and frees the address.
    pub(crate) async fn end(self) {
        self.task.abort();
        // Aborting is what was asked for.
        let _ = self.task.await;
    }
}

async fn accept(listener: TcpListener, router: Router, valves: Arc<Valves>) {
    let places = Arc::new(Semaphore::new(TCP_CONNECTIONS));
    while let Ok(place) = places.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((tcp, _)) => {
                tokio::spawn(serve(tcp, place, router.clone(), valves.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

async fn serve(tcp: TcpStream, place: OwnedSemaphorePermit, router: Router, valves: Arc<Valves>) {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone at once");
        return;
    }
    let valve = valves.create();
    let stream = TokioIo::new(Stream::new(tcp, valve.clone(), place));
    let router = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(valve.clone());
        router.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(stream, service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "an HTTP connection ended");
    }
}
