//! Connects to a server and prints what it says, until it ends:
//! `cargo run -p parlour-socketio --example listen -- http://127.0.0.1:3000 '{"username":"alice"}'`

#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use parlour_socketio::{ConnectOptions, SocketEvent, connect};
use serde_json::value::RawValue;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: listen URL [AUTH]")?;
    let mut options = ConnectOptions::new(url.parse()?);
    options.auth = arguments.next().map(RawValue::from_string).transpose()?;

    let (socket, mut events) = connect(options).await?;
    println!(
        "connected; the server pings every {:?}",
        socket.handshake().ping_interval
    );
    while let Some(event) = events.next().await {
        match event {
            SocketEvent::Event(event) => {
                let args: Vec<_> = event.args.iter().map(|arg| arg.get()).collect();
                println!("{} {}", event.name, args.join(" "));
            }
            SocketEvent::Undecodable(packet) => {
                println!(
                    "{} bytes that are no packet: {}",
                    packet.bytes, packet.error
                );
            }
            SocketEvent::Closed(reason) => println!("closed: {reason}"),
        }
    }
    Ok(())
}
