//! `admin`: asks the hub, and prints what it says.

mod ask;
mod export;
mod show;

use std::io::BufRead as _;

use anyhow::Context as _;
use parlour_protocol::UserId;

use super::{arguments::AdminTask, copies, print};
use crate::{
    admin::{AdminAnswer, AdminCommand},
    admission::Passwords,
    config::Settings,
};
use ask::Asker;

pub(super) async fn run(settings: &Settings, task: AdminTask) -> anyhow::Result<()> {
    let config = settings.config()?;
    let folder = copies::data(&config)?;
    let mut asker = Asker::reach(&config, &folder).await?;
    let outcome = done(&mut asker, task).await;
    asker.leave().await;
    outcome
}

async fn done(asker: &mut Asker, task: AdminTask) -> anyhow::Result<()> {
    let user = |id: String| UserId::new(id);
    let text = match task {
        AdminTask::Users => return users(asker).await,
        AdminTask::Export { user: id, file } => {
            return export::export(asker, user(id), file.as_deref()).await;
        }
        AdminTask::Sessions { user: id } => {
            match asker.ask(AdminCommand::Sessions { user: user(id) }).await? {
                AdminAnswer::Sessions { sessions } => show::sessions(&sessions),
                other => unexpected(&other)?,
            }
        }
        AdminTask::Revoke { user: id, session } => {
            let command = AdminCommand::Revoke {
                user: user(id),
                session,
            };
            format!("ended {} sessions\n", count(asker, command).await?)
        }
        AdminTask::Ban { user: id } => {
            let command = AdminCommand::Ban { user: user(id) };
            format!("banned; ended {} sessions\n", count(asker, command).await?)
        }
        AdminTask::Unban { user: id } => {
            count(asker, AdminCommand::Unban { user: user(id) }).await?;
            "may sign in again\n".to_owned()
        }
        AdminTask::Invite { hours, note } => {
            match asker.ask(AdminCommand::Invite { hours, note }).await? {
                AdminAnswer::Invited { token } => format!("{token}\n"),
                other => unexpected(&other)?,
            }
        }
        AdminTask::Password { user: id } => {
            let command = AdminCommand::SetPassword {
                user: user(id),
                hash: new_password().await?,
            };
            count(asker, command).await?;
            "the password is set\n".to_owned()
        }
        AdminTask::Delete { user: id } => {
            let command = AdminCommand::Delete { user: user(id) };
            format!("deleted, with {} messages\n", count(asker, command).await?)
        }
    };
    print(&text)?;
    Ok(())
}

async fn count(asker: &mut Asker, command: AdminCommand) -> anyhow::Result<u64> {
    match asker.ask(command).await? {
        AdminAnswer::Done { count } => Ok(count),
        other => unexpected(&other),
    }
}

async fn users(asker: &mut Asker) -> anyhow::Result<()> {
    let mut after = None;
    print(show::USERS)?;
    loop {
        match asker.ask(AdminCommand::Users { after }).await? {
            AdminAnswer::Users { users, next } => {
                print(&show::users(&users))?;
                if next.is_none() {
                    return Ok(());
                }
                after = next;
            }
            other => return unexpected(&other),
        }
    }
}

/// From a pipe or a keyboard, never from an argument, which others of this
/// machine could see.
async fn new_password() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let hash = Passwords::new()
        .hash(line.trim_end_matches(['\r', '\n']))
        .await;
    let hash = hash.map_err(|_| anyhow::anyhow!("a password has 8 characters to 1024 bytes"))?;
    Ok(hash.as_str().to_owned())
}

/// What it refused, or a server of another version.
fn unexpected<T>(answer: &AdminAnswer) -> anyhow::Result<T> {
    match answer {
        AdminAnswer::Refused { error } => Err(*error).context("nothing was done"),
        _ => anyhow::bail!("the server answered something else; is it of another version?"),
    }
}
