//! A WebSocket that was written by others.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message},
};

use crate::stage::soon;

/// A session, or a part of one, on WebSocket.
pub(crate) struct Ws(pub(crate) WebSocketStream<TcpStream>);

impl Ws {
    /// Opens a WebSocket, whatever it is for.
    pub(crate) async fn dial(addr: SocketAddr, query: &str) -> Result<Self, Error> {
        let tcp = TcpStream::connect(addr).await.unwrap();
        Self::over(tcp, addr, query).await
    }

    async fn over(tcp: TcpStream, addr: SocketAddr, query: &str) -> Result<Self, Error> {
        let url = format!("ws://{addr}/socket.io/?{query}");
        let (ws, _) = soon(client_async(url, tcp)).await?;
        Ok(Self(ws))
    }

    /// A WebSocket for a session that there is.
    pub(crate) async fn beside(addr: SocketAddr, sid: &str) -> Self {
        let query = format!("EIO=4&transport=websocket&sid={sid}");
        Self::dial(addr, &query).await.unwrap()
    }

    /// Opens a session, and returns its handshake.
    pub(crate) async fn open(addr: SocketAddr) -> (Self, serde_json::Value) {
        let mut ws = Self::dial(addr, "EIO=4&transport=websocket").await.unwrap();
        let open = ws.hears().await;
        (
            ws,
            serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap(),
        )
    }

    /// Opens a session and joins the main namespace.
    pub(crate) async fn join(addr: SocketAddr) -> Self {
        let (mut ws, _) = Self::open(addr).await;
        ws.says("40").await;
        assert!(ws.hears().await.starts_with("40"));
        ws
    }

    /// As [`Self::join`], with a system that takes in hardly more than is read.
    pub(crate) async fn join_narrow(addr: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        let tcp = socket.connect(addr).await.unwrap();
        let query = "EIO=4&transport=websocket";
        let mut ws = Self::over(tcp, addr, query).await.unwrap();
        assert!(ws.hears().await.starts_with('0'));
        ws.says("40").await;
        assert!(ws.hears().await.starts_with("40"));
        ws
    }

    pub(crate) async fn says(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Message, Error>> {
        soon(self.0.next()).await
    }

    /// The next text.
    pub(crate) async fn hears(&mut self) -> String {
        match self.next().await {
            Some(Ok(Message::Text(text))) => text.to_string(),
            other => panic!("expected a text: {other:?}"),
        }
    }

    /// Everything up to the end: the texts, and the code of the close frame.
    pub(crate) async fn rest(&mut self) -> (Vec<String>, Option<u16>) {
        let (mut texts, mut code) = (Vec::new(), None);
        while let Some(message) = self.next().await {
            match message {
                Ok(Message::Text(text)) => texts.push(text.to_string()),
                Ok(Message::Close(close)) => code = close.map(|close| close.code.into()),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        (texts, code)
    }
}
