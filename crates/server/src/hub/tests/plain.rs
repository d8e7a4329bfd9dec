//! What the guide's clients see.

use serde_json::json;

use super::world::{fence, live, message, on_both, texts, users};
use crate::hub::{Command, Way};
use crate::identity::new_session_id;

#[test]
fn session_then_users_and_the_others_hear_of_it() {
    on_both(|world| {
        let ann = world.arrives("Ann");
        let entry =
            json!({"userID": ann.id(), "username": "Ann", "connected": true, "messages": []});
        let session = json!({"sessionID": ann.session.reveal(), "userID": ann.id()});
        assert_eq!(
            ann.hears(),
            [
                ("session".to_owned(), session),
                ("users".to_owned(), json!([entry]))
            ]
        );
        let bob = world.arrives("Bob \"the\" \\");
        let other = json!({
            "userID": bob.id(), "username": "Bob \"the\" \\", "connected": true, "messages": []
        });
        assert_eq!(ann.hears(), [("user connected".to_owned(), other.clone())]);
        assert_eq!(users(&bob), json!([entry, other]));
    });
}

#[test]
fn messages_reach_all_but_the_sending_connection() {
    on_both(|world| {
        let ann = world.arrives("Ann");
        let bob = world.arrives("Bob");
        let eve = world.arrives("Eve");
        let (ann_too, bob_too) = (world.resumes(&ann), world.resumes(&bob));
        let everyone = [&ann, &ann_too, &bob, &bob_too, &eve];
        for person in everyone {
            person.hears();
        }
        world.says(&ann, bob.id(), "hello");
        let hello = live(&ann, &bob, "hello");
        for hearing in [&ann_too, &bob, &bob_too] {
            assert_eq!(hearing.hears(), std::slice::from_ref(&hello));
        }
        world.says(&ann, ann.id(), "a note");
        assert_eq!(ann_too.hears(), [live(&ann, &ann, "a note")]);
        for silent in everyone {
            assert_eq!(silent.hears(), []);
        }
    });
}

#[test]
fn only_the_last_connection_takes_its_user_away() {
    on_both(|world| {
        let (ann, bob) = (world.arrives("Ann"), world.arrives("Bob"));
        let bob_too = world.resumes(&bob);
        ann.hears();
        world.leaves(&bob);
        world.leaves(&bob);
        assert_eq!(ann.hears(), []);
        world.leaves(&bob_too);
        let left = ("user disconnected".to_owned(), json!(bob.id()));
        assert_eq!(ann.hears(), [left]);
        let cleo = world.arrives("Cleo");
        assert_eq!(users(&cleo)[1]["connected"], json!(false));
    });
}

#[test]
fn what_came_while_away_is_there_afterwards() {
    on_both(|world| {
        let ann = world.arrives("Ann");
        let bob = world.arrives("Bob");
        let eve = world.arrives("Eve");
        world.says(&bob, ann.id(), "one");
        world.says(&eve, bob.id(), "other");
        world.leaves(&bob);
        world.says(&ann, bob.id(), "two");
        let back = world.resumes(&bob);
        let users = users(&back);
        assert_eq!(
            users[0]["messages"],
            json!([
                {"content": "one", "from": bob.id(), "to": ann.id()},
                {"content": "two", "from": ann.id(), "to": bob.id()},
            ])
        );
        assert_eq!(users[1]["messages"], json!([]));
        assert_eq!(users[2]["messages"][0]["content"], json!("other"));
    });
}

#[test]
fn a_message_to_nobody_is_counted_and_not_kept() {
    on_both(|world| {
        let ann = world.arrives("Ann");
        world.says(&ann, "0123456789abcdef", "hello?");
        assert_eq!(world.metrics.counts().unknown_recipient, 1);
        assert!(!ann.ear.is_cut());
    });
}

#[test]
fn a_batch_keeps_its_order_and_a_snapshot_its_place() {
    on_both(|world| {
        let (ann, bob) = (world.arrives("Ann"), world.arrives("Bob"));
        bob.hears();
        let entered = world.signs_in(&bob.session, Way::Resume).expect("session");
        let session = bob.session.clone();
        let (bob_too, join) = world.joining(entered, &session, false);
        let (fence, mut answered) = fence(&ann);
        world.does([
            message(&ann, bob.id(), "one"),
            join,
            message(&ann, bob.id(), "two"),
            fence,
        ]);
        assert_eq!(answered.try_recv(), Ok(()));
        assert_eq!(texts(&bob.hears()), ["one", "two"]);
        let heard = bob_too.hears();
        let kept = &heard[1].1[0]["messages"];
        assert_eq!(kept.as_array().map(Vec::len), Some(1));
        assert_eq!(texts(&heard), ["two"]);
    });
}

#[test]
fn a_connection_that_ends_while_it_joins_leaves_no_ghost() {
    on_both(|world| {
        let ann = world.arrives("Ann");
        ann.hears();
        let session = new_session_id();
        let entered = world.signs_in(&session, Way::Resume);
        assert!(entered.is_err());
        let bob = world.arrives("Bob");
        world.leaves(&bob);
        ann.hears();
        let entered = world.signs_in(&bob.session, Way::Resume).expect("session");
        let (bob, join) = world.joining(entered, &bob.session, false);
        let leave = Command::Leave {
            connection: bob.connection,
        };
        world.does([join, leave]);
        assert_eq!(ann.hears(), []);
        assert_eq!(bob.hears(), []);
        assert_eq!(users(&world.resumes(&ann))[1]["connected"], json!(false));
    });
}

#[test]
fn who_reads_too_slowly_is_cut_and_has_left() {
    on_both(|world| {
        let (ann, bob) = (world.arrives("Ann"), world.arrives("Bob"));
        bob.ear.fill();
        ann.hears();
        world.says(&ann, bob.id(), "hello");
        assert!(bob.ear.is_cut());
        let left = ("user disconnected".to_owned(), json!(bob.id()));
        assert_eq!(ann.hears(), [left]);
        assert_eq!(world.metrics.counts().cut, 1);
        let back = world.resumes(&bob);
        assert_eq!(users(&back)[0]["messages"][0]["content"], json!("hello"));
    });
}
