//! Serves what the public conformance suites of Engine.IO 4 and Socket.IO 5 talk
//! to: `PORT=3000 cargo run -p parlour-socketio --example conformance`
//!
//! The times are short, so that a suite does not have to wait.

#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::{
    error::Error,
    net::{Ipv4Addr, SocketAddr},
    num::ParseIntError,
    time::Duration,
};

use http::{HeaderValue, Method, request};
use parlour_socketio::server::{
    Admission, ConnectRequest, Frame, IncomingEvent, LeaveReason, Namespace, Refusal, Server,
    ServerOptions, Socket, Verdict, bind,
};

/// Says what it was told.
struct Echo;

impl Namespace for Echo {
    type State = ();

    async fn connect(&self, socket: &Socket, request: ConnectRequest) -> Result<(), Refusal> {
        // It follows the answer to the client's CONNECT.
        let sent = match request.auth {
            Some(auth) => socket.emit("auth", &(auth,)),
            None => socket.emit("auth", &(serde_json::json!({}),)),
        };
        sent.map_err(|error| Refusal::new(error.to_string()))
    }

    async fn event(&self, socket: &Socket, (): &mut (), event: IncomingEvent) {
        let IncomingEvent {
            name,
            args,
            attachments,
            ack,
        } = event;
        let space = socket.namespace();
        let frame = match (name.as_str(), ack) {
            ("message", _) => {
                Frame::event_with_attachments(space, None, "message-back", &args, &attachments)
            }
            ("message-with-ack", Some(ack)) => {
                ack.answer_with_attachments(space, &args, &attachments)
            }
            _ => return,
        };
        // Arguments that came as JSON have a form in JSON; and if there is no
        // room for the frame, its client is gone with that.
        if let Ok(frame) = frame
            && socket.send(&frame).is_ok()
        {
            socket.flush();
        }
    }

    async fn left(&self, _: &Socket, (): (), _: LeaveReason) {}
}

/// Pages from anywhere may speak to it.
struct AnyOrigin;

impl Admission for AnyOrigin {
    fn admit(&self, _: SocketAddr, request: &request::Parts) -> Verdict {
        let any = HeaderValue::from_static("*");
        if request.method == Method::OPTIONS {
            Verdict::Preflight { allow_origin: any }
        } else {
            Verdict::Pass {
                allow_origin: Some(any),
                guard: None,
            }
        }
    }
}

/// Where to listen, by what `PORT` says; 0 means any.
pub(crate) fn port(wish: Option<String>) -> Result<u16, ParseIntError> {
    wish.map_or(Ok(3000), |port| port.parse())
}

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    let port = port(std::env::var("PORT").ok())?;
    let options = ServerOptions {
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        connect_timeout: Duration::from_secs(1),
        max_payload: 1_000_000,
        ..ServerOptions::default()
    };
    let server = Server::builder(options)
        .namespace("/", Echo)
        .namespace("/custom", Echo)
        .admission(AnyOrigin)
        .start(bind((Ipv4Addr::LOCALHOST, port).into())?);
    println!("server listening at http://{}", server.addr());
    std::future::pending().await
}
