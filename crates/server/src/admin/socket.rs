//! The admin socket of a running server: JSON lines, for the user that the
//! server runs as and nobody else.

use std::{
    fs, io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{AdminAnswer, AdminCommand};

/// The socket in the data folder.
pub(crate) const FILE: &str = "admin.sock";

/// Those who are served at the same time.
const AT_ONCE: usize = 8;

/// Bytes of one command.
const COMMAND: u64 = 64 * 1024;

/// Bytes of one answer: a page of the longest messages, escaped.
const ANSWER: u64 = 128 * 1024 * 1024;

/// How long a connection may say nothing, or leave an answer unread.
const SILENCE: Duration = Duration::from_secs(60);

/// How long accepting rests after an error such as "too many open files".
const REST: Duration = Duration::from_millis(100);

/// Does a command: [`perform`](super::perform), but in tests.
pub(crate) type Perform = Arc<dyn Fn(AdminCommand) -> Performing + Send + Sync>;

/// A command that is being done.
pub(crate) type Performing = Pin<Box<dyn Future<Output = AdminAnswer> + Send>>;

/// Serves the socket until dropped, which removes it.
#[derive(Debug)]
pub(crate) struct AdminSocket {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl AdminSocket {
    /// Serves in `folder`, which this process must hold: a socket that is there
    /// is of a server that crashed.
    pub(crate) fn start(folder: &Path, perform: Perform) -> io::Result<Self> {
        let path = folder.join(FILE);
        let listener = bind_private(folder, &path)?;
        let task = tokio::spawn(accept(listener, perform));
        Ok(Self { path, task })
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        self.task.abort();
        // Left behind, it would be replaced by the next server.
        let _ = fs::remove_file(&self.path);
    }
}

/// A socket has the rights of its creation for a moment. That moment passes in
/// a folder that nobody else can enter.
fn bind_private(folder: &Path, path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    let nest = folder.join(".admin");
    match fs::remove_dir_all(&nest) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::DirBuilder::new().mode(0o700).create(&nest)?,
    }
    let made = nest.join("s");
    let listener = UnixListener::bind(&made)?;
    fs::set_permissions(&made, fs::Permissions::from_mode(0o600))?;
    fs::rename(&made, path)?;
    fs::remove_dir(&nest)?;
    Ok(listener)
}

async fn accept(listener: UnixListener, perform: Perform) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    // Ended with this task: one who asks nothing must not keep the hub and the
    // audit log from their end.
    let mut served = JoinSet::new();
    loop {
        let Ok(turn) = turns.clone().acquire_owned().await else {
            return;
        };
        while served.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let perform = perform.clone();
                served.spawn(async move {
                    let _turn = turn;
                    if let Err(error) = serve(stream, &perform).await {
                        tracing::debug!(%error, "an admin connection ended");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the admin socket cannot accept");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn serve(stream: UnixStream, perform: &Perform) -> io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    loop {
        let mut line = String::new();
        let mut bounded = (&mut reading).take(COMMAND);
        let Ok(read) = timeout(SILENCE, bounded.read_line(&mut line)).await else {
            return Ok(());
        };
        if read? == 0 {
            return Ok(());
        }
        let command = serde_json::from_str(&line)?;
        let mut answer = serde_json::to_vec(&perform(command).await)?;
        answer.push(b'\n');
        timeout(SILENCE, writing.write_all(&answer)).await??;
    }
}

/// A connection to the socket of a running server.
#[derive(Debug)]
pub(crate) struct AdminClient {
    stream: BufReader<UnixStream>,
}

impl AdminClient {
    /// Connects; `None` if no server listens in `folder`.
    pub(crate) async fn connect(folder: &Path) -> io::Result<Option<Self>> {
        match UnixStream::connect(folder.join(FILE)).await {
            Ok(stream) => Ok(Some(Self {
                stream: BufReader::new(stream),
            })),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Has the server do `command`.
    pub(crate) async fn ask(&mut self, command: &AdminCommand) -> io::Result<AdminAnswer> {
        let mut line = serde_json::to_vec(command)?;
        line.push(b'\n');
        self.stream.write_all(&line).await?;
        let mut answer = String::new();
        let mut bounded = (&mut self.stream).take(ANSWER);
        if bounded.read_line(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&answer)?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use parlour_protocol::UserId;

    use super::*;
    use crate::admin::AdminError;

    fn refusing() -> Perform {
        Arc::new(|command| {
            Box::pin(async move {
                match command {
                    AdminCommand::Ban { .. } => AdminAnswer::Done { count: 1 },
                    _ => AdminAnswer::Refused {
                        error: AdminError::UnknownUser,
                    },
                }
            })
        })
    }

    #[tokio::test]
    async fn commands_go_in_and_answers_come_out() {
        let folder = tempfile::tempdir().expect("folder");
        let none = AdminClient::connect(folder.path()).await.expect("looked");
        assert!(none.is_none());
        let socket = AdminSocket::start(folder.path(), refusing()).expect("started");
        let mode = fs::metadata(folder.path().join(FILE)).expect("a socket");
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        let client = AdminClient::connect(folder.path())
            .await
            .expect("connected");
        let mut client = client.expect("a server");
        let user = UserId::new("u1");
        let ban = AdminCommand::Ban { user: user.clone() };
        let answer = client.ask(&ban).await.expect("an answer");
        assert_eq!(answer, AdminAnswer::Done { count: 1 });
        let answer = client.ask(&AdminCommand::Delete { user }).await;
        let error = AdminError::UnknownUser;
        assert_eq!(answer.expect("an answer"), AdminAnswer::Refused { error });
        drop(socket);
        assert!(!folder.path().join(FILE).exists());
    }

    #[tokio::test]
    async fn what_a_crash_left_behind_is_replaced() {
        let folder = tempfile::tempdir().expect("folder");
        fs::create_dir(folder.path().join(".admin")).expect("folder");
        drop(std::os::unix::net::UnixListener::bind(folder.path().join(FILE)).expect("bound"));
        let dead = AdminClient::connect(folder.path()).await.expect("looked");
        assert!(dead.is_none());
        let _socket = AdminSocket::start(folder.path(), refusing()).expect("started");
        let client = AdminClient::connect(folder.path())
            .await
            .expect("connected");
        assert!(client.is_some());
    }

    #[tokio::test]
    async fn whoever_is_connected_is_let_go_with_the_socket() {
        let folder = tempfile::tempdir().expect("folder");
        let perform = refusing();
        let socket = AdminSocket::start(folder.path(), perform.clone()).expect("started");
        let client = AdminClient::connect(folder.path()).await.expect("looked");
        let mut client = client.expect("a server");
        let user = UserId::new("u1");
        client
            .ask(&AdminCommand::Ban { user })
            .await
            .expect("an answer");
        drop(socket);
        let mut rest = String::new();
        let end = client.stream.read_line(&mut rest);
        let read = timeout(Duration::from_secs(10), end).await;
        assert_eq!(read.expect("an end, and not by silence").expect("read"), 0);
        assert_eq!(Arc::strong_count(&perform), 1);
    }

    #[tokio::test]
    async fn nonsense_ends_only_its_own_connection() {
        let folder = tempfile::tempdir().expect("folder");
        let _socket = AdminSocket::start(folder.path(), refusing()).expect("started");
        let mut stream = UnixStream::connect(folder.path().join(FILE))
            .await
            .expect("connected");
        stream
            .write_all(b"{\"command\":\"fly\"}\n")
            .await
            .expect("sent");
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.expect("closed");
        assert_eq!(rest, "");
        assert!(
            AdminClient::connect(folder.path())
                .await
                .expect("looked")
                .is_some()
        );
    }
}
