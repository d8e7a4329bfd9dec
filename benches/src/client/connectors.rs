//! Our own connector and the one on `rust_socketio`, against the same server.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use parlour_client::ports::{Connector, Link, LinkEvent, SendError, Target};
use parlour_client::{RustSocketIoConnector, ServerOptions, SocketIoConnector};
use parlour_protocol::{ConnectAuth, OutgoingMessage, ServerEvent, UserId};
use serde::Serialize;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use url::Url;

use crate::samples::{Samples, Summary};

/// How long anything may take that takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often somebody connects.
    pub connects: usize,
    /// How many messages are sent as fast as they can be.
    pub messages: usize,
    /// How many messages are answered one by one.
    pub rounds: usize,
    /// How long a dead link is waited for; zero for not at all.
    pub dead: Duration,
}

/// What came of it, for one connector. Times are in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectorReport {
    /// From nothing to `users`.
    pub connect: Option<Summary>,
    /// Messages a second, from one person to another.
    pub per_second: f64,
    /// There and back again, through the server each way.
    pub round_trip: Option<Summary>,
    /// Seconds until a link over which nothing comes any more is seen to be dead.
    pub dead_after: Option<f64>,
}

/// Both of them.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectorsReport {
    /// `parlour-socketio`.
    pub own: ConnectorReport,
    /// The crate `rust_socketio`.
    pub rust_socketio: ConnectorReport,
}

/// Measures both against the server at `url`.
///
/// # Errors
/// When somebody cannot connect, or a message is lost, doubled or out of order.
pub fn run(url: &str, plan: Plan) -> Result<ConnectorsReport> {
    let url = Url::parse(url)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut own = measure(&SocketIoConnector, &url, plan).await?;
        let mut other = measure(&RustSocketIoConnector, &url, plan).await?;
        if !plan.dead.is_zero() {
            let (one, two) = tokio::join!(
                dead_link(&SocketIoConnector, &url, plan.dead),
                dead_link(&RustSocketIoConnector, &url, plan.dead)
            );
            (own.dead_after, other.dead_after) = (one?, two?);
        }
        Ok(ConnectorsReport {
            own,
            rust_socketio: other,
        })
    })
}

async fn measure(connector: &dyn Connector, url: &Url, plan: Plan) -> Result<ConnectorReport> {
    let mut connect = Samples::default();
    for _ in 0..plan.connects {
        let start = Instant::now();
        let (link, _) = arrive(connector, url).await?;
        connect.add_span(start.elapsed());
        link.sender.close();
    }
    let (mut alice, alice_id) = arrive(connector, url).await?;
    let (mut bob, bob_id) = arrive(connector, url).await?;

    let start = Instant::now();
    let mut arrived = 0;
    for number in 0..plan.messages {
        let message = OutgoingMessage::plain(text(number), bob_id.clone());
        loop {
            match alice.sender.send(&message) {
                Ok(()) => break,
                Err(SendError::Full) => {
                    // Whatever arrives makes room, sooner or later.
                    expect(&mut bob, arrived).await?;
                    arrived += 1;
                }
                Err(SendError::TooLarge) => bail!("a short message is too large"),
            }
        }
    }
    while arrived < plan.messages {
        expect(&mut bob, arrived).await?;
        arrived += 1;
    }
    let per_second = plan.messages as f64 / start.elapsed().as_secs_f64();

    let mut round_trip = Samples::default();
    for number in 0..plan.rounds {
        let start = Instant::now();
        send(&alice, number, &bob_id)?;
        expect(&mut bob, number).await?;
        send(&bob, number, &alice_id)?;
        expect(&mut alice, number).await?;
        round_trip.add_span(start.elapsed());
    }
    Ok(ConnectorReport {
        connect: connect.summary(),
        per_second,
        round_trip: round_trip.summary(),
        dead_after: None,
    })
}

fn text(number: usize) -> String {
    format!("a message of the usual length, with its number at the end: {number}")
}

fn send(from: &Link, number: usize, to: &UserId) -> Result<()> {
    let message = OutgoingMessage::plain(text(number), to.clone());
    from.sender
        .send(&message)
        .map_err(|error| anyhow!("not sent: {error:?}"))
}

/// The next message, which has this number.
async fn expect(link: &mut Link, number: usize) -> Result<()> {
    loop {
        match next(link).await? {
            LinkEvent::Server(ServerEvent::PrivateMessage(message)) => {
                if message.content != text(number) {
                    bail!("message {number} is not the next one");
                }
                return Ok(());
            }
            LinkEvent::Closed(close) => bail!("the link has ended: {:?}", close.reason.code),
            _ => {}
        }
    }
}

async fn next(link: &mut Link) -> Result<LinkEvent> {
    let event = timeout(PATIENCE, link.events.recv()).await;
    event.context("nothing came")?.context("the link has ended")
}

/// Connects, and waits until both oneself and the others are known.
async fn arrive(connector: &dyn Connector, url: &Url) -> Result<(Link, UserId)> {
    let target = Target {
        server: url.clone(),
        auth: ConnectAuth {
            session_id: None,
            username: Some("Measured".to_owned()),
            secret: None,
            pm: None,
        },
        options: ServerOptions::default(),
        cookies: Default::default(),
        polled: false,
    };
    let link = timeout(PATIENCE, connector.connect(target)).await;
    let link = link.context("connecting took too long")?;
    let mut link = link.map_err(|none| anyhow!("no link: {:?}", none.reason.code))?;
    let mut me = None;
    loop {
        match next(&mut link).await? {
            LinkEvent::Server(ServerEvent::Session { user_id, .. }) => me = Some(user_id),
            LinkEvent::Server(ServerEvent::Users(_)) => {
                return Ok((link, me.context("the server did not say who we are")?));
            }
            LinkEvent::Closed(close) => bail!("the link has ended: {:?}", close.reason.code),
            _ => {}
        }
    }
}

/// Seconds until the link is seen to be dead after its peer has gone silent.
async fn dead_link(connector: &dyn Connector, url: &Url, limit: Duration) -> Result<Option<f64>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut through = url.clone();
    through
        .set_port(Some(listener.local_addr()?.port()))
        .map_err(|()| anyhow!("no port"))?;
    let server = (
        url.host_str().context("no host")?.to_owned(),
        url.port_or_known_default().context("no port")?,
    );
    let (silence, silent) = tokio::sync::watch::channel(false);
    let relay = tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (server, mut silent) = (server.clone(), silent.clone());
            tokio::spawn(async move {
                let Ok(mut far) = TcpStream::connect(server).await else {
                    return;
                };
                tokio::select! {
                    // An end is passed on by dropping both.
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    _ = silent.changed() => {
                        // Nothing is read nor closed from now on.
                        std::future::pending::<()>().await;
                    }
                }
            });
        }
    });
    let (mut link, _) = arrive(connector, &through).await?;
    silence.send_replace(true);
    let start = Instant::now();
    let dead = timeout(limit, async {
        while let Some(event) = link.events.recv().await {
            if matches!(event, LinkEvent::Closed(_)) {
                break;
            }
        }
        start.elapsed().as_secs_f64()
    })
    .await;
    relay.abort();
    Ok(dead.ok())
}
