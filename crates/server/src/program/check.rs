//! `check-config`: what holds, where it is from, and whether it would do.

use super::print;
use crate::{config::Settings, tls::Tls};

pub(super) fn check(settings: &Settings) -> anyhow::Result<()> {
    print(&settings.report())?;
    let unknown = settings.unknown_variables();
    if !unknown.is_empty() {
        print(&format!(
            "\nignored, of the environment: {}\n",
            unknown.join(", ")
        ))?;
    }
    let config = settings.config()?;
    config.check()?;
    if let Some(files) = &config.tls {
        Tls::load(files)?;
    }
    print("\nA server would start with this.\n")?;
    Ok(())
}
