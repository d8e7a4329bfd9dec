//! Our server as people run it: a process of its own, that can be killed.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::process::{Process, program};

/// Lines of its log that are shown when a test fails.
const TAIL: usize = 40;

/// What every test that is not about limits of rate starts it with.
pub const WITHOUT_RATE_LIMITS: &str = "--no-rate-limits";

/// The server as a process. Its port and its data stay through restarts; it is
/// killed when this is dropped.
#[derive(Debug)]
pub struct ServerProgram {
    port: u16,
    options: Vec<String>,
    environment: Vec<(String, String)>,
    folder: TempDir,
    data: PathBuf,
    process: Option<Process>,
}

impl ServerProgram {
    /// Starts one with no data and without limits of rate.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[WITHOUT_RATE_LIMITS])
    }

    /// Starts one with no data and these options.
    #[must_use]
    pub fn start_with(options: &[&str]) -> Self {
        let mut server = Self::prepare(options);
        server.restart();
        server
    }

    /// A server that does not run yet, with an empty data folder.
    ///
    /// # Panics
    /// If there is no place for its data.
    #[must_use]
    pub fn prepare(options: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self {
            port: free_port(),
            options: options.iter().map(ToString::to_string).collect(),
            environment: Vec::new(),
            data: folder.path().join("data"),
            folder,
            process: None,
        }
    }

    /// Adds to its environment, from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Takes back what was added to its environment.
    pub fn unset_all(&mut self) {
        self.environment.clear();
    }

    /// Puts its data elsewhere, from the next start on.
    pub fn use_data(&mut self, data: &Path) {
        data.clone_into(&mut self.data);
    }

    /// The address for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("server.db")
    }

    /// A folder for the test's own files, next to the data and gone with them.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it where it does not run. Gives how long that took.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) -> Duration {
        let command = self.command();
        self.restart_by(command)
    }

    /// Starts it by a command that ends in running it.
    ///
    /// # Panics
    /// If it does not start, or runs already.
    pub fn restart_by(&mut self, command: Command) -> Duration {
        assert!(self.process.is_none(), "the server runs already");
        let begun = Instant::now();
        let mut process = Process::start(command);
        let line = process.line();
        let expected = format!("server listening at {}", self.url());
        assert_eq!(line.as_deref(), Some(expected.as_str()), "{}", self.tail());
        self.process = Some(process);
        begun.elapsed()
    }

    /// Starts it to see how it ends by itself, and what it says then.
    ///
    /// # Panics
    /// If it serves.
    pub fn refuses(&mut self) -> (ExitStatus, String) {
        let mut process = Process::start(self.command());
        let line = process.line();
        assert_eq!(line, None, "the server runs where it should not");
        let status = process.wait();
        (status, self.tail())
    }

    /// Starts it, and waits for its end or for its being there, whichever comes
    /// first. Whether it serves.
    pub fn try_restart(&mut self) -> bool {
        let mut process = Process::start(self.command());
        let serves = process.line().is_some();
        if serves {
            self.process = Some(process);
        }
        serves
    }

    /// The command that starts it: others may wrap it.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = match std::env::var_os("PARLOUR_SERVER") {
            Some(path) => Command::new(path),
            None => program("parlour-server"),
        };
        command
            .args(["--listen", &self.address()])
            .arg("--data")
            .arg(&self.data)
            .args(&self.options)
            .env_remove("RUST_LOG")
            .env_remove("PARLOUR_LOG")
            .env_remove("PARLOUR_SERVER")
            .env_remove("PARLOUR_FAULTS")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stderr(self.log_file());
        command
    }

    /// Where its log goes: for a command that wraps its own.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn log_file(&self) -> File {
        let mut options = File::options();
        let log = options.create(true).append(true).open(self.log_path());
        log.expect("a log")
    }

    /// Kills it, as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) {
        self.running().signal(signal);
    }

    /// Waits for its end, which something else brings about.
    ///
    /// # Panics
    /// If it does not run.
    pub fn waits(&mut self) -> ExitStatus {
        self.process.take().expect("the server runs").wait()
    }

    /// Asks it to end, and waits until it has. Gives how, and how long it took.
    ///
    /// # Panics
    /// If it does not run.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        self.signal("TERM");
        let begun = Instant::now();
        let status = self.waits();
        (status, begun.elapsed())
    }

    /// Its number in the system.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.running().id()
    }

    /// The memory that it holds now, in bytes (`VmRSS`).
    #[must_use]
    pub fn memory(&self) -> usize {
        self.status_line("VmRSS:")
    }

    /// The most memory that it ever held, in bytes (`VmHWM`).
    #[must_use]
    pub fn memory_peak(&self) -> usize {
        self.status_line("VmHWM:")
    }

    /// How many files and sockets it holds open.
    ///
    /// # Panics
    /// If the system does not say.
    #[must_use]
    pub fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.id()))
            .expect("a running process")
            .count()
    }

    /// Everything that it said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn running(&self) -> &Process {
        self.process.as_ref().expect("the server runs")
    }

    fn status_line(&self, name: &str) -> usize {
        let path = format!("/proc/{}/status", self.id());
        let status = fs::read_to_string(path).expect("a running process");
        let kibibytes: usize = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok())
            .expect("a size in kB");
        kibibytes * 1024
    }
}

impl Drop for ServerProgram {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "the server's log ends:\n{}", self.tail());
        }
    }
}

/// A port that nobody listens at just now, and none of those that the system
/// gives to outgoing connections: it would be gone before it is used, or a
/// connection to it, with nobody there, would meet itself.
fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Apart from those of another run at the same time.
    let start = std::process::id().wrapping_mul(101);
    loop {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::SeqCst)) % COUNT;
        let port = FIRST + u16::try_from(offset).expect("below the count");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
