//! From an address to an open connection.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

use crate::{
    clock,
    error::{CloseReason, ConnectError},
    event::SocketEvents,
    machine::{Effect, Incoming, Input, Machine},
    options::ConnectOptions,
    queue::queue,
    socket::{Parts, Socket},
    task::{Queues, Settings, Task},
    transport::{self, Heard, Wire},
};

/// How many events may arrive before CONNECT is answered. Servers have no reason
/// to send any; the official client keeps them without a limit.
const EARLY_EVENTS: usize = 256;

/// Connects once: name, TCP, TLS, a transport, engine handshake, CONNECT. Must be
/// called within a tokio runtime; the connection then has a task of its own.
///
/// Dropping the future gives the attempt up.
///
/// # Errors
/// There is no connection, and nothing is left of the attempt. It is never
/// repeated here: when to try again is the caller's decision.
pub async fn connect(options: ConnectOptions) -> Result<(Socket, SocketEvents), ConnectError> {
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
    let Joined { id, early } = join(&mut wire, &mut machine).await?;
    let handshake = machine
        .handshake()
        .cloned()
        .ok_or_else(|| ConnectError::Protocol("there was no handshake".to_owned()))?;

    let limits = options.limits;
    let close = Arc::new(Notify::new());
    let (commands, command_queue) = queue(limits.queued_packets, limits.queued_packet_bytes);
    let (event_queue, events) = queue(limits.queued_events, limits.queued_event_bytes);
    let (ending, end) = oneshot::channel();
    let socket = Socket::new(Parts {
        id,
        namespace: options.namespace,
        handshake,
        transport: wire.current().clone(),
        cookies,
        commands,
        close: Arc::clone(&close),
        callers: limits.acks,
        fences: limits.fences,
    });
    let queues = Queues {
        commands: command_queue,
        events: event_queue,
        close,
    };
    let settings = Settings {
        write_timeout: options.write_timeout,
        close_timeout: options.close_timeout,
        acks: limits.acks,
    };
    let task = Task::new(wire, machine, queues, socket.clone(), settings, early);
    tokio::spawn(task.run(ending));
    Ok((socket, SocketEvents::new(events, end)))
}

/// What being let in brought.
struct Joined {
    id: String,
    early: Vec<Incoming>,
}

/// Runs the machine until the server has let us in.
async fn join(wire: &mut Wire, machine: &mut Machine) -> Result<Joined, ConnectError> {
    let mut early = Vec::new();
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
                Effect::Deliver(incoming) if early.len() < EARLY_EVENTS => early.push(incoming),
                Effect::Deliver(_) => {
                    return Err(ConnectError::Protocol(
                        "events before the welcome".to_owned(),
                    ));
                }
                Effect::Joined { sid } => joined = Some(sid),
                Effect::Refused { message, data } => return Err(refused(message, data)),
                Effect::Close(reason) => return Err(failure(reason, machine)),
                // Nothing was asked yet, and the time is limited as a whole.
                Effect::Probe(_) | Effect::Answered { .. } | Effect::FenceAnswered { .. } => {}
            }
        }
        if let Some(id) = joined {
            return Ok(Joined { id, early });
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
