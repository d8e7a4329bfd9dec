//! Who may come in.

use parlour_protocol::SessionId;
use tokio::sync::oneshot;

use super::world::{World, newcomer, on_both, pass};
use crate::{
    admin::{AdminAnswer, AdminCommand},
    admission::{InviteHash, PasswordHash, Skeleton},
    hub::{Command, NewPerson, SignInError, Way},
    identity::new_session_id,
};

fn claiming(name: &str) -> NewPerson {
    NewPerson {
        unique: true,
        ..newcomer(name)
    }
}

#[test]
fn an_unknown_session_is_nobodys() {
    on_both(|world| {
        let unknown = SessionId::new("f".repeat(64));
        let refused = world.signs_in(&unknown, Way::Resume);
        assert_eq!(refused, Err(SignInError::UnknownSession));
    });
}

#[test]
fn as_a_guest_two_may_have_one_name_and_otherwise_only_one() {
    on_both(|world| {
        let (one, other) = (world.arrives("Ann"), world.arrives("Ann"));
        assert_ne!(one.id, other.id);
        let session = new_session_id();
        let bob = world.signs_in(&session, Way::New(claiming("Bob")));
        assert!(bob.is_ok());
        let again = world.signs_in(&new_session_id(), Way::New(claiming("BOB")));
        assert_eq!(again, Err(SignInError::NameTaken));
    });
}

#[test]
fn two_who_claim_a_name_at_once_do_not_both_get_it() {
    on_both(|world| {
        let (one, other) = (world.connection(), world.connection());
        let way = || Way::New(claiming("Bob"));
        let (first, mut first_answer) = World::signing_in(one, &new_session_id(), way());
        let (second, mut second_answer) = World::signing_in(other, &new_session_id(), way());
        world.does([first, second]);
        assert!(first_answer.try_recv().expect("an answer").is_ok());
        let refused = second_answer.try_recv().expect("an answer");
        assert_eq!(refused.err(), Some(SignInError::NameTaken));
    });
}

#[test]
fn a_password_leads_back_to_its_user() {
    on_both(|world| {
        let mut ann = claiming("Ann");
        ann.password = Some(PasswordHash::stored("$argon2id$x"));
        let (_, id) = world
            .signs_in(&new_session_id(), Way::New(ann))
            .expect("a name");
        let (answer, mut answered) = oneshot::channel();
        let skeleton = Box::new(Skeleton::of(&newcomer("ANN").username));
        world.does([Command::Look { skeleton, answer }]);
        let account = answered.try_recv().expect("an answer").expect("works");
        let account = account.expect("somebody");
        assert_eq!(account.password, Some(PasswordHash::stored("$argon2id$x")));
        let session = new_session_id();
        let (_, again) = world
            .signs_in(&session, Way::Return(account.user))
            .expect("back");
        assert_eq!(again, id);
        assert_eq!(
            world.signs_in(&session, Way::Resume).expect("session").1,
            id
        );
    });
}

#[test]
fn an_invitation_is_good_for_one() {
    on_both(|world| {
        let invite = AdminCommand::Invite {
            hours: 1,
            note: "for Ann".to_owned(),
        };
        let AdminAnswer::Invited { token } = world.hub.administer(&invite) else {
            panic!("no invitation");
        };
        let invited = |name: &str| {
            let mut person = claiming(name);
            person.invite = Some(InviteHash::of(&token));
            Way::New(person)
        };
        assert!(world.signs_in(&new_session_id(), invited("Ann")).is_ok());
        let again = world.signs_in(&new_session_id(), invited("Bob"));
        assert_eq!(again, Err(SignInError::InviteInvalid));
    });
}

#[test]
fn a_user_has_eight_connections_and_those_who_are_here_stay() {
    on_both(|world| {
        let ann = world.arrives("Ann");
        let mut others: Vec<_> = (0..6).map(|_| world.resumes(&ann)).collect();
        // The eighth has not joined yet, and counts.
        let (entering, _) = world.signs_in(&ann.session, Way::Resume).expect("eighth");
        let ninth = world.signs_in(&ann.session, Way::Resume);
        assert_eq!(ninth, Err(SignInError::TooMany));
        assert!(!ann.ear.is_cut());
        world.does([Command::Leave {
            connection: entering,
        }]);
        others.push(world.resumes(&ann));
        world.leaves(&others[0]);
        assert!(world.signs_in(&ann.session, Way::Resume).is_ok());
    });
}

#[test]
fn a_session_that_nobody_used_for_too_long_is_over() {
    const DAY: i64 = 24 * 60 * 60 * 1_000;
    on_both(|world| {
        let ann = world.arrives("Ann");
        world.leaves(&ann);
        pass(29 * DAY);
        let back = world.resumes(&ann);
        // Being connected is being used.
        for _ in 0..40 {
            pass(DAY);
            world.does([Command::Tick]);
        }
        assert!(!back.ear.is_cut());
        world.leaves(&back);
        pass(29 * DAY);
        let back = world.resumes(&ann);
        world.leaves(&back);
        pass(31 * DAY);
        let over = world.signs_in(&ann.session, Way::Resume);
        assert_eq!(over, Err(SignInError::UnknownSession));
        world.does([Command::Tick]);
        let over = world.signs_in(&ann.session, Way::Resume);
        assert_eq!(over, Err(SignInError::UnknownSession));
    });
}

#[test]
fn who_is_gone_before_the_answer_leaves_nothing_entering() {
    on_both(|world| {
        for _ in 0..20 {
            let connection = world.connection();
            let way = Way::New(newcomer("Ann"));
            let (command, answer) = World::signing_in(connection, &new_session_id(), way);
            drop(answer);
            world.does([command]);
        }
        let ann = world.arrives("Ann");
        for _ in 0..20 {
            let connection = world.connection();
            let (command, answer) = World::signing_in(connection, &ann.session, Way::Resume);
            drop(answer);
            world.does([command]);
        }
        assert!(world.signs_in(&ann.session, Way::Resume).is_ok());
    });
}

#[test]
fn who_comes_back_many_times_at_once_gets_as_many_connections_as_one_may_have() {
    on_both(|world| {
        let ann = world.arrives("Ann");
        let key = world.key(&ann.id);
        let mut commands = Vec::new();
        let mut answers = Vec::new();
        for _ in 0..20 {
            let connection = world.connection();
            let way = Way::Return(key);
            let (command, answer) = World::signing_in(connection, &new_session_id(), way);
            commands.push(command);
            answers.push(answer);
        }
        world.does(commands);
        let answers = answers.iter_mut();
        let answers: Vec<_> = answers
            .map(|answer| answer.try_recv().expect("an answer"))
            .collect();
        let let_in = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(let_in, 7);
        let refused = answers.into_iter().filter_map(Result::err);
        assert!(
            refused
                .into_iter()
                .all(|error| error == SignInError::TooMany)
        );
    });
}

#[test]
fn a_clock_that_leaps_ends_no_session_of_those_who_are_here() {
    let mut world = World::in_memory();
    // More than one tick renews.
    let crowd: Vec<_> = (0..1_100)
        .map(|_| {
            let session = new_session_id();
            let way = Way::New(newcomer("Ann"));
            let entered = world.signs_in(&session, way).expect("a name");
            (entered.0, session)
        })
        .collect();
    let gone = new_session_id();
    let (connection, _) = world
        .signs_in(&gone, Way::New(newcomer("Gone")))
        .expect("a name");
    world.does([Command::Leave { connection }, Command::Tick]);
    pass(31 * 24 * 60 * 60 * 1_000);
    // After some of these it is looked for what is too old.
    world.does((0..1_000).map(|_| Command::Tick));
    for (connection, session) in crowd {
        world.does([Command::Leave { connection }]);
        let again = world.signs_in(&session, Way::Resume);
        let (connection, _) = again.expect("a session");
        world.does([Command::Leave { connection }]);
    }
    let gone = world.signs_in(&gone, Way::Resume);
    assert_eq!(gone, Err(SignInError::UnknownSession));
}

#[test]
fn who_leaves_makes_room_for_who_comes_next() {
    on_both(|world| {
        let ann = world.arrives("Ann");
        let others: Vec<_> = (0..7).map(|_| world.resumes(&ann)).collect();
        let connection = world.connection();
        let (back, mut answer) = World::signing_in(connection, &ann.session, Way::Resume);
        let leave = Command::Leave {
            connection: others[0].connection,
        };
        world.does([leave, back]);
        assert!(answer.try_recv().expect("an answer").is_ok());
    });
}
