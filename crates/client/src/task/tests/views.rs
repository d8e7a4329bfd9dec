//! A snapshot followed by the events after it equals a fresh snapshot, whatever
//! happens and however slow a listener is; and what it tells is true.

mod listener;
mod scene;
mod steps;
mod world;

use proptest::{collection::vec, prelude::*};

use self::{
    scene::Scene,
    steps::{Kind, Step, step},
    world::World,
};

fn scene(kind: Kind) -> impl Strategy<Value = Scene> {
    let behind = prop_oneof![Just(1_usize), Just(4), Just(1024)];
    (behind, any::<bool>()).prop_map(move |(behind, keyring_works)| Scene {
        kind,
        behind,
        keyring_works,
    })
}

/// How often a listener was too slow.
fn holds(scene: Scene, steps: &[Step]) -> usize {
    let mut world = World::new(scene);
    for step in steps {
        world.takes(step);
    }
    world.ends();
    world.lags()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn on_a_a_view_that_follows_is_a_fresh_one(scene in scene(Kind::A), steps in vec(step(), 1..60)) {
        holds(scene, &steps);
    }

    #[test]
    fn on_b_a_view_that_follows_is_a_fresh_one(scene in scene(Kind::B), steps in vec(step(), 1..60)) {
        holds(scene, &steps);
    }

    #[test]
    fn on_c_a_view_that_follows_is_a_fresh_one(scene in scene(Kind::C), steps in vec(step(), 1..60)) {
        holds(scene, &steps);
    }

    #[test]
    fn on_d_a_view_that_follows_is_a_fresh_one(scene in scene(Kind::D), steps in vec(step(), 1..60)) {
        holds(scene, &steps);
    }

    #[test]
    fn on_pm_a_view_that_follows_is_a_fresh_one(scene in scene(Kind::Pm), steps in vec(step(), 1..60)) {
        holds(scene, &steps);
    }
}

#[test]
fn a_listener_that_is_too_slow_is_told_so_and_begins_anew() {
    let scene = Scene {
        kind: Kind::C,
        behind: 4,
        keyring_works: true,
    };
    let steps = vec![Step::Says { to: 0, word: 0 }; 8];
    assert!(holds(scene, &steps) > 0);
}
