//! Which session, if any, a request is for.

use std::{borrow::Cow, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Method, StatusCode, request::Parts};
use hyper::body::Incoming;
use tokio::sync::mpsc;
use url::form_urlencoded;

use super::{
    handshake, polling, session::Session, sessions::Polled, sid::Sid, upgrade::Claim,
    upper::MakeUpper,
};
use crate::server::{
    Guard, RequestInfo,
    http::{Answer, asks_for_websocket, plain, request_info, with_type},
    outbound::Outbound,
    site::{Phase, Site},
    tally::add,
};

/// A request for the engine that was admitted.
pub(crate) struct Door<'a, M> {
    pub(crate) site: &'a Arc<Site<M>>,
    pub(crate) remote: SocketAddr,
    pub(crate) guard: Option<Guard>,
}

/// What the connection of a request goes on with, after its answer.
pub(crate) enum Next {
    /// A new session.
    Open(Arc<RequestInfo>, Option<Guard>),
    /// The move of a session.
    Move(Claim),
    /// Nothing: the WebSocket is closed at once. Clients learn more from that
    /// than from an answer in HTTP, which browsers keep to themselves.
    Nothing,
}

/// Why a request is refused, in the words and numbers of the official server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Transport,
    Session,
    Method,
    Request,
    Version,
}

impl Refused {
    pub(crate) fn answer(self) -> Answer {
        let body = match self {
            Self::Transport => r#"{"code":0,"message":"Transport unknown"}"#,
            Self::Session => r#"{"code":1,"message":"Session ID unknown"}"#,
            Self::Method => r#"{"code":2,"message":"Bad handshake method"}"#,
            Self::Request => r#"{"code":3,"message":"Bad request"}"#,
            Self::Version => r#"{"code":5,"message":"Unsupported protocol version"}"#,
        };
        let body = Bytes::from_static(body.as_bytes());
        with_type(StatusCode::BAD_REQUEST, "application/json", body)
    }
}

/// What the engine looks for in a query.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
#[derive(Default)]
struct Query<'a> {
    version: Option<Cow<'a, str>>,
    transport: Option<Cow<'a, str>>,
    sid: Option<Cow<'a, str>>,
}

impl<'a> Query<'a> {
    fn parse(query: &'a str) -> Self {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "EIO" => parsed.version = Some(value),
                "transport" => parsed.transport = Some(value),
                "sid" => parsed.sid = Some(value),
                _ => {}
            }
        }
        parsed
    }
}

impl<M: MakeUpper> Door<'_, M> {
    pub(crate) async fn serve(
        self,
        head: Parts,
        body: Incoming,
        next: &mut Option<Next>,
    ) -> Answer {
        let query = Query::parse(head.uri.query().unwrap_or_default());
        let options = &self.site.options;
        let websocket = match query.transport.as_deref() {
            Some("polling") if options.polling => false,
            Some("websocket") if options.websocket => true,
            _ => return Refused::Transport.answer(),
        };
        if query.version.as_deref() != Some("4") {
            return Refused::Version.answer();
        }
        if websocket {
            return self.websocket(&head, query.sid.as_deref(), next);
        }
        let Some(sid) = query.sid.as_deref() else {
            return match head.method {
                Method::GET => self.open_polling(&head),
                _ => Refused::Method.answer(),
            };
        };
        // Nothing is opened: the guard has nothing to guard.
        drop(self.guard);
        let Some(polled) = self.site.sessions.find(sid) else {
            return Refused::Session.answer();
        };
        match head.method {
            Method::GET => polling::poll(&polled).await,
            Method::POST => polling::post(&polled, &head, body, options).await,
            _ => Refused::Method.answer(),
        }
    }

    fn websocket(self, head: &Parts, sid: Option<&str>, next: &mut Option<Next>) -> Answer {
        if !asks_for_websocket(head) {
            return Refused::Request.answer();
        }
        let session = match sid.map(|sid| self.site.sessions.find(sid)) {
            Some(None) => return Refused::Session.answer(),
            Some(Some(session)) => Some(session),
            None if self.site.phase() > Phase::Serving => return closing(),
            None => None,
        };
        let Some(answer) = handshake::accept(head) else {
            return handshake::refuse();
        };
        *next = Some(match session {
            None => Next::Open(Arc::new(request_info(self.remote, head)), self.guard),
            Some(session) => Claim::new(session).map_or(Next::Nothing, Next::Move),
        });
        answer
    }

    /// Opens a session that begins with polling. Its task lives by itself.
    fn open_polling(self, head: &Parts) -> Answer {
        if self.site.phase() > Phase::Serving {
            return closing();
        }
        // It takes no connection to have a session: connections bound them not at all.
        if self.site.sessions.polled() >= self.site.options.tcp_connections {
            return full();
        }
        let sid = Sid::random();
        let origin = Arc::new(request_info(self.remote, head));
        let (session, outbound) = new_session(self.site, origin);
        // One POST may wait while another is dealt with.
        let (sender, inputs) = mpsc::channel(1);
        let upgrades: &[&str] = if self.site.options.websocket {
            &["websocket"]
        } else {
            &[]
        };
        let open = handshake::open_packet(&sid, upgrades, &self.site.options);
        let polled = Polled {
            outbound: outbound.clone(),
            inputs: sender,
            posting: false.into(),
        };
        let entry = self.site.sessions.enter_polled(sid, polled, self.guard);
        self.site.tell(&outbound);
        let site = self.site.clone();
        tokio::spawn(async move {
            let rest = session.over_polling(inputs).await;
            drop(entry);
            Box::pin(site.unless_aborting(rest.linger())).await;
        });
        plain(StatusCode::OK, open)
    }
}

/// A session with its queue, that nobody knows yet.
pub(crate) fn new_session<M: MakeUpper>(
    site: &Site<M>,
    origin: Arc<RequestInfo>,
) -> (Box<Session<M::Upper>>, Arc<Outbound>) {
    add(&site.tally.sessions_total);
    let number = site.sessions.number();
    let outbound = Outbound::new(number, &site.options, site.tally.clone());
    let upper = site.maker.make(outbound.clone(), origin);
    let session = Session::new(upper, outbound.clone(), &site.options, site.tally.clone());
    (session, outbound)
}

fn full() -> Answer {
    plain(StatusCode::SERVICE_UNAVAILABLE, "The server is full.")
}

fn closing() -> Answer {
    plain(StatusCode::SERVICE_UNAVAILABLE, "The server is closing.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_whatever_else_they_hold() {
        let query = Query::parse("EIO=4&t=x&transport=p%6flling&sid=abc&flag&a=b=c&%=%zz");
        let expected = Query {
            version: Some("4".into()),
            transport: Some("polling".into()),
            sid: Some("abc".into()),
        };
        assert_eq!(query, expected);
        assert_eq!(Query::parse(""), Query::default());
    }
}
