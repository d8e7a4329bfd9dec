//! The cookies of a server, and of what stands before it.
//!
//! Balancers tell by a cookie which of several servers a session lives on. On
//! long polling every request has to find the same one, and so does the WebSocket
//! that a connection moves to.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cookie_store::{Cookie, CookieStore};
use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};
use url::Url;

/// How many cookies are kept: as many as browsers promise for one site.
const COUNT: usize = 50;
/// The longest `Set-Cookie` that is read, in bytes: as much as browsers keep of one.
const LONGEST: usize = 4 << 10;
/// How much a request says of cookies, in bytes: servers take heads of 8 KiB at
/// the least.
const HEADER: usize = 8 << 10;

/// Cookies as servers set them. Clones share what is in the jar.
///
/// They are sent where they belong: by host or domain, path, `Secure` and time.
/// At most 50 are kept, of up to 4 KiB; more are ignored.
///
/// A connection fills the jar it was given in
/// [`ConnectOptions::cookies`](crate::ConnectOptions::cookies), or one of its own,
/// which [`Socket::cookies`](crate::Socket::cookies) hands out: given to the next
/// connection, that finds the same server behind a balancer.
#[derive(Clone, Default)]
pub struct CookieJar {
    store: Arc<Mutex<CookieStore>>,
}

impl CookieJar {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many cookies are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().iter_unexpired().count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps what an answer from `url` sets.
    pub(crate) fn keep(&self, headers: &HeaderMap, url: &Url) {
        if !headers.contains_key(SET_COOKIE) {
            return;
        }
        let mut store = self.lock();
        for header in headers.get_all(SET_COOKIE) {
            if !keep_one(&mut store, header, url) {
                tracing::debug!("a cookie was not taken");
            }
        }
    }

    /// Says in a request to `url` what is known, beside what is said already.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap, url: &Url) {
        let Some(mut kept) = self.header(url) else {
            return;
        };
        if let Some(own) = headers.get(COOKIE) {
            let both = [own.as_bytes(), kept.as_bytes()].join(b"; ".as_slice());
            let Ok(mut both) = HeaderValue::from_bytes(&both) else {
                return;
            };
            both.set_sensitive(true);
            kept = both;
        }
        headers.insert(COOKIE, kept);
    }

    /// The `Cookie` of a request to `url`; `None` where there is nothing to say.
    fn header(&self, url: &Url) -> Option<HeaderValue> {
        let mut text = String::new();
        for (name, value) in self.lock().get_request_values(url) {
            let length = text.len() + "; =".len() + name.len() + value.len();
            if length > HEADER {
                tracing::debug!("a cookie was not sent: there are too many");
                continue;
            }
            if !text.is_empty() {
                text.push_str("; ");
            }
            text.push_str(name);
            text.push('=');
            text.push_str(value);
        }
        if text.is_empty() {
            return None;
        }
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn lock(&self) -> MutexGuard<'_, CookieStore> {
        // Nothing that panics half-way through a change is done under it.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `false`: it is too long, too many, not to be read, or not for this server to set.
fn keep_one(store: &mut CookieStore, header: &HeaderValue, url: &Url) -> bool {
    let Some(text) = header.to_str().ok().filter(|text| text.len() <= LONGEST) else {
        return false;
    };
    let Ok(cookie) = Cookie::parse(text, url) else {
        return false;
    };
    // Not all that can be set can be sent back.
    if HeaderValue::try_from(cookie.value()).is_err() {
        return false;
    }
    // For everybody under a top-level domain, it is nobody's to set.
    let domain = cookie.domain().map(|domain| domain.trim_start_matches('.'));
    if domain.is_some_and(|domain| !domain.contains('.') && Some(domain) != url.host_str()) {
        return false;
    }
    // One that is in the jar is replaced or removed, however full it is.
    // (Of one name there may be as many as there are paths.)
    let (domain, path) = (String::from(&cookie.domain), String::from(&cookie.path));
    let known = store.contains_any(&domain, &path, cookie.name());
    if !known && store.iter_any().count() >= COUNT {
        forget_expired(store);
        if store.iter_any().count() >= COUNT {
            return false;
        }
    }
    store.insert(cookie.into_owned(), url).is_ok()
}

fn forget_expired(store: &mut CookieStore) {
    let expired: Vec<_> = store
        .iter_any()
        .filter(|cookie| cookie.is_expired())
        .map(|cookie| {
            let domain = String::from(&cookie.domain);
            let path = String::from(&cookie.path);
            (domain, path, cookie.name().to_owned())
        })
        .collect();
    for (domain, path, name) in expired {
        store.remove(&domain, &path, &name);
    }
}

impl fmt::Debug for CookieJar {
    /// Shows how many there are: their values let one in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieJar")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
