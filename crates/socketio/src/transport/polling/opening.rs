//! The first request, which opens a session.

use std::{sync::Arc, time::Duration};

use super::{
    Polling, Requests,
    failure::Failure,
    lane::Lane,
    moving::{Move, Mover},
    outgoing::Outgoing,
    pace::Pace,
    probe::Probes,
    site::Site,
};
use crate::{
    cookies::CookieJar,
    engine::{EnginePacket, Handshake},
    error::ConnectError,
    options::ConnectOptions,
    payload::{Part, Payload},
    transport::{Dialer, stall::Stall},
};

/// A poll that waits brings a ping within the server's own times; this much more
/// is for the way.
const SLACK: Duration = Duration::from_secs(10);
/// What a server takes in one request that does not say: what the official one
/// takes by default, in bytes.
const MAX_PAYLOAD: usize = 1_000_000;

/// Opens a session. Where the server offers it, `mover` moves it to WebSocket.
pub(in crate::transport) async fn open(
    dialer: Dialer,
    cookies: CookieJar,
    options: &ConnectOptions,
    mover: Option<Mover>,
) -> Result<Polling, ConnectError> {
    let site = Arc::new(Site::new(dialer, cookies, options.limits.incoming_bytes)?);
    let mut lane = Lane::new();
    let request = site.request(None, None).map_err(Failure::into_connect)?;
    // The attempt as a whole is limited.
    let asked = lane
        .exchange(&site, request, Some(options.connect_timeout))
        .await;
    let body = asked.map_err(Failure::into_connect)?;
    let not = |what: &str| ConnectError::NotSocketIo(what.to_owned());
    let payload = Payload::new(body.clone()).map_err(|_| not("its answer holds no packets"))?;
    let handshake =
        handshake(payload).ok_or_else(|| not("its answer does not begin with a handshake"))?;
    let mover = mover.filter(|_| handshake.upgrades.iter().any(|name| name == "websocket"));
    let moving = Move::new(mover, &handshake.sid);
    Ok(Polling {
        site,
        patience: handshake.patience() + SLACK,
        polls: Requests::new(lane),
        posts: Requests::new(Lane::new()),
        // The handshake is for the machine to read, too.
        payload: Payload::new(body).unwrap_or_default(),
        over: false,
        outgoing: Outgoing::new(handshake.max_payload.unwrap_or(MAX_PAYLOAD)),
        stall: Stall::default(),
        probes: Probes::default(),
        probe: None,
        pace: Pace::default(),
        failed: None,
        moving,
        sid: handshake.sid,
    })
}

fn handshake(mut payload: Payload) -> Option<Handshake> {
    let Some(Part::Text(text)) = payload.next() else {
        return None;
    };
    let EnginePacket::Open(data) = EnginePacket::decode(&text)? else {
        return None;
    };
    serde_json::from_str(data).ok()
}
