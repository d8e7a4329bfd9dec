//! A bare client of pm version 1: no engine, no database, just what goes over
//! the wire, with acks.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use parlour_protocol::{
    ConnectAuth, OutgoingMessage, ServerEvent, SessionId, UserEntry, UserId, names,
    pm::{
        self, Accepted, Bye, ClientHello, HistoryPage, HistoryRequest, MessageId, Receipt, Reply,
        ServerHello, StampedMessage, SyncPage, SyncRequest,
    },
};
use parlour_socketio::{
    AckError, CloseReason, ConnectError, ConnectOptions, Socket, SocketEvent, SocketEvents, connect,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::to_raw_value;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

use crate::{chance::Chance, inbox::Inbox};

/// No test waits longer than this for one thing to happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Who one is, and what proves it.
#[derive(Clone, Debug)]
pub struct Account {
    /// The public id.
    pub user: UserId,
    session: SessionId,
}

impl Account {
    /// Somebody whose session is known from elsewhere.
    #[must_use]
    pub fn new(user: UserId, session: SessionId) -> Self {
        Self { user, session }
    }

    /// The secret that resumes the session: for frames that a test writes itself.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.session
    }
}

/// What a connection has heard so far, in order.
#[derive(Debug, Default)]
pub struct Heard {
    /// Live messages. Those of a plain client have no stamp.
    pub messages: Vec<StampedMessage>,
    /// Live messages without a stamp: content, from, to.
    pub plain: Vec<(String, UserId, UserId)>,
    /// Receipts.
    pub receipts: Vec<Receipt>,
    /// Who was seen typing.
    pub typing: Vec<UserId>,
    /// Who came (`true`) and went.
    pub presence: Vec<(UserId, bool)>,
    /// The last `pm:bye`.
    pub bye: Option<Bye>,
    /// How it ended.
    pub closed: Option<CloseReason>,
    /// Events that could not be read: there must be none.
    pub unreadable: usize,
}

/// One connection of one user.
#[derive(Debug)]
pub struct Device {
    /// Who this is.
    pub account: Account,
    /// What the server said about itself; absent for a plain client.
    pub hello: Option<ServerHello>,
    /// Everyone, as of the sign-in.
    pub users: Vec<UserEntry>,
    socket: Socket,
    heard: watch::Receiver<Heard>,
    reader: JoinHandle<()>,
}

impl Drop for Device {
    /// As when a program ends: without a goodbye.
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// How a connection wants to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Pm,
    Plain,
}

impl Device {
    /// Signs in with a name.
    ///
    /// # Errors
    /// Why not.
    pub async fn try_sign_in(url: &str, name: &str) -> Result<Self, ConnectError> {
        Self::open(url, auth(Some(name), None, Speaks::Pm)).await
    }

    /// Signs in with a name.
    pub async fn signs_in(url: &str, name: &str) -> Self {
        Self::try_sign_in(url, name).await.expect("signed in")
    }

    /// Signs in with a name, and does not speak pm.
    pub async fn signs_in_plainly(url: &str, name: &str) -> Self {
        let auth = auth(Some(name), None, Speaks::Plain);
        Self::open(url, auth).await.expect("signed in")
    }

    /// Connects again as somebody who was here.
    ///
    /// # Errors
    /// Why not.
    pub async fn try_resume(url: &str, account: &Account) -> Result<Self, ConnectError> {
        Self::open(url, auth(None, Some(account), Speaks::Pm)).await
    }

    /// Connects again as somebody who was here.
    pub async fn resumes(url: &str, account: &Account) -> Self {
        Self::try_resume(url, account).await.expect("resumed")
    }

    /// Tries until the server is back.
    pub async fn resumes_when_it_can(url: &str, account: &Account) -> Self {
        let end = Instant::now() + PATIENCE;
        loop {
            match Self::try_resume(url, account).await {
                Ok(device) => return device,
                Err(error @ ConnectError::Refused { .. }) if !is_temporary(&error) => {
                    panic!("refused: {error}");
                }
                Err(error) => assert!(Instant::now() < end, "not back in time: {error}"),
            }
            // The server is away: nothing tells when it is back but trying.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Another connection of the same user.
    pub async fn twin(&self, url: &str) -> Self {
        Self::resumes(url, &self.account).await
    }

    async fn open(url: &str, auth: ConnectAuth) -> Result<Self, ConnectError> {
        let mut options = ConnectOptions::new(url.parse().expect("an address"));
        options.auth = Some(to_raw_value(&auth).expect("an auth"));
        let (socket, mut events) = connect(options).await?;
        let welcome = timeout(PATIENCE, welcome(&mut events)).await;
        let welcome = welcome.unwrap_or(Err(ConnectError::TimedOut))?;
        let (sender, heard) = watch::channel(welcome.heard);
        Ok(Self {
            account: welcome.account,
            hello: welcome.hello,
            users: welcome.users,
            socket,
            heard,
            reader: tokio::spawn(listen(events, sender)),
        })
    }

    /// Who this is.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.account.user
    }

    /// What this client has in its copy's way: the server's hello.
    ///
    /// # Panics
    /// For a plain client.
    #[must_use]
    pub fn hello(&self) -> &ServerHello {
        self.hello.as_ref().expect("a client that speaks pm")
    }

    /// Asks something, and reads the answer.
    ///
    /// # Errors
    /// There was no answer.
    ///
    /// # Panics
    /// If the answer has not the form that it must.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        event: &str,
        request: &impl Serialize,
    ) -> Result<Reply<T>, AckError> {
        let arguments = (request,);
        let answer = self.socket.emit_with_ack(event, &arguments, PATIENCE);
        let answer = answer.await?;
        let [answer] = answer.args.as_slice() else {
            panic!("{} arguments in an answer to {event}", answer.args.len());
        };
        let read = serde_json::from_str(answer.get());
        Ok(read.unwrap_or_else(|error| panic!("the answer to {event}: {error}")))
    }

    /// Asks something that must be granted.
    pub async fn gets<T: DeserializeOwned>(&self, event: &str, request: &impl Serialize) -> T {
        match self.ask(event, request).await.expect("an answer") {
            Reply::Yes(answer) => answer,
            Reply::No(refused) => panic!("{event} was refused: {:?}", refused.code),
        }
    }

    /// Sends a message under an id.
    ///
    /// # Errors
    /// There was no answer: nobody knows whether it arrived.
    pub async fn try_say(
        &self,
        to: &UserId,
        id: MessageId,
        content: &str,
    ) -> Result<Reply<Accepted>, AckError> {
        let message = OutgoingMessage {
            content: content.to_owned(),
            to: to.clone(),
            id: Some(id),
            sent_at: None,
        };
        self.ask(names::PRIVATE_MESSAGE, &message).await
    }

    /// Sends a message that must be accepted.
    pub async fn says(&self, to: &UserId, content: &str) -> Accepted {
        match self.try_say(to, new_id(), content).await {
            Ok(Reply::Yes(accepted)) => accepted,
            other => panic!("the message was not accepted: {other:?}"),
        }
    }

    /// Sends an event and asks for no answer.
    pub fn emits(&self, event: &str, argument: &impl Serialize) {
        self.socket.try_emit(event, &(argument,)).expect("taken");
    }

    /// Everything in the inbox after a number, page by page.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn try_sync(&self, since: u64) -> Result<Vec<StampedMessage>, AckError> {
        let mut messages = Vec::new();
        let mut since = since;
        loop {
            let request = SyncRequest { since, limit: 200 };
            match self.ask(pm::names::SYNC, &request).await? {
                Reply::Yes(SyncPage {
                    messages: page,
                    next,
                    complete,
                    epoch,
                }) => {
                    assert_eq!(epoch, self.hello().epoch, "the epoch of a page");
                    messages.extend(page);
                    if complete {
                        return Ok(messages);
                    }
                    assert!(next > since, "a page that leads nowhere");
                    since = next;
                }
                Reply::No(refused) => panic!("pm:sync was refused: {:?}", refused.code),
            }
        }
    }

    /// The whole inbox.
    pub async fn inbox(&self) -> Inbox {
        Inbox {
            owner: self.user().clone(),
            messages: self.try_sync(0).await.expect("the inbox"),
        }
    }

    /// A whole conversation, by `pm:history`.
    pub async fn history(&self, peer: &UserId) -> Vec<StampedMessage> {
        let mut messages: Vec<StampedMessage> = Vec::new();
        loop {
            let request = HistoryRequest {
                peer: peer.clone(),
                before: messages.first().map(|message| message.stamp.seq),
                limit: 100,
            };
            let mut page: HistoryPage = self.gets(pm::names::HISTORY, &request).await;
            let complete = page.complete;
            assert!(complete || !page.messages.is_empty(), "an empty page");
            page.messages.append(&mut messages);
            messages = page.messages;
            if complete {
                return messages;
            }
        }
    }

    /// Waits until it has heard something.
    pub async fn until(&self, what: &str, heard: impl Fn(&Heard) -> bool) {
        self.until_within(PATIENCE, what, heard).await;
    }

    /// Waits until it has heard something, that long at most.
    pub async fn until_within(
        &self,
        limit: Duration,
        what: &str,
        mut wanted: impl FnMut(&Heard) -> bool,
    ) {
        let mut heard = self.heard.clone();
        let end = Instant::now() + limit;
        let waited = timeout_at(end, heard.wait_for(|heard| wanted(heard))).await;
        assert!(
            matches!(waited, Ok(Ok(_))),
            "waited in vain for: {what}; {}",
            self.summary()
        );
    }

    /// Waits until it has heard a text.
    pub async fn hears(&self, content: &str) {
        self.until(content, |heard| {
            heard
                .messages
                .iter()
                .any(|message| message.content == content)
                || heard.plain.iter().any(|(text, ..)| text == content)
        })
        .await;
    }

    /// Looks at what it has heard so far.
    pub fn heard<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&self.heard.borrow())
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.heard(|heard| heard.closed.is_some())
    }

    /// Waits for the end, and says how it was.
    pub async fn ends(&self) -> CloseReason {
        self.until("the end", |heard| heard.closed.is_some()).await;
        self.heard(|heard| heard.closed.clone()).expect("just seen")
    }

    /// Says goodbye, and waits until that is done.
    pub async fn leaves(self) {
        self.socket.close();
        self.ends().await;
    }

    fn summary(&self) -> String {
        self.heard(|heard| {
            format!(
                "heard {} messages, {} receipts; closed: {:?}",
                heard.messages.len() + heard.plain.len(),
                heard.receipts.len(),
                heard.closed
            )
        })
    }
}

fn auth(name: Option<&str>, account: Option<&Account>, speaks: Speaks) -> ConnectAuth {
    ConnectAuth {
        session_id: account.map(|account| account.session.clone()),
        username: name.map(str::to_owned),
        secret: None,
        pm: (speaks == Speaks::Pm).then(|| ClientHello {
            v: vec![pm::VERSION],
            caps: Vec::new(),
            client: "parlour-tests".to_owned(),
            since: None,
            epoch: None,
        }),
    }
}

/// Whether a refusal says that a later attempt may succeed.
fn is_temporary(error: &ConnectError) -> bool {
    let ConnectError::Refused {
        data: Some(data), ..
    } = error
    else {
        return false;
    };
    let data: serde_json::Value = serde_json::from_str(data.get()).expect("JSON");
    let code: Option<pm::Code> = serde_json::from_value(data["code"].clone()).ok();
    code.is_some_and(pm::Code::is_temporary)
}

struct Welcome {
    account: Account,
    hello: Option<ServerHello>,
    users: Vec<UserEntry>,
    heard: Heard,
}

/// `session` and then `users`, before anything else.
async fn welcome(events: &mut SocketEvents) -> Result<Welcome, ConnectError> {
    let mut session = None;
    loop {
        match next(events).await {
            Ok(Some(ServerEvent::Session {
                session_id,
                user_id,
                pm,
            })) => {
                assert!(session.is_none(), "a second session");
                let account = Account {
                    user: user_id,
                    session: session_id,
                };
                session = Some((account, pm.map(|hello| *hello)));
            }
            Ok(Some(ServerEvent::Users(users))) => {
                assert_eq!(users.unreadable, 0, "unreadable entries in users");
                let (account, hello) = session.expect("session comes before users");
                return Ok(Welcome {
                    account,
                    hello,
                    users: users.entries,
                    heard: Heard::default(),
                });
            }
            Err(reason) => return Err(ConnectError::Network(reason.to_string())),
            Ok(_) => panic!("something before session and users"),
        }
    }
}

/// An event, `None` if it cannot be read, or the end.
type Next = Result<Option<ServerEvent>, CloseReason>;

async fn next(events: &mut SocketEvents) -> Next {
    match events.next().await {
        Some(SocketEvent::Event(event)) => {
            Ok(ServerEvent::decode(&event.name, &event.args).unwrap_or(None))
        }
        Some(SocketEvent::Undecodable(_)) => Ok(None),
        Some(SocketEvent::Closed(reason)) => Err(reason),
        None => Err(CloseReason::TransportClosed),
    }
}

async fn listen(mut events: SocketEvents, heard: watch::Sender<Heard>) {
    loop {
        let next = next(&mut events).await;
        let ended = next.is_err();
        heard.send_modify(|heard| note(heard, next));
        if ended {
            return;
        }
    }
}

fn note(heard: &mut Heard, next: Next) {
    match next {
        Ok(Some(ServerEvent::PrivateMessage(message))) => {
            let to = message.to.expect("a recipient");
            match message.stamp {
                Some(stamp) => heard.messages.push(StampedMessage {
                    content: message.content,
                    from: message.from,
                    to,
                    stamp,
                }),
                None => heard.plain.push((message.content, message.from, to)),
            }
        }
        Ok(Some(ServerEvent::Receipt(receipt))) => heard.receipts.push(receipt),
        Ok(Some(ServerEvent::Typing(typing))) => heard.typing.push(typing.from),
        Ok(Some(ServerEvent::Bye(bye))) => heard.bye = Some(bye),
        Ok(Some(ServerEvent::UserConnected(user))) => heard.presence.push((user.user_id, true)),
        Ok(Some(ServerEvent::UserDisconnected(user))) => heard.presence.push((user, false)),
        Ok(Some(ServerEvent::Session { .. } | ServerEvent::Users(_)) | None) => {
            heard.unreadable += 1;
        }
        Err(reason) => heard.closed = Some(reason),
    }
}

/// A message id that no other message of this test has.
#[must_use]
pub fn new_id() -> MessageId {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let seed = (u64::from(std::process::id()) << 32).wrapping_add(count);
    let mut random = [0; 10];
    random.copy_from_slice(&Chance::new(seed).bytes(10));
    MessageId::new(now, &random)
}
