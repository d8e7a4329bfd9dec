//! The same cases for both connectors: our own, and the one on rust_socketio,
//! which fails some. Those are listed here, and a listed one that passes is a
//! failure of the list.

use std::{fmt::Debug, future::Future, sync::Arc, time::Duration};

use parlour_client::{
    FailureCode, RustSocketIoConnector, ServerOptions, SocketIoConnector,
    ports::{Connector, Fence, Link, LinkClose, LinkEvent, Target},
};
use parlour_protocol::{ConnectAuth, OutgoingMessage, ServerEvent, UserId, Users};
use parlour_socketio::CookieJar;
use parlour_tests::node::{Dialect, ReferenceServer};
use tokio::{net::TcpListener, time::timeout};

/// What a case waits for one thing: longer than any of it takes, short of what
/// the connectors themselves call a time-out.
const PATIENCE: Duration = Duration::from_secs(8);

type Shown = Result<(), String>;

async fn link(
    connector: &dyn Connector,
    server: &str,
    username: &str,
) -> Result<Link, FailureCode> {
    let auth = ConnectAuth {
        username: Some(username.to_owned()),
        ..ConnectAuth::default()
    };
    let target = Target {
        server: server.parse().expect("an address"),
        auth,
        options: ServerOptions::default(),
        cookies: CookieJar::new(),
        polled: false,
    };
    match timeout(PATIENCE, connector.connect(target)).await {
        Ok(outcome) => outcome.map_err(|none| none.reason.code),
        Err(_) => Err(FailureCode::TimedOut),
    }
}

async fn within<T>(what: &str, wait: impl Future<Output = Option<T>>) -> Result<T, String> {
    timeout(PATIENCE, wait)
        .await
        .ok()
        .flatten()
        .ok_or_else(|| format!("in vain: {what}"))
}

async fn server_event<T>(
    link: &mut Link,
    what: &str,
    pick: impl Fn(ServerEvent) -> Option<T>,
) -> Result<T, String> {
    within(what, async {
        while let Some(event) = link.events.recv().await {
            if let LinkEvent::Server(event) = event
                && let Some(picked) = pick(event)
            {
                return Some(picked);
            }
        }
        None
    })
    .await
}

async fn users(link: &mut Link) -> Result<Users, String> {
    server_event(link, "users", |event| match event {
        ServerEvent::Users(users) => Some(users),
        _ => None,
    })
    .await
}

fn id_of(users: &Users, name: &str) -> Result<UserId, String> {
    let user = users.entries.iter().find(|user| user.username == name);
    user.map(|user| user.user_id.clone())
        .ok_or_else(|| format!("{name} is not listed"))
}

fn expect<T: PartialEq + Debug>(what: &str, got: T, expected: T) -> Shown {
    if got == expected {
        Ok(())
    } else {
        Err(format!("{what}: {got:?}, not {expected:?}"))
    }
}

/// `session` comes before `users`, and oneself is in it.
async fn signs_in(connector: Arc<dyn Connector>) -> Shown {
    let server = ReferenceServer::start(Dialect::C);
    let mut link = link(&*connector, &server.url(), "Alice")
        .await
        .map_err(|code| format!("{code:?}"))?;
    let me = server_event(&mut link, "session first", |event| match event {
        ServerEvent::Session { user_id, .. } => Some(Some(user_id)),
        ServerEvent::Users(_) => Some(None),
        _ => None,
    })
    .await?;
    expect("the first event is session", me.is_some(), true)?;
    let listed = id_of(&users(&mut link).await?, "Alice")?;
    expect("oneself", Some(listed), me)
}

/// On a server without sessions one's id is that of the connection.
async fn knows_its_own_id(connector: Arc<dyn Connector>) -> Shown {
    let server = ReferenceServer::start(Dialect::A);
    let mut link = link(&*connector, &server.url(), "Alice")
        .await
        .map_err(|code| format!("{code:?}"))?;
    let listed = id_of(&users(&mut link).await?, "Alice")?;
    expect("the socket's id", link.socket_id.as_str(), listed.as_str())
}

/// 200 messages arrive in order.
async fn keeps_the_order(connector: Arc<dyn Connector>) -> Shown {
    let server = ReferenceServer::start(Dialect::C);
    let url = server.url();
    let open = |name| link(&*connector, &url, name);
    let mut alice = open("Alice").await.map_err(|code| format!("{code:?}"))?;
    let mut bob = open("Bob").await.map_err(|code| format!("{code:?}"))?;
    users(&mut alice).await?;
    let to = id_of(&users(&mut bob).await?, "Bob")?;
    for n in 0..200 {
        let message = OutgoingMessage::plain(n.to_string(), to.clone());
        alice
            .sender
            .send(&message)
            .map_err(|error| format!("{error:?}"))?;
    }
    for n in 0..200 {
        let content = server_event(&mut bob, "a message", |event| match event {
            ServerEvent::PrivateMessage(message) => Some(message.content),
            _ => None,
        })
        .await?;
        expect("the next message", content, n.to_string())?;
    }
    Ok(())
}

/// A fence behind messages is answered.
async fn fences(connector: Arc<dyn Connector>) -> Shown {
    let server = ReferenceServer::start(Dialect::C);
    let mut link = link(&*connector, &server.url(), "Alice")
        .await
        .map_err(|code| format!("{code:?}"))?;
    users(&mut link).await?;
    expect("a fence can be raised", link.sender.fence(7), Fence::Raised)?;
    let passed = within("the fence", async {
        while let Some(event) = link.events.recv().await {
            if let LinkEvent::FencePassed(number) = event {
                return Some(number);
            }
        }
        None
    })
    .await?;
    expect("the fence's number", passed, 7)
}

/// A refusal is told with its text.
async fn is_told_of_a_refusal(connector: Arc<dyn Connector>) -> Shown {
    let server = ReferenceServer::start_with(Dialect::C, &["--refuse", "members only"]);
    let refused = link(&*connector, &server.url(), "Alice").await.err();
    expect("the refusal", refused, Some(FailureCode::SignInRefused))
}

/// Nobody at the address is told from other troubles.
async fn is_told_that_nobody_is_there(connector: Arc<dyn Connector>) -> Shown {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("an address")
    };
    let failed = link(&*connector, &format!("http://{address}"), "Alice")
        .await
        .err();
    expect("the failure", failed, Some(FailureCode::ConnectionRefused))
}

/// How the link ends after the server did something.
async fn end_of(
    connector: &dyn Connector,
    done: fn(&mut ReferenceServer),
) -> Result<LinkClose, String> {
    let mut server = ReferenceServer::start(Dialect::C);
    let mut link = link(connector, &server.url(), "Alice")
        .await
        .map_err(|code| format!("{code:?}"))?;
    users(&mut link).await?;
    done(&mut server);
    within("the end", async {
        while let Some(event) = link.events.recv().await {
            if let LinkEvent::Closed(close) = event {
                return Some(close);
            }
        }
        None
    })
    .await
}

/// A break is told, and not as a goodbye.
async fn is_told_of_a_break(connector: Arc<dyn Connector>) -> Shown {
    let close = end_of(&*connector, ReferenceServer::drop_connections).await?;
    expect("clean", close.clean, false)
}

/// A goodbye is told.
async fn is_told_of_a_goodbye(connector: Arc<dyn Connector>) -> Shown {
    let close = end_of(&*connector, ReferenceServer::kick).await?;
    expect("clean", close.clean, true)
}

/// Half an emoji in one stored message hides nobody.
async fn survives_half_an_emoji(connector: Arc<dyn Connector>) -> Shown {
    let server = ReferenceServer::start_with(Dialect::C, &["--store", r"half \ud83d emoji"]);
    let mut link = link(&*connector, &server.url(), "Alice")
        .await
        .map_err(|code| format!("{code:?}"))?;
    id_of(&users(&mut link).await?, "Alice").map(|_| ())
}

/// A message nested 200 deep hides nobody either.
async fn survives_deep_nesting(connector: Arc<dyn Connector>) -> Shown {
    let server = ReferenceServer::start_with(Dialect::C, &["--store-nested", "200"]);
    let mut link = link(&*connector, &server.url(), "Alice")
        .await
        .map_err(|code| format!("{code:?}"))?;
    id_of(&users(&mut link).await?, "Alice").map(|_| ())
}

/// Runs a case; `known` says why it is expected to fail.
async fn check<F>(case: fn(Arc<dyn Connector>) -> F, connector: impl Connector, known: Option<&str>)
where
    F: Future<Output = Shown>,
{
    match (case(Arc::new(connector)).await, known) {
        (Ok(()), None) | (Err(_), Some(_)) => {}
        (Err(why), None) => panic!("{why}"),
        (Ok(()), Some(known)) => panic!("passes, though listed as a known failure: {known}"),
    }
}

macro_rules! conformance {
    ($($case:ident: $known:expr,)*) => {
        mod own {
            $(#[tokio::test] async fn $case() {
                super::check(super::$case, super::SocketIoConnector, None).await;
            })*
        }
        mod rust_socketio {
            $(#[tokio::test] async fn $case() {
                super::check(super::$case, super::RustSocketIoConnector, $known).await;
            })*
        }
    };
}

conformance! {
    signs_in: None,
    knows_its_own_id: Some("the crate does not tell the id of its connection"),
    keeps_the_order: None,
    fences: Some("the crate cannot connect to a second namespace on a connection"),
    is_told_of_a_refusal: None,
    is_told_that_nobody_is_there: None,
    is_told_of_a_break: None,
    is_told_of_a_goodbye: None,
    survives_half_an_emoji: Some("the crate drops the whole packet"),
    survives_deep_nesting: Some("the crate's JSON has a depth of 128 at most, and drops the whole packet"),
}
