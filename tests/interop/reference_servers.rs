//! That the reference servers are what their dialects' tables say, and that
//! our connection layer gets along with the official package.

use std::time::Duration;

use parlour_protocol::{ConnectAuth, SessionId};
use parlour_socketio::{
    CloseReason, ConnectError, ConnectOptions, FenceAnswer, Socket, SocketEvent, SocketEvents,
    connect,
};
use parlour_tests::node::{Dialect, ReferenceServer};
use serde_json::{Value, json, value::to_raw_value};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// One connection of somebody.
struct Person {
    socket: Socket,
    events: SocketEvents,
}

impl Person {
    async fn connects(server: &ReferenceServer, auth: &ConnectAuth) -> Result<Self, ConnectError> {
        let mut options = ConnectOptions::new(server.url().parse().expect("an address"));
        options.auth = Some(to_raw_value(auth).expect("json"));
        let (socket, events) = connect(options).await?;
        Ok(Self { socket, events })
    }

    async fn arrives(server: &ReferenceServer, name: &str) -> Self {
        let username = Some(name.to_owned());
        let auth = ConnectAuth {
            username,
            ..ConnectAuth::default()
        };
        Self::connects(server, &auth).await.expect("connected")
    }

    async fn resumes(server: &ReferenceServer, session: &Value) -> Result<Self, ConnectError> {
        let session_id = session["sessionID"].as_str().map(SessionId::new);
        let auth = ConnectAuth {
            session_id,
            ..ConnectAuth::default()
        };
        Self::connects(server, &auth).await
    }

    async fn next(&mut self) -> SocketEvent {
        let next = timeout(PATIENCE, self.events.next()).await;
        next.expect("an event in time").expect("no end yet")
    }

    /// The next event, with its first argument.
    async fn hears(&mut self) -> (String, Value) {
        match self.next().await {
            SocketEvent::Event(event) => {
                let argument = event.args.first().map(|json| json.get());
                let argument = argument.map(|json| serde_json::from_str(json).expect("json"));
                (event.name, argument.unwrap_or(Value::Null))
            }
            other => panic!("not an event: {other:?}"),
        }
    }

    async fn hears_event(&mut self, name: &str) -> Value {
        let (event, argument) = self.hears().await;
        assert_eq!(event, name);
        argument
    }

    async fn ends(&mut self) -> CloseReason {
        match self.next().await {
            SocketEvent::Closed(reason) => reason,
            other => panic!("not the end: {other:?}"),
        }
    }

    fn says(&self, to: &Value, content: &str) {
        let message = json!({"content": content, "to": to});
        self.socket
            .try_emit("private message", &(message,))
            .expect("room for one message");
    }

    async fn fence(&self) -> FenceAnswer {
        let answer = self.socket.try_fence().expect("room for a fence");
        timeout(PATIENCE, answer)
            .await
            .expect("in time")
            .expect("an answer")
    }
}

/// Somebody of dialect B or C, with what came first.
async fn signs_in(server: &ReferenceServer, name: &str) -> (Person, Value, Value) {
    let mut person = Person::arrives(server, name).await;
    let session = person.hears_event("session").await;
    let users = person.hears_event("users").await;
    (person, session, users)
}

#[tokio::test]
async fn dialect_a_has_neither_sessions_nor_recipients() {
    let server = ReferenceServer::start(Dialect::A);
    let mut ann = Person::arrives(&server, "Ann").await;
    let ann_id = json!(ann.socket.id());
    let me = json!({"userID": ann_id, "username": "Ann"});
    assert_eq!(ann.hears_event("users").await, json!([me]));
    let mut bob = Person::arrives(&server, "Bob").await;
    let bob_id = json!(bob.socket.id());
    bob.hears_event("users").await;
    assert_eq!(
        ann.hears_event("user connected").await,
        json!({"userID": bob_id, "username": "Bob"})
    );
    ann.says(&ann_id, "to myself");
    ann.says(&bob_id, "hello");
    assert_eq!(
        bob.hears_event("private message").await,
        json!({"content": "hello", "from": ann_id})
    );
    bob.socket.close();
    assert_eq!(ann.hears_event("user disconnected").await, bob_id);
}

#[tokio::test]
async fn dialect_b_has_sessions_and_keeps_no_messages() {
    let mut server = ReferenceServer::start(Dialect::B);
    let (ann, session, users) = signs_in(&server, "Ann").await;
    let ann_id = session["userID"].clone();
    let me = json!({"userID": ann_id, "username": "Ann", "connected": true});
    assert_eq!(users, json!([me]));
    let mut too = Person::resumes(&server, &session).await.expect("known");
    assert_eq!(too.hears_event("session").await, session);
    assert_eq!(too.hears_event("users").await, json!([me]));
    ann.says(&ann_id, "a note");
    let note = json!({"content": "a note", "from": ann_id, "to": ann_id});
    assert_eq!(too.hears_event("private message").await, note);
    assert_eq!(server.state()["messages"], json!([]));
    server.forget();
    match Person::resumes(&server, &session).await.map(|_| ()) {
        Err(ConnectError::Refused { message, .. }) => assert_eq!(message, "invalid username"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn dialect_c_keeps_messages() {
    let mut server = ReferenceServer::start(Dialect::C);
    let (ann, ann_session, _) = signs_in(&server, "Ann").await;
    let (mut bob, bob_session, _) = signs_in(&server, "Bob").await;
    let (ann_id, bob_id) = (&ann_session["userID"], &bob_session["userID"]);
    let hello = json!({"content": "hello", "from": ann_id, "to": bob_id});
    ann.says(bob_id, "hello");
    assert_eq!(ann.fence().await, FenceAnswer::Refused);
    assert_eq!(bob.hears_event("private message").await, hello);
    assert_eq!(server.state()["messages"], json!([hello]));
    let mut back = Person::resumes(&server, &bob_session).await.expect("known");
    assert_eq!(back.hears_event("session").await, bob_session);
    let users = back.hears_event("users").await;
    assert_eq!(users[0]["messages"], json!([hello]));
    assert_eq!(users[1]["messages"], json!([]));
}

#[tokio::test]
async fn a_late_server_loses_what_comes_early_but_answers_fences() {
    let mut server = ReferenceServer::start_with(Dialect::C, &["--late", "200"]);
    let mut ann = Person::arrives(&server, "Ann").await;
    let session = ann.hears_event("session").await;
    ann.says(&session["userID"], "too early");
    assert_eq!(ann.fence().await, FenceAnswer::Refused);
    ann.hears_event("users").await;
    assert_eq!(server.state()["messages"], json!([]));
    ann.says(&session["userID"], "in time");
    assert_eq!(ann.fence().await, FenceAnswer::Refused);
    assert_eq!(server.state()["messages"][0]["content"], json!("in time"));
}

#[tokio::test]
async fn connections_end_as_asked() {
    let mut server = ReferenceServer::start(Dialect::C);
    let (mut kicked, session, _) = signs_in(&server, "Ann").await;
    server.kick();
    assert!(kicked.ends().await.is_clean());
    let mut dropped = Person::resumes(&server, &session).await.expect("known");
    dropped.hears_event("session").await;
    dropped.hears_event("users").await;
    server.drop_connections();
    assert!(!dropped.ends().await.is_clean());
    let (mut killed, ..) = signs_in(&server, "Bob").await;
    let before = server.url();
    server.kill();
    assert!(!killed.ends().await.is_clean());
    server.restart();
    assert_eq!(server.url(), before);
    assert_eq!(server.state()["sessions"], json!(0));
}
