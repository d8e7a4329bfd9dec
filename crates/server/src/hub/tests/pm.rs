//! What clients see that speak pm.

use parlour_protocol::{
    ServerEvent, UserId,
    pm::{HistoryRequest, Reply, SyncPage, SyncRequest, UsersRequest},
};
use serde_json::{Value, json, value::to_raw_value};

use super::world::{Person, World, asking, message, message_id, on_both, texts, users, with_ack};
use crate::hub::{Command, Request};

fn sync(since: u64, limit: usize) -> Request {
    Request::Sync(SyncRequest { since, limit })
}

fn history(peer: &Person, before: Option<u64>, limit: usize) -> Request {
    Request::History(HistoryRequest {
        peer: peer.id.clone(),
        before,
        limit,
    })
}

fn people(after: Option<&str>, q: Option<&str>, limit: usize) -> Request {
    Request::Users(UsersRequest {
        after: after.map(str::to_owned),
        q: q.map(str::to_owned),
        limit,
    })
}

fn numbers(page: &Value) -> Vec<u64> {
    let messages = page["messages"].as_array().expect("messages");
    messages
        .iter()
        .map(|message| message["seq"].as_u64().expect("a number"))
        .collect()
}

fn contents(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().expect("messages");
    messages
        .iter()
        .map(|message| message["content"].as_str().expect("a text"))
        .collect()
}

#[test]
fn the_server_says_hello() {
    on_both(|world| {
        let ann = world.arrives_with_pm("Ann");
        let heard = ann.hears();
        let session = ServerEvent::decode("session", &[to_raw_value(&heard[0].1).unwrap()]);
        let Ok(Some(ServerEvent::Session { pm: Some(pm), .. })) = session else {
            panic!("no pm");
        };
        assert_eq!((pm.v, pm.last_seq, pm.resumed), (1, 0, false));
        assert_eq!(pm.limits.rate.per_second, 20);
        assert_eq!(
            heard[1].1,
            json!([{
                "userID": ann.id(), "username": "Ann", "connected": true, "messages": [],
                "lastSeq": 0, "unread": 0, "received": 0, "read": 0
            }])
        );
    });
}

#[test]
fn an_answer_comes_after_the_commit_and_a_repeat_is_known() {
    on_both(|world| {
        let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives_with_pm("Bob"));
        let cleo = world.arrives_with_pm("Cleo");
        world.sends_as(&cleo, bob.id(), "before", 9);
        bob.hears();
        let first = world.sends_as(&ann, bob.id(), "hello", 1);
        let ts = first["ts"].as_i64().expect("a time");
        let id = message_id(1).to_string();
        assert_eq!(first, json!({"ok": true, "id": id, "seq": 1, "ts": ts}));
        let heard = bob.hears_one();
        assert_eq!(heard.0, "private message");
        assert_eq!(
            heard.1,
            json!({
                "content": "hello", "from": ann.id(), "to": bob.id(), "id": id, "seq": 2, "ts": ts
            })
        );
        let again = world.sends_as(&ann, bob.id(), "hello", 1);
        assert_eq!(
            again,
            json!({"ok": true, "id": id, "seq": 1, "ts": ts, "dup": true})
        );
        assert_eq!(bob.hears(), []);
        let other = world.sends_as(&ann, bob.id(), "other", 1);
        assert_eq!(other, json!({"ok": false, "code": "conflict"}));
        let nobody = world.sends_as(&ann, "nobody", "hello", 2);
        assert_eq!(nobody, json!({"ok": false, "code": "unknown_recipient"}));
    });
}

#[test]
fn a_plain_client_gets_an_answer_too_if_it_asks() {
    on_both(|world| {
        let (ann, bob) = (world.arrives("Ann"), world.arrives_with_pm("Bob"));
        bob.hears();
        let answer = world.sends(&ann, bob.id(), "hello");
        assert_eq!((&answer["ok"], &answer["seq"]), (&json!(true), &json!(1)));
        // The server gave it an id, by which Bob will know it again.
        assert_eq!(bob.hears_one().1["id"], answer["id"]);
    });
}

#[test]
fn each_end_has_its_own_numbers_and_tongue() {
    on_both(|world| {
        let ann = world.arrives_with_pm("Ann");
        let ann_too = world.resumes_with_pm(&ann);
        let ann_plain = world.resumes(&ann);
        let (bob, cleo) = (world.arrives_with_pm("Bob"), world.arrives("Cleo"));
        world.says(&cleo, bob.id(), "to Bob");
        for person in [&ann, &ann_too, &ann_plain, &bob, &cleo] {
            person.hears();
        }
        world.says(&ann, bob.id(), "hello");
        assert_eq!(ann_too.hears_one().1["seq"], json!(1));
        assert_eq!(bob.hears_one().1["seq"], json!(2));
        let plain = ann_plain.hears_one().1;
        assert_eq!(plain["content"], json!("hello"));
        assert_eq!(plain.as_object().map(serde_json::Map::len), Some(3));
        assert_eq!(ann.hears(), []);
        // A note to oneself has one number.
        world.says(&ann, ann.id(), "a note");
        assert_eq!(ann_too.hears_one().1["seq"], json!(2));
    });
}

#[test]
fn pages_hold_what_came_since_the_cursor() {
    on_both(|world| {
        let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives("Bob"));
        for number in 1..=5 {
            world.says(&bob, ann.id(), &number.to_string());
        }
        ann.hears();
        let page = world.asks(&ann, sync(0, 2));
        assert_eq!(contents(&page), ["1", "2"]);
        assert_eq!(
            (&page["next"], &page["complete"]),
            (&json!(2), &json!(false))
        );
        let page = world.asks(&ann, sync(2, 200));
        assert_eq!(numbers(&page), [3, 4, 5]);
        assert_eq!(
            (&page["next"], &page["complete"]),
            (&json!(5), &json!(true))
        );
        let typed: Reply<SyncPage> = serde_json::from_value(page).expect("a page");
        assert!(matches!(typed, Reply::Yes(page) if page.messages[0].from == bob.id));
        for since in [5, 99] {
            let page = world.asks(&ann, sync(since, 200));
            assert_eq!((numbers(&page), &page["next"]), (vec![], &json!(since)));
        }
    });
}

#[test]
fn a_page_never_misses_what_was_said_before_it() {
    on_both(|world| {
        let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives("Bob"));
        ann.hears();
        let ack = world.ack();
        let (asking, _done) = asking(&ann, Some(ack), sync(0, 200));
        world.does([
            message(&bob, ann.id(), "one"),
            asking,
            message(&bob, ann.id(), "two"),
        ]);
        let heard = ann.hears();
        assert_eq!(texts(&heard), ["one", "two"]);
        let page = heard.iter().position(|(name, _)| name.starts_with('#'));
        assert_eq!(page, Some(1));
        assert_eq!(contents(&heard[1].1), ["one"]);
    });
}

#[test]
fn history_goes_back_from_the_end() {
    on_both(|world| {
        let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives("Bob"));
        let cleo = world.arrives("Cleo");
        for number in 1..=4 {
            world.says(&bob, ann.id(), &number.to_string());
            world.says(&cleo, ann.id(), "other");
        }
        ann.hears();
        let page = world.asks(&ann, history(&bob, None, 2));
        assert_eq!(contents(&page), ["3", "4"]);
        assert_eq!(page["complete"], json!(false));
        let before = numbers(&page)[0];
        let page = world.asks(&ann, history(&bob, Some(before), 100));
        assert_eq!(contents(&page), ["1", "2"]);
        assert_eq!(page["complete"], json!(true));
        let nobody = Request::History(HistoryRequest {
            peer: UserId::new("nobody"),
            before: None,
            limit: 10,
        });
        let refused = world.asks(&ann, nobody);
        assert_eq!(refused["code"], json!("unknown_recipient"));
    });
}

#[test]
fn users_come_in_pages_in_the_order_of_ids() {
    on_both(|world| {
        let ann = world.arrives_with_pm("Ann");
        let mut ids: Vec<_> = (0..25)
            .map(|number| world.arrives(&format!("Bob {number:02}")).id)
            .collect();
        ids.push(ann.id.clone());
        ids.sort();
        ann.hears();
        let mut seen = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = world.asks(&ann, people(after.as_deref(), None, 10));
            let users = page["users"].as_array().expect("users");
            assert!(users.len() <= 10);
            seen.extend(
                users
                    .iter()
                    .map(|user| UserId::new(user["userID"].as_str().unwrap())),
            );
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => break,
            }
        }
        assert_eq!(seen, ids);
        let page = world.asks(&ann, people(None, Some("BOB 1"), 100));
        assert_eq!(page["users"].as_array().map(Vec::len), Some(10));
        assert_eq!(page["next"], Value::Null);
        let page = world.asks(&ann, people(None, Some("nobody"), 100));
        assert_eq!(page, json!({"users": [], "next": null}));
    });
}

#[test]
fn a_page_of_users_has_the_conversations_in_short() {
    on_both(|world| {
        let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives("Bob"));
        world.says(&bob, ann.id(), "hello");
        ann.hears();
        let page = world.asks(&ann, people(None, Some("bob"), 10));
        let entry = &page["users"][0];
        assert_eq!(entry["messages"], json!([]));
        assert_eq!(
            (
                &entry["lastSeq"],
                &entry["unread"],
                &entry["last"]["content"]
            ),
            (&json!(1), &json!(1), &json!("hello"))
        );
        let again = world.resumes_with_pm(&ann);
        let mut listed = users(&again);
        assert_eq!(listed[1].take(), *entry);
    });
}

#[test]
fn typing_is_passed_on_and_never_stored() {
    on_both(|world| {
        let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives_with_pm("Bob"));
        let bob_plain = world.resumes(&bob);
        for person in [&ann, &bob, &bob_plain] {
            person.hears();
        }
        world.does([Command::Typing {
            connection: ann.connection,
            to: bob.id.clone(),
        }]);
        let typing = ("pm:typing".to_owned(), json!({"from": ann.id()}));
        assert_eq!(bob.hears(), [typing]);
        assert_eq!(bob_plain.hears(), []);
        assert_eq!(numbers(&world.asks(&bob, sync(0, 10))), Vec::<u64>::new());
    });
}

#[test]
fn a_snapshot_and_events_make_a_fresh_snapshot() {
    on_both(|world| {
        let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives("Bob"));
        ann.hears();
        let mut batch = Vec::new();
        for number in 0..50 {
            batch.push(message(&bob, ann.id(), &number.to_string()));
            if number % 7 == 0 {
                let ack = world.ack();
                batch.push(with_ack(message(&ann, bob.id(), "mine"), ack));
            }
        }
        world.does(batch);
        let live: Vec<_> = ann.hears();
        let mut seqs: Vec<_> = live
            .iter()
            .filter_map(|(_, payload)| payload["seq"].as_u64())
            .collect();
        seqs.sort_unstable();
        let page = world.asks(&ann, sync(0, 200));
        assert_eq!(seqs, numbers(&page));
        assert_eq!(seqs, (1..=58).collect::<Vec<_>>());
    });
}

#[test]
fn long_pages_end_early() {
    let mut world = World::in_memory();
    let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives("Bob"));
    let long = "x".repeat(16 * 1024);
    for _ in 0..40 {
        world.says(&bob, ann.id(), &long);
    }
    ann.hears();
    let page = world.asks(&ann, sync(0, 200));
    let count = numbers(&page).len();
    assert!((10..20).contains(&count), "{count}");
    assert_eq!(page["complete"], json!(false));
    assert_eq!(page["next"], json!(count));
}
