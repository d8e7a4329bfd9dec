//! A client's place in one namespace, from both sides.

use std::ops::Deref;

use serde_json::value::RawValue;

use crate::{
    packet::{Body, Packet},
    server::{Frame, LeaveReason, Socket, registry::Seat},
};

/// The answer to its CONNECT.
pub(super) fn welcome(socket: &Socket) -> Frame {
    let sid = format!(r#"{{"sid":"{}"}}"#, socket.id());
    let packet = Packet {
        namespace: socket.namespace().into(),
        // The id is of characters that mean themselves in JSON.
        body: Body::Connect(RawValue::from_string(sid).ok()),
    };
    Frame::packet(&packet)
}

pub(super) struct Inside {
    pub(super) socket: Present,
    pub(super) seat: Box<dyn Seat>,
}

impl Inside {
    /// It leaves. If the application wanted that first, then for that reason.
    pub(super) async fn end(self, reason: LeaveReason) {
        let Self { socket, seat } = self;
        let reason = if socket.has_left() {
            LeaveReason::ServerLeft
        } else {
            reason
        };
        socket.end();
        seat.left(&socket, reason).await;
    }
}

/// A socket that its rooms know of. They forget it with this, even if the code of
/// its namespace panics.
pub(super) struct Present(Socket);

impl Present {
    pub(super) fn new(socket: Socket) -> Self {
        socket.space().add(&socket);
        Self(socket)
    }
}

impl Deref for Present {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.0
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.end();
    }
}
