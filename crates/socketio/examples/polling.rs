//! Begins with long polling and moves to WebSocket where the server offers it, with
//! the example `server`: `cargo run -p parlour-socketio --example polling -- http://127.0.0.1:3000`

#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::time::Duration;

use parlour_socketio::{ConnectOptions, Transports, connect};
use serde_json::value::to_raw_value;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: polling URL")?;
    let mut options = ConnectOptions::new(url.parse()?);
    options.auth = Some(to_raw_value(&serde_json::json!({ "name": "ada" }))?);
    options.transports = Transports::PollingFirst;

    let (socket, _events) = connect(options).await?;
    let limit = Duration::from_secs(5);
    // Nothing is lost, doubled or out of order while it moves.
    for number in 0..20 {
        let answer = socket.emit_with_ack("echo", &(number,), limit).await?;
        println!("{number} by {:?}: {}", socket.transport(), answer.args[0]);
    }
    socket.close();
    Ok(())
}
