//! From an address to an open connection.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

use crate::{
    clock,
    connection::{Connection, Ways},
    early::Early,
    error::{CloseReason, ConnectError},
    event::SocketEvents,
    machine::{Effect, FIRST, Input, Machine, Welcome},
    membership::Membership,
    options::ConnectOptions,
    queue::queue,
    socket::{Place, Socket},
    task::{First, Queues, Settings, Task},
    transport::{self, Heard, Wire},
};

/// Connects once: name, TCP, TLS, a transport, engine handshake, CONNECT. Must be
/// called within a tokio runtime; the connection then has a task of its own.
///
/// Dropping the future gives the attempt up.
///
/// # Errors
/// There is no connection, and nothing is left of the attempt. It is never
/// repeated here: when to try again is the caller's decision.
pub async fn connect(options: ConnectOptions) -> Result<(Socket, SocketEvents), ConnectError> {
    let options = options.within_reason();
    let limit = options.connect_timeout;
    // On the heap: the handshakes below would make the caller's future large.
    let attempt = Box::pin(attempt(options));
    timeout(limit, attempt)
        .await
        .unwrap_or(Err(ConnectError::TimedOut))
}

async fn attempt(mut options: ConnectOptions) -> Result<(Socket, SocketEvents), ConnectError> {
    let cookies = options.cookies.get_or_insert_default().clone();
    let mut wire = transport::open(&options, &cookies).await?;
    let mut machine = Machine::new(&options);
    let early = Early::new(options.limits.queued_event_bytes);
    let Joined { welcome, early } = join(&mut wire, &mut machine, early).await?;
    let handshake = machine
        .handshake()
        .cloned()
        .ok_or_else(|| ConnectError::Protocol("there was no handshake".to_owned()))?;

    let limits = options.limits;
    let attention = Arc::new(Notify::new());
    let (commands, command_queue) = queue(limits.queued_packets, limits.queued_packet_bytes);
    let (event_queue, reader) = queue(limits.queued_events, limits.queued_event_bytes);
    let (ending, end) = oneshot::channel();
    let membership = Arc::new(Membership::new(Arc::clone(&attention)));
    let ways = Ways {
        transport: wire.current().clone(),
        cookies,
    };
    let connection = Connection::new(handshake, &options, ways, commands, attention);
    let recovery = options.presented_recovery().cloned();
    let place = Place {
        namespace: options.namespace,
        space: FIRST,
        membership: Arc::clone(&membership),
        connection: Arc::new(connection),
    };
    let socket = Socket::new(place, welcome, recovery);
    let events = SocketEvents::new(reader, end, Arc::clone(&membership));
    let queues = Queues {
        commands: command_queue,
        events: event_queue,
        ending,
    };
    let first = First {
        socket: socket.clone(),
        membership,
        early,
    };
    let settings = Settings {
        write_timeout: options.write_timeout,
        close_timeout: options.close_timeout,
    };
    tokio::spawn(Task::new(wire, machine, queues, first, settings).run());
    Ok((socket, events))
}

/// What being let in brought.
struct Joined {
    welcome: Welcome,
    early: Early,
}

/// Runs the machine until the server has let us in.
async fn join(
    wire: &mut Wire,
    machine: &mut Machine,
    mut early: Early,
) -> Result<Joined, ConnectError> {
    loop {
        let heard = wire.next().await;
        let input = match &heard {
            Heard::Text(text) => Input::Text(text),
            Heard::Binary(part) => Input::Binary(part.clone()),
            Heard::Probed(number) => Input::Answered(*number),
            Heard::Control => Input::Control,
            Heard::Ended(reason) => Input::Ended(reason.clone()),
            Heard::Written => continue,
        };
        let mut joined = None;
        for effect in machine.step(input, clock::now()) {
            match effect {
                Effect::Send(text) => wire.text(text),
                Effect::Pong => wire.pong(),
                Effect::Deliver(_, incoming) => {
                    if !early.push(incoming) {
                        let what = "too many events before the welcome";
                        return Err(ConnectError::Protocol(what.to_owned()));
                    }
                }
                Effect::Joined(_, welcome) => joined = Some(welcome),
                Effect::Refused { message, data, .. } => return Err(refused(message, data)),
                Effect::Close(reason) => return Err(failure(reason, machine)),
                // Nothing was asked yet, and the time is limited as a whole.
                Effect::Probe(_)
                | Effect::Answered { .. }
                | Effect::FenceAnswered { .. }
                | Effect::Dismissed(_) => {}
            }
        }
        if let Some(welcome) = joined {
            return Ok(Joined { welcome, early });
        }
    }
}

fn refused(message: String, data: Option<Box<RawValue>>) -> ConnectError {
    ConnectError::Refused { message, data }
}

fn failure(reason: CloseReason, machine: &Machine) -> ConnectError {
    match reason {
        CloseReason::Protocol(what) if machine.handshake().is_none() => {
            ConnectError::NotSocketIo(what)
        }
        CloseReason::Protocol(what) => ConnectError::Protocol(what),
        CloseReason::TooLarge => ConnectError::Protocol(CloseReason::TooLarge.to_string()),
        CloseReason::Http { status } => ConnectError::Http { status },
        other => ConnectError::Network(other.to_string()),
    }
}
