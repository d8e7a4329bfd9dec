//! The first transport that opens, in the order that the options ask for.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use tokio::time::timeout;

use super::{
    Dialer, Frames, Heard, Meter, Wire, Writer,
    polling::{self, Mover},
    websocket,
};
use crate::{
    cookies::CookieJar, error::ConnectError, options::ConnectOptions, transports::Transports,
};

/// Connects, up to the first word of the engine where another transport is to be
/// tried without it. Takes as long as it takes; dropping the future gives the
/// attempt up.
pub(crate) async fn open(
    options: &ConnectOptions,
    cookies: &CookieJar,
) -> Result<Wire, ConnectError> {
    let opening = Opening {
        dialer: Dialer::from_options(options)?,
        cookies,
        options,
    };
    // The futures are large, and one of them is enough.
    match options.transports {
        Transports::WebSocket => Box::pin(opening.websocket()).await.map_err(NoWire::error),
        Transports::Polling => Box::pin(opening.polling(false)).await,
        Transports::WebSocketFirst => {
            let refused = match Box::pin(opening.websocket_soon()).await {
                Ok(wire) => return Ok(wire),
                Err(NoWire::Unreachable(error)) => return Err(error),
                Err(NoWire::Refused(error)) => error,
            };
            tracing::debug!(%refused, "WebSocket is refused: polling");
            let polling = Box::pin(opening.polling(false)).await;
            polling.map_err(|second| telling(refused, second))
        }
        Transports::PollingFirst => {
            let refused = match Box::pin(opening.polling(true)).await {
                Err(error) if is_answer(&error) => error,
                other => return other,
            };
            tracing::debug!(%refused, "polling is refused: WebSocket");
            let websocket = Box::pin(opening.websocket()).await;
            websocket.map_err(|second| telling(refused, second.error()))
        }
    }
}

/// Why there is no WebSocket.
enum NoWire {
    /// Nobody could be reached, so that nothing else would do better.
    Unreachable(ConnectError),
    /// There was somebody, and no WebSocket with them.
    Refused(ConnectError),
}

impl NoWire {
    fn error(self) -> ConnectError {
        let (Self::Unreachable(error) | Self::Refused(error)) = self;
        error
    }
}

struct Opening<'a> {
    dialer: Dialer,
    cookies: &'a CookieJar,
    options: &'a ConnectOptions,
}

impl Opening<'_> {
    async fn websocket(&self) -> Result<Wire, NoWire> {
        let (stream, meter) = self.dial().await?;
        self.upgrade(stream, meter).await
    }

    /// In a share of the time, and with the engine's first word: what lies between
    /// may grant a WebSocket and let nothing pass.
    async fn websocket_soon(&self) -> Result<Wire, NoWire> {
        let (stream, meter) = self.dial().await?;
        let opened = async {
            let mut wire = self.upgrade(stream, meter).await?;
            match wire.next().await {
                Heard::Ended(reason) => {
                    Err(NoWire::Refused(ConnectError::Network(reason.to_string())))
                }
                first => {
                    wire.first = Some(first);
                    Ok(wire)
                }
            }
        };
        timeout(share(self.options.connect_timeout), opened)
            .await
            .unwrap_or(Err(NoWire::Refused(ConnectError::TimedOut)))
    }

    async fn dial(&self) -> Result<(super::Stream, Arc<Meter>), NoWire> {
        let meter = Arc::new(Meter::default());
        let stream = self.dialer.dial(Arc::clone(&meter)).await;
        Ok((stream.map_err(NoWire::Unreachable)?, meter))
    }

    async fn upgrade(&self, stream: super::Stream, meter: Arc<Meter>) -> Result<Wire, NoWire> {
        let target = self.dialer.target();
        let request = websocket::request(&self.dialer, None).map_err(NoWire::Unreachable)?;
        let websocket = websocket::upgrade(
            target,
            request,
            self.cookies,
            stream,
            self.options.limits.incoming_bytes,
        );
        let (sink, reader) = websocket.await.map_err(NoWire::Refused)?.split();
        Ok(Wire::by_websocket(
            Frames::new(reader, Writer::new(sink)),
            meter,
        ))
    }

    async fn polling(&self, moves: bool) -> Result<Wire, ConnectError> {
        let mover = moves.then(|| Mover {
            dialer: self.dialer.clone(),
            cookies: self.cookies.clone(),
            incoming_bytes: self.options.limits.incoming_bytes,
        });
        let polling = polling::open(
            self.dialer.clone(),
            self.cookies.clone(),
            self.options,
            mover,
        );
        Ok(Wire::by_polling(polling.await?))
    }
}

/// How long a WebSocket may take to open where polling is to have its chance:
/// two fifths.
fn share(limit: Duration) -> Duration {
    limit.mul_f64(0.4)
}

/// Whether somebody at the other end has said this.
fn is_answer(error: &ConnectError) -> bool {
    matches!(
        error,
        ConnectError::Http { .. }
            | ConnectError::Redirected { .. }
            | ConnectError::NotSocketIo(_)
            | ConnectError::Protocol(_)
    )
}

/// Of the failures of both transports the one that says more: what somebody
/// answered, and rather to the second; or else the first, which was the server's
/// own, for it could be reached.
fn telling(first: ConnectError, second: ConnectError) -> ConnectError {
    if is_answer(&second) { second } else { first }
}
