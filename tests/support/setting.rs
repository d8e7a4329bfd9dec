//! How much is tried, and how a trial says that it cannot be.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use libtest_mimic::{Completion, Failed, Trial};

/// No trial of the short form takes longer than this, unless it says so; the long
/// form has an hour.
pub const LIMIT: Duration = Duration::from_secs(170);

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// On every run of all tests.
    Short,
    /// As often as the criteria ask for: `PARLOUR_FAULTS=long`.
    Long,
}

/// What the environment asks for.
pub fn form() -> Form {
    match std::env::var("PARLOUR_FAULTS") {
        Ok(form) if form == "long" => Form::Long,
        _ => Form::Short,
    }
}

/// One number for each form.
pub fn many<T>(short: T, long: T) -> T {
    match form() {
        Form::Short => short,
        Form::Long => long,
    }
}

/// What became of a trial.
pub enum Outcome {
    /// It held.
    Done,
    /// It cannot be tried on this machine, and why.
    Skipped(&'static str),
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Self::Done
    }
}

/// A trial with a runtime of its own, within [`LIMIT`].
pub fn trial<O, F>(name: &'static str, run: fn() -> F) -> Trial
where
    O: Into<Outcome> + 'static,
    F: Future<Output = O> + 'static,
{
    trial_within(LIMIT, name, run)
}

/// A trial with a runtime of its own, within a limit of its own in the short form.
pub fn trial_within<O, F>(limit: Duration, name: &'static str, run: fn() -> F) -> Trial
where
    O: Into<Outcome> + 'static,
    F: Future<Output = O> + 'static,
{
    Trial::ignorable_test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failed::from(error.to_string()))?;
        let limit = many(limit, Duration::from_secs(3600));
        let attempt = AssertUnwindSafe(|| {
            runtime.block_on(async { tokio::time::timeout(limit, run()).await })
        });
        let outcome = std::panic::catch_unwind(attempt);
        runtime.shutdown_background();
        match outcome {
            Ok(Ok(outcome)) => Ok(match outcome.into() {
                Outcome::Done => Completion::Completed,
                Outcome::Skipped(why) => Completion::ignored_with(why),
            }),
            Ok(Err(_)) => Err(format!("not done within {} s", limit.as_secs()).into()),
            Err(_) => Err("see the message above".into()),
        }
    })
}
