//! Two namespaces over one connection, with a server of its own:
//! `cargo run -p parlour-socketio --example namespaces`

#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::{error::Error, net::Ipv4Addr, time::Duration};

use parlour_socketio::{
    ConnectOptions, JoinError, JoinOptions, SocketEvent, connect,
    server::{
        ConnectRequest, IncomingEvent, LeaveReason, Namespace, Refusal, Server, ServerOptions,
        Socket, bind,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;

/// What one says of oneself.
#[derive(Deserialize, Serialize)]
struct Card {
    word: String,
}

/// Says everything back, to those who know the word, if there is one.
struct Echo {
    word: Option<&'static str>,
}

impl Namespace for Echo {
    type State = ();

    async fn connect(&self, _: &Socket, request: ConnectRequest) -> Result<(), Refusal> {
        let card = request.auth.as_deref().map(|auth| auth.get());
        let card: Option<Card> = card.and_then(|card| serde_json::from_str(card).ok());
        match self.word {
            Some(word) if card.is_none_or(|card| card.word != word) => {
                Err(Refusal::new("what is the word?"))
            }
            _ => Ok(()),
        }
    }

    async fn event(&self, socket: &Socket, (): &mut (), event: IncomingEvent) {
        let _ = socket.emit(&event.name, &event.args);
    }

    async fn left(&self, _: &Socket, (): (), _: LeaveReason) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::builder(ServerOptions::default())
        .namespace("/", Echo { word: None })
        .namespace(
            "/attic",
            Echo {
                word: Some("please"),
            },
        )
        .start(bind((Ipv4Addr::LOCALHOST, 0).into())?);
    let url = format!("http://{}", server.addr());
    let (main, mut main_events) = connect(ConnectOptions::new(url.parse()?)).await?;

    // A refusal costs nothing but itself.
    match main.join("/attic", JoinOptions::default()).await {
        Err(JoinError::Refused { message, .. }) => println!("refused: {message}"),
        other => println!("{:?}", other.map(|_| "joined")),
    }
    let mut options = JoinOptions::default();
    let word = "please".to_owned();
    options.auth = Some(to_raw_value(&Card { word })?);
    let (attic, mut attic_events) = main.join("/attic", options).await?;

    main.try_emit("hello", &("downstairs",))?;
    attic.try_emit("hello", &("upstairs",))?;
    for events in [&mut main_events, &mut attic_events] {
        if let Some(SocketEvent::Event(event)) = events.next().await {
            println!("{} {}", event.name, event.args[0]);
        }
    }

    // Leaving one leaves the other; with the last one the connection is closed.
    attic.close();
    println!("attic: {:?}", attic_events.next().await);
    main.try_emit("still", &("here",))?;
    println!("main: {:?}", main_events.next().await);
    main.close();
    println!("main: {:?}", main_events.next().await);
    server.close(Duration::from_secs(1)).await;
    Ok(())
}
