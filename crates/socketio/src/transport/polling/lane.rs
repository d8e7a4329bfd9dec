//! Requests one after the other, over a connection that is kept in between.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{task::JoinHandle, time::timeout_at};

use super::{failure::Failure, site::Site, watch};
use crate::{clock, transport::Meter};

/// How long a connection may have been idle to be used again. Servers close idle
/// ones after a while, some (Node's) after 5 s; and a request that meets the
/// closing half-way is lost without a trace of how far it came.
const KEEP: Duration = Duration::from_secs(3);
/// A server that says how long it keeps an idle connection means its own clock,
/// and the request has a way to go.
const MARGIN: Duration = Duration::from_secs(2);
/// What the head of an answer may take up, in bytes.
const HEAD: usize = 64 << 10;
/// A body that comes more slowly than so many bytes a second counts as none.
const SLOWEST: u64 = 1 << 10;

/// See the module.
pub(super) struct Lane {
    meter: Arc<Meter>,
    open: Option<Open>,
}

/// A connection.
struct Open {
    sender: SendRequest<Full<Bytes>>,
    idle_since: Instant,
    keep: Duration,
    _driver: Driver,
}

/// The task that moves the bytes. It goes down with its connection.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How long an answer may take to begin; `None` where somebody else looks.
pub(super) type Patience = Option<Duration>;

impl Lane {
    pub(super) fn new() -> Self {
        Self {
            meter: Arc::new(Meter::default()),
            open: None,
        }
    }

    /// What passes over its connections.
    pub(super) fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Asks, and waits for the whole answer. The request is sent once: where it
    /// may have arrived, a failure is a failure.
    pub(super) async fn exchange(
        &mut self,
        site: &Site,
        request: Request<Full<Bytes>>,
        patience: Patience,
    ) -> Result<Bytes, Failure> {
        let deadline = patience.map(|patience| tokio::time::Instant::now() + patience);
        let asked = self.ask(site, request);
        let (mut open, response) = match deadline {
            Some(deadline) => timeout_at(deadline, asked)
                .await
                .map_err(|_| Failure::TimedOut)??,
            None => asked.await?,
        };
        let (head, body) = response.into_parts();
        site.answered(&head.headers);
        if head.status != StatusCode::OK {
            let status = head.status.as_u16();
            let redirect = site.dialer.target().redirect(status, &head.headers);
            return Err(match redirect {
                Some(error) => Failure::Redirected { status, error },
                None => Failure::Status(status),
            });
        }
        if head.headers.contains_key(header::CONTENT_ENCODING) {
            // We asked for none.
            return Err(Failure::Foreign("an answer is encoded"));
        }
        let body = read(body, site.incoming_bytes, deadline).await?;
        if let Some(keep) = keep(&head.headers) {
            open.keep = keep;
            open.idle_since = clock::now();
            self.open = Some(open);
        }
        Ok(body)
    }

    async fn ask(
        &mut self,
        site: &Site,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(Open, Response<Incoming>), Failure> {
        if let Some(mut open) = self.open.take()
            && clock::now() < open.idle_since + open.keep
            && open.sender.ready().await.is_ok()
        {
            match open.sender.try_send_request(request).await {
                Ok(response) => return Ok((open, response)),
                // It was closed meanwhile, and nothing of the request was written.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error().into()),
                },
            }
        }
        let mut open = self.dial(site).await?;
        let response = open.sender.send_request(request).await?;
        Ok((open, response))
    }

    async fn dial(&self, site: &Site) -> Result<Open, Failure> {
        let stream = site.dialer.dial(Arc::clone(&self.meter)).await;
        let stream = stream.map_err(Failure::Reach)?;
        watch::over(&stream);
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD)
            .handshake(TokioIo::new(stream))
            .await?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer is told what went wrong.
            let _ = connection.await;
        });
        Ok(Open {
            sender,
            idle_since: clock::now(),
            keep: KEEP,
            _driver: Driver(driver),
        })
    }
}

/// How long the connection may be idle after this answer; `None` if it is not to
/// be used again.
fn keep(headers: &HeaderMap) -> Option<Duration> {
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let closes = said(header::CONNECTION).is_some_and(|value| {
        value
            .split(',')
            .any(|token| token.trim().eq_ignore_ascii_case("close"))
    });
    if closes {
        return None;
    }
    let hint = said(header::HeaderName::from_static("keep-alive")).and_then(|value| {
        value
            .split(',')
            .find_map(|part| part.trim().strip_prefix("timeout=")?.trim().parse().ok())
    });
    match hint {
        Some(seconds) => Duration::from_secs(seconds)
            .checked_sub(MARGIN)
            .map(|time| time.min(KEEP)),
        None => Some(KEEP),
    }
}

/// Reads a body as it comes, and never holds more than the limit.
async fn read(
    mut body: Incoming,
    limit: usize,
    deadline: Option<tokio::time::Instant>,
) -> Result<Bytes, Failure> {
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > limit) {
        return Err(Failure::TooLarge);
    }
    let mut first = Bytes::new();
    let mut rest = Vec::new();
    loop {
        let length = first.len() + rest.len();
        let frame = match deadline {
            Some(deadline) => {
                let worth = u64::try_from(length).unwrap_or(u64::MAX) / SLOWEST;
                timeout_at(deadline + Duration::from_secs(worth), body.frame())
                    .await
                    .map_err(|_| Failure::TimedOut)?
            }
            None => body.frame().await,
        };
        let Some(frame) = frame else {
            break;
        };
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if data.len() > limit - length {
            return Err(Failure::TooLarge);
        }
        if length == 0 {
            // As a rule it is all there is.
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
                first = Bytes::new();
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.into() })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn kept(name: &'static str, value: &'static str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        keep(&headers).map(|time| time.as_secs())
    }

    #[test]
    fn a_connection_is_kept_for_less_than_its_server_keeps_it() {
        assert_eq!(kept("connection", "keep-alive"), Some(3));
        assert_eq!(kept("keep-alive", "timeout=5"), Some(3));
        assert_eq!(kept("keep-alive", "max=9, timeout=4"), Some(2));
        assert_eq!(kept("keep-alive", "timeout=1"), None);
        assert_eq!(kept("keep-alive", "timeout=x"), Some(3));
        assert_eq!(kept("connection", "TE, Close"), None);
    }
}
