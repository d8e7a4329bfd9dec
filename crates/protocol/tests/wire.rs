//! Every message type as it is on the wire. A change here is a change of the
//! protocol: `docs/PROTOCOL.md` must say the same.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use insta::assert_snapshot;
use parlour_protocol::{
    ConnectAuth, HistoryEntry, LiveMessage, OutgoingMessage, Secret, ServerEvent, SessionEvent,
    SessionId, UserEntry, UserId, Users,
    pm::{
        Accepted, Bye, ClientHello, Code, HistoryPage, HistoryRequest, Logout, MessageId,
        PeerLimits, Read, Receipt, Received, Refused, Reply, ServerHello, Stamp, StampedMessage,
        Summary, SyncPage, SyncRequest, Typing, TypingFrom, UsersPage, UsersRequest,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::to_raw_value;

const EPOCH: &str = "11111111-2222-4333-8444-555555555555";

fn wire(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn id() -> MessageId {
    MessageId::new(1_700_000_000_000, &[7; 10])
}

fn stamp() -> Stamp {
    Stamp {
        id: id(),
        seq: 42,
        ts: 1_700_000_000_123,
        sent_at: Some(1_700_000_000_000),
    }
}

fn stamped() -> StampedMessage {
    StampedMessage {
        content: "hi".into(),
        from: "a".into(),
        to: "b".into(),
        stamp: stamp(),
    }
}

fn server_hello() -> ServerHello {
    ServerHello {
        v: 1,
        caps: Vec::new(),
        limits: PeerLimits::default(),
        server_id: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".parse().unwrap(),
        epoch: EPOCH.parse().unwrap(),
        now: 1_700_000_000_456,
        last_seq: 42,
        resumed: true,
    }
}

/// What is written is read back as the same.
fn both_ways<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) -> String {
    let text = wire(value);
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value);
    text
}

fn heard(name: &str, payload: &impl Serialize) -> ServerEvent {
    let payload = to_raw_value(payload).unwrap();
    ServerEvent::decode(name, &[payload]).unwrap().unwrap()
}

#[test]
fn the_auth_of_a_plain_client_and_of_one_that_speaks_pm() {
    let plain = ConnectAuth {
        username: Some("Ann".into()),
        ..ConnectAuth::default()
    };
    assert_snapshot!(wire(&plain), @r#"{"username":"Ann"}"#);
    let pm = ConnectAuth {
        session_id: Some(SessionId::new("s")),
        username: None,
        secret: Some(Secret::new("p")),
        pm: Some(ClientHello {
            v: vec![1],
            caps: Vec::new(),
            client: "parlour 0.1.0".into(),
            since: Some(41),
            epoch: Some(EPOCH.parse().unwrap()),
        }),
    };
    let text = wire(&pm);
    assert_snapshot!(text, @r#"{"sessionID":"s","secret":"p","pm":{"v":[1],"caps":[],"client":"parlour 0.1.0","since":41,"epoch":"11111111-2222-4333-8444-555555555555"}}"#);
    assert_eq!(
        ConnectAuth::from_json(&serde_json::from_str(&text).unwrap()),
        pm
    );
    assert!(!format!("{pm:?}").contains("\"p\""));
}

#[test]
fn session() {
    let (session_id, user_id) = (SessionId::new("s"), UserId::new("u"));
    let mut event = SessionEvent {
        session_id: &session_id,
        user_id: &user_id,
        pm: None,
    };
    assert_snapshot!(wire(&event), @r#"{"sessionID":"s","userID":"u"}"#);
    let hello = server_hello();
    event.pm = Some(&hello);
    assert_snapshot!(wire(&event), @r#"{"sessionID":"s","userID":"u","pm":{"v":1,"caps":[],"limits":{"content":16384,"packet":131072,"page":200,"window":16,"rate":{"perSecond":20,"burst":200}},"serverId":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","epoch":"11111111-2222-4333-8444-555555555555","now":1700000000456,"lastSeq":42,"resumed":true}}"#);
    let ServerEvent::Session { pm, .. } = heard("session", &event) else {
        panic!("no session");
    };
    assert_eq!(pm.as_deref(), Some(&hello));
}

#[test]
fn users() {
    let plain = UserEntry {
        user_id: "u".into(),
        username: "Ann".into(),
        connected: true,
        messages: Some(vec![HistoryEntry {
            content: "hi".into(),
            from: "a".into(),
            to: "b".into(),
        }]),
        summary: None,
    };
    let pm = UserEntry {
        messages: Some(Vec::new()),
        summary: Some(Summary {
            last_seq: 42,
            unread: 3,
            last: Some(stamped()),
            received: 40,
            read: 39,
        }),
        ..plain.clone()
    };
    assert_snapshot!(wire(&plain), @r#"{"userID":"u","username":"Ann","connected":true,"messages":[{"content":"hi","from":"a","to":"b"}]}"#);
    assert_snapshot!(wire(&pm), @r#"{"userID":"u","username":"Ann","connected":true,"messages":[],"lastSeq":42,"unread":3,"last":{"content":"hi","from":"a","to":"b","id":"018bcfe5-6800-7707-8707-070707070707","seq":42,"ts":1700000000123,"sentAt":1700000000000},"received":40,"read":39}"#);
    let entries = vec![plain, pm];
    let read = heard("users", &entries);
    assert_eq!(
        read,
        ServerEvent::Users(Users {
            entries,
            unreadable: 0
        })
    );
}

#[test]
fn a_private_message_up_and_down() {
    let mut up = OutgoingMessage::plain("hi", "b".into());
    assert_snapshot!(wire(&up), @r#"{"content":"hi","to":"b"}"#);
    up.id = Some(id());
    up.sent_at = Some(1_700_000_000_000);
    let text = wire(&up);
    assert_snapshot!(text, @r#"{"content":"hi","to":"b","id":"018bcfe5-6800-7707-8707-070707070707","sentAt":1700000000000}"#);
    let json = serde_json::from_str(&text).unwrap();
    assert_eq!(OutgoingMessage::from_json(Some(&json)), Ok(up));
    let mut down = LiveMessage {
        content: "hi".into(),
        from: "a".into(),
        to: Some("b".into()),
        stamp: None,
    };
    assert_snapshot!(wire(&down), @r#"{"content":"hi","from":"a","to":"b"}"#);
    down.stamp = Some(stamp());
    assert_snapshot!(wire(&down), @r#"{"content":"hi","from":"a","to":"b","id":"018bcfe5-6800-7707-8707-070707070707","seq":42,"ts":1700000000123,"sentAt":1700000000000}"#);
    let read = heard("private message", &down);
    assert_eq!(read, ServerEvent::PrivateMessage(down));
}

#[test]
fn other_fields_of_the_same_names_make_no_stamp() {
    let deep = format!("{}1{}", "[".repeat(300), "]".repeat(300));
    let text = format!(
        r#"{{"content":"hi","from":"a","to":"b","id":{deep},"seq":"one","ts":null,"other":{deep}}}"#
    );
    let args = [serde_json::value::RawValue::from_string(text).unwrap()];
    let read = ServerEvent::decode("private message", &args).unwrap();
    let Some(ServerEvent::PrivateMessage(message)) = read else {
        panic!("no message");
    };
    assert_eq!((message.content.as_str(), message.stamp), ("hi", None));
}

#[test]
fn the_answers_to_a_message() {
    assert_snapshot!(both_ways(&Accepted::message(id(), 42, 1_700_000_000_123, false)), @r#"{"ok":true,"id":"018bcfe5-6800-7707-8707-070707070707","seq":42,"ts":1700000000123}"#);
    assert_snapshot!(both_ways(&Accepted::message(id(), 42, 1_700_000_000_123, true)), @r#"{"ok":true,"id":"018bcfe5-6800-7707-8707-070707070707","seq":42,"ts":1700000000123,"dup":true}"#);
    assert_snapshot!(both_ways(&Accepted::done()), @r#"{"ok":true}"#);
    assert_snapshot!(both_ways(&Refused::new(Code::UnknownRecipient)), @r#"{"ok":false,"code":"unknown_recipient"}"#);
    assert_snapshot!(both_ways(&Refused::for_now(Code::ServerBusy, 5_000)), @r#"{"ok":false,"code":"server_busy","retryAfterMs":5000}"#);
    let reply: Reply<Accepted> =
        serde_json::from_str(r#"{"ok":false,"code":"from the future"}"#).unwrap();
    assert_eq!(reply, Reply::No(Refused::new(Code::Unknown)));
    let reply: Reply<Accepted> = serde_json::from_str(r#"{"ok":true}"#).unwrap();
    assert_eq!(reply, Reply::Yes(Accepted::done()));
}

#[test]
fn every_code() {
    let codes = [
        Code::BadRequest,
        Code::TooLarge,
        Code::RateLimited,
        Code::UnknownRecipient,
        Code::Forbidden,
        Code::Blocked,
        Code::SessionExpired,
        Code::Conflict,
        Code::ServerBusy,
        Code::Unsupported,
    ];
    for code in codes {
        assert_eq!(wire(&code), format!("\"{}\"", code.as_str()));
    }
    assert_snapshot!(both_ways(&codes.to_vec()), @r#"["bad_request","too_large","rate_limited","unknown_recipient","forbidden","blocked","session_expired","conflict","server_busy","unsupported"]"#);
}

#[test]
fn sync() {
    assert_snapshot!(wire(&SyncRequest { since: 41, limit: 200 }), @r#"{"since":41,"limit":200}"#);
    let page = SyncPage {
        messages: vec![stamped()],
        next: 42,
        complete: true,
        epoch: EPOCH.parse().unwrap(),
    };
    assert_snapshot!(both_ways(&page), @r#"{"messages":[{"content":"hi","from":"a","to":"b","id":"018bcfe5-6800-7707-8707-070707070707","seq":42,"ts":1700000000123,"sentAt":1700000000000}],"next":42,"complete":true,"epoch":"11111111-2222-4333-8444-555555555555"}"#);
}

#[test]
fn history() {
    let request = HistoryRequest {
        peer: "b".into(),
        before: Some(42),
        limit: 100,
    };
    assert_snapshot!(wire(&request), @r#"{"peer":"b","before":42,"limit":100}"#);
    let page = HistoryPage {
        messages: vec![stamped()],
        complete: false,
    };
    assert_snapshot!(both_ways(&page), @r#"{"messages":[{"content":"hi","from":"a","to":"b","id":"018bcfe5-6800-7707-8707-070707070707","seq":42,"ts":1700000000123,"sentAt":1700000000000}],"complete":false}"#);
}

#[test]
fn pages_of_users() {
    let request = UsersRequest {
        after: Some("a".into()),
        q: Some("an".into()),
        limit: 200,
    };
    assert_snapshot!(wire(&request), @r#"{"after":"a","q":"an","limit":200}"#);
    let page = UsersPage {
        users: vec![UserEntry {
            user_id: "u".into(),
            username: "Ann".into(),
            connected: false,
            messages: Some(Vec::new()),
            summary: Some(Summary::default()),
        }],
        next: Some("u".into()),
    };
    assert_snapshot!(wire(&page), @r#"{"users":[{"userID":"u","username":"Ann","connected":false,"messages":[],"lastSeq":0,"unread":0,"received":0,"read":0}],"next":"u"}"#);
}

#[test]
fn receipts() {
    assert_snapshot!(wire(&Received { up_to: 42 }), @r#"{"upTo":42}"#);
    assert_snapshot!(wire(&Read { peer: "b".into(), up_to: 42 }), @r#"{"peer":"b","upTo":42}"#);
    let receipt = Receipt {
        peer: "b".into(),
        received: Some(42),
        read: None,
        own: false,
    };
    assert_snapshot!(both_ways(&receipt), @r#"{"peer":"b","received":42}"#);
    let own = Receipt {
        received: None,
        read: Some(42),
        own: true,
        ..receipt
    };
    assert_snapshot!(both_ways(&own), @r#"{"peer":"b","read":42,"own":true}"#);
    assert_eq!(heard("pm:receipt", &own), ServerEvent::Receipt(own));
}

#[test]
fn typing() {
    assert_snapshot!(wire(&Typing { to: "b".into() }), @r#"{"to":"b"}"#);
    let typing = TypingFrom { from: "a".into() };
    assert_snapshot!(both_ways(&typing), @r#"{"from":"a"}"#);
    assert_eq!(heard("pm:typing", &typing), ServerEvent::Typing(typing));
}

#[test]
fn the_ends() {
    assert_snapshot!(wire(&Logout { all: false }), @r#"{}"#);
    assert_snapshot!(wire(&Logout { all: true }), @r#"{"all":true}"#);
    let bye = Bye {
        reason: "restart".into(),
        retry_after_ms: Some(1_000),
    };
    assert_snapshot!(both_ways(&bye), @r#"{"reason":"restart","retryAfterMs":1000}"#);
    assert_eq!(heard("pm:bye", &bye), ServerEvent::Bye(bye));
}
