//! CONNECT: an HTTP proxy becomes a mere line.

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{
    error::ProxyError,
    options::{Credentials, USER_AGENT},
    transport::target::Target,
};

/// The longest head of an answer, in bytes.
const MAX_HEAD: usize = 16 << 10;
/// What every head begins with, whichever 1.x it is.
const START: &[u8] = b"HTTP/1.";
/// How a head ends. Lines should end with both characters, and small proxies
/// leave the first one out.
const ENDS: [&[u8]; 2] = [b"\n\r\n", b"\n\n"];

/// Asks the proxy at the other end of `stream` for a line to `target`.
///
/// Servers without TLS, too, are reached like this, and not by requests to the
/// proxy: it would take the upgrade to WebSocket for one between itself and us,
/// strip it, and could read and change all headers.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    target: &Target,
    credentials: Option<&Credentials>,
) -> Result<(), ProxyError> {
    let request = request(target, credentials);
    let written = async {
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await
    };
    written.await.map_err(|error| ProxyError::network(&error))?;
    let head = head(stream).await?;
    match status(&head)? {
        200..=299 => Ok(()),
        407 if credentials.is_none() => Err(ProxyError::AuthRequired),
        407 => Err(ProxyError::AuthRefused),
        status @ (502..=504) => Err(ProxyError::Unreachable(format!("HTTP {status}"))),
        status => Err(ProxyError::Forbidden(format!("HTTP {status}"))),
    }
}

fn request(target: &Target, credentials: Option<&Credentials>) -> String {
    let (host, port) = (&target.host, target.port);
    let place = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    let sign_in = credentials.map_or_else(String::new, |Credentials { user, password }| {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        format!("Proxy-Authorization: Basic {encoded}\r\n")
    });
    format!(
        "CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: {USER_AGENT}\r\n{sign_in}\r\n"
    )
}

/// Reads the head of the answer, up to the empty line.
async fn head<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Vec<u8>, ProxyError> {
    let mut head = Vec::with_capacity(512);
    loop {
        let before = head.len();
        let room = u64::try_from(MAX_HEAD - before).unwrap_or(0);
        let read = (&mut *stream).take(room).read_buf(&mut head).await;
        if read.map_err(|error| ProxyError::network(&error))? == 0 {
            return Err(ProxyError::Network("it closed the connection".to_owned()));
        }
        let known = START.len().min(head.len());
        if head[..known] != START[..known] {
            return Err(ProxyError::Protocol("it does not speak HTTP"));
        }
        // The end may have begun in the part before.
        if let Some(end) = end(&head, before.saturating_sub(2)) {
            // The server speaks second, so this can only be the proxy, or a server
            // that is none of ours; it must not be taken for an answer.
            if end < head.len() && matches!(status(&head), Ok(200..=299)) {
                return Err(ProxyError::Protocol("it says more than it was asked"));
            }
            return Ok(head);
        }
        if head.len() >= MAX_HEAD {
            return Err(ProxyError::Protocol("its answer is too long"));
        }
    }
}

/// Where the head ends, if it does from here on.
fn end(head: &[u8], from: usize) -> Option<usize> {
    (from..head.len()).find_map(|at| {
        let end = ENDS.iter().find(|end| head[at..].starts_with(end))?;
        Some(at + end.len())
    })
}

/// The status in the first line of the head.
fn status(head: &[u8]) -> Result<u16, ProxyError> {
    let wrong = ProxyError::Protocol("its answer has no status");
    let [_, b' ', a, b, c, b' ' | b'\r' | b'\n', ..] = head.get(START.len()..).unwrap_or_default()
    else {
        return Err(wrong);
    };
    let digits = [*a, *b, *c];
    match std::str::from_utf8(&digits).map(str::parse) {
        Ok(Ok(status @ 100..=999)) if digits.iter().all(u8::is_ascii_digit) => Ok(status),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ConnectOptions;

    fn asked(url: &str, credentials: Option<&Credentials>) -> String {
        let target = Target::from_options(&ConnectOptions::new(url.parse().unwrap())).unwrap();
        request(&target, credentials)
    }

    #[test]
    fn the_port_is_always_named_and_addresses_have_brackets() {
        assert!(asked("https://a.example", None).starts_with("CONNECT a.example:443 HTTP/1.1\r\n"));
        assert!(
            asked("http://[::1]", None)
                .starts_with("CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n")
        );
        assert!(!asked("http://a", None).contains("Authorization"));
    }

    #[test]
    fn a_sign_in_is_encoded_as_basic_has_it() {
        // The example of RFC 7617, section 2.
        let credentials = Credentials {
            user: "Aladdin".to_owned(),
            password: "open sesame".to_owned(),
        };
        let request = asked("http://a", Some(&credentials));
        let line = "\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
        assert!(request.ends_with(line), "{request}");
    }

    #[tokio::test]
    async fn an_answer_is_read_however_it_is_cut() {
        let proper = b"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n".as_slice();
        let sloppy = b"HTTP/1.1 200\nVia: x\n\n";
        let cuts = |answer: &'static [u8]| (1..answer.len()).map(move |cut| (answer, cut));
        for (answer, cut) in cuts(proper).chain(cuts(sloppy)) {
            let (mut ours, mut theirs) = tokio::io::duplex(1 << 10);
            let target = Target::from_options(&ConnectOptions::new("http://a".parse().unwrap()));
            let answering = async {
                theirs.write_all(&answer[..cut]).await.unwrap();
                tokio::task::yield_now().await;
                theirs.write_all(&answer[cut..]).await.unwrap();
            };
            let target = target.unwrap();
            let (opened, ()) = tokio::join!(open(&mut ours, &target, None), answering);
            assert_eq!(opened, Ok(()), "{cut}");
        }
    }

    #[test]
    fn a_status_is_three_digits() {
        for (head, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", Some(200)),
            ("HTTP/1.0 407\r\n\r\n", Some(407)),
            ("HTTP/1.1 200\n\n", Some(200)),
            ("HTTP/1.1 20 OK\r\n\r\n", None),
            ("HTTP/1.1 2000 OK\r\n\r\n", None),
            ("HTTP/1.1 +20 OK\r\n\r\n", None),
            ("HTTP/1.1 000 OK\r\n\r\n", None),
            ("HTTP/1.1200 OK\r\n\r\n", None),
            ("HTTP/1.", None),
        ] {
            assert_eq!(status(head.as_bytes()).ok(), expected, "{head:?}");
        }
    }
}
