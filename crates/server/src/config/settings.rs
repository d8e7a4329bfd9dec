//! What was set, by whom, and what of it holds.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use super::{
    file,
    key::{Form, Key, VARIABLES},
};

/// The values that hold, as texts, each with where it is from.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    values: BTreeMap<Key, Given>,
    unknown_variables: Vec<String>,
}

/// A value, not yet read: one text, or those of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(super) texts: Vec<String>,
    pub(super) source: Source,
}

/// Where a value is from, in rising order of precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    File { path: PathBuf, line: usize },
    Variable(String),
    Flag(&'static str),
}

/// What is wrong with what was set. Each text is one sentence.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingError {
    #[error("the configuration {path} cannot be read: {source}", path = path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}, line {line}: {what}", path = path.display())]
    Syntax {
        path: PathBuf,
        line: usize,
        what: String,
    },
    #[error("{source}: {what}", source = from)]
    Value { from: Source, what: String },
    #[error(transparent)]
    Config(#[from] super::ConfigError),
}

impl Settings {
    /// Joins all sources. `variables` is the environment, or what of it matters.
    pub(crate) fn gather(
        flags: impl IntoIterator<Item = (Key, Given)>,
        variables: impl IntoIterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Result<Self, SettingError> {
        let mut values: BTreeMap<Key, Given> = Key::ALL.into_iter().filter_map(default).collect();
        if let Some(path) = file {
            values.extend(file::read(path)?);
        }
        let mut unknown_variables = Vec::new();
        for (name, text) in variables {
            match variable(&name, &text) {
                Variable::Foreign | Variable::Empty => {}
                Variable::Known(key, given) => {
                    values.insert(key, given);
                }
                Variable::Unknown => unknown_variables.push(name),
            }
        }
        values.extend(flags);
        Ok(Self {
            values,
            unknown_variables,
        })
    }

    /// The value of `key`, if there is one.
    pub(super) fn get(&self, key: Key) -> Option<&Given> {
        self.values.get(&key)
    }

    /// Variables that look like ours and mean nothing. No error: some systems
    /// set variables by the name of a service.
    pub(crate) fn unknown_variables(&self) -> &[String] {
        &self.unknown_variables
    }
}

enum Variable {
    Foreign,
    Unknown,
    Empty,
    Known(Key, Given),
}

fn variable(name: &str, text: &str) -> Variable {
    let Some(rest) = name.strip_prefix(VARIABLES) else {
        return Variable::Foreign;
    };
    // The place of the file itself: the program has read it.
    if rest == "CONFIG" {
        return Variable::Foreign;
    }
    let Some(key) = Key::ALL.into_iter().find(|key| key.variable() == name) else {
        return Variable::Unknown;
    };
    // What ends a line on Windows stays behind where others cut at line feeds.
    let text = text.trim();
    if text.is_empty() {
        // A container's way of saying nothing.
        return Variable::Empty;
    }
    let texts = match key.form() {
        Form::List(_) => split(text),
        _ => vec![text.to_owned()],
    };
    let source = Source::Variable(name.to_owned());
    Variable::Known(key, Given { texts, source })
}

fn split(text: &str) -> Vec<String> {
    text.split(',')
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

fn default(key: Key) -> Option<(Key, Given)> {
    let texts = vec![key.default()?.to_owned()];
    let source = Source::Default;
    Some((key, Given { texts, source }))
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => write!(f, "--{flag}"),
        }
    }
}
