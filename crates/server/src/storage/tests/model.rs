//! Random writes on both engines: the answers are equal, and so is everything
//! that can be read.

use proptest::{collection::vec, prelude::*};

use super::world::{World, id, new_message, new_user, session};
use crate::storage::{NewSession, UserKey, Write};

/// A write whose users, ids and sessions are few, so that they meet.
#[derive(Clone, Debug)]
enum Step {
    User {
        unique: bool,
        name: u8,
    },
    Session {
        user: u32,
    },
    EndSession {
        number: u8,
    },
    EndSessions {
        user: u32,
        but: u8,
    },
    Sweep {
        since: i64,
    },
    Message {
        from: u32,
        to: u32,
        id: u64,
        from_client: bool,
        content: u8,
    },
    Received {
        user: u32,
        up_to: u64,
    },
    Read {
        user: u32,
        peer: u32,
        up_to: u64,
    },
    Ban {
        user: u32,
    },
    Delete {
        user: u32,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 1..6_u32;
    prop_oneof![
        4 => (any::<bool>(), 0..6_u8).prop_map(|(unique, name)| Step::User { unique, name }),
        1 => user().prop_map(|user| Step::Session { user }),
        1 => any::<u8>().prop_map(|number| Step::EndSession { number }),
        1 => (user(), any::<u8>()).prop_map(|(user, but)| Step::EndSessions { user, but }),
        1 => (0..40_i64).prop_map(|since| Step::Sweep { since }),
        30 => (user(), user(), 0..30_u64, any::<bool>(), 0..3_u8).prop_map(
            |(from, to, id, from_client, content)| {
                Step::Message { from, to, id, from_client, content }
            }
        ),
        5 => (user(), 0..30_u64).prop_map(|(user, up_to)| Step::Received { user, up_to }),
        8 => (user(), user(), 0..30_u64).prop_map(
            |(user, peer, up_to)| Step::Read { user, peer, up_to }
        ),
        1 => user().prop_map(|user| Step::Ban { user }),
        1 => user().prop_map(|user| Step::Delete { user }),
    ]
}

/// The write of a step, the `number`th of its kind: what must be new is made of that.
fn write(step: &Step, number: usize) -> Write {
    let at_ms = i64::try_from(number).expect("small");
    let hash = session(&number.to_string());
    match *step {
        Step::User { unique, name } => {
            let mut user = new_user(&format!("name {name}"));
            user.id = format!("user {number}").as_str().into();
            user.unique = unique;
            user.session.hash = hash;
            user.session.at_ms = at_ms;
            Write::NewUser(Box::new(user))
        }
        Step::Session { user } => Write::NewSession {
            user: UserKey(user),
            session: NewSession {
                hash,
                at_ms,
                client: "again".to_owned(),
            },
        },
        Step::EndSession { number } => Write::EndSession {
            hash: session(&number.to_string()),
        },
        Step::EndSessions { user, but } => Write::EndSessions {
            user: UserKey(user),
            but: Some(session(&but.to_string())),
        },
        Step::Sweep { since } => Write::Sweep {
            unused_since_ms: since,
            now_ms: since,
        },
        Step::Message {
            from,
            to,
            id: id_number,
            from_client,
            content,
        } => {
            let content = "text ".repeat(usize::from(content) * 20 + 1);
            let mut message = new_message(UserKey(from), UserKey(to), id(id_number), &content);
            message.from_client = from_client;
            message.at_ms = at_ms;
            Write::Message(message)
        }
        Step::Received { user, up_to } => Write::Received {
            user: UserKey(user),
            up_to,
        },
        Step::Read { user, peer, up_to } => Write::Read {
            user: UserKey(user),
            peer: UserKey(peer),
            up_to,
        },
        Step::Ban { user } => Write::SetBanned {
            user: UserKey(user),
            banned: true,
        },
        Step::Delete { user } => Write::DeleteUser {
            user: UserKey(user),
        },
    }
}

/// Everything that can be read, in words.
fn everything(world: &mut World) -> String {
    let mut all = format!("{:?}", world.storage.users().expect("users"));
    let mut add = |what: &dyn std::fmt::Debug| all.push_str(&format!("\n{what:?}"));
    for user in (1..8).map(UserKey) {
        let storage = &mut world.storage;
        add(&storage.sessions_of(user).expect("sessions"));
        add(&storage.summaries(user, 1_000).expect("summaries"));
        for (per_peer, weight) in [(3, 100_000), (100, 2_000)] {
            add(&storage.recent(user, per_peer, weight).expect("recent"));
        }
        for (since, limit, weight) in [(0, 1_000, 1_000_000), (3, 4, 100_000), (1, 50, 900)] {
            add(&storage.sync(user, since, limit, weight).expect("sync"));
        }
        for peer in (1..8).map(UserKey) {
            for before in [None, Some(4), Some(9)] {
                add(&storage
                    .history(user, peer, before, 3, 2_000)
                    .expect("history"));
            }
        }
    }
    all
}

proptest! {
    // Each case makes a database, with the waiting for a disk that goes with it.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn both_engines_give_the_same_answers(
        batches in vec((vec(step(), 1..12), any::<bool>()), 1..25),
    ) {
        let (mut disk, mut memory) = (World::on_disk(), World::in_memory());
        let mut number = 0;
        for (steps, restart) in batches {
            let writes: Vec<Write> = steps
                .iter()
                .map(|step| {
                    number += 1;
                    write(step, number)
                })
                .collect();
            let on_disk = disk.storage.commit(&writes).expect("commit");
            let in_memory = memory.storage.commit(&writes).expect("commit");
            prop_assert_eq!(on_disk, in_memory);
            if restart {
                disk.restart();
            }
        }
        prop_assert_eq!(everything(&mut disk), everything(&mut memory));
    }
}
