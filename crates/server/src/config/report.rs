//! What `check-config` prints.

use std::fmt::Write as _;

use super::{key::Key, settings::Settings};

impl Settings {
    /// A line for each key: the value that holds, and where it is from. There
    /// are no secrets among them: keys and passwords are in files of their own.
    pub(crate) fn report(&self) -> String {
        let rows: Vec<(String, String)> = Key::ALL
            .into_iter()
            .map(|key| match self.get(key) {
                None => (format!("{} is not set", key.name()), "default".to_owned()),
                Some(given) => (
                    format!("{} = {}", key.name(), given.texts.join(", ")),
                    given.source.to_string(),
                ),
            })
            .collect();
        let width = rows.iter().map(|(left, _)| left.chars().count()).max();
        let width = width.unwrap_or(0);
        rows.iter().fold(String::new(), |mut text, (left, from)| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{left:width$}  ({from})");
            text
        })
    }
}
