//! Identities that are kept apart on one desktop.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tauri::{AppHandle, Wry, plugin::TauriPlugin};

const DEFAULT: &str = "default";
const NAME_CHARS: usize = 32;

/// The name of an identity: it separates folders, keyring entries and
/// instances of the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile(String);

impl Default for Profile {
    fn default() -> Self {
        Self(DEFAULT.into())
    }
}

impl Profile {
    /// Takes only names that are the same on every file system and bus.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        let good = (1..=NAME_CHARS).contains(&name.len()) && name.bytes().all(fits);
        good.then(|| Self(name.into()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// The title of the window whose page has this title.
    pub(crate) fn window_title(&self, page: &str) -> String {
        if *self == Self::default() {
            page.to_owned()
        } else {
            format!("{page} — {}", self.0)
        }
    }

    /// Makes the profile's folder, for this user only, and gives its path.
    pub(crate) fn make_folder(&self, app_data: &Path) -> io::Result<PathBuf> {
        let folder = app_data.join("profiles").join(&self.0);
        fs::create_dir_all(&folder)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(folder)
    }

    /// What sends a second start of this profile to the first one's window.
    /// Elsewhere than on Linux the plugin knows one instance per user, so that
    /// there only the default profile has it.
    pub(crate) fn single_instance(&self, found: fn(&AppHandle)) -> Option<TauriPlugin<Wry>> {
        let default = *self == Self::default();
        let builder = tauri_plugin_single_instance::Builder::new()
            .callback(move |app, _args, _folder| found(app));
        match (default, cfg!(target_os = "linux")) {
            (true, _) => Some(builder.build()),
            (false, true) => Some(builder.dbus_id(self.bus_name()).build()),
            (false, false) => None,
        }
    }

    /// An element of a bus name must not begin with a digit.
    fn bus_name(&self) -> String {
        format!("app.parlour.desktop.profile_{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_safe_everywhere_are_taken() {
        for good in ["a", "second", "2nd", "a_b-c", &"x".repeat(32)] {
            assert_eq!(Profile::parse(good).unwrap().name(), good);
        }
        for bad in ["", "A", "a b", "..", "a/b", "ä", "a.b", &"x".repeat(33)] {
            assert_eq!(Profile::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_other_profiles_are_named_in_the_title() {
        let second = Profile::parse("second").unwrap();
        assert_eq!(second.window_title("(3) Parlour"), "(3) Parlour — second");
        assert_eq!(Profile::default().window_title("Parlour"), "Parlour");
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_is_for_this_user_only() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().unwrap();
        let folder = Profile::default().make_folder(data.path()).unwrap();
        assert_eq!(folder, data.path().join("profiles/default"));
        assert_eq!(
            fs::metadata(folder).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }
}
