//! Whom `admin` asks: a server that runs, or a hub of its own.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use parlour_socketio::server::Frame;

use crate::{
    admin::{AdminAnswer, AdminCommand, perform},
    audit::{Audit, AuditThread},
    config::{Config, StorageKind},
    hub::{self, Announcer, HubHandle, HubThread, Stop},
    storage::{DataFolder, Sqlite, StorageError},
};

/// Somebody who does admin commands.
pub(super) enum Asker {
    /// A server that runs.
    #[cfg(unix)]
    Server(crate::admin::AdminClient),
    /// This process, which holds the data meanwhile.
    Alone(Alone),
}

/// A hub without connections.
pub(super) struct Alone {
    hub: HubHandle,
    thread: HubThread,
    audit: Audit,
    audit_thread: AuditThread,
}

/// Nobody is there to be told.
struct Nobody;

impl Announcer for Nobody {
    fn announce(&self, _frame: Frame) {}
}

impl Asker {
    /// The server that runs on `folder`; if none does, this process.
    pub(super) async fn reach(config: &Config, folder: &Path) -> anyhow::Result<Self> {
        #[cfg(unix)]
        if let Some(client) = crate::admin::AdminClient::connect(folder).await? {
            return Ok(Self::Server(client));
        }
        anyhow::ensure!(
            config.storage == StorageKind::Sqlite,
            "no server runs here, and one with --storage memory leaves nothing behind"
        );
        let held = match DataFolder::open(folder) {
            Err(error @ StorageError::InUse(_)) => {
                return Err(error).context("the server cannot be reached: stop it first");
            }
            other => other?,
        };
        Ok(Self::Alone(Alone::open(config, folder, held)?))
    }

    pub(super) async fn ask(&mut self, command: AdminCommand) -> anyhow::Result<AdminAnswer> {
        match self {
            #[cfg(unix)]
            Self::Server(client) => client.ask(&command).await.context("the server is gone"),
            Self::Alone(alone) => Ok(perform(&alone.hub, &alone.audit, command).await),
        }
    }

    /// Leaves the data as a server would.
    pub(super) async fn leave(self) {
        if let Self::Alone(alone) = self {
            alone.close().await;
        }
    }
}

impl Alone {
    fn open(config: &Config, folder: &Path, held: DataFolder) -> anyhow::Result<Self> {
        let (audit, audit_thread) = Audit::open(folder)?;
        let storage = Box::new(Sqlite::open(held)?);
        let policy = hub::Policy::of(config);
        let (hub, thread) = hub::spawn(storage, Box::new(Nobody), policy, Arc::default())?;
        Ok(Self {
            hub,
            thread,
            audit,
            audit_thread,
        })
    }

    async fn close(self) {
        // An error is a hub that has ended: then it is only joined.
        let _ = self.hub.stop(Stop { checkpoint: true }).await;
        drop(self.audit);
        let (thread, audit_thread) = (self.thread, self.audit_thread);
        let ended = tokio::task::spawn_blocking(move || {
            audit_thread.join();
            thread.join()
        });
        if !matches!(ended.await, Ok(Ok(()))) {
            tracing::error!("the hub ended by a fault");
        }
    }
}
