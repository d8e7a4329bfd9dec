//! The server, from its start to its end.

#[cfg(unix)]
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{
    notify, print,
    signals::{Signal, Signals},
};
#[cfg(unix)]
use crate::admin::{AdminSocket, Performing, perform};
use crate::{
    Running, Server,
    config::Settings,
    metrics::{Endpoint, Scrape},
    storage,
};

/// How long an end in order may take: what a supervisor gives, and FAULTS row 20.
const DRAIN: Duration = Duration::from_secs(10);

pub(super) async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    for name in settings.unknown_variables() {
        tracing::warn!(name, "a variable of the environment means nothing here");
    }
    let config = settings.config()?;
    let (data, metrics_at) = (config.data.clone(), config.metrics);
    let server = Server::start(config).await?;
    let _metrics = match metrics_at {
        None => None,
        Some(addr) => {
            let scrape = Scrape {
                metrics: server.metrics(),
                engine: server.engine(),
                database: data.as_deref().map(storage::database_in),
            };
            let endpoint = Endpoint::start(addr, scrape)
                .await
                .map_err(|error| anyhow::anyhow!("metrics cannot be served at {addr}: {error}"))?;
            tracing::info!(at = %endpoint.addr(), "serving metrics");
            Some(endpoint)
        }
    };
    #[cfg(unix)]
    let admin = data.as_deref().and_then(|data| admin_socket(data, &server));
    print(&format!("server listening at {}\n", server.url()))?;
    notify::tell(notify::READY);
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Reload => reload(&server),
                Signal::End => break,
            },
            () = server.failed() => {
                anyhow::bail!("the server ended by a fault; see the log above")
            }
        }
    }
    notify::tell(notify::STOPPING);
    tracing::info!("ending");
    #[cfg(unix)]
    drop(admin);
    end(server, signals).await
}

/// Without its socket a server still serves; only `admin` says that it cannot
/// be reached. A path may be too long for a socket.
#[cfg(unix)]
fn admin_socket(data: &std::path::Path, server: &Running) -> Option<AdminSocket> {
    let (hub, audit) = (server.hub(), server.audit());
    let perform = move |command| {
        let (hub, audit) = (hub.clone(), audit.clone());
        Box::pin(async move { perform(&hub, &audit, command).await }) as Performing
    };
    AdminSocket::start(data, Arc::new(perform))
        .inspect_err(|error| tracing::warn!(%error, "there is no admin socket"))
        .ok()
}

fn reload(server: &Running) {
    match server.reload_tls() {
        Ok(true) => tracing::info!("read the certificate again"),
        Ok(false) => tracing::info!("there is no certificate to read again"),
        Err(error) => {
            tracing::error!(%error, "the new certificate cannot be used; the old one stays");
        }
    }
}

async fn end(server: Running, mut signals: Signals) -> anyhow::Result<()> {
    let insists = async { while signals.next().await != Signal::End {} };
    match ending(server.stop(), insists, DRAIN).await {
        Ending::InOrder => {}
        Ending::TooLong => tracing::warn!("the end in order took too long"),
        Ending::AtOnce => anyhow::bail!("ended at once, by a second signal"),
    }
    Ok(())
}

/// How the end went. What was acknowledged is stored in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    InOrder,
    /// Not within the limit.
    TooLong,
    /// Somebody insisted.
    AtOnce,
}

async fn ending(
    stop: impl Future<Output = ()>,
    insists: impl Future<Output = ()>,
    limit: Duration,
) -> Ending {
    tokio::select! {
        ended = timeout(limit, stop) => match ended {
            Ok(()) => Ending::InOrder,
            Err(_) => Ending::TooLong,
        },
        () = insists => Ending::AtOnce,
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn an_end_is_in_order_or_cut_short() {
        assert_eq!(ending(ready(()), pending(), DRAIN).await, Ending::InOrder);
        assert_eq!(ending(pending(), ready(()), DRAIN).await, Ending::AtOnce);
        let now = Duration::ZERO;
        assert_eq!(ending(pending(), pending(), now).await, Ending::TooLong);
    }
}
