//! Opening the data.

use std::path::Path;

use super::StartError;
use crate::{
    audit::{Audit, AuditThread},
    config::{Config, ConfigError, StorageKind},
    storage::{DataFolder, Memory, Sqlite, Storage},
};

/// What was opened of the data.
pub(super) struct Data {
    pub(super) storage: Box<dyn Storage>,
    pub(super) audit: Audit,
    pub(super) audit_thread: AuditThread,
    /// Held by itself where no storage holds it.
    pub(super) folder: Option<DataFolder>,
}

/// Opens what the configuration names. Migrating may take its time.
pub(super) async fn open(config: &Config) -> Result<Data, StartError> {
    let (data, kind) = (config.data.clone(), config.storage);
    let opened = tokio::task::spawn_blocking(move || open_now(data.as_deref(), kind));
    opened
        .await
        .map_err(|error| StartError::Internal(error.to_string()))?
}

fn open_now(data: Option<&Path>, kind: StorageKind) -> Result<Data, StartError> {
    let folder = data.map(DataFolder::open).transpose()?;
    let (audit, audit_thread) = match data {
        Some(data) => Audit::open(data).map_err(StartError::Audit)?,
        None => (Audit::none(), AuditThread::none()),
    };
    let (storage, folder): (Box<dyn Storage>, _) = match (kind, folder) {
        (StorageKind::Memory, folder) => (Box::new(Memory::new()), folder),
        (StorageKind::Sqlite, Some(folder)) => (Box::new(Sqlite::open(folder)?), None),
        (StorageKind::Sqlite, None) => return Err(ConfigError::NoData.into()),
    };
    Ok(Data {
        storage,
        audit,
        audit_thread,
        folder,
    })
}
