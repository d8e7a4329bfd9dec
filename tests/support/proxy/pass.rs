//! One connection: two ways that carry bytes, and somebody who turns their valves.

use std::{future::pending, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use super::{
    Shared,
    fault::{Direction, Fault, Manner, Plan},
};
use crate::chance::Chance;

/// How long what is left of a connection may hang around: longer than both sides
/// take to notice.
const LINGER: Duration = Duration::from_secs(20);

/// Bytes that are cut into slices; a long list would take for ever.
const SLICED: usize = 4096;

/// Bytes a second of a throttled connection.
const RATE: usize = 200_000;

/// What a way does with its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Valve {
    /// Carries them.
    Pass,
    /// Keeps them for [`Valve::Late`].
    Gather,
    /// Reads and forgets them.
    Swallow,
    /// Ends the side that it writes to (FIN), then as [`Valve::Swallow`].
    Abandon,
    /// Ends the side that it reads from, and leaves the other open and silent.
    Mute,
    /// As [`Valve::Mute`], but what was gathered is written after this time.
    Late(Duration),
}

/// Carries a connection through its life. Both sides are closed in the end.
pub(super) async fn carry(near: TcpStream, far: TcpStream, plan: Plan, shared: &Shared) {
    for side in [&near, &far] {
        let _ = side.set_nodelay(true);
        if plan.fault == Fault::Reset {
            // Every end of these is a reset.
            let _ = side.set_zero_linger();
        }
    }
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let (up_valve, up_turned) = watch::channel(Valve::Pass);
    let (down_valve, down_turned) = watch::channel(Valve::Pass);
    let (due, mut is_due) = mpsc::channel(1);
    let way = |direction, valve, seed| Way {
        valve,
        budget: (plan.direction == direction).then_some(plan.after),
        due: due.clone(),
        troubled: shared.troubled.subscribe(),
        manner: plan.manner,
        chance: Chance::new(seed),
        carried: 0,
    };
    let up = way(Direction::Up, up_turned, plan.seed).run(near_in, far_out);
    let down = way(Direction::Down, down_turned, !plan.seed).run(far_in, near_out);
    let both = async { tokio::join!(up, down) };
    let conductor = async {
        if is_due.recv().await.is_none() {
            pending::<()>().await;
        }
        shared.note(plan.fault);
        let turn = |up, down| {
            up_valve.send_replace(up);
            down_valve.send_replace(down);
        };
        match plan.fault {
            Fault::Cut | Fault::Reset => return,
            Fault::CutNear => turn(Valve::Mute, Valve::Abandon),
            Fault::CutFar => turn(Valve::Abandon, Valve::Mute),
            Fault::Late => {
                up_valve.send_replace(Valve::Gather);
                sleep(plan.gather).await;
                turn(Valve::Late(plan.late), Valve::Abandon);
            }
            Fault::HalfCloseUp => turn(Valve::Abandon, Valve::Pass),
            Fault::HalfCloseDown => turn(Valve::Pass, Valve::Abandon),
            Fault::Swallow => turn(Valve::Swallow, Valve::Swallow),
            Fault::SwallowUp => turn(Valve::Swallow, Valve::Pass),
            Fault::SwallowDown => turn(Valve::Pass, Valve::Swallow),
        }
        sleep(LINGER).await;
    };
    tokio::select! {
        _ = both => {}
        () = conductor => {}
    }
}

/// One way of a connection.
struct Way {
    valve: watch::Receiver<Valve>,
    /// How many bytes it may still carry before it is due.
    budget: Option<usize>,
    due: mpsc::Sender<()>,
    troubled: watch::Receiver<bool>,
    manner: Manner,
    chance: Chance,
    carried: usize,
}

impl Way {
    /// Until the side that it reads from has ended, or it is told to.
    async fn run(mut self, mut from: OwnedReadHalf, to: OwnedWriteHalf) {
        let mut to = Some(to);
        let mut bytes = vec![0; 4096];
        let mut gathered = Vec::new();
        loop {
            let valve = *self.valve.borrow_and_update();
            if valve == Valve::Abandon {
                to = None;
            }
            let count = match valve {
                Valve::Mute | Valve::Late(_) => break,
                _ => tokio::select! {
                    _ = self.valve.changed() => continue,
                    read = from.read(&mut bytes) => read.unwrap_or(0),
                },
            };
            if count == 0 {
                if matches!(valve, Valve::Swallow | Valve::Gather) {
                    break;
                }
                // The end is passed on, as everything.
                return;
            }
            let mut rest = &bytes[..count];
            if valve == Valve::Pass {
                let first = self.affordable(count);
                let Some(to) = &mut to else { return };
                if self.write(to, &rest[..first]).await.is_err() {
                    return;
                }
                rest = &rest[first..];
                if rest.is_empty() {
                    continue;
                }
                self.falls_due().await;
            }
            let valve = *self.valve.borrow_and_update();
            match valve {
                Valve::Gather | Valve::Late(_) => gathered.extend_from_slice(rest),
                Valve::Pass => {
                    let Some(to) = &mut to else { return };
                    if to.write_all(rest).await.is_err() {
                        return;
                    }
                }
                Valve::Swallow | Valve::Abandon | Valve::Mute => {}
            }
        }
        drop(from);
        let valve = *self.valve.borrow();
        if let (Valve::Late(late), Some(to)) = (valve, &mut to) {
            sleep(late).await;
            let _ = to.write_all(&gathered).await;
        }
        // Open, and silent.
        pending::<()>().await;
    }

    /// How many of so many bytes may still be carried.
    fn affordable(&mut self, count: usize) -> usize {
        match &mut self.budget {
            Some(budget) if *self.troubled.borrow() => {
                let first = count.min(*budget);
                *budget -= first;
                first
            }
            _ => count,
        }
    }

    /// Says that it has carried its bytes, and waits for what is to happen.
    async fn falls_due(&mut self) {
        if self.budget.take().is_some() {
            let _ = self.due.send(()).await;
            let _ = timeout(LINGER, self.valve.changed()).await;
        }
    }

    async fn write(&mut self, to: &mut OwnedWriteHalf, bytes: &[u8]) -> std::io::Result<()> {
        match self.manner {
            Manner::Prompt => to.write_all(bytes).await,
            Manner::Jitter => {
                sleep(Duration::from_millis(self.chance.number() % 30)).await;
                to.write_all(bytes).await
            }
            Manner::Throttled => {
                sleep(Duration::from_secs(1).mul_f64(bytes.len() as f64 / RATE as f64)).await;
                to.write_all(bytes).await
            }
            Manner::Slices => {
                let mut rest = bytes;
                while self.carried < SLICED && !rest.is_empty() {
                    let (slice, others) = rest.split_at(rest.len().min(1 + self.chance.below(24)));
                    to.write_all(slice).await?;
                    self.carried += slice.len();
                    rest = others;
                    tokio::task::yield_now().await;
                }
                to.write_all(rest).await
            }
        }
    }
}
