//! The one window.

use std::path::Path;

use tauri::{
    App, AppHandle, Manager, Url, WebviewUrl, WebviewWindowBuilder, webview::NewWindowResponse,
};

use crate::profile::Profile;

/// Its name, which the capability is tied to.
const LABEL: &str = "main";

/// Its title until its page has one.
const TITLE: &str = "Parlour";

/// Opens the window. Its page cannot leave, open others, or keep anything
/// outside the profile's folder.
pub(crate) fn open(app: &App, profile: &Profile, folder: &Path) -> tauri::Result<()> {
    let titles = profile.clone();
    WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title(profile.window_title(TITLE))
        .inner_size(1080.0, 740.0)
        .min_inner_size(420.0, 480.0)
        .data_directory(folder.join("webview"))
        .devtools(cfg!(debug_assertions))
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_document_title_changed(move |window, page| {
            if let Err(error) = window.set_title(&titles.window_title(&page)) {
                tracing::warn!(%error, "the title stays as it was");
            }
        })
        .build()?;
    Ok(())
}

/// Brings the window to the front.
pub(crate) fn focus(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else {
        return;
    };
    let shown = window
        .unminimize()
        .and_then(|()| window.show())
        .and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(%error, "the window stays where it is");
    }
}

/// Whether an address is our own page.
fn is_ours(url: &Url) -> bool {
    let dev = cfg!(dev) && url.host_str() == Some("localhost") && url.port() == Some(1420);
    let embedded = match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        "http" | "https" => url.host_str() == Some("tauri.localhost") && url.port().is_none(),
        _ => false,
    };
    dev || embedded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_page_is_gone_to() {
        for ours in ["tauri://localhost/", "http://tauri.localhost/index.html"] {
            assert!(is_ours(&ours.parse().unwrap()), "{ours}");
        }
        for other in [
            "https://example.org/",
            "http://tauri.localhost.example.org/",
            "http://tauri.localhost:8080/",
            "tauri://elsewhere/",
            "file:///etc/passwd",
            "data:text/html,hello",
            "about:blank",
        ] {
            assert!(!is_ours(&other.parse().unwrap()), "{other}");
        }
    }
}
