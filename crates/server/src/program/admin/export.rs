//! `admin export`: one JSON object, written while it is read, page by page.

use std::{
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    path::Path,
};

use anyhow::Context as _;
use parlour_protocol::UserId;

use super::{Asker, unexpected};
use crate::admin::{AdminAnswer, AdminCommand};

pub(super) async fn export(
    asker: &mut Asker,
    user: UserId,
    file: Option<&Path>,
) -> anyhow::Result<()> {
    let Some(path) = file else {
        return write(asker, user, &mut io::stdout()).await;
    };
    let file =
        create_private(path).with_context(|| format!("{} cannot be written", path.display()))?;
    let mut out = BufWriter::new(&file);
    let mut written = write(asker, user, &mut out).await;
    if written.is_ok() {
        written = file.sync_all().map_err(anyhow::Error::from);
    }
    if written.is_err() {
        // Whole or not at all.
        let _ = std::fs::remove_file(path);
    }
    written
}

async fn write(asker: &mut Asker, user: UserId, out: &mut impl Write) -> anyhow::Result<()> {
    let mut after = None;
    let mut first = true;
    loop {
        let command = AdminCommand::Export {
            user: user.clone(),
            after,
        };
        let (about, sessions, messages, next) = match asker.ask(command).await? {
            AdminAnswer::Exported {
                user,
                sessions,
                messages,
                next,
            } => (user, sessions, messages, next),
            other => return unexpected(&other),
        };
        if after.is_none() {
            let about = serde_json::to_string(&about)?;
            let sessions = serde_json::to_string(&sessions)?;
            write!(
                out,
                "{{\"user\":{about},\"sessions\":{sessions},\"messages\":["
            )?;
        }
        for message in &messages {
            let comma = if first { "" } else { "," };
            write!(out, "{comma}\n{}", serde_json::to_string(message)?)?;
            first = false;
        }
        if next.is_none() {
            writeln!(out, "\n]}}")?;
            out.flush()?;
            return Ok(());
        }
        after = next;
    }
}

/// A new file that only its owner can read.
fn create_private(path: &Path) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
