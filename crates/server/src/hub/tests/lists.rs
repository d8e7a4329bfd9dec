//! `users` with very many users, or very much in it.

use parlour_protocol::limits::{USERS, USERS_BYTES, USERS_MESSAGES};
use serde_json::{Value, json};

use super::world::{Person, World, newcomer, users};
use crate::{
    hub::{Command, Way},
    identity::new_session_id,
};

/// Users who were here once.
fn crowd(world: &mut World, count: usize) -> Vec<Person> {
    let mut crowd = Vec::new();
    for number in 0..count {
        let connection = world.connection();
        let session = new_session_id();
        let way = Way::New(newcomer(&format!("User {number}")));
        let (command, mut answer) = World::signing_in(connection, &session, way);
        world.does([command]);
        let signed_in = answer.try_recv().expect("an answer").expect("let in");
        let (person, _) = world.joining((connection, signed_in.user), &session, false);
        world.leaves(&person);
        crowd.push(person);
    }
    crowd
}

/// Some of them are here for a moment, one after the other.
fn come_and_go(world: &mut World, people: &[Person]) {
    let mut joins = Vec::new();
    let mut leaves = Vec::new();
    for person in people {
        let entered = world
            .signs_in(&person.session, Way::Resume)
            .expect("a session");
        let connection = entered.0;
        leaves.push(Command::Leave { connection });
        joins.push(world.joining(entered, &person.session, false).1);
    }
    world.does(joins);
    world.does(leaves);
}

fn names(users: &Value) -> Vec<&str> {
    let users = users.as_array().expect("users");
    users
        .iter()
        .map(|user| user["username"].as_str().expect("a name"))
        .collect()
}

#[test]
fn those_who_come_together_share_one_list_and_are_all_in_it() {
    let mut world = World::in_memory();
    let ann = world.arrives("Ann");
    ann.hears();
    let mut joins = Vec::new();
    let mut people = Vec::new();
    for name in ["Bob", "Cleo", "Dan"] {
        let session = new_session_id();
        let entered = world
            .signs_in(&session, Way::New(newcomer(name)))
            .expect("a name");
        let (person, join) = world.joining(entered, &session, false);
        people.push(person);
        joins.push(join);
    }
    world.does(joins);
    let came: Vec<_> = ann
        .hears()
        .into_iter()
        .map(|(event, payload)| (event, payload["username"].clone()))
        .collect();
    let expected = ["Bob", "Cleo", "Dan"].map(|name| ("user connected".to_owned(), json!(name)));
    assert_eq!(came, expected);
    for person in people {
        let heard = person.hears();
        // Whoever is in the list need not be announced.
        assert_eq!(heard.len(), 2);
        let listed = &heard[1].1;
        assert_eq!(names(listed), ["Ann", "Bob", "Cleo", "Dan"]);
        let all_here = |user: &Value| user["connected"] == json!(true);
        assert!(listed.as_array().expect("users").iter().all(all_here));
    }
}

#[test]
fn of_too_many_one_sees_oneself_ones_partners_and_the_latest() {
    let mut world = World::in_memory();
    let crowd = crowd(&mut world, USERS + 20);
    let first = world.resumes(&crowd[0]);
    world.says(&first, crowd[1].id(), "hello");
    world.leaves(&first);
    // These are seen later than the first two.
    for people in crowd[2..].chunks(500) {
        come_and_go(&mut world, people);
    }
    let last = world.resumes(&crowd[10]);
    let listed = users(&world.resumes(&crowd[0]));
    let listed = names(&listed);
    assert_eq!(listed.len(), USERS);
    assert_eq!(listed[..2], ["User 0", "User 1"]);
    assert_eq!(listed[2], "User 10");
    assert_eq!(listed[3], format!("User {}", USERS + 19));
    assert!(!listed.contains(&"User 2"));
    // One with whom nobody has spoken shares the list of the latest.
    let listed = users(&world.resumes(&last));
    let listed = names(&listed);
    assert_eq!(listed.len(), USERS);
    assert!(listed.contains(&"User 10") && listed.contains(&"User 0"));
    assert!(!listed.contains(&"User 2"));
}

#[test]
fn a_plain_client_gets_the_end_of_each_conversation() {
    let mut world = World::in_memory();
    let (ann, bob) = (world.arrives("Ann"), world.arrives("Bob"));
    for number in 0..USERS_MESSAGES + 5 {
        world.says(&ann, bob.id(), &number.to_string());
    }
    let listed = users(&world.resumes(&bob));
    let messages = listed[0]["messages"].as_array().expect("messages");
    assert_eq!(messages.len(), USERS_MESSAGES);
    assert_eq!(messages[0]["content"], json!("5"));
    assert_eq!(
        messages[USERS_MESSAGES - 1]["content"],
        json!((USERS_MESSAGES + 4).to_string())
    );
}

#[test]
fn no_list_is_larger_than_it_may_be() {
    let mut world = World::in_memory();
    let ann = world.arrives("Ann");
    // Six bytes each on the wire.
    let text = "\u{1}".repeat(16 * 1024);
    let peers: Vec<_> = (0..30)
        .map(|number| world.arrives(&format!("Peer {number}")))
        .collect();
    for peer in &peers {
        for _ in 0..10 {
            world.says(peer, ann.id(), &text);
        }
    }
    let listed = users(&world.resumes(&ann));
    let size = listed.to_string().len();
    assert!(size <= USERS_BYTES + 100_000, "{size}");
    let listed = listed.as_array().expect("users");
    assert_eq!(listed.len(), 31);
    // The latest conversation is the one that is whole.
    let count = |user: &Value| user["messages"].as_array().expect("messages").len();
    assert_eq!(count(&listed[30]), 10);
    assert_eq!(count(&listed[1]), 0);
    let listed = users(&world.resumes_with_pm(&ann));
    assert!(listed.to_string().len() <= USERS_BYTES + 100_000);
    assert_eq!(listed[30]["lastSeq"], json!(300));
    assert_eq!(listed[30]["last"]["content"], json!(text));
    assert_eq!(listed[1]["last"], Value::Null);
    assert_eq!(listed[1]["unread"], json!(10));
}
