//! Users, sessions, invitations.

use super::world::{new_user, on_both, session};
use crate::{
    admission::{InviteHash, PasswordHash, Skeleton},
    storage::{Invite, NewSession, Refusal, Write, Written},
};

#[test]
fn users_are_known_in_the_order_of_their_first_sign_in() {
    on_both(|world| {
        let bob = world.user("Bob");
        let alice = world.user("Alice");
        world.says(alice, bob, "hello");
        world.write(Write::Seen {
            user: alice,
            at_ms: 9_000,
        });
        world.write(Write::Seen {
            user: alice,
            at_ms: 8_000,
        });
        world.write(Write::SetBanned {
            user: bob,
            banned: true,
        });
        world.restart();
        let users = world.storage.users().expect("users");
        let seen = users.iter().map(|user| {
            (
                user.key,
                user.id.as_str(),
                user.username.as_str(),
                user.last_seen_ms,
                user.banned,
                user.last_seq,
            )
        });
        assert_eq!(
            seen.collect::<Vec<_>>(),
            [
                (bob, "id of Bob", "Bob", 1_000, true, 1),
                (alice, "id of Alice", "Alice", 9_000, false, 1)
            ]
        );
        assert!(users.iter().all(|user| user.created_ms == 1_000));
    });
}

#[test]
fn a_name_is_free_or_taken_by_its_look() {
    on_both(|world| {
        let first = world.user("Alice");
        let guest = world.user("ALICE");
        assert_ne!(first, guest);
        let skeleton = Skeleton::of(&new_user("alice").username);
        let owner = world.storage.owner_of(&skeleton).expect("owner");
        assert_eq!(owner, Some(first));

        let mut claim = new_user("AIice");
        claim.unique = true;
        let taken = Written::Refused(Refusal::NameTaken);
        assert_eq!(world.write(Write::NewUser(Box::new(claim.clone()))), taken);
        world.write(Write::DeleteUser { user: first });
        let owner = world.storage.owner_of(&skeleton).expect("owner");
        assert_eq!(owner, Some(guest));
        world.write(Write::DeleteUser { user: guest });
        assert_eq!(world.storage.owner_of(&skeleton).expect("owner"), None);

        // Two who ask at once, in one batch.
        let mut other = new_user("alice");
        other.unique = true;
        let batch = [claim, other].map(|user| Write::NewUser(Box::new(user)));
        let written = world.storage.commit(&batch).expect("commit");
        assert!(matches!(written[0], Written::User(_)));
        assert_eq!(written[1], taken);
        assert_eq!(world.storage.users().expect("users").len(), 1);
    });
}

#[test]
fn an_invitation_is_good_once_and_for_a_time() {
    on_both(|world| {
        let hash = InviteHash::of("token");
        let invite = |expires_ms| Write::NewInvite {
            hash,
            invite: Invite {
                expires_ms,
                note: String::new(),
            },
        };
        let guest = |name: &str| {
            let mut user = new_user(name);
            user.unique = true;
            user.invite = Some(hash);
            Write::NewUser(Box::new(user))
        };
        let invalid = Written::Refused(Refusal::InviteInvalid);
        assert_eq!(world.write(guest("Ann")), invalid);
        world.write(invite(1_000));
        assert_eq!(world.write(guest("Ann")), invalid, "expired");
        world.write(invite(1_001));
        world.user("Bea");
        let taken = Written::Refused(Refusal::NameTaken);
        assert_eq!(world.write(guest("Bea")), taken, "not used up by that");
        assert!(matches!(world.write(guest("Ann")), Written::User(_)));
        assert_eq!(world.write(guest("Cat")), invalid, "used");
        world.write(invite(1_001));
        world.write(Write::Sweep {
            unused_since_ms: 0,
            now_ms: 1_001,
        });
        assert_eq!(world.write(guest("Cat")), invalid, "swept");
    });
}

#[test]
fn a_session_lives_as_long_as_it_is_used() {
    on_both(|world| {
        let alice = world.user("Alice");
        let (first, second) = (session("Alice"), session("second"));
        let new = NewSession {
            hash: second,
            at_ms: 2_000,
            client: "phone".to_owned(),
        };
        assert_eq!(
            world.write(Write::NewSession {
                user: alice,
                session: new.clone()
            }),
            Written::Done
        );
        let at_ms = 3_000;
        world.write(Write::UseSession { hash: first, at_ms });
        world.write(Write::UseSession {
            hash: session("of nobody"),
            at_ms,
        });
        world.restart();
        let found = world.storage.session(&first, 3_000).expect("session");
        let found = found.expect("known");
        assert_eq!(
            (found.user, found.created_ms, found.last_used_ms),
            (alice, 1_000, 3_000)
        );
        assert_eq!(world.storage.session(&first, 3_001).expect("session"), None);
        let sessions = world.storage.sessions_of(alice).expect("sessions");
        let hashes: Vec<_> = sessions.iter().map(|(hash, _)| *hash).collect();
        assert_eq!(hashes, [first, second]);
        assert_eq!(sessions[1].1.client, "phone");

        let sweep = Write::Sweep {
            unused_since_ms: 2_001,
            now_ms: 0,
        };
        assert_eq!(world.write(sweep), Written::Count(1));
        assert_eq!(world.storage.session(&second, 0).expect("session"), None);
        let end = Write::EndSession { hash: first };
        assert_eq!(world.write(end.clone()), Written::Count(1));
        assert_eq!(world.write(end), Written::Count(0));
        assert_eq!(world.storage.sessions_of(alice).expect("sessions"), []);
    });
}

#[test]
fn all_sessions_end_but_the_one_in_use() {
    on_both(|world| {
        let alice = world.user("Alice");
        world.user("Bob");
        for name in ["a", "b"] {
            let new = NewSession {
                hash: session(name),
                at_ms: 2_000,
                client: String::new(),
            };
            world.write(Write::NewSession {
                user: alice,
                session: new,
            });
        }
        let but = Some(session("a"));
        let user = alice;
        assert_eq!(
            world.write(Write::EndSessions { user, but }),
            Written::Count(2)
        );
        assert!(
            world
                .storage
                .session(&session("a"), 0)
                .expect("a")
                .is_some()
        );
        assert_eq!(
            world.write(Write::EndSessions { user, but: None }),
            Written::Count(1)
        );
        let bobs = world.storage.session(&session("Bob"), 0).expect("Bob's");
        assert!(bobs.is_some());
    });
}

#[test]
fn a_password_is_kept_changed_and_removed() {
    on_both(|world| {
        let mut new = new_user("Alice");
        new.password = Some(PasswordHash::stored("one"));
        let Written::User(alice) = world.write(Write::NewUser(Box::new(new))) else {
            panic!("no user");
        };
        for password in [None, Some(PasswordHash::stored("two"))] {
            assert!(world.storage.password(alice).expect("password") != password);
            world.write(Write::SetPassword {
                user: alice,
                password: password.clone(),
            });
            world.restart();
            assert!(world.storage.password(alice).expect("password") == password);
        }
        let bob = world.user("Bob");
        assert!(world.storage.password(bob).expect("password").is_none());
    });
}

#[test]
fn nothing_is_done_for_somebody_unknown() {
    on_both(|world| {
        let alice = world.user("Alice");
        world.write(Write::DeleteUser { user: alice });
        let unknown = Written::Refused(Refusal::UnknownUser);
        let session = NewSession {
            hash: session("x"),
            at_ms: 0,
            client: String::new(),
        };
        let user = alice;
        for (write, answer) in [
            (Write::NewSession { user, session }, &unknown),
            (
                Write::SetPassword {
                    user,
                    password: None,
                },
                &unknown,
            ),
            (Write::SetBanned { user, banned: true }, &unknown),
            (Write::Received { user, up_to: 1 }, &unknown),
            (
                Write::Read {
                    user,
                    peer: user,
                    up_to: 1,
                },
                &unknown,
            ),
            (Write::Seen { user, at_ms: 1 }, &Written::Done),
            (Write::EndSessions { user, but: None }, &Written::Count(0)),
            (Write::DeleteUser { user }, &Written::Count(0)),
        ] {
            assert_eq!(&world.write(write.clone()), answer, "{write:?}");
        }
        assert!(world.storage.password(user).expect("password").is_none());
        assert_eq!(world.storage.users().expect("users"), []);
        assert_ne!(world.user("Alice"), alice, "a key is never given again");
    });
}

#[test]
fn the_identity_stays() {
    on_both(|world| {
        let before = world.storage.identity().expect("identity");
        assert_ne!(before.server_id, before.epoch);
        world.restart();
        assert_eq!(world.storage.identity().expect("identity"), before);
    });
}
