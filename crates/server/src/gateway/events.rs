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
use tokio::time::timeout;

use super::{Chat, Ending, connection::Connection, message};
use crate::{
    audit::Entry,
    hub::{self, Ask, Deed, HubGone, Message, Request},
    limits::PACE_PATIENCE,
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

/// Waits for this user's turn. Meanwhile the connection is read no further. When
/// the server ends nobody waits any more: what was read is to be stored by then.
async fn wait_for(connection: &Connection, deed: Deed, ending: &Ending) -> Result<(), Duration> {
    let Some(pace) = &connection.pace else {
        return Ok(());
    };
    let wait = pace.reserve(deed, Instant::now(), PACE_PATIENCE)?;
    if !wait.is_zero() {
        // Either way it is time.
        let _ = timeout(wait, ending.begun()).await;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parlour_protocol::UserId;

    use super::*;
    use crate::{
        admission::Rate,
        gateway::connection::Lately,
        hub::{ConnectionId, Pace},
    };

    fn connection(rate: Option<Rate>) -> Connection {
        let pace = |rate| Arc::new(Pace::new(rate, Instant::now()));
        Connection {
            id: ConnectionId(1),
            user: UserId::new("u"),
            session_id: None,
            pm: true,
            is_new: false,
            resumed: false,
            snapshot: 0,
            pace: rate.map(pace),
            typing: Lately::typing(),
            receipts: Lately::receipts(),
        }
    }

    #[tokio::test]
    async fn a_short_wait_is_waited_and_a_long_one_is_not() {
        let ending = Ending::default();
        let quick = connection(Some(Rate::new(100, Duration::from_secs(1), 1)));
        let begun = Instant::now();
        for _ in 0..5 {
            assert_eq!(wait_for(&quick, Deed::Message, &ending).await, Ok(()));
        }
        assert!(begun.elapsed() >= Duration::from_millis(40));

        let slow = connection(Some(Rate::new(1, Duration::from_secs(60), 1)));
        assert_eq!(wait_for(&slow, Deed::Message, &ending).await, Ok(()));
        let refused = wait_for(&slow, Deed::Message, &ending).await;
        let wait = refused.expect_err("too long");
        assert!(wait > Duration::from_secs(50), "{wait:?}");
        // Questions are not messages.
        assert_eq!(wait_for(&slow, Deed::Request, &ending).await, Ok(()));
    }

    #[tokio::test]
    async fn without_a_pace_nobody_waits() {
        let free = connection(None);
        for _ in 0..10_000 {
            let waited = wait_for(&free, Deed::Message, &Ending::default()).await;
            assert_eq!(waited, Ok(()));
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_a_server_that_ends() {
        let slow = connection(Some(Rate::new(1, Duration::from_secs(9), 1)));
        let ending = Ending::default();
        assert_eq!(wait_for(&slow, Deed::Message, &ending).await, Ok(()));
        let begun = Instant::now();
        let (waited, ()) = tokio::join!(wait_for(&slow, Deed::Message, &ending), async {
            ending.begin();
        });
        assert_eq!(waited, Ok(()));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
