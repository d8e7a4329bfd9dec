//! CONNECT: into a namespace, or not.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Client, VIOLATION,
    inside::{self, Inside, Present},
};
use crate::{
    packet::{Body, DecodeError, Packet},
    server::{
        ConnectRequest, Frame, Full, LeaveReason, Refusal, Socket,
        engine::upper::{Flow, Upper},
        registry::Door,
    },
};

/// The longest name of a namespace that a client is told does not exist. The
/// answer repeats the name; no client means one that is longer.
const LONGEST_NAME: usize = 1024;

impl Client {
    pub(super) async fn connect(&mut self, namespace: &str, auth: Option<Box<RawValue>>) -> Flow {
        let is_object = |auth: &RawValue| auth.get().starts_with('{');
        if !auth.as_deref().is_none_or(is_object) {
            return self.unreadable(DecodeError::Shape);
        }
        // One that the application has just disconnected may join again.
        self.woken().await;
        if self.find(namespace).is_some() {
            return VIOLATION;
        }
        let registry = Arc::clone(&self.registry);
        match registry.get(namespace) {
            // Who is inside somewhere stays there.
            Some(_) if registry.is_closed() && !self.inside.is_empty() => {
                self.refuse(namespace, &Refusal::new("The server is closing"))
            }
            Some(_) if registry.is_closed() => Flow::End(LeaveReason::ServerClosing),
            Some(door) => self.enter(door, auth).await,
            None => self.no_such(namespace).await,
        }
    }

    async fn enter(&mut self, door: &dyn Door, auth: Option<Box<RawValue>>) -> Flow {
        let space = door.space();
        self.dismissed.retain(|name| **name != *space.name());
        let socket = Present::new(Socket::new(Arc::clone(space), Arc::clone(&self.out)));
        let request = ConnectRequest {
            auth,
            origin: Arc::clone(&self.origin),
        };
        match door.connect(&socket, request).await {
            Ok(seat) => self.let_in(Inside { socket, seat }).await,
            Err(refusal) => self.refuse(space.name(), &refusal),
        }
    }

    async fn let_in(&mut self, inside: Inside) -> Flow {
        if !self.out.is_open() {
            // It died meanwhile, and leaves as soon as the engine says why.
            self.inside.push(inside);
            return Flow::Continue;
        }
        let socket = &*inside.socket;
        socket.space().joined(socket.number());
        if !socket.open(&inside::welcome(socket)) {
            let flow = self.refuse(socket.namespace(), &Refusal::new("disconnected"));
            inside.end(LeaveReason::ServerLeft).await;
            return flow;
        }
        self.joined = true;
        self.inside.push(inside);
        if let Some(Inside { socket, seat }) = self.inside.last_mut() {
            seat.joined(socket).await;
        }
        Flow::Continue
    }

    async fn no_such(&mut self, namespace: &str) -> Flow {
        if namespace.len() > LONGEST_NAME {
            return VIOLATION;
        }
        for Inside { socket, seat } in &mut self.inside {
            seat.settle(socket).await;
        }
        self.refuse(namespace, &Refusal::new("Invalid namespace"))
    }

    fn refuse(&self, namespace: &str, refusal: &Refusal) -> Flow {
        #[derive(Serialize)]
        struct Wire<'a> {
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            data: Option<&'a RawValue>,
        }
        let data = serde_json::value::to_raw_value(&Wire {
            message: &refusal.message,
            data: refusal.data.as_deref(),
        });
        let packet = Packet {
            namespace: namespace.into(),
            body: Body::ConnectError(data.ok()),
        };
        match self.out.push(&Frame::packet(&packet)) {
            Ok(()) => Flow::Continue,
            Err(Full) => Flow::End(LeaveReason::SlowReader),
        }
    }
}
