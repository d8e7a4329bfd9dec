//! Asks and is asked, with a server of its own:
//! `cargo run -p parlour-socketio --example acks`

#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::{error::Error, net::Ipv4Addr, time::Duration};

use parlour_socketio::{
    AckError, ConnectOptions, SocketEvent, connect,
    server::{
        ConnectRequest, IncomingEvent, LeaveReason, Namespace, Refusal, Server, ServerOptions,
        Socket, bind,
    },
};

/// Knows how to double a number, and nothing else.
struct Doubles;

impl Namespace for Doubles {
    type State = ();

    async fn connect(&self, _: &Socket, _: ConnectRequest) -> Result<(), Refusal> {
        Ok(())
    }

    async fn event(&self, socket: &Socket, (): &mut (), event: IncomingEvent) {
        let number = event.args.first().map(|number| number.get().parse::<i64>());
        if let ("double", Some(Ok(number)), Some(ack)) = (event.name.as_str(), number, event.ack)
            && let Ok(frame) = ack.answer(socket.namespace(), &(number * 2,))
            && socket.send(&frame).is_ok()
        {
            socket.flush();
        }
    }

    async fn left(&self, _: &Socket, (): (), _: LeaveReason) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::builder(ServerOptions::default())
        .namespace("/", Doubles)
        .start(bind((Ipv4Addr::LOCALHOST, 0).into())?);
    let url = format!("http://{}", server.addr());
    let (socket, mut events) = connect(ConnectOptions::new(url.parse()?)).await?;

    let limit = Duration::from_secs(5);
    let answer = socket.emit_with_ack("double", &(21,), limit).await?;
    println!("21 doubled is {}", answer.args[0]);

    // In the order of the calls, without waiting in between.
    let asked = [
        socket.try_ask("double", &(1,))?,
        socket.try_ask("double", &(2,))?,
    ];
    for asked in asked {
        let answer = tokio::time::timeout(limit, asked.answer()).await?;
        println!("{}", answer.ok_or("the connection closed")?.args[0]);
    }

    // Whoever asks what the server does not know waits for their own time only.
    let never = socket.emit_with_ack("halve", &(21,), Duration::from_millis(200));
    match never.await {
        Err(AckError::TimedOut) => println!("no answer, as it should be"),
        other => println!("{other:?}"),
    }

    socket.close();
    while let Some(event) = events.next().await {
        // A server that asks: the event has an `ack`, and this is the way to answer.
        if let SocketEvent::Event(event) = event
            && let Some(ack) = event.ack
        {
            ack.send(&("whatever it wants to know",))?;
        }
    }
    server.close(Duration::from_secs(1)).await;
    Ok(())
}
