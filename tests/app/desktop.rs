//! A person's desktop: a home, a session bus, a keyring, and a way in.

use std::{
    fs::{self, Permissions},
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::{app::App, parts, process::Group, server::free_port, stage, stage::Display};

/// How long a desktop may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// The password of everybody's keyring.
const PASSWORD: &str = "test";

const DAEMON: &str = "gnome-keyring-daemon --foreground --components=secrets";

/// The state of the keyring when the person logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyring {
    /// Unlocked at login, as desktops do.
    Unlocked,
    /// There, and locked; nobody can be asked for the password.
    Locked,
    /// There, and locked; a dialog asks for the password, and nobody answers.
    Asking,
    /// Nothing on the bus offers secrets.
    Missing,
}

/// What a person keeps through logins: their files.
pub(crate) struct Person {
    name: String,
    home: TempDir,
}

/// A login: a display, the bus, the keyring and tauri-driver, until it is dropped.
pub(crate) struct Login {
    keyring: Option<Group>,
    display: Display,
    _group: Group,
    person: String,
    environment: Vec<(&'static str, PathBuf)>,
    bus: String,
    port: u16,
}

impl Person {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            home: TempDir::new().expect("a temporary folder"),
        }
    }

    /// Everything that a program could look for belongs to this person.
    fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let folders = [
            ("HOME", "home"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_RUNTIME_DIR", "run"),
        ];
        folders
            .map(|(variable, folder)| (variable, self.folder(folder)))
            .into()
    }

    /// The folder of a profile's data.
    pub(crate) fn profile(&self, name: &str) -> PathBuf {
        self.folder("data")
            .join("app.parlour.desktop/profiles")
            .join(name)
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.home.path().join(name);
        fs::create_dir_all(&folder).expect("a folder of the test");
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).expect("ours");
        folder
    }

    /// Starts the desktop. Mostly the bus has no display, so that nothing on it
    /// can ask anybody for a password; only the app has one.
    pub(crate) async fn logs_in(&self, keyring: Keyring) -> Login {
        let display = Display::new();
        let (port, native_port) = (free_port(), free_port());
        let address = self.folder("run").join("bus-address");
        // The daemon wants a moment to appear on the bus, and an app that asks
        // sooner finds none.
        let wait = "gdbus wait --session --timeout 10 org.freedesktop.secrets &&";
        let keyring_starts = match keyring {
            Keyring::Unlocked => format!("printf {PASSWORD} | {DAEMON} --unlock & {wait}"),
            Keyring::Locked | Keyring::Asking => format!("{DAEMON} & {wait}"),
            Keyring::Missing => String::new(),
        };
        let script = format!(
            "printf %s \"$DBUS_SESSION_BUS_ADDRESS\" > '{address}'; {keyring_starts} \
             exec env DISPLAY={display} '{driver}' --port {port} --native-port {native_port}",
            address = address.display(),
            display = display.name(),
            driver = parts::tauri_driver().display(),
        );

        let log = stage::open_log(&self.name);
        let mut session = Command::new("dbus-run-session");
        session.arg(format!(
            "--config-file={}",
            self.bus_config(keyring).display()
        ));
        session.args(["--", "sh", "-c", &script]);
        session.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        if keyring == Keyring::Asking {
            session.env("DISPLAY", display.name());
        }
        session.env_remove("DBUS_SESSION_BUS_ADDRESS");
        session.envs(self.environment());
        // No accessibility bus to wait for; drawing without a graphics card.
        session.envs([
            ("NO_AT_BRIDGE", "1"),
            ("GTK_A11Y", "none"),
            ("LIBGL_ALWAYS_SOFTWARE", "1"),
        ]);
        session.stdout(log.try_clone().expect("a file")).stderr(log);
        let group = Group::start(&mut session);
        // tauri-driver listens before the driver behind it does.
        for port in [port, native_port] {
            listens(port, &self.name).await;
        }
        let bus = fs::read_to_string(address).expect("written before the driver starts");
        let environment = self.environment();
        Login {
            keyring: None,
            display,
            _group: group,
            person: self.name.clone(),
            environment,
            bus,
            port,
        }
    }

    /// A bus that starts nothing by itself, as it would an installed keyring;
    /// but the dialog for passwords, where there is to be one.
    fn bus_config(&self, keyring: Keyring) -> PathBuf {
        let path = self.folder("config").join(format!("{keyring:?}.conf"));
        let services = self.folder("config/services");
        if keyring == Keyring::Asking {
            let dialog = "org.gnome.keyring.SystemPrompter.service";
            fs::copy(
                format!("/usr/share/dbus-1/services/{dialog}"),
                services.join(dialog),
            )
            .expect("comes with gnome-keyring");
        }
        let config = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <servicedir>SERVICES</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;
        let config = config.replace("SERVICES", &services.display().to_string());
        fs::write(&path, config).expect("a file of the test");
        path
    }
}

impl Login {
    /// Opens the app.
    pub(crate) async fn opens_parlour(&self, args: &[&str]) -> App {
        App::open(&self.person, self.port, args).await
    }

    /// Starts the app once more, without a driver, and waits until it has ended
    /// by itself, as it does where its window is there already.
    pub(crate) fn starts_parlour_again(&self, args: &[&str]) {
        let mut again = self.command("timeout");
        again
            .arg("30")
            .arg(parts::app())
            .args(args)
            .env("DISPLAY", self.display.name());
        again.stderr(stage::open_log(&self.person));
        let status = again.status().expect("timeout, of coreutils");
        assert!(status.success(), "a second start ended with {status}");
    }

    /// Unlocks the keyring: by a daemon with the password in place of the one
    /// without, which also means that connections to the old one are dead.
    pub(crate) fn unlocks_the_keyring(&mut self) {
        let script = format!("printf {PASSWORD} | {DAEMON} --replace --unlock");
        let mut daemon = self.command("sh");
        daemon
            .args(["-c", &script])
            .stderr(stage::open_log(&self.person));
        // Printed once the other one has gone.
        let (group, _) = Group::start_until(&mut daemon, "GNOME_KEYRING_CONTROL=");
        self.keyring = Some(group);
        let mut wait = self.command("gdbus");
        wait.args([
            "wait",
            "--session",
            "--timeout",
            "10",
            "org.freedesktop.secrets",
        ]);
        assert!(wait.status().expect("gdbus").success(), "no new keyring");
    }

    /// A command on this desktop.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env_remove("DISPLAY");
        command
    }
}

async fn listens(port: u16, person: &str) {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .is_err()
    {
        assert!(
            Instant::now() < deadline,
            "see {}",
            stage::log(person).display()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
