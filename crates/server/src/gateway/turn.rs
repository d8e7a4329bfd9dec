//! Waiting for one's turn, at the pace of one's user.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{Ending, connection::Connection};
use crate::{hub::Deed, limits::PACE_PATIENCE};

/// Waits for this user's turn. Meanwhile the connection is read no further. When
/// the server ends nobody waits any more: what was read is to be stored by then.
pub(super) async fn wait_for(
    connection: &Connection,
    deed: Deed,
    ending: &Ending,
) -> Result<(), Duration> {
    let Some(pace) = &connection.pace else {
        return Ok(());
    };
    let wait = pace.reserve(deed, Instant::now(), PACE_PATIENCE)?;
    if !wait.is_zero() {
        // Either way it is time.
        let _ = timeout(wait, ending.begun()).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parlour_protocol::UserId;

    use super::*;
    use crate::{
        admission::Rate,
        gateway::connection::Lately,
        hub::{ConnectionId, Pace},
    };

    fn connection(rate: Option<Rate>) -> Connection {
        let pace = |rate| Arc::new(Pace::new(rate, Instant::now()));
        Connection {
            id: ConnectionId(1),
            user: UserId::new("u"),
            session_id: None,
            pm: true,
            is_new: false,
            resumed: false,
            snapshot: 0,
            pace: rate.map(pace),
            typing: Lately::typing(),
            receipts: Lately::receipts(),
        }
    }

    #[tokio::test]
    async fn a_short_wait_is_waited_and_a_long_one_is_not() {
        let ending = Ending::default();
        let quick = connection(Some(Rate::new(100, Duration::from_secs(1), 1)));
        let begun = Instant::now();
        for _ in 0..5 {
            assert_eq!(wait_for(&quick, Deed::Message, &ending).await, Ok(()));
        }
        assert!(begun.elapsed() >= Duration::from_millis(40));

        let slow = connection(Some(Rate::new(1, Duration::from_secs(60), 1)));
        assert_eq!(wait_for(&slow, Deed::Message, &ending).await, Ok(()));
        let refused = wait_for(&slow, Deed::Message, &ending).await;
        let wait = refused.expect_err("too long");
        assert!(wait > Duration::from_secs(50), "{wait:?}");
        // Questions are not messages.
        assert_eq!(wait_for(&slow, Deed::Request, &ending).await, Ok(()));
    }

    #[tokio::test]
    async fn without_a_pace_nobody_waits() {
        let free = connection(None);
        for _ in 0..10_000 {
            let waited = wait_for(&free, Deed::Message, &Ending::default()).await;
            assert_eq!(waited, Ok(()));
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_a_server_that_ends() {
        let slow = connection(Some(Rate::new(1, Duration::from_secs(9), 1)));
        let ending = Ending::default();
        assert_eq!(wait_for(&slow, Deed::Message, &ending).await, Ok(()));
        let begun = Instant::now();
        let (waited, ()) = tokio::join!(wait_for(&slow, Deed::Message, &ending), async {
            ending.begin();
        });
        assert_eq!(waited, Ok(()));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
