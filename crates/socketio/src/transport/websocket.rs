//! TLS or TCP → WebSocket, and what its errors mean here.

use http::Request;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error,
        client::IntoClientRequest,
        error::{CapacityError, ProtocolError},
        protocol::WebSocketConfig,
    },
};

use super::{dialer::Dialer, stream::Stream, target::Target};
use crate::error::{CloseReason, ConnectError};

/// The request for the upgrade, to which more headers can be added.
pub(super) fn request(dialer: &Dialer) -> Result<Request<()>, ConnectError> {
    let mut request = dialer
        .target()
        .websocket()
        .into_client_request()
        .map_err(|_| unfit())?;
    request.headers_mut().extend(dialer.headers());
    Ok(request)
}

/// Asks for the upgrade.
pub(super) async fn upgrade(
    target: &Target,
    request: Request<()>,
    stream: Stream,
    incoming_bytes: usize,
) -> Result<WebSocketStream<Stream>, ConnectError> {
    let limit = Some(incoming_bytes.max(1));
    let config = WebSocketConfig::default()
        .max_message_size(limit)
        .max_frame_size(limit);
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((websocket, _)) => Ok(websocket),
        Err(error) => Err(upgrade_error(error, target)),
    }
}

fn upgrade_error(error: Error, target: &Target) -> ConnectError {
    match error {
        Error::Http(response) => match response.status().as_u16() {
            // A web server that knows nothing of the path, or has a page for all.
            status @ (200..=299 | 404) => {
                ConnectError::NotSocketIo(format!("it answered HTTP {status}"))
            }
            status => target
                .redirect(status, response.headers())
                .unwrap_or(ConnectError::Http { status }),
        },
        Error::Io(error) => ConnectError::Network(error.to_string()),
        Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            ConnectError::Network("the server closed the connection at once".to_owned())
        }
        Error::Protocol(ProtocolError::HttparseError(_)) => {
            ConnectError::NotSocketIo("it does not speak HTTP".to_owned())
        }
        Error::Url(_) | Error::HttpFormat(_) => unfit(),
        // These texts are fixed: they quote nothing of what was received.
        other => ConnectError::NotSocketIo(other.to_string()),
    }
}

fn unfit() -> ConnectError {
    ConnectError::InvalidUrl("host or path hold characters that they must not")
}

/// What the end of an open WebSocket means; `None` is the end of the stream.
pub(super) fn ended(error: Option<&Error>) -> CloseReason {
    match error {
        Some(Error::Capacity(CapacityError::MessageTooLong { .. })) => CloseReason::TooLarge,
        Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Error::Io(_))
        | None => CloseReason::TransportClosed,
        Some(Error::Utf8(_)) => CloseReason::Protocol("text that is not UTF-8".to_owned()),
        Some(other) => CloseReason::Protocol(other.to_string()),
    }
}
