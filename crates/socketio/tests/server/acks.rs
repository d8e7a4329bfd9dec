//! Acknowledgements, asked by either side.

use std::time::Duration;

use parlour_socketio::{
    AckError, ConnectOptions, EmitError, Placeholder, SocketEvent, connect, server::Frame,
};

use crate::{
    raw::{PATIENCE, Raw, soon},
    recorder::{options, stage},
};

#[tokio::test]
async fn a_client_gets_the_answer_that_it_asked_for() {
    let stage = stage(options());
    let url = format!("http://{}", stage.addr()).parse().unwrap();
    let (socket, _events) = soon(connect(ConnectOptions::new(url))).await.unwrap();
    let answer = socket.emit_with_ack("ask", &("a", 1), PATIENCE).await;
    let args: Vec<_> = answer
        .unwrap()
        .args
        .iter()
        .map(|arg| arg.to_string())
        .collect();
    assert_eq!(args, ["\"a\"", "1"]);
}

#[tokio::test]
async fn an_answer_may_be_binary() {
    let stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    raw.say(r#"451-7["ask",{"_placeholder":true,"num":0}]"#)
        .await;
    raw.say_bytes(&[1, 2, 3]).await;
    assert_eq!(raw.hear().await, r#"461-7[{"_placeholder":true,"num":0}]"#);
    assert_eq!(*raw.hear_bytes().await, [1, 2, 3]);
}

#[tokio::test]
async fn our_client_exchanges_binary_with_our_server() {
    let stage = stage(options());
    let url = format!("http://{}", stage.addr()).parse().unwrap();
    let (socket, mut events) = soon(connect(ConnectOptions::new(url))).await.unwrap();
    let files = vec![b"one".as_slice().into(), b"two".as_slice().into()];
    socket
        .try_emit_with_attachments("back", &(Placeholder(0), 5, Placeholder(1)), files)
        .unwrap();
    let Some(SocketEvent::Event(event)) = soon(events.next()).await else {
        panic!("it comes back");
    };
    assert_eq!(event.name, "back");
    assert_eq!(event.args.len(), 3);
    assert_eq!(event.attachments, [b"one".as_slice(), b"two"]);
}

#[tokio::test]
async fn the_server_may_ask_as_well() {
    let mut stage = stage(options());
    let url = format!("http://{}", stage.addr()).parse().unwrap();
    let (_socket, mut events) = soon(connect(ConnectOptions::new(url))).await.unwrap();
    let here = stage.joined().await;
    let asked = here.emit_with_ack("double", &(21,), PATIENCE);
    let answering = async {
        let Some(SocketEvent::Event(event)) = soon(events.next()).await else {
            panic!("it is asked");
        };
        let number: u32 = serde_json::from_str(event.args[0].get()).unwrap();
        event.ack.unwrap().send(&(number * 2,)).unwrap();
    };
    let (answer, ()) = tokio::join!(asked, answering);
    assert_eq!(answer.unwrap().args[0].get(), "42");
}

#[tokio::test]
async fn answers_find_their_question_whatever_their_order() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let here = stage.joined().await;
    let one = here.emit_with_ack("q", &("one",), PATIENCE);
    let two = here.emit_with_ack("q", &("two",), PATIENCE);
    let answering = async {
        assert_eq!(raw.hear().await, r#"420["q","one"]"#);
        assert_eq!(raw.hear().await, r#"421["q","two"]"#);
        raw.say("431[\"2\"]").await;
        raw.say("431[\"again\"]").await;
        raw.say("4399[\"unasked\"]").await;
        raw.say(r#"461-0[{"_placeholder":true,"num":0}]"#).await;
        raw.say_bytes(b"1").await;
    };
    let (one, two, ()) = soon(async { tokio::join!(one, two, answering) }).await;
    assert_eq!(one.unwrap().attachments, [b"1".as_slice()]);
    assert_eq!(two.unwrap().args[0].get(), "\"2\"");
    raw.hears_nothing_else().await;
}

#[tokio::test]
async fn no_answer_is_an_error_and_a_late_one_is_nothing() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let here = stage.joined().await;
    let asked = here.emit_with_ack("q", &(), Duration::from_millis(20));
    assert_eq!(asked.await.unwrap_err(), AckError::TimedOut);
    raw.say("430[1]").await;
    assert_eq!(raw.hear().await, r#"420["q"]"#);
    raw.hears_nothing_else().await;

    let asked = here.emit_with_ack("q", &(), PATIENCE);
    raw.say("41").await;
    assert_eq!(asked.await.unwrap_err(), AckError::Closed);
    let asked = here.emit_with_ack("q", &(), PATIENCE);
    assert_eq!(asked.await.unwrap_err(), AckError::Emit(EmitError::Closed));
}

#[tokio::test]
async fn reserved_names_are_not_emitted() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let here = stage.joined().await;
    assert_eq!(here.emit("connect", &()), Err(EmitError::Reserved));
    assert_eq!(
        here.peers().everybody().emit("disconnect", &()),
        Err(EmitError::Reserved)
    );
    assert_eq!(here.namespace(), "/");
    here.send(&Frame::event("/", None, "fine", &()).unwrap())
        .unwrap();
    here.flush();
    assert_eq!(raw.hear().await, r#"42["fine"]"#);
}
