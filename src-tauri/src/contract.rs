//! What crosses into the page: the engine's types, and the few of the shell's
//! own beside them. Told apart by their `type`, of which no two are alike.

use parlour_client::{AccountsCommand, Answer, Command, Query};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A request of the page, to an account, to all of them, or to the shell.
#[derive(Debug, PartialEq, Deserialize, TS)]
#[serde(untagged)]
#[ts(export)]
pub(crate) enum HostCommand {
    /// For the shell.
    Shell(ShellCommand),
    /// For the accounts together.
    Accounts(AccountsCommand),
    /// For one account.
    Engine(Command),
}

/// A request to the shell.
#[derive(Debug, PartialEq, Deserialize, TS)]
#[serde(tag = "type", rename_all = "camelCase")]
#[ts(export)]
pub(crate) enum ShellCommand {
    /// Use these colours from now on.
    SetTheme {
        /// Which.
        theme: Theme,
    },
}

/// A question of the page, to the engine or to the shell.
#[derive(Debug, PartialEq, Deserialize, TS)]
#[serde(untagged)]
#[ts(export)]
pub(crate) enum HostQuery {
    /// For the shell.
    Shell(ShellQuery),
    /// For the engine.
    Engine(Query),
}

/// A question to the shell.
#[derive(Debug, PartialEq, Deserialize, TS)]
#[serde(tag = "type", rename_all = "camelCase")]
#[ts(export)]
pub(crate) enum ShellQuery {
    /// How the app is set up.
    Settings,
}

/// The answer to a [`HostQuery`] of the same `type`.
#[derive(Debug, PartialEq, Serialize, TS)]
#[serde(untagged)]
#[ts(export)]
pub(crate) enum HostAnswer {
    /// From the shell.
    Shell(ShellAnswer),
    /// From the engine.
    Engine(Answer),
}

/// The answer to a [`ShellQuery`] of the same name.
#[derive(Debug, PartialEq, Serialize, TS)]
#[serde(tag = "type", rename_all = "camelCase")]
#[ts(export)]
pub(crate) enum ShellAnswer {
    /// How the app is set up.
    Settings(SettingsView),
}

/// How the app is set up.
#[derive(Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, rename = "Settings")]
pub(crate) struct SettingsView {
    /// Which colours the window has.
    pub(crate) theme: Theme,
    /// The address to fill the form with when nobody has signed in yet.
    pub(crate) default_server: Option<String>,
    /// The profile's name; `default` unless another was asked for.
    pub(crate) profile: String,
}

/// Which colours the window has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub(crate) enum Theme {
    /// Those of the desktop.
    #[default]
    System,
    /// Always light ones.
    Light,
    /// Always dark ones.
    Dark,
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn each_request_finds_its_way() {
        let theme = json!({"type": "setTheme", "theme": "dark"});
        assert_eq!(
            from_value::<HostCommand>(theme).unwrap(),
            HostCommand::Shell(ShellCommand::SetTheme { theme: Theme::Dark })
        );
        let resume = json!({"type": "resume"});
        assert_eq!(
            from_value::<HostCommand>(resume).unwrap(),
            HostCommand::Engine(Command::Resume)
        );
        let add = json!({"type": "addAccount"});
        assert_eq!(
            from_value::<HostCommand>(add).unwrap(),
            HostCommand::Accounts(AccountsCommand::AddAccount)
        );
        let page = json!({"type": "timeline", "user": "u1", "before": null, "limit": 50});
        assert!(matches!(
            from_value(page).unwrap(),
            HostQuery::Engine(Query::Timeline { .. })
        ));
        let settings = json!({"type": "settings"});
        assert_eq!(
            from_value::<HostQuery>(settings).unwrap(),
            HostQuery::Shell(ShellQuery::Settings)
        );
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        for unknown in [
            json!({"type": "format"}),
            json!({"type": "setTheme", "theme": "pink"}),
            json!({}),
            json!(7),
        ] {
            assert!(from_value::<HostCommand>(unknown).is_err());
        }
    }

    #[test]
    fn the_answer_has_the_name_of_the_question() {
        let answer = HostAnswer::Shell(ShellAnswer::Settings(SettingsView {
            theme: Theme::System,
            default_server: None,
            profile: "default".into(),
        }));
        assert_eq!(
            to_value(answer).unwrap(),
            json!({"type": "settings", "theme": "system", "defaultServer": null, "profile": "default"})
        );
    }
}
