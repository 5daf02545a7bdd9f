//! A copy of the checkout in which defects are planted. Only what differs is written, so that cargo
//! builds only what changed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::defect::Defect;

/// Folders that no test needs.
const LEFT_OUT: [&str; 4] = ["target", ".git", "node_modules", ".millpond"];

/// The copy.
pub(super) struct Sources {
    folder: PathBuf,
}

impl Sources {
    /// Makes `folder` a copy of the checkout at `root`, without builds and history.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn copy(root: &Path, folder: &Path) -> anyhow::Result<Self> {
        let (mut wanted, mut present) = (BTreeSet::new(), BTreeSet::new());
        visit(root, Path::new(""), &mut wanted)?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        visit(folder, Path::new(""), &mut present)?;
        for path in present.difference(&wanted) {
            fs::remove_file(folder.join(path))?;
        }
        for path in &wanted {
            bring(&root.join(path), &folder.join(path))
                .with_context(|| format!("cannot copy {}", path.display()))?;
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of a defect, with it.
    ///
    /// # Errors
    /// The file cannot be read, or the defect is stale.
    pub fn planted(&self, defect: &Defect) -> anyhow::Result<String> {
        let sound = fs::read_to_string(self.folder.join(&defect.file));
        defect.planted_in(&sound.with_context(|| format!("cannot read {}", defect.file))?)
    }

    /// Does `work` while the defect is planted, and takes it out again.
    ///
    /// # Errors
    /// A file cannot be read or written, or the defect is stale.
    pub fn with<T>(&self, defect: &Defect, work: impl FnOnce() -> T) -> anyhow::Result<T> {
        let path = self.folder.join(&defect.file);
        let sound = fs::read(&path)?;
        fs::write(&path, self.planted(defect)?)?;
        let done = work();
        fs::write(&path, sound)?;
        Ok(done)
    }
}

fn visit(root: &Path, below: &Path, files: &mut BTreeSet<PathBuf>) -> anyhow::Result<()> {
    let folder = root.join(below);
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        let path = below.join(&name);
        if kind.is_dir() && !LEFT_OUT.iter().any(|left_out| name == *left_out) {
            visit(root, &path, files)?;
        } else if kind.is_file() {
            files.insert(path);
        }
    }
    Ok(())
}

fn bring(from: &Path, to: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_follows_the_checkout_and_leaves_builds_out() {
        let scratch = std::env::temp_dir().join(format!("xtask-sources-{}", std::process::id()));
        let (root, folder) = (scratch.join("root"), scratch.join("copy"));
        let put = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("a.rs", "a");
        put("crates/b.rs", "b");
        put("target/c.rs", "c");
        Sources::copy(&root, &folder).unwrap();
        let before = fs::metadata(folder.join("a.rs")).unwrap().modified().unwrap();
        put("crates/b.rs", "changed");
        put("d.rs", "d");
        fs::remove_file(root.join("d.rs")).unwrap();
        fs::write(folder.join("old.rs"), "old").unwrap();
        let sources = Sources::copy(&root, &folder).unwrap();
        let mut files = BTreeSet::new();
        visit(sources.folder(), Path::new(""), &mut files).unwrap();
        assert_eq!(files, BTreeSet::from(["a.rs".into(), "crates/b.rs".into()]));
        assert_eq!(fs::read_to_string(folder.join("crates/b.rs")).unwrap(), "changed");
        assert_eq!(fs::metadata(folder.join("a.rs")).unwrap().modified().unwrap(), before);
        fs::remove_dir_all(&scratch).unwrap();
    }
}
