//! Rooms, and speaking to many.

use parlour_socketio::server::{LeaveReason, Socket};

use crate::{
    raw::Raw,
    recorder::{Stage, options, stage},
};

async fn three() -> (Stage, [Raw; 3], [Socket; 3]) {
    let mut stage = stage(options());
    let a = Raw::join(stage.addr()).await;
    let first = stage.joined().await;
    let b = Raw::join(stage.addr()).await;
    let second = stage.joined().await;
    let c = Raw::join(stage.addr()).await;
    let third = stage.joined().await;
    (stage, [a, b, c], [first, second, third])
}

fn numbers(sockets: &[Socket]) -> Vec<u64> {
    let mut numbers: Vec<_> = sockets.iter().map(Socket::number).collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn a_room_hears_what_is_said_in_it_but_not_its_own_voice() {
    let (mut stage, [mut a, mut b, mut c], _sockets) = three().await;
    for raw in [&mut a, &mut b] {
        raw.say(r#"42["enter","kitchen"]"#).await;
        stage.event().await;
    }
    a.say(r#"42["tell","kitchen","hot"]"#).await;
    assert_eq!(b.hear().await, r#"42["told","hot"]"#);
    c.say(r#"42["tell","kitchen","from outside"]"#).await;
    assert_eq!(a.hear().await, r#"42["told","from outside"]"#);
    assert_eq!(b.hear().await, r#"42["told","from outside"]"#);
    b.say(r#"42["leave","kitchen"]"#).await;
    b.hears_nothing_else().await;
    c.say(r#"42["tell","kitchen","again"]"#).await;
    assert_eq!(a.hear().await, r#"42["told","again"]"#);
    for raw in [&mut a, &mut b, &mut c] {
        raw.hears_nothing_else().await;
    }
}

#[tokio::test]
async fn unions_and_exceptions_count_each_once() {
    let (stage, [mut a, mut b, mut c], [first, second, third]) = three().await;
    first.join("red");
    first.join("round");
    first.join("round");
    second.join("round");
    third.join("square");
    let all = first.peers();
    assert_eq!((all.name(), all.count()), ("/", 3));
    let both = all.to("red").to("round");
    assert_eq!(numbers(&both.sockets()), [first.number(), second.number()]);
    assert_eq!(both.except("red").emit("x", &(1,)).unwrap(), 1);
    assert_eq!(b.hear().await, r#"42["x",1]"#);
    assert_eq!(all.except("round").emit("x", &(2,)).unwrap(), 1);
    assert_eq!(c.hear().await, r#"42["x",2]"#);
    assert_eq!(all.everybody().emit("x", &(3,)).unwrap(), 3);
    assert_eq!(second.others().emit("x", &(4,)).unwrap(), 2);
    assert_eq!(all.to("nowhere").emit("x", &(5,)).unwrap(), 0);
    for (raw, heard) in [(&mut a, &[3, 4][..]), (&mut b, &[3]), (&mut c, &[3, 4])] {
        for number in heard {
            assert_eq!(raw.hear().await, format!(r#"42["x",{number}]"#));
        }
        raw.hears_nothing_else().await;
    }
    assert_eq!(first.rooms().len(), 2);
    all.to("round").leave("round");
    assert!(all.to("round").sockets().is_empty());
    let handle = stage.server.namespace("/").unwrap();
    assert_eq!(handle.count(), 3);
    assert!(stage.server.namespace("/nowhere").is_none());
}

#[tokio::test]
async fn who_leaves_is_in_no_room_any_more() {
    let (mut stage, [mut a, b, mut c], [first, second, third]) = three().await;
    let all = first.peers();
    all.everybody().join("all");
    a.say("41").await;
    assert_eq!(stage.left().await, (first.clone(), LeaveReason::ClientLeft));
    assert_eq!(
        numbers(&all.to("all").sockets()),
        [second.number(), third.number()]
    );
    first.join("all");
    assert!(first.rooms().is_empty());
    drop(b);
    stage.left().await;
    assert_eq!(numbers(&all.to("all").sockets()), [third.number()]);
    all.to("all").disconnect();
    assert_eq!(c.hear().await, "41");
    stage.left().await;
    assert_eq!(all.count(), 0);
}

#[tokio::test]
async fn namespaces_do_not_hear_each_other() {
    let mut stage = stage(options());
    let mut raw = Raw::join(stage.addr()).await;
    let main = stage.joined().await;
    raw.say("40/other,").await;
    raw.hears_welcome("40/other,").await;
    let other = stage.joined().await;
    main.join("room");
    other.join("room");
    assert_eq!(main.peers().to("room").emit("x", &()).unwrap(), 1);
    assert_eq!(raw.hear().await, r#"42["x"]"#);
    raw.hears_nothing_else().await;
}
