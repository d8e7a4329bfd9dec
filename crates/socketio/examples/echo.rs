//! Says something and waits until it comes back, with the example `server`:
//! `cargo run -p parlour-socketio --example echo -- http://127.0.0.1:3000 hello`

#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use bytes::Bytes;
use parlour_socketio::{ConnectOptions, Placeholder, SocketEvent, connect};
use serde_json::value::to_raw_value;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: echo URL [TEXT]")?;
    let text = arguments.next().unwrap_or_else(|| "hello".to_owned());
    let mut options = ConnectOptions::new(url.parse()?);
    options.auth = Some(to_raw_value(&serde_json::json!({ "name": "ada" }))?);

    let (socket, mut events) = connect(options).await?;
    // Any tuple of what can be serialised, and bytes where a placeholder stands.
    let file = Bytes::from_static(b"\x00\x01\x02");
    socket.try_emit_with_attachments("echo", &(text, Placeholder(0)), vec![file])?;
    while let Some(event) = events.next().await {
        match event {
            SocketEvent::Event(event) if event.name == "echo" => {
                // Each argument is JSON of its own, to be read as what it should be.
                let text = event.args.first().ok_or("nothing came back")?;
                let text: String = serde_json::from_str(text.get())?;
                println!("{text}, and {} bytes", event.attachments[0].len());
                socket.close();
            }
            SocketEvent::Event(event) => println!("{} is not for us", event.name),
            SocketEvent::Undecodable(packet) => println!("no packet: {}", packet.error),
            // Ours, after the server has got our goodbye.
            SocketEvent::Closed(reason) => println!("{reason}"),
        }
    }
    Ok(())
}
