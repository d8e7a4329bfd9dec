//! The program as a process.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

use crate::common::PATIENCE;

/// A running server, killed when dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) addr: SocketAddr,
    /// The whole line that it printed.
    pub(crate) announced: String,
    lines: Receiver<String>,
    log: Vec<String>,
}

impl Program {
    /// On `data`, on a free port, as a guest server.
    pub(crate) fn on(data: &Path) -> Self {
        Self::with(data, &[], &[])
    }

    pub(crate) fn with(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = command();
        command
            .arg("--data")
            .arg(data)
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .envs(environment.iter().copied());
        Self::run(command)
    }

    pub(crate) fn run(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        // Read along, or the program waits for its log.
        let stderr = child.stderr.take().expect("piped");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut announced = String::new();
        let stdout = child.stdout.as_mut().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut announced)
            .expect("a line");
        let addr = announced
            .trim_end()
            .rsplit_once("://")
            .and_then(|(_, addr)| addr.parse().ok());
        let Some(addr) = addr else {
            let log: Vec<_> = lines.iter().collect();
            panic!("{announced:?} {log:?}");
        };
        Self {
            child,
            addr,
            announced,
            lines,
            log: Vec::new(),
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Waits for a line of the log with this in it.
    pub(crate) fn logs(&mut self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no “{text}” in {:?}", self.log));
            self.log.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits for its end, and gives the exit code with the log.
    pub(crate) fn ends(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("ended").code();
        self.log.extend(self.lines.iter());
        (code, self.log.join("\n"))
    }

    pub(crate) fn stops(self) -> String {
        self.signal("TERM");
        let (code, log) = self.ends();
        assert_eq!(code, Some(0), "{log}");
        log
    }

    /// Status and body of a GET on the main port.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        get(self.addr, path)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program with nothing of our environment that it would heed.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlour-server"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("PARLOUR_") || name == "RUST_LOG" || name == "NOTIFY_SOCKET" {
            command.env_remove(&*name);
        }
    }
    command
}

/// Runs it to its end.
pub(crate) fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    let mut command = command();
    command.args(arguments).stdin(Stdio::null());
    command.output().expect("run")
}

/// What it prints on standard output; it must succeed.
pub(crate) fn prints(output: Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).expect("text")
}

/// What it says on standard error; it must fail.
pub(crate) fn refuses(output: Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr).expect("text")
}

pub(crate) fn get(addr: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.expect("a status"), body.to_owned())
}
