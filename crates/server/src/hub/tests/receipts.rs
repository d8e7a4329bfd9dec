//! Who has received and read what.

use parlour_protocol::{
    UserId,
    pm::{Read, Received},
};
use serde_json::json;

use super::world::{Person, on_both, users};
use crate::hub::Request;

fn received(up_to: u64) -> Request {
    Request::Received(Received { up_to })
}

fn read(peer: &Person, up_to: u64) -> Request {
    Request::Read(Read {
        peer: peer.id.clone(),
        up_to,
    })
}

#[test]
fn writers_hear_of_it_in_their_own_numbers() {
    on_both(|world| {
        let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives_with_pm("Bob"));
        let (cleo, ann_plain) = (world.arrives("Cleo"), world.resumes(&ann));
        world.says(&cleo, bob.id(), "first");
        world.says(&ann, cleo.id(), "elsewhere");
        world.says(&ann, bob.id(), "one");
        world.says(&ann, bob.id(), "two");
        for person in [&ann, &bob, &ann_plain, &cleo] {
            person.hears();
        }
        assert_eq!(world.asks(&bob, received(3)), json!({"ok": true}));
        let receipt = json!({"peer": bob.id(), "received": 3});
        assert_eq!(ann.hears(), [("pm:receipt".to_owned(), receipt)]);
        // Nobody tells plain clients.
        assert_eq!((ann_plain.hears(), cleo.hears()), (vec![], vec![]));
        world.asks(&bob, received(2));
        assert_eq!(ann.hears(), []);
        assert_eq!(world.asks(&bob, read(&ann, 2)), json!({"ok": true}));
        let receipt = json!({"peer": bob.id(), "read": 2});
        assert_eq!(ann.hears(), [("pm:receipt".to_owned(), receipt)]);
        let listed = users(&world.resumes_with_pm(&ann));
        assert_eq!(
            (&listed[1]["received"], &listed[1]["read"]),
            (&json!(3), &json!(2))
        );
    });
}

#[test]
fn ones_own_devices_agree_on_what_is_unread() {
    on_both(|world| {
        let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives("Bob"));
        let ann_too = world.resumes_with_pm(&ann);
        world.says(&bob, ann.id(), "one");
        world.says(&bob, ann.id(), "two");
        ann.hears();
        ann_too.hears();
        world.asks(&ann, read(&bob, 99));
        let own = json!({"peer": bob.id(), "read": 2, "own": true});
        assert_eq!(ann_too.hears(), [("pm:receipt".to_owned(), own)]);
        // A device that is behind tells nobody anything new.
        assert_eq!(world.asks(&ann, read(&bob, 1)), json!({"ok": true}));
        assert_eq!(ann_too.hears(), []);
        let listed = users(&world.resumes_with_pm(&ann));
        assert_eq!(listed[1]["unread"], json!(0));
    });
}

#[test]
fn a_conversation_with_nobody_cannot_be_read() {
    on_both(|world| {
        let ann = world.arrives_with_pm("Ann");
        let nobody = Request::Read(Read {
            peer: UserId::new("nobody"),
            up_to: 1,
        });
        let refused = world.asks(&ann, nobody);
        assert_eq!(refused, json!({"ok": false, "code": "unknown_recipient"}));
    });
}
