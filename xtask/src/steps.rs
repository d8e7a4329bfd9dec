//! The steps of `cargo xtask test`, in their order: what answers within
//! seconds comes first, what needs the app last.

use anyhow::{Result, bail};

use crate::cargo::{self, TestTargets};
use crate::log::Log;
use crate::npm::{self, INTEROP, UI};
use crate::repo::Repo;
use crate::setup::{self, Purpose};
use crate::totals::Counting;
use crate::{codegen, deny, tidy, tools};

/// What a step has to say that found nothing wrong.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done,
    /// A part of the step, or all of it, could not be done here, and why.
    Skipped(&'static str),
}

type Work = Box<dyn Fn(&Repo, &mut Log) -> Result<Outcome>>;

pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) about: &'static str,
    /// Steps without which this one cannot work: done first, also with
    /// `--only`, and when one failed this one is skipped.
    pub(crate) needs: &'static [&'static str],
    /// Steps whose failure says all that this one could say.
    pub(crate) pointless_after: &'static [&'static str],
    pub(crate) counting: Counting,
    pub(crate) work: Work,
}

impl Step {
    fn check(
        name: &str,
        about: &'static str,
        needs: &'static [&'static str],
        work: impl Fn(&Repo, &mut Log) -> Result<()> + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            about,
            needs,
            pointless_after: &[],
            counting: Counting::Check,
            work: Box::new(move |repo, log| work(repo, log).map(|()| Outcome::Done)),
        }
    }

    fn tests(
        name: &str,
        about: &'static str,
        needs: &'static [&'static str],
        work: impl Fn(&Repo, &mut Log) -> Result<()> + 'static,
    ) -> Self {
        let check = Self::check(name, about, needs, work);
        Self {
            counting: Counting::Cargo,
            pointless_after: &["build"],
            ..check
        }
    }
}

pub(crate) fn all(targets: &TestTargets) -> Vec<Step> {
    let mut steps = quick();
    steps.extend(user_interface());
    steps.extend(rust(targets));
    steps.extend(whole(targets));
    steps
}

/// What needs nothing built.
fn quick() -> Vec<Step> {
    vec![
        Step::check("setup", "system packages and tools", &[], |repo, log| {
            setup::prepare(repo, log, Purpose::Test)
        }),
        Step::check(
            "npm",
            "packages of the user interface and of tests/interop",
            &[],
            |repo, log| {
                npm::install(repo, log, UI)?;
                npm::install(repo, log, INTEROP)
            },
        ),
        Step::check("fmt", "rustfmt", &[], |repo, log| {
            log.run(
                repo.cargo()
                    .args(["fmt", "--all", "--check", "--", "--color", "never"]),
            )
        }),
        Step::check("tidy", "the rules of the house", &[], tidy::step),
        Step::check("typos", "spelling", &[], |repo, log| {
            let program = tools::typos(repo, log)?;
            log.run(&mut repo.command(&program.to_string_lossy()))
        }),
        Step {
            pointless_after: &[],
            ..Step::tests("xtask", "tests of this tool", &[], |repo, log| {
                log.run(repo.cargo().args(["test", "--locked", "-p", "xtask"]))
            })
        },
        Step {
            work: Box::new(deny::check),
            ..Step::check("deny", "licences, sources, advisories", &[], |_, _| Ok(()))
        },
    ]
}

fn user_interface() -> Vec<Step> {
    let script = |name: &'static str| {
        move |repo: &Repo, log: &mut Log| log.run(repo.npm(UI).args(["run", name]))
    };
    vec![
        Step::check("ui-lint", "ESLint", &["npm"], script("lint")),
        Step::check(
            "ui-check",
            "types and accessibility",
            &["npm"],
            script("check"),
        ),
        Step {
            counting: Counting::Vitest,
            ..Step::check("ui-test", "vitest", &["npm"], script("test"))
        },
        Step::check("ui-build", "Vite", &["npm"], npm::build_ui),
    ]
}

fn rust(targets: &TestTargets) -> Vec<Step> {
    let of_crates = targets.of_crates.clone();
    // The app's tests are no part of a plain `cargo test`, and thereby not of
    // `--tests` and `--all-targets` either.
    let app: &[&str] = if targets.has_app() {
        &["--test", "app"]
    } else {
        &[]
    };
    vec![
        Step::check(
            "clippy",
            "warnings are errors",
            &["ui-build"],
            move |repo, log| {
                let deny = ["--", "-D", "warnings"];
                let mut cargo = cargo::selected(repo, "clippy");
                log.run(
                    cargo
                        .args(["--keep-going", "--all-targets"])
                        .args(app)
                        .args(deny),
                )?;
                let mut own = repo.cargo();
                log.run(
                    own.args(["clippy", "--locked", "-p", "xtask", "--all-targets"])
                        .args(deny),
                )
            },
        ),
        Step::check(
            "rustdoc",
            "links in the documentation",
            &["ui-build"],
            |repo, log| {
                let mut cargo = cargo::selected(repo, "doc");
                log.run(cargo.arg("--no-deps").env("RUSTDOCFLAGS", "-D warnings"))
            },
        ),
        Step::check(
            "build",
            "all programs and tests",
            &["ui-build"],
            move |repo, log| {
                log.run(
                    cargo::selected(repo, "build")
                        .args(["--bins", "--tests"])
                        .args(app),
                )
            },
        ),
        Step::tests(
            "unit",
            "tests inside the crates",
            &["ui-build"],
            move |repo, log| {
                let mut cargo = cargo::selected(repo, "test");
                cargo.args(["--no-fail-fast", "--lib", "--bins"]);
                cargo.args(of_crates.iter().flat_map(|name| ["--test", name]));
                codegen::elsewhere(repo, &mut cargo);
                log.run(&mut cargo)
            },
        ),
        Step::tests(
            "doctests",
            "examples in the documentation",
            &["ui-build"],
            |repo, log| log.run(cargo::selected(repo, "test").args(["--no-fail-fast", "--doc"])),
        ),
        Step {
            pointless_after: &["build"],
            ..Step::check(
                "types",
                "ui/src/generated is up to date",
                &["ui-build"],
                codegen::check,
            )
        },
    ]
}

/// The tests of whole parts together, each target a step.
fn whole(targets: &TestTargets) -> Vec<Step> {
    let (app, others): (Vec<_>, Vec<_>) = targets
        .of_tests
        .iter()
        .partition(|name| *name == cargo::APP);
    let mut steps: Vec<Step> = others.into_iter().map(|name| story(name)).collect();
    steps.extend(app.into_iter().map(|_| {
        let step = Step::tests(
            "app",
            "the real app, driven",
            &["npm", "build"],
            drive_the_app,
        );
        if setup::can_drive_the_app() {
            return step;
        }
        let skip =
            |_: &Repo, _: &mut Log| Ok(Outcome::Skipped("the app can be driven on Linux only"));
        Step {
            work: Box::new(skip),
            ..step
        }
    }));
    steps
}

fn story(name: &str) -> Step {
    let target = name.to_owned();
    Step::tests(
        name,
        "server and client together",
        &["npm", "ui-build"],
        move |repo, log| {
            // Some of them run our programs, which cargo builds only for the tests
            // of the same package.
            let mut cargo = cargo::selected(repo, "build");
            log.run(cargo.args(["--bin", "parlour-server", "--bin", "parlour-cli"]))?;
            let mut cargo = cargo::selected(repo, "test");
            log.run(cargo.args(["--no-fail-fast", "--test", &target]))
        },
    )
}

fn drive_the_app(repo: &Repo, log: &mut Log) -> Result<()> {
    let driver = tools::tauri_driver(repo, log)?;
    let (app, server) = (repo.built("parlour"), repo.built("parlour-server"));
    for program in [&app, &server] {
        if !program.is_file() {
            bail!("{} was not built", program.display());
        }
    }
    let mut cargo = cargo::selected(repo, "test");
    cargo.args(["--no-fail-fast", "--test", "app"]);
    cargo.env("PARLOUR_APP", app).env("PARLOUR_SERVER", server);
    cargo.env("PARLOUR_TAURI_DRIVER", driver);
    log.run(&mut cargo)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Vec<Step> {
        all(&TestTargets {
            of_crates: vec!["hub".to_owned()],
            of_tests: vec!["app".to_owned(), "interop".to_owned()],
        })
    }

    #[test]
    fn a_step_needs_only_steps_before_it() {
        let steps = steps();
        for (index, step) in steps.iter().enumerate() {
            for need in step.needs.iter().chain(step.pointless_after) {
                let before = steps[..index].iter().any(|earlier| earlier.name == *need);
                assert!(before, "{} needs {need}", step.name);
            }
        }
    }

    #[test]
    fn names_are_unique_and_the_app_comes_last() {
        let steps = steps();
        let mut names: Vec<_> = steps.iter().map(|step| step.name.clone()).collect();
        assert_eq!(names.last().map(String::as_str), Some("app"));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
