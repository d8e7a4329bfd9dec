//! The file: one table of keys, in TOML.

use std::{fs, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    key::{Form, Key},
    settings::{Given, SettingError, Source},
};

/// What the file at `path` sets. A key that nobody knows is an error: a slip
/// of the pen must not leave a default in force.
pub(super) fn read(path: &Path) -> Result<Vec<(Key, Given)>, SettingError> {
    let text = fs::read_to_string(path).map_err(|source| SettingError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<(Key, Given)>, SettingError> {
    let wrong = |at: usize, what: String| SettingError::Syntax {
        path: path.to_owned(),
        line: line(text, at),
        what,
    };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        wrong(at, error.message().trim().replace('\n', ", "))
    })?;
    table
        .into_inner()
        .into_iter()
        .map(|(name, value)| {
            let at = name.span().start;
            let name = name.into_inner();
            let key = Key::named(&name).ok_or_else(|| wrong(at, unknown(&name)))?;
            let texts = texts(key, &value).ok_or_else(|| wrong(at, expected(key)))?;
            let source = Source::File {
                path: path.to_owned(),
                line: line(text, at),
            };
            Ok((key, Given { texts, source }))
        })
        .collect()
}

/// Counted from 1, as editors do.
fn line(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}

fn unknown(name: &str) -> String {
    match Key::nearest(name) {
        Some(near) => format!("there is no key `{name}`; is `{near}` meant?"),
        None => format!("there is no key `{name}`"),
    }
}

fn expected(key: Key) -> String {
    let name = key.name();
    match key.form() {
        Form::Text(_) => format!("`{name}` takes one text in quotes"),
        Form::List(_) => format!("`{name}` takes a list of texts, as in [\"one\", \"two\"]"),
        Form::Number => format!("`{name}` takes a whole number"),
        Form::Switch { .. } => format!("`{name}` takes true or false"),
    }
}

fn texts(key: Key, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    match (key.form(), value.get_ref()) {
        (Form::Text(_), DeValue::String(text)) => Some(vec![text.to_string()]),
        (Form::List(_), DeValue::Array(items)) => items
            .iter()
            .map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect(),
        (Form::Number, DeValue::Integer(number)) if number.radix() == 10 => {
            Some(vec![number.as_str().to_owned()])
        }
        (Form::Switch { .. }, DeValue::Boolean(on)) => Some(vec![on.to_string()]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(Path::new("a.toml"), text)
            .expect_err("an error")
            .to_string()
    }

    #[test]
    fn values_come_with_their_lines() {
        let text = "# mine\nlisten = \"127.0.0.1:1\"\n\nhosts = [\"a\", \"b\"]\npublic = true\nmessage_burst = 7\n";
        let mut set = parse(Path::new("a.toml"), text).expect("set");
        set.sort_by_key(|(key, _)| *key);
        let set: Vec<_> = set
            .into_iter()
            .map(|(key, given)| (key, given.texts.join("+"), given.source.to_string()))
            .collect();
        let at = |line: usize| format!("a.toml, line {line}");
        assert_eq!(
            set,
            [
                (Key::Listen, "127.0.0.1:1".to_owned(), at(2)),
                (Key::Public, "true".to_owned(), at(5)),
                (Key::Hosts, "a+b".to_owned(), at(4)),
                (Key::MessageBurst, "7".to_owned(), at(6)),
            ]
        );
    }

    #[test]
    fn what_an_editor_of_windows_writes_is_read() {
        let text = "\u{feff}listen = \"127.0.0.1:1\"\r\n\r\npublic = true\r\n";
        let mut set = parse(Path::new("a.toml"), text).expect("set");
        set.sort_by_key(|(key, _)| *key);
        let set: Vec<_> = set
            .into_iter()
            .map(|(_, given)| (given.texts.join("+"), given.source.to_string()))
            .collect();
        let at = |text: &str, line| (text.to_owned(), format!("a.toml, line {line}"));
        assert_eq!(set, [at("127.0.0.1:1", 1), at("true", 3)]);
    }

    #[test]
    fn each_error_says_where_and_what() {
        assert_eq!(
            error("public = true\nlisen = \"x\"\n"),
            "a.toml, line 2: there is no key `lisen`; is `listen` meant?"
        );
        assert_eq!(
            error("[server]\nlisten = \"x\"\n"),
            "a.toml, line 1: there is no key `server`"
        );
        assert_eq!(
            error("listen = 3000"),
            "a.toml, line 1: `listen` takes one text in quotes"
        );
        assert_eq!(
            error("\nhosts = \"a\""),
            "a.toml, line 2: `hosts` takes a list of texts, as in [\"one\", \"two\"]"
        );
        assert_eq!(
            error("public = 1"),
            "a.toml, line 1: `public` takes true or false"
        );
        assert_eq!(
            error("message_burst = 1.5"),
            "a.toml, line 1: `message_burst` takes a whole number"
        );
        assert!(error("a = 1\nlisten = \n").starts_with("a.toml, line 2: "));
        assert!(error("public = true\npublic = true").contains("duplicate key"));
    }
}
