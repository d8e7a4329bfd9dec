//! What is written about the keys is what holds.

use std::{collections::HashSet, fs, path::Path};

use super::{
    Config, Settings,
    key::{Form, Key},
    settings::Source,
};

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).expect("a file of the project")
}

fn gathered(file: Option<&str>, variables: &[(&str, &str)]) -> Settings {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("server.toml");
    if let Some(text) = file {
        fs::write(&path, text).expect("written");
    }
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let path = file.map(|_| path.as_path());
    Settings::gather([], variables, path).expect("settings")
}

#[test]
fn the_example_has_every_key_and_changes_nothing() {
    let example = read("packaging/server.toml");
    let settings = gathered(Some(&example), &[]);
    let defaults = gathered(None, &[]);
    for key in Key::ALL {
        match (key.default(), key.form()) {
            // Without a default: shown as a comment, or as an empty list.
            (None, form) if !matches!(form, Form::List(_)) => {
                assert!(
                    example.contains(&format!("\n# {} = ", key.name())),
                    "{key:?}"
                );
                assert_eq!(settings.get(key), None, "{key:?}");
            }
            _ => {
                let given = settings.get(key).expect("a value");
                assert!(matches!(given.source, Source::File { .. }), "{key:?}");
                let texts = defaults.get(key).map(|given| given.texts.clone());
                assert_eq!(given.texts, texts.unwrap_or_default(), "{key:?}");
            }
        }
    }
    // What is a comment there is right as well.
    let all = example
        .replace("\n# sign_in", "\nsign_in")
        .replace("\n# tls_", "\ntls_");
    let all = all
        .replace("\n# data", "\ndata")
        .replace("\n# metrics", "\nmetrics");
    gathered(Some(&all), &[]).config().expect("a configuration");
}

#[test]
fn the_defaults_are_those_of_the_library() {
    let config = gathered(None, &[]).config().expect("a configuration");
    let library = Config::in_memory(config.listen);
    assert_eq!(config.limits, library.limits);
    assert_eq!(config.session_idle, library.session_idle);
    assert_eq!(config.public, library.public);
}

#[test]
fn every_key_and_no_other_is_in_the_manual() {
    let manual = read("docs/OPERATIONS.md");
    for key in Key::ALL {
        assert!(manual.contains(&format!("`{}`", key.name())), "{key:?}");
        assert!(manual.contains(&format!("`--{}`", key.flag())), "{key:?}");
        if let Some(default) = key.default() {
            assert!(manual.contains(&format!("`{default}`")), "{key:?}");
        }
    }
    let known: HashSet<_> = Key::ALL.into_iter().map(|key| key.variable()).collect();
    let named = manual
        .split(|c: char| !c.is_ascii_uppercase() && c != '_')
        .filter(|word| word.len() > "PARLOUR_".len() && word.starts_with("PARLOUR_"));
    for name in named {
        assert!(known.contains(name) || name == "PARLOUR_CONFIG", "{name}");
    }
}

#[test]
fn the_environment_comes_before_the_file() {
    let settings = gathered(
        Some(concat!(
            "listen = \"127.0.0.1:1\"\r\nmessage_burst = 5\r\n",
            "trusted_proxies = [\"10.0.0.1\"]\r\n"
        )),
        &[
            ("PARLOUR_LISTEN", "127.0.0.1:2"),
            ("PARLOUR_HOSTS", "a.example, b.example"),
            ("PARLOUR_METRICS", ""),
            ("PARLOUR_CORS_ORIGINS", " "),
            ("PARLOUR_TRUSTED_PROXIES", ""),
            ("PARLOUR_DATA", "/data\r"),
            ("PARLOUR_SERVICE_PORT", "3000"),
            ("PATH", "/bin"),
        ],
    );
    let config = settings.config().expect("a configuration");
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.limits.message_burst, 5);
    assert_eq!(config.hosts, ["a.example", "b.example"]);
    assert_eq!(config.metrics, None);
    // Nothing is said by nothing, of lists as well: who may connect stays as it was.
    assert_eq!(config.cors_origins.len(), 1);
    assert_eq!(config.trusted_proxies.len(), 1);
    assert_eq!(config.data, Some("/data".into()));
    assert_eq!(settings.unknown_variables(), ["PARLOUR_SERVICE_PORT"]);
    let report = settings.report();
    let line = |key: &str| report.lines().find(|line| line.starts_with(key));
    assert!(line("listen = 127.0.0.1:2 ").is_some_and(|line| line.ends_with("(PARLOUR_LISTEN)")));
    assert!(line("message_burst = 5 ").is_some_and(|line| line.ends_with(", line 2)")));
    assert!(line("storage = sqlite ").is_some_and(|line| line.ends_with("(default)")));
    assert!(line("metrics is not set ").is_some());
}

#[test]
fn each_bad_value_says_where_and_what() {
    for (name, value, expected) in [
        (
            "PARLOUR_LISTEN",
            "3000",
            "`3000` is not an address with a port, such as 127.0.0.1:3000",
        ),
        ("PARLOUR_PUBLIC", "yes", "`yes` is not true or false"),
        (
            "PARLOUR_SIGN_IN",
            "anyone",
            "`anyone` is not guest, claimed, password or invite",
        ),
        (
            "PARLOUR_MESSAGE_BURST",
            "0",
            "`0` is not a whole number, 1 or more",
        ),
        (
            "PARLOUR_CORS_ORIGINS",
            "https://a.example/chat",
            "`https://a.example/chat` is not a URL such as https://chat.example",
        ),
        (
            "PARLOUR_HOSTS",
            "a.example:80",
            "`a.example:80` is not a host name without a port",
        ),
        (
            "PARLOUR_TRUSTED_PROXIES",
            "proxy",
            "`proxy` is not an address such as 10.0.0.1 or a network such as 10.0.0.0/8",
        ),
        (
            "PARLOUR_TLS_CERT",
            "a.pem",
            "the private key (tls_key) is missing",
        ),
    ] {
        let error = gathered(None, &[(name, value)])
            .config()
            .expect_err("an error");
        assert_eq!(error.to_string(), format!("{name}: {expected}"));
    }
}

#[test]
fn no_limits_are_none() {
    let settings = gathered(None, &[("PARLOUR_RATE_LIMITS", "false")]);
    assert_eq!(settings.config().expect("one").limits, super::Limits::NONE);
}
