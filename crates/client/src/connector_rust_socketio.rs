//! A second connector, on the `rust_socketio` crate: kept usable and
//! comparable, not recommended. What it cannot do is listed where it is
//! compared with the ordinary one, in the conformance tests.
//!
//! The crate reconnects by itself and cannot be told not to without losing the
//! only sign of a broken connection. So each connection has a runtime on a
//! thread of its own, which is dropped, with all that the crate has running,
//! as soon as it wants to reconnect.

use std::{error::Error, io, thread, time::Duration};

use futures_util::FutureExt;
use parlour_protocol::{OutgoingMessage, names};
use rust_socketio::{
    Event, Payload, TransportType,
    asynchronous::{Client, ClientBuilder},
};
use serde_json::value::{RawValue, to_raw_value};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    ServerOptions,
    connector::{auth_json, server_event, shorten},
    ports::{
        Connecting, Connector, Fence, Link, LinkClose, LinkEvent, LinkFacts, LinkSender, SendError,
        Target,
    },
    view::{Failure, FailureCode},
};

/// How many events may wait for the engine, and messages for the connection.
const QUEUE: usize = 256;

/// How long connecting, and writing one message, may take: the crate sets no limit.
const LIMIT: Duration = Duration::from_secs(10);

/// What the crate's default servers wait for a dead client: it hides the handshake.
const SERVER_PATIENCE: Duration = Duration::from_secs(45);

/// What its `ConnectError` callback is told before the server's own JSON.
const REFUSED: &str = "Received an ConnectError frame: ";

/// Connects with `rust_socketio`, over WebSocket.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustSocketIoConnector;

impl Connector for RustSocketIoConnector {
    fn connect(&self, target: Target) -> Connecting {
        Box::pin(async move {
            let (outgoing, events) = mpsc::channel(QUEUE);
            let (messages, inbox) = mpsc::channel(QUEUE);
            let (opened, opening) = oneshot::channel();
            let encrypted = target.server.scheme() == "https";
            let connection = Connection {
                outgoing,
                ends: mpsc::channel(1),
            };
            thread::Builder::new()
                .name("rust-socketio".into())
                .spawn(move || {
                    match tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                    {
                        Ok(runtime) => {
                            runtime.block_on(connection.run(target, opened, inbox));
                            runtime.shutdown_background();
                        }
                        Err(error) => {
                            // Whoever asked may have given up.
                            let _ = opened.send(Err(failed(error)));
                        }
                    }
                })
                .map_err(failed)?;
            opening.await.unwrap_or_else(|_| Err(timed_out()))?;
            Ok(Link {
                // The crate keeps it to itself.
                socket_id: String::new(),
                sender: Box::new(Sender { messages }),
                events,
                server_patience: SERVER_PATIENCE,
                // Nor does it tell what the handshake said.
                facts: LinkFacts {
                    encrypted: Some(encrypted),
                    ..LinkFacts::default()
                },
            })
        })
    }
}

struct Sender {
    messages: mpsc::Sender<OutgoingMessage>,
}

impl LinkSender for Sender {
    fn send(&self, message: &OutgoingMessage) -> Result<(), SendError> {
        self.messages
            .try_send(message.clone())
            .map_err(|_| SendError::Full)
    }

    /// The crate cannot leave its namespace.
    fn fence(&self, _number: u64) -> Fence {
        Fence::Never
    }

    /// The connection ends when its queue does: with this sender.
    fn close(&self) {}
}

struct Connection {
    outgoing: mpsc::Sender<LinkEvent>,
    /// Whether the end was a goodbye; only the first one told counts.
    ends: (mpsc::Sender<bool>, mpsc::Receiver<bool>),
}

type Opened = oneshot::Sender<Result<(), Failure>>;

impl Connection {
    async fn run(
        mut self,
        target: Target,
        opened: Opened,
        mut inbox: mpsc::Receiver<OutgoingMessage>,
    ) {
        let client = match self.open(&target).await {
            Ok(client) => client,
            Err(failure) => {
                // Whoever asked may have given up.
                let _ = opened.send(Err(failure));
                return;
            }
        };
        if opened.send(Ok(())).is_err() {
            return;
        }
        let clean = loop {
            tokio::select! {
                clean = self.ends.1.recv() => break clean.unwrap_or(false),
                message = inbox.recv() => match message {
                    Some(message) if write(&client, &message).await => {}
                    Some(_) => break false,
                    None => {
                        // Goodbye, as far as the crate can say it.
                        let _ = timeout(Duration::from_secs(1), client.disconnect()).await;
                        break false;
                    }
                },
            }
        };
        let reason = Failure {
            code: FailureCode::LinkLost,
            detail: None,
        };
        // An error means that the engine has dropped the link.
        let _ = self
            .outgoing
            .send(LinkEvent::Closed(LinkClose { clean, reason }))
            .await;
    }

    /// Connects and waits for the server's verdict on the sign-in.
    async fn open(&mut self, target: &Target) -> Result<Client, Failure> {
        let auth = auth_json(&target.auth)?;
        let auth: serde_json::Value = serde_json::from_str(auth.get()).map_err(|_| Failure {
            code: FailureCode::ProtocolError,
            detail: None,
        })?;
        let (verdict, mut verdicts) = mpsc::channel::<Result<(), Failure>>(1);
        let refused = verdict.clone();
        let outgoing = self.outgoing.clone();
        let (goodbye, broken) = (self.ends.0.clone(), self.ends.0.clone());
        let ServerOptions { ca, pin, proxy, .. } = &target.options;
        if ca.is_some() || pin.is_some() || proxy.is_some() {
            // Not to be left out: whoever set them does not want to connect without.
            return Err(Failure {
                code: FailureCode::Tls,
                detail: Some("this connector knows no certificates, pins or proxies".into()),
            });
        }
        let mut server = target.server.clone();
        if let Some(path) = &target.options.path {
            server.set_path(path);
        }
        let connecting = ClientBuilder::new(server.as_str())
            .namespace("/")
            .auth(auth)
            .transport_type(TransportType::Websocket)
            .reconnect_on_disconnect(true)
            .on(Event::Connect, move |_, _| {
                // Only the first verdict counts.
                let _ = verdict.try_send(Ok(()));
                async {}.boxed()
            })
            .on(Event::Close, move |_, _| {
                let _ = goodbye.try_send(true);
                async {}.boxed()
            })
            .on(Event::Error, move |payload, _| {
                if let Some(failure) = refusal(&payload) {
                    let _ = refused.try_send(Err(failure));
                }
                async {}.boxed()
            })
            .on_any(move |event, payload, _| {
                let outgoing = outgoing.clone();
                async move {
                    let name = String::from(event);
                    if let Some(event) =
                        arguments(&payload).and_then(|args| server_event(&name, &args))
                    {
                        // An error means that the engine has dropped the link.
                        let _ = outgoing.send(event).await;
                    }
                }
                .boxed()
            })
            .on_reconnect(move || {
                let _ = broken.try_send(false);
                // It gets no further: its runtime is dropped.
                std::future::pending().boxed()
            })
            .connect();
        let client = timeout(LIMIT, connecting)
            .await
            .map_err(|_| timed_out())?
            .map_err(connect_failure)?;
        tokio::select! {
            verdict = timeout(LIMIT, verdicts.recv()) => verdict.ok().flatten().unwrap_or_else(|| Err(timed_out()))?,
            _ = self.ends.1.recv() => {
                return Err(Failure { code: FailureCode::ClosedByServer, detail: None });
            }
        }
        Ok(client)
    }
}

async fn write(client: &Client, message: &OutgoingMessage) -> bool {
    let payload = serde_json::json!({ "content": message.content, "to": message.to });
    matches!(
        timeout(LIMIT, client.emit(names::PRIVATE_MESSAGE, payload)).await,
        Ok(Ok(()))
    )
}

fn arguments(payload: &Payload) -> Option<Vec<Box<RawValue>>> {
    match payload {
        Payload::Text(values) => values
            .iter()
            .map(|value| to_raw_value(value).ok())
            .collect(),
        _ => None,
    }
}

/// The refusal in an error's text; other errors are not told apart from noise.
fn refusal(payload: &Payload) -> Option<Failure> {
    let Payload::Text(values) = payload else {
        return None;
    };
    let json = values.first()?.as_str()?.strip_prefix(REFUSED)?;
    let refusal: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let message = refusal
        .get("message")
        .and_then(serde_json::Value::as_str)
        .unwrap_or(json);
    Some(Failure {
        code: FailureCode::SignInRefused,
        detail: Some(shorten(message)),
    })
}

fn timed_out() -> Failure {
    Failure {
        code: FailureCode::TimedOut,
        detail: None,
    }
}

fn failed(error: io::Error) -> Failure {
    Failure {
        code: FailureCode::Network,
        detail: Some(shorten(&error.to_string())),
    }
}

/// The cause, where the chain of errors still holds one.
fn connect_failure(error: rust_socketio::Error) -> Failure {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            return Failure {
                code: FailureCode::ConnectionRefused,
                detail: None,
            };
        }
        cause = error.source();
    }
    Failure {
        code: FailureCode::Network,
        detail: Some(shorten(&error.to_string())),
    }
}
