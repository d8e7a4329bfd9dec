//! Where the programs are.

use std::path::{Path, PathBuf};

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of it")
}

/// The app, with its page built in.
pub(crate) fn app() -> PathBuf {
    part("PARLOUR_APP", &["target/debug/parlour"])
}

/// The server.
pub(crate) fn server() -> PathBuf {
    part("PARLOUR_SERVER", &["target/debug/parlour-server"])
}

/// What passes WebDriver on to the app.
pub(crate) fn tauri_driver() -> PathBuf {
    let cargo = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")))
        .unwrap_or_default();
    part(
        "PARLOUR_TAURI_DRIVER",
        &[
            "target/tools/bin/tauri-driver",
            &format!("{cargo}/bin/tauri-driver"),
        ],
    )
}

fn part(variable: &str, places: &[&str]) -> PathBuf {
    let given = std::env::var_os(variable).map(PathBuf::from);
    let places = places.iter().map(|place| root().join(place));
    given
        .into_iter()
        .chain(places)
        .find(|path| path.exists())
        .unwrap_or_else(|| {
            panic!("{variable} is not set or not there: `cargo xtask test --only app` builds it")
        })
}
