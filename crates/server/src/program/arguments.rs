//! The command line.

mod admin;

use std::{collections::BTreeMap, env, path::PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::config::{self, Settings};

pub(super) use admin::AdminTask;

/// What the program is asked to do.
#[derive(Debug)]
pub(super) enum Task {
    /// Run the server.
    Serve,
    /// Say what holds.
    CheckConfig,
    /// Write a copy of the data.
    Backup(PathBuf),
    /// Take the data from a copy.
    Restore(PathBuf),
    /// Something that the hub does.
    Admin(AdminTask),
}

/// The whole command line, as clap has it.
pub(super) fn command() -> Command {
    let file = |help: &'static str| {
        path(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .help(help),
        )
    };
    config::command(Command::new("parlour-server"))
        .version(env!("CARGO_PKG_VERSION"))
        .about(
            "A private-messaging server that speaks Socket.IO. Whoever runs it can read the \
             messages on it.",
        )
        .after_help(
            "Every option but --config can also be set in the file (as listen = \"…\") and in the \
             environment (as PARLOUR_LISTEN=…). Flags come before the environment, the \
             environment before the file.",
        )
        .arg(
            path(Arg::new("config").long("config").value_name("FILE"))
                .global(true)
                .help("The configuration, in TOML"),
        )
        .mut_arg("data", |arg| arg.global(true))
        .args_conflicts_with_subcommands(false)
        .subcommand(
            config::command(Command::new("check-config"))
                .mut_arg("data", |arg| arg.global(true))
                .about("Say what holds and where each value is from; start nothing"),
        )
        .subcommand(
            Command::new("backup")
                .about("Write a copy of the data, also while the server runs")
                .arg(file("Where to; it must not exist yet")),
        )
        .subcommand(
            Command::new("restore")
                .about("Take the data from a copy; the server must not run")
                .arg(file("The copy")),
        )
        .subcommand(admin::command())
}

fn path(arg: Arg) -> Arg {
    arg.value_parser(value_parser!(PathBuf))
}

/// What is to be done, and with which settings.
///
/// # Errors
/// A setting cannot be read.
pub(super) fn read(matches: &ArgMatches) -> anyhow::Result<(Task, Settings)> {
    let mut flags: BTreeMap<_, _> = config::given_flags(matches).into_iter().collect();
    let task = match matches.subcommand() {
        None => Task::Serve,
        Some(("check-config", matches)) => {
            flags.extend(config::given_flags(matches));
            Task::CheckConfig
        }
        Some(("backup", matches)) => Task::Backup(file(matches)?),
        Some(("restore", matches)) => Task::Restore(file(matches)?),
        Some(("admin", matches)) => Task::Admin(admin::read(matches)?),
        Some((other, _)) => anyhow::bail!("there is no command `{other}`"),
    };
    let file = matches
        .get_one::<PathBuf>("config")
        .cloned()
        .or_else(|| env::var_os("PARLOUR_CONFIG").map(PathBuf::from))
        .filter(|path| !path.as_os_str().is_empty());
    // A variable that is no text is none of ours.
    let variables = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let settings = Settings::gather(flags, variables, file.as_deref())?;
    Ok((task, settings))
}

fn file(matches: &ArgMatches) -> anyhow::Result<PathBuf> {
    let file = matches.get_one::<PathBuf>("file").cloned();
    file.ok_or_else(|| anyhow::anyhow!("name a file"))
}

fn text(matches: &ArgMatches, name: &str) -> anyhow::Result<String> {
    let text = matches.get_one::<String>(name).cloned();
    text.ok_or_else(|| anyhow::anyhow!("say which {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> (Task, Settings) {
        let matches = command().get_matches_from(line.split(' '));
        read(&matches).expect("a command line")
    }

    #[test]
    fn the_command_line_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn flags_go_before_and_after_a_command() {
        for line in [
            "parlour-server --data /d --storage memory check-config",
            "parlour-server check-config --data /d --storage memory",
        ] {
            let (task, settings) = parsed(line);
            assert!(matches!(task, Task::CheckConfig), "{task:?}");
            let config = settings.config().expect("a configuration");
            assert_eq!(config.data, Some("/d".into()), "{line}");
            assert_eq!(config.storage, crate::StorageKind::Memory);
        }
    }

    #[test]
    fn admin_commands_are_read() {
        let (task, settings) = parsed("parlour-server admin revoke u1 --session ab --data /d");
        let Task::Admin(task) = task else {
            panic!("{task:?}")
        };
        let expected = AdminTask::Revoke {
            user: "u1".to_owned(),
            session: Some("ab".to_owned()),
        };
        assert_eq!(task, expected);
        assert_eq!(settings.config().expect("one").data, Some("/d".into()));
        let unsure = command().try_get_matches_from("parlour-server admin delete u1".split(' '));
        assert!(unsure.is_err());
    }
}
