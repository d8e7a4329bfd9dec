//! The shell's own settings: a file in the profile's folder.

use std::{path::Path, sync::Arc};

use tauri::{App, AppHandle, Wry};
use tauri_plugin_store::{Store, StoreExt};

use crate::{
    args::Args,
    contract::{SettingsView, Theme},
};

const FILE: &str = "settings.json";
const THEME: &str = "theme";

/// The settings of the profile, and what the command line adds to them.
pub(crate) struct Settings {
    store: Arc<Store<Wry>>,
    default_server: Option<String>,
    profile: String,
}

impl Settings {
    /// Reads the file. A missing or damaged one is as good as an empty one:
    /// nothing in it is worth stopping for.
    pub(crate) fn open(app: &App, folder: &Path, args: &Args) -> tauri_plugin_store::Result<Self> {
        let store = app
            .store_builder(folder.join(FILE))
            .disable_auto_save()
            .build()?;
        Ok(Self {
            store,
            default_server: args.server.clone(),
            profile: args.profile.name().to_owned(),
        })
    }

    pub(crate) fn view(&self) -> SettingsView {
        SettingsView {
            theme: self.theme(),
            default_server: self.default_server.clone(),
            profile: self.profile.clone(),
        }
    }

    fn theme(&self) -> Theme {
        let kept = self.store.get(THEME);
        kept.and_then(|value| serde_json::from_value(value).ok())
            .unwrap_or_default()
    }

    /// Keeps a theme and shows it.
    pub(crate) fn set_theme(&self, app: &AppHandle, theme: Theme) -> Result<(), String> {
        let value = serde_json::to_value(theme).map_err(|error| error.to_string())?;
        self.store.set(THEME, value);
        self.apply(app);
        self.store.save().map_err(|error| error.to_string())
    }

    /// Gives the window's frame the colours of the page.
    pub(crate) fn apply(&self, app: &AppHandle) {
        app.set_theme(match self.theme() {
            Theme::System => None,
            Theme::Light => Some(tauri::Theme::Light),
            Theme::Dark => Some(tauri::Theme::Dark),
        });
    }
}
