//! Reads `tauri.conf.json` at the root of the repository, and the permissions
//! and the capability beside this file.

use tauri_build::{AppManifest, Attributes};

fn main() {
    for folder in ["src-tauri/capabilities", "src-tauri/permissions"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    // Written by hand: `AppManifest::commands` would put generated files at the root.
    let manifest = AppManifest::new().permissions_path_pattern("./src-tauri/permissions/**/*.toml");
    let attributes = Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/**/*.json")
        .app_manifest(manifest);
    if let Err(error) = tauri_build::try_build(attributes) {
        panic!("the desktop app's configuration: {error:#}");
    }
}
