//! A clock that wakes the swarm many thousand times a second. The time limit
//! of `poll` counts in milliseconds, and a loop that never waits would take a
//! whole core and be no measure of the load any more.

#[cfg(target_os = "linux")]
pub(crate) use linux::Ticker;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::Ticker;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::{AsRawFd as _, OwnedFd};
    use std::time::Duration;

    use mio::unix::SourceFd;
    use mio::{Interest, Registry, Token};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };

    /// A timer of the kernel's. Its events carry the token given.
    pub(crate) struct Ticker {
        timer: OwnedFd,
    }

    impl Ticker {
        pub(crate) fn start(
            registry: &Registry,
            token: Token,
            interval: Duration,
        ) -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            let time = Timespec::try_from(interval).map_err(io::Error::other)?;
            let time = Itimerspec {
                it_interval: time,
                it_value: time,
            };
            timerfd_settime(&timer, TimerfdTimerFlags::empty(), &time)?;
            let source = timer.as_raw_fd();
            registry.register(&mut SourceFd(&source), token, Interest::READABLE)?;
            Ok(Self { timer })
        }

        /// Takes note of a tick, so that the next one is an event again.
        pub(crate) fn take(&self) -> io::Result<()> {
            match rustix::io::read(&self.timer, &mut [0; 8]) {
                Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }

        pub(crate) fn at_most(&self, wait: Duration) -> Duration {
            wait
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::io;
    use std::time::Duration;

    use mio::{Registry, Token};

    /// As fine as the time limit of `poll`; finer rates come in bursts.
    pub(crate) struct Ticker {
        interval: Duration,
    }

    impl Ticker {
        pub(crate) fn start(_: &Registry, _: Token, interval: Duration) -> io::Result<Self> {
            Ok(Self { interval })
        }

        pub(crate) fn take(&self) -> io::Result<()> {
            Ok(())
        }

        pub(crate) fn at_most(&self, wait: Duration) -> Duration {
            wait.min(self.interval)
        }
    }
}
