//! The commands under `admin`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::{path, text};

/// A command under `admin`. Users are named by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::program) enum AdminTask {
    Users,
    Sessions {
        user: String,
    },
    Revoke {
        user: String,
        session: Option<String>,
    },
    Ban {
        user: String,
    },
    Unban {
        user: String,
    },
    Invite {
        hours: u32,
        note: String,
    },
    Password {
        user: String,
    },
    Export {
        user: String,
        file: Option<PathBuf>,
    },
    Delete {
        user: String,
    },
}

/// As clap has them.
pub(super) fn command() -> Command {
    let user = || {
        Arg::new("user")
            .value_name("USER")
            .required(true)
            .help("The user's id, as `admin users` lists it")
    };
    Command::new("admin")
        .about("Look after users, also while the server runs")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("users").about("List everyone"))
        .subcommand(
            Command::new("sessions")
                .about("List the sessions of a user")
                .arg(user()),
        )
        .subcommand(
            Command::new("revoke")
                .about("Sign a user out everywhere, or end one session")
                .arg(user())
                .arg(
                    Arg::new("session")
                        .long("session")
                        .value_name("SESSION")
                        .help("Only this one, as `admin sessions` lists it"),
                ),
        )
        .subcommand(
            Command::new("ban")
                .about("Sign a user out everywhere, and let them in no more")
                .arg(user()),
        )
        .subcommand(
            Command::new("unban")
                .about("Let a banned user in again")
                .arg(user()),
        )
        .subcommand(
            Command::new("invite")
                .about("Make an invitation for one new user, and print it")
                .arg(
                    Arg::new("hours")
                        .long("hours")
                        .value_name("NUMBER")
                        .value_parser(value_parser!(u32).range(1..=24 * 365))
                        .default_value("168")
                        .help("How long it can be used"),
                )
                .arg(
                    Arg::new("note")
                        .long("note")
                        .value_name("TEXT")
                        .default_value("")
                        .help("For whom it is"),
                ),
        )
        .subcommand(
            Command::new("password")
                .about("Give a user another password, read from standard input")
                .arg(user()),
        )
        .subcommand(
            Command::new("export")
                .about("Write all that is stored about a user, as JSON")
                .arg(user())
                .arg(
                    path(Arg::new("file").long("to").value_name("FILE"))
                        .help("Where to, instead of standard output; it must not exist yet"),
                ),
        )
        .subcommand(
            Command::new("delete")
                .about("Remove a user, their sessions, and every message from or to them")
                .arg(user())
                .arg(
                    Arg::new("yes")
                        .long("yes")
                        .action(ArgAction::SetTrue)
                        .required(true)
                        .help("It cannot be undone"),
                ),
        )
}

/// What is to be done.
pub(super) fn read(matches: &ArgMatches) -> anyhow::Result<AdminTask> {
    let Some((name, matches)) = matches.subcommand() else {
        anyhow::bail!("say what to do");
    };
    let user = || text(matches, "user");
    Ok(match name {
        "users" => AdminTask::Users,
        "sessions" => AdminTask::Sessions { user: user()? },
        "revoke" => AdminTask::Revoke {
            user: user()?,
            session: matches.get_one("session").cloned(),
        },
        "ban" => AdminTask::Ban { user: user()? },
        "unban" => AdminTask::Unban { user: user()? },
        "invite" => AdminTask::Invite {
            hours: matches.get_one("hours").copied().unwrap_or(1),
            note: text(matches, "note")?,
        },
        "password" => AdminTask::Password { user: user()? },
        "export" => AdminTask::Export {
            user: user()?,
            file: matches.get_one("file").cloned(),
        },
        "delete" => AdminTask::Delete { user: user()? },
        other => anyhow::bail!("there is no command `admin {other}`"),
    })
}
