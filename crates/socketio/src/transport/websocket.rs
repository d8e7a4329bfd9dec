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
use url::form_urlencoded;

use super::{dialer::Dialer, stream::Stream, target::Target};
use crate::{
    cookies::CookieJar,
    error::{CloseReason, ConnectError},
};

/// The request for the upgrade, of a session that began otherwise where there is
/// an `sid`.
pub(super) fn request(dialer: &Dialer, sid: Option<&str>) -> Result<Request<()>, ConnectError> {
    let mut address = dialer.target().websocket();
    if let Some(sid) = sid {
        address.push_str("&sid=");
        address.extend(form_urlencoded::byte_serialize(sid.as_bytes()));
    }
    let mut request = address.into_client_request().map_err(|_| unfit())?;
    request.headers_mut().extend(dialer.headers());
    Ok(request)
}

/// Asks for the upgrade.
pub(super) async fn upgrade(
    target: &Target,
    mut request: Request<()>,
    cookies: &CookieJar,
    stream: Stream,
    incoming_bytes: usize,
) -> Result<WebSocketStream<Stream>, ConnectError> {
    let limit = Some(incoming_bytes.max(1));
    let config = WebSocketConfig::default()
        .max_message_size(limit)
        .max_frame_size(limit);
    let url = target.cookie_url()?;
    cookies.add_to(request.headers_mut(), &url);
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((websocket, response)) => {
            cookies.keep(response.headers(), &url);
            Ok(websocket)
        }
        Err(error) => {
            if let Error::Http(response) = &error {
                cookies.keep(response.headers(), &url);
            }
            Err(upgrade_error(error, target))
        }
    }
}

fn upgrade_error(error: Error, target: &Target) -> ConnectError {
    match error {
        Error::Http(response) => {
            let status = response.status().as_u16();
            target
                .redirect(status, response.headers())
                .unwrap_or_else(|| ConnectError::from_status(status))
        }
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
