//! The keys as flags of a command line.

use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};

use super::{
    key::{Form, Key},
    settings::{Given, Source},
};

/// Adds a flag for each key. Their values stay texts: whatever they are from,
/// texts are read in one place.
pub(crate) fn command(command: Command) -> Command {
    Key::ALL.into_iter().fold(command, |command, key| {
        let help = match key.default() {
            Some(default) if !matches!(key.form(), Form::Switch { .. }) => {
                format!("{} [default: {default}]", key.help())
            }
            _ => key.help().to_owned(),
        };
        let arg = Arg::new(key.name()).long(key.flag()).help(help);
        command.arg(match key.form() {
            Form::Text(value) => arg.value_name(value),
            Form::Number => arg.value_name("NUMBER"),
            Form::List(value) => arg.value_name(value).action(ArgAction::Append),
            Form::Switch { .. } => arg.action(ArgAction::SetTrue),
        })
    })
}

/// What the flags set.
pub(crate) fn given(matches: &ArgMatches) -> Vec<(Key, Given)> {
    Key::ALL
        .into_iter()
        .filter(|key| matches.value_source(key.name()) == Some(ValueSource::CommandLine))
        .map(|key| {
            let texts = match key.form() {
                Form::Switch { flag_means } => vec![flag_means.to_string()],
                _ => matches
                    .get_many::<String>(key.name())
                    .unwrap_or_default()
                    .cloned()
                    .collect(),
            };
            let source = Source::Flag(key.flag());
            (key, Given { texts, source })
        })
        .collect()
}
