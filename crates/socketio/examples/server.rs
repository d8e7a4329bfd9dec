//! A server with rooms: `cargo run -p parlour-socketio --example server [ADDRESS]`
//!
//! | A client emits | What happens |
//! |---|---|
//! | `echo`, anything | it comes back as it was, binary included |
//! | `enter`, a room | it is in the room; those who were there hear `entered` |
//! | `say`, a room, a text | everybody else in the room hears `said` |
//! | any of them, with an acknowledgement | it is told whether that worked |
//!
//! Who presents no `name` is refused. Try it with the official client:
//! ```js
//! const socket = io("http://localhost:3000", { auth: { name: "ada" } });
//! socket.emit("enter", "kitchen", (answer) => console.log(answer));
//! socket.on("said", (room, who, text) => console.log(room, who, text));
//! ```

#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::{error::Error, time::Duration};

use parlour_socketio::server::{
    ConnectRequest, Frame, IncomingEvent, LeaveReason, Namespace, Refusal, Server, ServerOptions,
    Socket, bind,
};
use serde::{Deserialize, Serialize};

/// How many rooms one guest may be in: what a client can make a server keep is
/// always bounded by somebody, and of rooms only the application knows how much is
/// enough.
const MOST_ROOMS: usize = 16;

struct Rooms;

/// Who it is: what [`Rooms`] knows of one socket.
struct Guest {
    name: String,
}

/// What a client presents.
#[derive(Deserialize)]
struct Card {
    name: String,
}

/// What a client is told that asks for an acknowledgement.
#[derive(Serialize)]
struct Done {
    ok: bool,
}

impl Namespace for Rooms {
    type State = Guest;

    async fn connect(&self, _: &Socket, request: ConnectRequest) -> Result<Guest, Refusal> {
        let card = request.auth.as_deref().map(|auth| auth.get());
        match card.map(serde_json::from_str) {
            Some(Ok(Card { name })) if !name.is_empty() => Ok(Guest { name }),
            _ => Err(Refusal::new("who are you?")),
        }
    }

    async fn joined(&self, socket: &Socket, guest: &mut Guest) {
        println!("{} is {}", socket.number(), guest.name);
    }

    async fn event(&self, socket: &Socket, guest: &mut Guest, event: IncomingEvent) {
        // The event's answer first: it is sent whatever became of the event.
        let ack = event.ack;
        let done = Done {
            ok: handle(socket, guest, event).is_some(),
        };
        let answer = ack.map(|ack| ack.answer(socket.namespace(), &(done,)));
        if let Some(Ok(answer)) = answer
            && socket.send(&answer).is_ok()
        {
            socket.flush();
        }
    }

    async fn left(&self, socket: &Socket, guest: Guest, reason: LeaveReason) {
        println!(
            "{}, who is {}, left: {reason:?}",
            socket.number(),
            guest.name
        );
    }
}

/// `None`: the client wanted something that does not exist, or too much.
fn handle(socket: &Socket, guest: &Guest, event: IncomingEvent) -> Option<()> {
    // Each argument is read as what it should be; one that is not is refused.
    let text =
        |at: usize| -> Option<String> { serde_json::from_str(event.args.get(at)?.get()).ok() };
    match event.name.as_str() {
        "echo" => {
            let (args, files) = (&event.args, &event.attachments);
            let space = socket.namespace();
            let frame = Frame::event_with_attachments(space, None, "echo", args, files).ok()?;
            socket.send(&frame).ok()?;
            socket.flush();
        }
        "enter" => {
            let room = text(0)?;
            if socket.rooms().len() >= MOST_ROOMS {
                return None;
            }
            socket.join(&room);
            socket
                .to(&room)
                .emit("entered", &(&room, &guest.name))
                .ok()?;
        }
        "say" => {
            let (room, words) = (text(0)?, text(1)?);
            socket
                .to(&room)
                .emit("said", &(&room, &guest.name, words))
                .ok()?;
        }
        _ => return None,
    }
    Some(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:3000").parse()?;
    let server = Server::builder(ServerOptions::default())
        .namespace("/", Rooms)
        .start(bind(address)?);
    println!(
        "server listening at http://{}; Ctrl-C ends it",
        server.addr()
    );
    tokio::signal::ctrl_c().await?;
    server.close(Duration::from_secs(2)).await;
    Ok(())
}
