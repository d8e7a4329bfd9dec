//! What the main port answers beside Socket.IO: is it alive, is it ready.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};

/// Whether this server can take work. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health(Arc<State>);

#[derive(Debug, Default)]
struct State {
    storage_fails: AtomicBool,
    draining: AtomicBool,
}

impl Health {
    /// The last transaction succeeded, or failed.
    pub(crate) fn storage(&self, works: bool) {
        self.0.storage_fails.store(!works, Relaxed);
    }

    /// The server is ending: nobody new should come.
    pub(crate) fn drain(&self) {
        self.0.draining.store(true, Relaxed);
    }

    /// Why it cannot take work, if it cannot.
    fn trouble(&self) -> Option<&'static str> {
        if self.0.draining.load(Relaxed) {
            Some("ending\n")
        } else if self.0.storage_fails.load(Relaxed) {
            Some("the storage fails\n")
        } else {
            None
        }
    }
}

/// The answer for a path that is not Socket.IO's.
pub(crate) fn answer(health: &Health, request: &Request<()>) -> Response<Bytes> {
    let (status, text) = match request.uri().path() {
        "/healthz" => (StatusCode::OK, "alive\n"),
        "/readyz" => match health.trouble() {
            None => (StatusCode::OK, "ready\n"),
            Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
        },
        "/" => (
            StatusCode::OK,
            "This is a parlour-server: messages by Socket.IO, for a client such as Parlour.\n",
        ),
        _ => (StatusCode::NOT_FOUND, "There is nothing here.\n"),
    };
    let asks = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, text) = if asks {
        (status, text)
    } else {
        (StatusCode::METHOD_NOT_ALLOWED, "")
    };
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(health: &Health, method: Method, path: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(path).body(());
        let response = answer(health, &request.expect("a request"));
        let text = String::from_utf8(response.body().to_vec()).expect("text");
        (response.status().as_u16(), text)
    }

    #[test]
    fn readiness_follows_the_storage_and_the_end() {
        let health = Health::default();
        assert_eq!(ask(&health, Method::GET, "/readyz").0, 200);
        health.storage(false);
        let told = ask(&health, Method::GET, "/readyz");
        assert_eq!(told, (503, "the storage fails\n".to_owned()));
        health.storage(true);
        assert_eq!(ask(&health, Method::GET, "/readyz?verbose").0, 200);
        health.clone().drain();
        assert_eq!(ask(&health, Method::GET, "/readyz").1, "ending\n");
        assert_eq!(ask(&health, Method::GET, "/healthz").0, 200);
    }

    #[test]
    fn nothing_else_is_here() {
        let health = Health::default();
        assert_eq!(ask(&health, Method::GET, "/").0, 200);
        assert_eq!(ask(&health, Method::GET, "/metrics").0, 404);
        assert_eq!(ask(&health, Method::POST, "/healthz").0, 405);
    }
}
