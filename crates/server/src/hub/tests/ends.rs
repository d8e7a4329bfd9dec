//! How connections and sessions end.

use parlour_protocol::pm::Logout;
use serde_json::json;

use super::world::{Person, World, on_both, users};
use crate::{
    admin::{AdminAnswer, AdminCommand, AdminError},
    hub::{Command, Request, SignInError, Way},
};
use tokio::sync::oneshot;

fn logout(all: bool) -> Request {
    Request::Logout(Logout { all })
}

fn bye(reason: &str) -> (String, serde_json::Value) {
    ("pm:bye".to_owned(), json!({"reason": reason}))
}

fn admin(world: &mut World, command: AdminCommand) -> AdminAnswer {
    let (answer, mut answered) = oneshot::channel();
    let command = Box::new(command);
    world.does([Command::Admin { command, answer }]);
    answered.try_recv().expect("an answer")
}

/// Somebody with two sessions: the second by the first one's user.
fn second_session(world: &mut World, of: &Person) -> Person {
    let session = crate::identity::new_session_id();
    let key = world.key(&of.id);
    let entered = world.signs_in(&session, Way::Return(key)).expect("back");
    let (person, join) = world.joining(entered, &session, true);
    world.does([join]);
    person
}

#[test]
fn logging_out_ends_this_session_everywhere_and_no_other() {
    on_both(|world| {
        let ann = world.arrives_with_pm("Ann");
        let same = world.resumes(&ann);
        let other = second_session(world, &ann);
        let bob = world.arrives("Bob");
        for person in [&ann, &same, &other, &bob] {
            person.hears();
        }
        let ack = world.ack();
        let (command, mut ended) = super::world::asking(&ann, Some(ack), logout(false));
        world.does([command]);
        assert_eq!(ended.try_recv(), Ok(1));
        let answer = (format!("#{}", ack.0), json!({"ok": true}));
        assert_eq!(ann.hears(), [answer, bye("signed_out")]);
        assert!(ann.ear.is_dismissed() && same.ear.is_dismissed());
        assert_eq!(same.hears(), []);
        assert!(!other.ear.is_dismissed());
        assert_eq!(bob.hears(), []);
        let over = world.signs_in(&ann.session, Way::Resume);
        assert_eq!(over, Err(SignInError::UnknownSession));
        assert!(world.signs_in(&other.session, Way::Resume).is_ok());
    });
}

#[test]
fn logging_out_everywhere_ends_every_session() {
    on_both(|world| {
        let ann = world.arrives_with_pm("Ann");
        let other = second_session(world, &ann);
        let bob = world.arrives("Bob");
        for person in [&ann, &other, &bob] {
            person.hears();
        }
        let (command, mut ended) = super::world::asking(&other, None, logout(true));
        world.does([command]);
        assert_eq!(ended.try_recv(), Ok(2));
        for person in [&ann, &other] {
            assert_eq!(person.hears(), [bye("signed_out")]);
            assert!(person.ear.is_dismissed());
            let over = world.signs_in(&person.session, Way::Resume);
            assert_eq!(over, Err(SignInError::UnknownSession));
        }
        let left = ("user disconnected".to_owned(), json!(ann.id()));
        assert_eq!(bob.hears(), [left]);
    });
}

#[test]
fn the_banned_are_sent_away_and_stay_away() {
    on_both(|world| {
        let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives("Bob"));
        let (entering, _) = world.signs_in(&ann.session, Way::Resume).expect("session");
        ann.hears();
        bob.hears();
        let user = ann.id.clone();
        let key = world.key(&ann.id);
        let banned = admin(world, AdminCommand::Ban { user: user.clone() });
        assert_eq!(banned, AdminAnswer::Done { count: 1 });
        assert_eq!(ann.hears(), [bye("banned")]);
        assert!(ann.ear.is_dismissed());
        let left = ("user disconnected".to_owned(), json!(ann.id()));
        assert_eq!(bob.hears(), [left]);
        // The one that was about to join finds nothing to join.
        let (late, join) = world.joining((entering, user.clone()), &ann.session, true);
        world.does([join]);
        assert!(late.ear.is_cut());
        let back = world.signs_in(&crate::identity::new_session_id(), Way::Return(key));
        assert_eq!(back, Err(SignInError::Banned));
        admin(world, AdminCommand::Unban { user });
        let back = world.signs_in(&crate::identity::new_session_id(), Way::Return(key));
        assert!(back.is_ok());
    });
}

#[test]
fn one_session_is_revoked_by_its_name() {
    on_both(|world| {
        let ann = world.arrives_with_pm("Ann");
        let other = second_session(world, &ann);
        let user = ann.id.clone();
        let listed = admin(world, AdminCommand::Sessions { user: user.clone() });
        let AdminAnswer::Sessions { sessions } = listed else {
            panic!("{listed:?}");
        };
        assert_eq!(sessions.len(), 2);
        let secret = ann.session.reveal();
        assert!(sessions.iter().all(|session| !secret.contains(&session.id)));
        let revoke = |session: &str| AdminCommand::Revoke {
            user: user.clone(),
            session: Some(session.to_owned()),
        };
        let unknown = admin(world, revoke("0123456789abcdef"));
        let error = AdminError::UnknownSession;
        assert_eq!(unknown, AdminAnswer::Refused { error });
        let revoked = admin(world, revoke(&sessions[0].id));
        assert_eq!(revoked, AdminAnswer::Done { count: 1 });
        assert_ne!(ann.ear.is_dismissed(), other.ear.is_dismissed());
    });
}

#[test]
fn the_deleted_are_gone_with_what_they_said() {
    on_both(|world| {
        let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives_with_pm("Bob"));
        let cleo = world.arrives("Cleo");
        world.says(&ann, bob.id(), "from Ann");
        world.says(&cleo, bob.id(), "from Cleo");
        let user = ann.id.clone();
        let exported = admin(
            world,
            AdminCommand::Export {
                user: user.clone(),
                after: None,
            },
        );
        let AdminAnswer::Exported { messages, next, .. } = exported else {
            panic!("{exported:?}");
        };
        assert_eq!((messages.len(), next), (1, None));
        let deleted = admin(world, AdminCommand::Delete { user: user.clone() });
        assert_eq!(deleted, AdminAnswer::Done { count: 1 });
        assert!(ann.ear.is_dismissed());
        let listed = users(&world.resumes_with_pm(&bob));
        let names: Vec<_> = listed
            .as_array()
            .expect("users")
            .iter()
            .map(|user| user["username"].as_str().expect("a name"))
            .collect();
        assert_eq!(names, ["Bob", "Cleo"]);
        assert_eq!(listed[1]["last"]["content"], json!("from Cleo"));
        assert_eq!(
            world.sends(&bob, user.as_str(), "hello?")["code"],
            json!("unknown_recipient")
        );
        let again = admin(world, AdminCommand::Delete { user });
        let error = AdminError::UnknownUser;
        assert_eq!(again, AdminAnswer::Refused { error });
    });
}

#[test]
fn everyone_is_listed_for_the_operator() {
    on_both(|world| {
        let ann = world.arrives("Ann");
        world.resumes(&ann);
        let bob = world.arrives("Bob");
        world.leaves(&bob);
        let listed = admin(world, AdminCommand::Users { after: None });
        let AdminAnswer::Users { users, next } = listed else {
            panic!("{listed:?}");
        };
        let short: Vec<_> = users
            .iter()
            .map(|user| (user.name.as_str(), user.connections))
            .collect();
        assert_eq!(short, [("Ann", 2), ("Bob", 0)]);
        assert_eq!(next, None);
        let rest = admin(
            world,
            AdminCommand::Users {
                after: Some(ann.id),
            },
        );
        assert!(matches!(rest, AdminAnswer::Users { users, .. } if users.len() == 1));
    });
}

#[test]
fn before_the_end_everyone_hears_when_to_come_back() {
    on_both(|world| {
        let (ann, bob) = (world.arrives_with_pm("Ann"), world.arrives("Bob"));
        ann.hears();
        bob.hears();
        let ack = world.ack();
        let (answer, mut answered) = oneshot::channel();
        let last = super::world::with_ack(super::world::message(&ann, bob.id(), "last"), ack);
        world.does([last, Command::Drain { answer }]);
        assert_eq!(answered.try_recv(), Ok(()));
        let heard = ann.hears();
        assert_eq!(heard[0].1["ok"], json!(true));
        assert_eq!(
            heard[1],
            (
                "pm:bye".to_owned(),
                json!({"reason": "restart", "retryAfterMs": 1_000})
            )
        );
        assert_eq!(super::world::texts(&bob.hears()), ["last"]);
        let late = world.signs_in(&ann.session, Way::Resume);
        assert_eq!(late, Err(SignInError::Unavailable));
        // What still comes from those who are here is taken.
        assert_eq!(world.sends(&ann, bob.id(), "very last")["ok"], json!(true));
    });
}
