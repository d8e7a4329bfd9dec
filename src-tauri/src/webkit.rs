//! WebKitGTK's renderer.

/// Turns off WebKitGTK's DMA-BUF renderer, which leaves the window white on
/// some drivers, unless the person has chosen one themselves
/// (`WEBKIT_DISABLE_DMABUF_RENDERER`, or `PARLOUR_KEEP_DMABUF` to leave it on).
///
/// The variable must stand before GTK starts its threads, and changing one's
/// own environment is unsafe, so the process starts itself again in place, once.
#[cfg(target_os = "linux")]
pub(crate) fn choose_renderer() {
    use std::{env, os::unix::process::CommandExt, process::Command};

    const DISABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    if env::var_os(DISABLE).is_some() || env::var_os("PARLOUR_KEEP_DMABUF").is_some() {
        return;
    }
    let error = match env::current_exe() {
        Ok(program) => {
            let mut args = env::args_os();
            let name = args.next().unwrap_or_else(|| program.clone().into());
            let mut again = Command::new(program);
            again.arg0(name).args(args).env(DISABLE, "1").exec()
        }
        Err(error) => error,
    };
    tracing::warn!(%error, "the window may stay white on some drivers");
}

/// Other systems have other web views.
#[cfg(not(target_os = "linux"))]
pub(crate) fn choose_renderer() {}
