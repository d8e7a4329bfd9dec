//! What a client says, read strictly and at the pace of its user.

use std::time::{Duration, Instant};

use parlour_protocol::{
    names,
    pm::{
        self, Accepted, Code, HistoryRequest, Logout, Read, Received, Refused, SyncRequest, Typing,
        UsersRequest,
    },
};
use parlour_socketio::server::{AckId, IncomingEvent, Socket};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{Chat, connection::Connection, message, turn::wait_for};
use crate::{
    audit::Entry,
    hub::{self, Ask, Deed, HubGone, Message, Request},
};

/// What every event of pm begins with.
const PM: &str = "pm:";

impl Chat {
    pub(super) async fn handle(
        &self,
        socket: &Socket,
        connection: &mut Connection,
        event: IncomingEvent,
    ) {
        let IncomingEvent {
            name, args, ack, ..
        } = event;
        let is_message = name == names::PRIVATE_MESSAGE;
        let deed = if is_message {
            Deed::Message
        } else {
            Deed::Request
        };
        if let Err(wait) = wait_for(connection, deed, &self.ending).await {
            return self.too_fast(socket, ack, wait, is_message);
        }
        let argument = args.first().map(|argument| &**argument);
        let heard = if is_message {
            self.message(socket, connection, argument, ack).await
        } else if !name.starts_with(PM) {
            // Of another protocol.
            Ok(())
        } else if connection.pm {
            self.pm(socket, connection, &name, argument, ack).await
        } else {
            // Nobody here has said that they speak it.
            refuse(socket, ack, Code::Unsupported);
            Ok(())
        };
        if heard == Err(HubGone) {
            // The server is ending: nothing more can be promised here.
            socket.cut();
        }
    }

    async fn message(
        &self,
        socket: &Socket,
        connection: &Connection,
        argument: Option<&RawValue>,
        ack: Option<AckId>,
    ) -> Result<(), HubGone> {
        match message::parse(argument, connection.pm) {
            Ok(message) => {
                let message = Message {
                    connection: connection.id,
                    ack,
                    to: message.to,
                    content: message.content,
                    id: message.id,
                    sent_at: message.sent_at,
                };
                self.hub.message(message).await
            }
            Err(error) => {
                self.metrics.malformed();
                let code = Code::from(error);
                self.metrics.message_refused(code);
                refuse(socket, ack, code);
                Ok(())
            }
        }
    }

    async fn pm(
        &self,
        socket: &Socket,
        connection: &mut Connection,
        name: &str,
        argument: Option<&RawValue>,
        ack: Option<AckId>,
    ) -> Result<(), HubGone> {
        // What is too deep or too large to be read is there all the same, and is
        // nothing of ours: taken for absent, it would sign somebody out.
        let payload: Option<Value> = argument
            .map(|argument| serde_json::from_str(argument.get()).unwrap_or(Value::Bool(false)));
        let payload = payload.as_ref();
        let request = match name {
            pm::names::SYNC => SyncRequest::from_json(payload).map(Request::Sync),
            pm::names::HISTORY => HistoryRequest::from_json(payload).map(Request::History),
            pm::names::USERS => UsersRequest::from_json(payload).map(Request::Users),
            pm::names::RECEIVED => Received::from_json(payload).map(Request::Received),
            pm::names::READ => Read::from_json(payload).map(Request::Read),
            pm::names::LOGOUT => Logout::from_json(payload).map(Request::Logout),
            pm::names::TYPING => {
                return self.typing(socket, connection, payload, ack).await;
            }
            _ => Err(Code::Unsupported),
        };
        match request {
            Ok(request) => self.ask(socket, connection, ack, request).await,
            Err(code) => {
                refuse(socket, ack, code);
                Ok(())
            }
        }
    }

    async fn ask(
        &self,
        socket: &Socket,
        connection: &mut Connection,
        ack: Option<AckId>,
        request: Request,
    ) -> Result<(), HubGone> {
        if let Some(whom) = receipt(&request)
            && let Err(wait) = connection.receipts.once(whom, Instant::now())
            && ack.is_some()
        {
            // Without an answer it is taken all the same: nobody would hear of it.
            answer(socket, ack, &Refused::for_now(Code::RateLimited, ms(wait)));
            return Ok(());
        }
        let id = connection.id;
        let asked = self.hub.request(|done| Ask {
            connection: id,
            ack,
            request,
            done,
        });
        let sessions = asked.await?;
        if sessions > 0 {
            self.audit.record(Entry::SignedOut {
                user: connection.user.clone(),
                sessions,
            });
        }
        Ok(())
    }

    /// Passed on if it can be; the next one comes soon enough.
    async fn typing(
        &self,
        socket: &Socket,
        connection: &mut Connection,
        payload: Option<&Value>,
        ack: Option<AckId>,
    ) -> Result<(), HubGone> {
        match Typing::from_json(payload) {
            Ok(Typing { to }) => {
                let news = connection.typing.once(to.as_str(), Instant::now());
                answer(socket, ack, &Accepted::done());
                if news.is_ok() {
                    self.hub.typing(connection.id, to).await?;
                }
            }
            Err(code) => refuse(socket, ack, code),
        }
        Ok(())
    }

    /// It would have to wait for too long: who can hear that is told, anybody
    /// else finds out by the end of the connection.
    fn too_fast(&self, socket: &Socket, ack: Option<AckId>, wait: Duration, is_message: bool) {
        if is_message {
            self.metrics.message_refused(Code::RateLimited);
        }
        if ack.is_some() {
            answer(socket, ack, &Refused::for_now(Code::RateLimited, ms(wait)));
        } else if is_message {
            self.metrics.cut("cut a connection that sends too fast");
            socket.cut();
        }
    }
}

/// Of what a receipt is, which must not come too often.
fn receipt(request: &Request) -> Option<&str> {
    match request {
        Request::Received(_) => Some(""),
        Request::Read(read) => Some(read.peer.as_str()),
        _ => None,
    }
}

fn refuse(socket: &Socket, ack: Option<AckId>, code: Code) {
    answer(socket, ack, &Refused::new(code));
}

fn answer(socket: &Socket, ack: Option<AckId>, payload: &impl Serialize) {
    if let Some(frame) = ack.and_then(|ack| hub::answer(ack, payload)) {
        // If it did not fit, the connection is cut by that.
        if socket.send(&frame).is_ok() {
            socket.flush();
        }
    }
}

fn ms(wait: Duration) -> u64 {
    // Rounded up, or whoever waits that long comes too early.
    u64::try_from(wait.as_millis()).map_or(u64::MAX, |ms| ms.saturating_add(1))
}
