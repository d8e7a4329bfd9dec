//! The only part that touches the network: name → TCP → TLS → WebSocket.

use std::sync::Arc;

use futures_util::{StreamExt, stream::SplitStream};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::{error::ConnectError, options::ConnectOptions};

mod dial;
mod meter;
mod target;
mod tls;
mod websocket;
mod writer;

pub(crate) use meter::Meter;
pub(crate) use websocket::ended;
pub(crate) use writer::Writer;

/// The stream below the WebSocket.
type Io = MaybeTlsStream<meter::Metered<TcpStream>>;
/// What arrives.
pub(crate) type Reader = SplitStream<WebSocketStream<Io>>;

/// An open WebSocket.
pub(crate) struct Wire {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) meter: Arc<Meter>,
}

/// Connects, up to the answered upgrade. Takes as long as it takes; dropping the
/// future gives the attempt up.
pub(crate) async fn open(options: &ConnectOptions) -> Result<Wire, ConnectError> {
    let target = target::Target::from_options(options)?;
    let tcp = dial::dial(&target.host, target.port).await?;
    let meter = Arc::new(Meter::default());
    let metered = meter::Metered::new(tcp, Arc::clone(&meter));
    let io = if target.secure {
        let tls = tls::handshake(&options.roots, &target.host, metered).await?;
        MaybeTlsStream::Rustls(tls)
    } else {
        MaybeTlsStream::Plain(metered)
    };
    let websocket = websocket::upgrade(&target.request, io, options.limits.incoming_bytes).await?;
    let (sink, reader) = websocket.split();
    Ok(Wire {
        reader,
        writer: Writer::new(sink),
        meter,
    })
}
