//! What all requests of a connection have in common.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HOST},
};
use http_body_util::Full;
use url::{Url, form_urlencoded};

use super::failure::Failure;
use crate::{cookies::CookieJar, error::ConnectError, transport::Dialer};

/// Where requests go, and what they say of us.
pub(super) struct Site {
    pub(super) dialer: Dialer,
    /// The largest answer, in bytes.
    pub(super) incoming_bytes: usize,
    cookies: CookieJar,
    /// The address, for the cookies.
    url: Url,
    host: HeaderValue,
    stamp: AtomicU64,
}

impl Site {
    pub(super) fn new(
        dialer: Dialer,
        cookies: CookieJar,
        incoming_bytes: usize,
    ) -> Result<Self, ConnectError> {
        let target = dialer.target();
        let url = target.cookie_url()?;
        let usual = if target.secure { ":443" } else { ":80" };
        let host = target.authority.strip_suffix(usual);
        let host = host.unwrap_or(&target.authority);
        let host = HeaderValue::try_from(host)
            .map_err(|_| ConnectError::InvalidUrl("no request can name this host"))?;
        Ok(Self {
            cookies,
            url,
            host,
            // Chance enough that no two connections ask for the same address.
            stamp: AtomicU64::new(RandomState::new().hash_one(0_u8) >> 16),
            incoming_bytes,
            dialer,
        })
    }

    /// A request for what the server has to say, or one that says something.
    pub(super) fn request(
        &self,
        sid: Option<&str>,
        body: Option<Bytes>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        // Caches that keep what they must not keep nothing that has no equal.
        let stamp = self.stamp.fetch_add(1, Ordering::Relaxed);
        let mut resource = self.dialer.target().resource("polling");
        resource.push_str(&format!("&t={stamp:x}"));
        if let Some(sid) = sid {
            resource.push_str("&sid=");
            resource.extend(form_urlencoded::byte_serialize(sid.as_bytes()));
        }
        let method = if body.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let text = body.is_some();
        let mut request = Request::new(Full::new(body.unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = resource
            .parse()
            .map_err(|_| Failure::Foreign("its session has no address"))?;
        let headers = request.headers_mut();
        headers.extend(self.dialer.headers());
        headers.insert(HOST, self.host.clone());
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("*/*"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if text {
            let text = HeaderValue::from_static("text/plain;charset=UTF-8");
            headers.insert(CONTENT_TYPE, text);
        }
        self.cookies.add_to(headers, &self.url);
        Ok(request)
    }

    /// An answer came with these headers.
    pub(super) fn answered(&self, headers: &HeaderMap) {
        self.cookies.keep(headers, &self.url);
    }
}
