//! People who sign up and leave, so that the server knows them.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::Target;
use crate::arrivals::{Arrivals, Speech};
use crate::swarm::Swarm;

/// How many come at a time. Few, or telling them of each other would take
/// longer than all else.
const AT_ONCE: usize = 8;

/// How long the server may take to close their connections.
const PATIENCE: Duration = Duration::from_millis(200);

/// Makes the server know `people` more.
///
/// # Errors
/// When somebody is not let in.
pub fn run(target: Target, people: usize) -> Result<()> {
    let (mut swarm, mut arrivals) = (Swarm::new(target.address)?, Arrivals::default());
    while arrivals.all.len() < people {
        let first = arrivals.all.len();
        let count = AT_ONCE.min(people - first);
        arrivals.bring_all(&mut swarm, count, count, Speech::Plain)?;
        for who in first..first + count {
            swarm.leave(who)?;
        }
        let start = Instant::now();
        while arrivals.lost.len() < count && start.elapsed() < PATIENCE {
            swarm.turn(Duration::from_millis(5), &mut arrivals)?;
        }
        arrivals.lost.clear();
        for who in first..first + count {
            swarm.hang_up(who);
        }
    }
    Ok(())
}
