//! The text files of the checkout.

use std::{fs, path::Path};

use anyhow::Context;

use crate::workspace::Workspace;

/// Folders that hold nothing written for this project: builds, history, installed packages.
const FOREIGN_FOLDERS: [&str; 4] = ["target", ".git", "node_modules", "dist"];

/// Files that others wrote or that a tool generates.
const FOREIGN_FILES: [&str; 3] = ["LICENSE", "Cargo.lock", "package-lock.json"];

/// A text file of the checkout.
pub(super) struct SourceFile {
    /// Path below the top folder, with `/`.
    pub path: String,
    pub text: String,
}

impl SourceFile {
    /// Any file with Rust code.
    pub fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// Code of a crate, as against its tests, benches and examples.
    pub fn is_crate_source(&self) -> bool {
        self.is_rust() && self.below_src().is_some()
    }

    /// The root module of a library or binary.
    pub fn is_crate_root(&self) -> bool {
        let binary = |below: &str| {
            below.strip_prefix("bin/").is_some_and(|name| !name.contains('/') || name.ends_with("/main.rs"))
        };
        self.is_rust()
            && self.below_src().is_some_and(|below| matches!(below, "lib.rs" | "main.rs") || binary(below))
    }

    /// A module that holds only tests, `tests.rs` beside the code or in a folder `tests`.
    pub fn is_test_module(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// Manifest of a workspace member.
    pub fn is_member_manifest(&self) -> bool {
        self.below_member() == Some("Cargo.toml")
    }

    fn below_src(&self) -> Option<&str> {
        self.below_member()?.strip_prefix("src/")
    }

    /// Path below the workspace member that the file belongs to.
    fn below_member(&self) -> Option<&str> {
        match self.path.strip_prefix("crates/") {
            Some(below) => below.split_once('/').map(|(_, below)| below),
            None => self.path.strip_prefix("xtask/"),
        }
    }
}

/// Reads every text file of the checkout, in the order of their paths. What is not UTF-8 is no text and
/// is left out.
///
/// # Errors
/// A folder or file could not be read.
pub(super) fn read(workspace: &Workspace) -> anyhow::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    visit(workspace.root(), "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn visit(folder: &Path, prefix: &str, files: &mut Vec<SourceFile>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && !FOREIGN_FOLDERS.contains(&name.as_str()) {
            visit(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() && !FOREIGN_FILES.contains(&name.as_str()) {
            let bytes = fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?;
            files.extend(String::from_utf8(bytes).ok().map(|text| SourceFile { path, text }));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_what_the_file_is() {
        // path, crate source, crate root, test module, member manifest
        let cases = [
            ("crates/model/src/lib.rs", [true, true, false, false]),
            ("crates/server/src/main.rs", [true, true, false, false]),
            ("crates/cli/src/bin/tool.rs", [true, true, false, false]),
            ("crates/cli/src/bin/tool/main.rs", [true, true, false, false]),
            ("crates/cli/src/bin/tool/args.rs", [true, false, false, false]),
            ("crates/wire/src/v2/records.rs", [true, false, false, false]),
            ("crates/wire/src/v2/lib.rs", [true, false, false, false]),
            ("crates/wire/src/v2/tests.rs", [true, false, true, false]),
            ("crates/wire/src/schema.proto", [false, false, false, false]),
            ("crates/http-api/tests/wire.rs", [false, false, true, false]),
            ("crates/model/Cargo.toml", [false, false, false, true]),
            ("xtask/Cargo.toml", [false, false, false, true]),
            ("xtask/src/main.rs", [true, true, false, false]),
            ("Cargo.toml", [false, false, false, false]),
            ("fuzz/Cargo.toml", [false, false, false, false]),
            ("docs/src/main.rs", [false, false, false, false]),
        ];
        for (path, expected) in cases {
            let file = SourceFile { path: path.to_owned(), text: String::new() };
            let is = [
                file.is_crate_source(),
                file.is_crate_root(),
                file.is_test_module(),
                file.is_member_manifest(),
            ];
            assert_eq!(is, expected, "{path}");
        }
    }
}
