use super::*;
use crate::{
    store::{AccountId, Evidence, NewMessage},
    view::{Delivery, ItemId},
};

/// An account with whom things are said.
struct Chats {
    folder: tempfile::TempDir,
    store: Store,
    account: AccountId,
}

impl Chats {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("open");
        let account = account(&store, "a");
        Self {
            folder,
            store,
            account,
        }
    }

    fn say(&self, peer: &str, content: &str) -> ItemId {
        say(&self.store, self.account, peer, content)
    }

    /// Many in one transaction.
    fn say_all(&self, contents: impl Iterator<Item = String>) -> Vec<ItemId> {
        let said = self
            .store
            .atomically(|_| Ok(contents.map(|content| self.say("b", &content)).collect()));
        said.expect("stored")
    }

    /// As if there had been no index until now.
    fn forget_index(&self) {
        self.store.reset_search().expect("reset");
    }

    fn question(&self, text: &str) -> Question {
        Question {
            account: self.account,
            wanted: Wanted::new(text).expect("short enough"),
            peer: None,
            before: None,
            limit: 50,
            indexed: true,
        }
    }

    fn page(&self, question: &Question) -> SearchPage {
        let reader = Store::reader(self.folder.path()).expect("a reader");
        let page = find(&reader, question, &|| true).expect("found");
        page.expect("not given up")
    }

    /// Everything that is found, newest first, by pages of `limit`.
    fn all(&self, mut question: Question) -> Vec<ItemId> {
        let mut found = Vec::new();
        loop {
            let page = self.page(&question);
            assert!(page.hits.len() <= question.limit);
            found.extend(page.hits.iter().map(|hit| hit.item));
            match page.next {
                Some(next) => {
                    assert!(question.before.is_none_or(|before| next < before));
                    question.before = Some(next);
                }
                None => return found,
            }
        }
    }

    fn found(&self, text: &str) -> Vec<ItemId> {
        self.all(self.question(text))
    }
}

fn account(store: &Store, id: &str) -> AccountId {
    store
        .enter_account("http://s", Some(&id.into()), "Alice")
        .expect("an account")
        .id
}

fn say(store: &Store, account: AccountId, peer: &str, content: &str) -> ItemId {
    let message = NewMessage {
        peer: &peer.into(),
        mine: content.len().is_multiple_of(2),
        content,
        at: Some(7),
        delivery: (content.len().is_multiple_of(2)).then_some(Delivery::Sent),
        evidence: Evidence::History,
        uid: None,
        seq: None,
    };
    store.append(account, &message).expect("stored").id
}

/// Found alike in what is indexed, in what is not, and in what is half.
fn check(chats: &Chats, text: &str, expected: &[ItemId]) {
    let newest_first: Vec<ItemId> = expected.iter().rev().copied().collect();
    for indexed in [true, false] {
        let mut question = chats.question(text);
        question.indexed = indexed;
        for limit in [1, 2, 50] {
            question.limit = limit;
            assert_eq!(
                chats.all(question.clone()),
                newest_first,
                "{text:?} {limit}"
            );
        }
    }
}

#[test]
fn a_text_is_found_wherever_it_is() {
    let chats = Chats::new();
    let hello = chats.say("b", "Hello World");
    let shout = chats.say("c", "HELLO!!");
    let accents = chats.say("b", "Ça va, François? 100% sûr");
    let chinese = chats.say("b", "我在北京的咖啡店等你");
    let emoji = chats.say("c", "🎉🎊🥳 done");
    let marks = chats.say("c", "cafe\u{301} cre\u{300}me");
    let short = chats.say("b", "ok");
    for _ in 0..2 {
        check(&chats, "hello", &[hello, shout]);
        check(&chats, "lo wor", &[hello]);
        check(&chats, "world hell", &[hello]);
        check(&chats, "francois", &[accents]);
        check(&chats, "CAFÉ", &[marks]);
        check(&chats, "咖啡店", &[chinese]);
        check(&chats, "北京", &[chinese]);
        check(&chats, "🎊", &[emoji]);
        check(&chats, "🎉🎊🥳", &[emoji]);
        check(&chats, "ok", &[short]);
        check(&chats, "o", &[hello, shout, accents, emoji, short]);
        check(&chats, "100%", &[accents]);
        check(&chats, "nowhere", &[]);
        chats.forget_index();
    }
    assert!(!chats.store.index_more().expect("indexed"));
    check(&chats, "hello", &[hello, shout]);
    assert!(chats.store.search_is_sound());
}

#[test]
fn what_a_person_types_is_text_and_nothing_else() {
    let chats = Chats::new();
    let odd = chats.say(
        "b",
        "say \"NEAR\" AND (x OR y*) -z {content}: ^a+b \\ ; DROP TABLE 'messages' --",
    );
    for text in [
        "\"near\"",
        "AND",
        "(x OR",
        "y*)",
        "-z",
        "{content}:",
        "^a+b",
        "\\",
        "'messages'",
        "--",
        "\"",
        "\0near",
        "near\0",
    ] {
        check(&chats, text, &[odd]);
    }
    for text in [
        "text:say",
        "near/2",
        "sa*",
        "say NOT",
        "\"say near\"",
        "%",
        "_",
    ] {
        check(&chats, text, &[]);
    }
    for blank in ["", " ", "\n\t\u{3000}", "\0", "\u{200b}"] {
        assert_eq!(chats.page(&chats.question(blank)), SearchPage::default());
    }
}

#[test]
fn a_search_for_a_whole_long_message_finds_it() {
    let chats = Chats::new();
    let long: String = (0..3_000).map(|n| format!("w{n} ")).take(3_000).collect();
    let id = chats.say("b", &long[..16_000]);
    chats.say("b", &long[..15_000]);
    check(&chats, &long[..16_000], &[id]);
    let unbroken = "abc".repeat(5_000);
    let id = chats.say("b", &unbroken);
    check(&chats, &unbroken, &[id]);
    assert_eq!(Wanted::new(&"x".repeat(16 * 1024 + 1)), None);
    assert!(Wanted::new(&"x".repeat(16 * 1024)).is_some());
}

#[test]
fn a_conversation_is_searched_alone_and_an_account_apart() {
    let chats = Chats::new();
    let bob = chats.say("b", "the plan");
    let cleo = chats.say("c", "the plan");
    let other = account(&chats.store, "other");
    say(&chats.store, other, "b", "the plan");
    check(&chats, "plan", &[bob, cleo]);
    for text in ["plan", "pl"] {
        for indexed in [true, false] {
            let mut question = chats.question(text);
            question.peer = Some("c".into());
            question.indexed = indexed;
            assert_eq!(chats.all(question), [cleo]);
        }
    }
    let page = chats.page(&chats.question("plan"));
    let hit = &page.hits[0];
    assert_eq!((hit.user.as_str(), hit.position, hit.at), ("c", 1, Some(7)));
    assert!(hit.is_mine);
    let parts: Vec<_> = hit
        .snippet
        .iter()
        .map(|p| (p.text.as_str(), p.matched))
        .collect();
    assert_eq!(parts, [("the ", false), ("plan", true)]);
}

#[test]
fn the_index_follows_every_change() {
    let chats = Chats::new();
    let (gone, kept) = (chats.say("b", "discarded"), chats.say("b", "discarding"));
    chats.store.remove(gone).expect("removed");
    check(&chats, "discard", &[kept]);
    let undone: Result<()> = chats.store.atomically(|store| {
        say(store, chats.account, "b", "discarded again");
        store.remove(kept)?;
        Err(StoreError::Newer { found: 0, known: 0 })
    });
    assert!(undone.is_err());
    check(&chats, "discard", &[kept]);
    chats
        .store
        .connection
        .execute("UPDATE messages SET content = 'edited', peer = 'c'", [])
        .expect("changed");
    check(&chats, "discard", &[]);
    check(&chats, "edited", &[kept]);
    assert!(chats.store.search_is_sound());
}

#[test]
fn old_messages_are_entered_step_by_step_across_restarts() {
    let mut chats = Chats::new();
    let many = chats.say_all((0..STEP_ROWS * 3).map(|n| format!("message {n}")));
    let first = chats.say("b", "the oldest of these words");
    chats.store.remove(first).expect("removed");
    chats.forget_index();
    assert!(chats.store.index_more().expect("a step"), "there is more");
    chats.store = Store::open(chats.folder.path()).expect("open again");
    // What comes and goes meanwhile, above and below the border.
    chats.store.remove(many[0]).expect("removed");
    chats.store.remove(many[many.len() - 1]).expect("removed");
    let new = chats.say("b", "message new");
    let mut left = many[1..many.len() - 1].to_vec();
    left.push(new);
    check(&chats, "message", &left);
    while chats.store.index_more().expect("a step") {
        assert!(chats.store.search_is_sound());
    }
    assert!(!chats.store.search_is_behind().expect("read"));
    assert!(chats.store.search_is_sound());
    check(&chats, "message", &left);
}

#[test]
fn a_search_looks_at_so_much_and_says_where_to_go_on() {
    let chats = Chats::new();
    let rare = chats.say("b", "xy rare");
    let body = "lorem ipsum dolor ".repeat(512);
    chats
        .store
        .atomically(|store| {
            (0..600).for_each(|_| {
                say(store, chats.account, "b", &body);
            });
            Ok(())
        })
        .expect("stored");
    let page = chats.page(&chats.question("xy"));
    assert_eq!(page.hits, [], "not yet");
    assert!(page.next.is_some(), "but it goes on");
    assert_eq!(chats.found("xy"), [rare]);
    assert_eq!(
        chats.page(&chats.question("rare")).hits.len(),
        1,
        "at once by the index"
    );
}

#[test]
fn a_search_that_is_not_wanted_any_more_is_given_up() {
    let chats = Chats::new();
    for _ in 0..100 {
        chats.say("b", "something");
    }
    let reader = Store::reader(chats.folder.path()).expect("a reader");
    for text in ["something", "so"] {
        let looks = std::cell::Cell::new(10);
        let go_on = || {
            looks.set(looks.get() - 1);
            looks.get() > 0
        };
        let found = find(&reader, &chats.question(text), &go_on).expect("no error");
        assert_eq!(found, None);
        assert_eq!(looks.get(), 0, "it asked no more");
    }
}

#[test]
fn a_database_of_the_release_before_is_indexed() {
    let folder = tempfile::tempdir().expect("a folder");
    {
        let connection = Connection::open(folder.path().join(crate::store::FILE)).expect("file");
        for migration in &crate::store::schema::MIGRATIONS[..2] {
            connection.execute_batch(migration).expect("the format");
        }
        connection
            .execute_batch(
                "PRAGMA user_version = 2;
                 INSERT INTO accounts (id, server, user_id, username) VALUES (1, 'http://s', 'a', 'Alice');
                 INSERT INTO messages (account, peer, position, mine, content, evidence) VALUES
                 (1, 'b', 1, 0, 'from long ago', 3);",
            )
            .expect("rows");
    }
    let store = Store::open(folder.path()).expect("open");
    let account = account(&store, "a");
    let chats = Chats {
        folder,
        store,
        account,
    };
    assert!(chats.store.search_is_behind().expect("read"));
    check(&chats, "long ago", &[ItemId(1)]);
    assert!(!chats.store.index_more().expect("a step"));
    check(&chats, "long ago", &[ItemId(1)]);
    assert!(chats.store.search_is_sound());
}

#[test]
fn other_rules_of_folding_make_another_index() {
    let mut chats = Chats::new();
    let id = chats.say("b", "folded");
    chats
        .store
        .connection
        .execute("UPDATE search_state SET fold = 'older'", [])
        .expect("changed");
    chats.store = Store::open(chats.folder.path()).expect("open again");
    assert!(chats.store.search_is_behind().expect("read"));
    check(&chats, "folded", &[id]);
}

/// Breaks the index in ways that a disk may.
fn breakages() -> Vec<(&'static str, &'static str)> {
    vec![
        (
            "its structure is garbage",
            "UPDATE search_data SET block = x'ffffffffffff' WHERE id = 10",
        ),
        (
            "its pages are gone",
            "DELETE FROM search_data WHERE id > 10",
        ),
        (
            "its pages are garbage",
            "UPDATE search_data SET block = zeroblob(9) WHERE id > 10",
        ),
        ("nothing is left", "DELETE FROM search_data"),
        (
            "it cannot be opened",
            "DELETE FROM search_config; INSERT INTO search_config VALUES ('version', 99)",
        ),
        (
            "a table is gone",
            "PRAGMA writable_schema = 1; DROP TABLE search_idx",
        ),
    ]
}

#[test]
fn a_broken_index_is_made_anew_and_no_message_is_touched() {
    for (how, sql) in breakages() {
        let chats = Chats::new();
        let ids = chats.say_all((0..300).map(|n| format!("word{n} precious")));
        chats.store.connection.execute_batch(sql).expect(how);
        let Chats {
            folder,
            store,
            account,
        } = chats;
        drop(store);
        let store = Store::open(folder.path()).expect(how);
        let chats = Chats {
            folder,
            store,
            account,
        };
        if !chats.store.search_is_sound() {
            chats.store.reset_search().expect(how);
        }
        check(&chats, "precious", &ids);
        while chats.store.index_more().expect(how) {}
        assert!(chats.store.search_is_sound(), "{how}");
        check(&chats, "precious", &ids);
    }
}

#[test]
fn a_broken_index_keeps_nobody_from_writing() {
    for (how, sql) in breakages() {
        let chats = Chats::new();
        chats.say_all((0..300).map(|n| format!("word{n} precious")));
        chats.store.connection.execute_batch(sql).expect(how);
        let mut stored = 0;
        for n in 0..40 {
            let content = format!("later {n}");
            let message = NewMessage {
                peer: &"b".into(),
                mine: false,
                content: &content,
                at: None,
                delivery: None,
                evidence: Evidence::History,
                uid: None,
                seq: None,
            };
            match chats.store.append(chats.account, &message) {
                Ok(_) => stored += 1,
                Err(error) => {
                    assert!(
                        chats.store.recover_search(&error).expect(how),
                        "{how}: {error}"
                    );
                    chats.store.append(chats.account, &message).expect(how);
                    stored += 1;
                }
            }
        }
        assert_eq!(stored, 40);
        let count: i64 = chats
            .store
            .connection
            .query_row("SELECT COUNT(*) FROM messages", [], |row| row.get(0))
            .expect(how);
        assert_eq!(count, 340, "{how}");
    }
}

#[test]
fn a_full_disk_leaves_messages_and_index_in_step() {
    let chats = Chats::new();
    let first = chats.say_all((0..200).map(|n| format!("word{n} before")));
    chats.forget_index();
    chats.store.fill_up();
    let mut stored = first;
    let bob = UserId::from("b");
    let message = |content| NewMessage {
        peer: &bob,
        mine: false,
        content,
        at: None,
        delivery: None,
        evidence: Evidence::History,
        uid: None,
        seq: None,
    };
    let body = "before ".repeat(200);
    while let Ok(message) = chats.store.append(chats.account, &message(&body)) {
        stored.push(message.id);
    }
    assert!(chats.store.index_more().is_err(), "there is no room");
    check(&chats, "before", &stored);
    chats.store.make_room();
    while chats.store.index_more().expect("room") {}
    assert!(chats.store.search_is_sound());
    check(&chats, "before", &stored);
}
