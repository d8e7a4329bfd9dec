//! The real daemon of GNOME's keyring, on a bus of its own, with a real client
//! process beside it. Each login is one; what a person keeps is their home.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Command as Program,
};

use parlour_client::{ClientEvent, Command, FailureCode, SecretsBackend, SecretsView, SessionView};
use parlour_protocol::UserId;
use parlour_tests::{
    process::{Process, program},
    server::TestServer,
};
use tempfile::TempDir;

const DAEMON: &str = "gnome-keyring-daemon --foreground --components=secrets";

/// A bus that starts nothing by itself: neither an installed keyring, nor a dialog
/// that asks for its password.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// What is behind the keyring's name on the bus.
#[derive(Clone, Copy)]
enum Daemon {
    Unlocked,
    Locked,
    Missing,
}

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.0.path().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).expect("ours");
        folder
    }

    fn file(&self) -> PathBuf {
        self.folder("parlour").join("secrets.json")
    }

    /// Logs in, and starts the client.
    fn logs_in(&self, daemon: Daemon) -> Login {
        let bus = self.folder("config").join("bus.conf");
        fs::write(&bus, BUS).expect("written");
        let wait = "gdbus wait --session --timeout 20 org.freedesktop.secrets >&2 &&";
        let daemon = match daemon {
            Daemon::Unlocked => format!("printf test | {DAEMON} --unlock >&2 & daemon=$!; {wait}"),
            Daemon::Locked => format!("{DAEMON} >&2 & daemon=$!; {wait}"),
            Daemon::Missing => String::new(),
        };
        // What the keyring holds is told last, for those who ask.
        let script = format!(
            "{daemon} '{client}' --data '{data}' --secrets keyring; \
             gdbus call --session --timeout 10 --dest org.freedesktop.secrets \
             --object-path /org/freedesktop/secrets \
             --method org.freedesktop.Secret.Service.SearchItems \"{{'service':'parlour'}}\"; \
             test -z \"$daemon\" || kill $daemon",
            client = program("parlour-cli").get_program().display(),
            data = self.folder("parlour").display(),
        );
        let mut session = Program::new("dbus-run-session");
        session.arg("--config-file").arg(bus);
        session.args(["--", "sh", "-c", &script]);
        for variable in ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"] {
            session.env_remove(variable);
        }
        for (variable, folder) in [
            ("HOME", "home"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            session.env(variable, self.folder(folder));
        }
        Login {
            process: Process::start(session),
            session: None,
            secrets: None,
        }
    }
}

/// A login, and what its client shows.
struct Login {
    process: Process,
    session: Option<SessionView>,
    secrets: Option<SecretsView>,
}

impl Login {
    fn tell(&mut self, command: &Command) {
        let line = serde_json::to_string(command).expect("json");
        self.process.tell(&line);
    }

    fn signs_in(&mut self, server: &str) {
        self.tell(&Command::SignIn {
            server: server.into(),
            username: "Alice".into(),
            options: None,
        });
    }

    fn until(&mut self, what: &str, shown: impl Fn(&SessionView, &SecretsView) -> bool) {
        while !matches!((&self.session, &self.secrets), (Some(session), Some(secrets)) if shown(session, secrets))
        {
            let line = self.process.line();
            let line = line.unwrap_or_else(|| panic!("it ended before: {what}"));
            let event =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            match event {
                ClientEvent::Snapshot { snapshot } => {
                    self.session = Some(snapshot.session);
                    self.secrets = Some(snapshot.secrets);
                }
                ClientEvent::SessionChanged { session } => self.session = Some(session),
                ClientEvent::SecretsChanged { secrets } => self.secrets = Some(secrets),
                _ => {}
            }
        }
    }

    fn until_failed(&mut self, code: FailureCode) {
        self.until("the notice", |_, secrets| {
            let failure = secrets.failure.as_ref();
            failure.is_some_and(|failure| failure.code == code) && secrets.undecided
        });
    }

    /// Online, and with the session there; gives who we are.
    fn until_kept_in(&mut self, backend: SecretsBackend) -> UserId {
        self.until("online, and the session kept", |session, secrets| {
            matches!(session, SessionView::Online { .. })
                && secrets.backend == backend
                && secrets.wanted == backend
                && secrets.failure.is_none()
        });
        match &self.session {
            Some(SessionView::Online { account }) => account.user_id.clone().expect("an id"),
            other => panic!("{other:?}"),
        }
    }

    /// Ends the client, and tells how many entries of ours the keyring holds.
    fn quits(mut self) -> usize {
        self.process.wait();
        let mut held = 0;
        while let Some(line) = self.process.line() {
            held += line.matches("/org/freedesktop/secrets/collection/").count();
        }
        held
    }
}

/// On the blocking pool: the server is on this runtime.
async fn apart(story: impl FnOnce() + Send + 'static) {
    let told = tokio::task::spawn_blocking(story).await;
    told.expect("the story ends well");
}

#[tokio::test]
async fn a_session_goes_from_a_locked_keyring_to_a_file_and_back() {
    let server = TestServer::start().await;
    let url = server.url();
    apart(move || {
        let home = Home::new();
        let mut login = home.logs_in(Daemon::Unlocked);
        login.signs_in(&url);
        let first = login.until_kept_in(SecretsBackend::Keyring);
        assert_eq!(login.quits(), 1, "the session, and nothing of a probe");

        let mut login = home.logs_in(Daemon::Unlocked);
        assert_eq!(login.until_kept_in(SecretsBackend::Keyring), first);
        assert_eq!(login.quits(), 1);

        // Locked: it is said, and no other place is used before there is a choice.
        let mut login = home.logs_in(Daemon::Locked);
        login.until_failed(FailureCode::KeyringLocked);
        login.signs_in(&url);
        login.until("online", |session, _| {
            matches!(session, SessionView::Online { .. })
        });
        login.until_failed(FailureCode::KeyringLocked);
        assert!(!home.file().exists(), "nobody has asked for it");
        login.tell(&Command::ChooseSecrets {
            backend: SecretsBackend::File,
        });
        let second = login.until_kept_in(SecretsBackend::File);
        assert_ne!(first, second, "the first could not be resumed");
        let mode = fs::metadata(home.file()).expect("a file").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        login.quits();

        // The choice holds, with no keyring at all.
        let mut login = home.logs_in(Daemon::Missing);
        assert_eq!(login.until_kept_in(SecretsBackend::File), second);
        login.quits();

        // Unlocked again, it takes the session back; the first one is deleted.
        let mut login = home.logs_in(Daemon::Unlocked);
        assert_eq!(login.until_kept_in(SecretsBackend::File), second);
        login.tell(&Command::ChooseSecrets {
            backend: SecretsBackend::Keyring,
        });
        login.until_kept_in(SecretsBackend::Keyring);
        assert_eq!(login.quits(), 1, "the second alone");
        assert_eq!(
            fs::read_to_string(home.file()).expect("a file").trim(),
            "{}"
        );
        let mut login = home.logs_in(Daemon::Unlocked);
        assert_eq!(login.until_kept_in(SecretsBackend::Keyring), second);
        login.quits();
    })
    .await;
}

#[tokio::test]
async fn before_there_is_a_session_the_probe_tells() {
    apart(|| {
        let home = Home::new();
        let mut login = home.logs_in(Daemon::Missing);
        login.until_failed(FailureCode::KeyringMissing);
        login.quits();
        // A daemon without a keyring, and nobody to be asked for one.
        let mut login = home.logs_in(Daemon::Locked);
        login.until_failed(FailureCode::KeyringMissing);
        login.quits();
        assert!(!home.file().exists());
    })
    .await;
}
