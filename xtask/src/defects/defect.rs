//! One planted defect: `defects/NAME.toml`.
//!
//! ```toml
//! promise = "G1"
//! about = "What goes wrong, in one sentence."
//! file = "crates/seglog/src/journal/mod.rs"
//! find = '''text that occurs exactly once'''
//! replace = '''text in its place'''
//! tests = ["millpond-seglog --lib journal::"]     # arguments of `cargo test --package`
//! ```

use std::{fmt, fs, path::Path};

use anyhow::{Context, bail, ensure};
use toml::Value;

use super::FOLDER;
use crate::workspace::Workspace;

/// A planted defect.
#[derive(Debug)]
pub(super) struct Defect {
    /// The name of its file.
    pub name: String,
    /// The promise it breaks.
    pub promise: String,
    /// What goes wrong.
    pub about: String,
    /// The file it is in, below the top folder.
    pub file: String,
    find: String,
    replace: String,
    /// The tests that should notice, each a package and arguments of `cargo test`.
    pub tests: Vec<String>,
}

impl Defect {
    fn parse(name: &str, text: &str) -> anyhow::Result<Self> {
        let mut table: toml::Table = text.parse()?;
        let mut take = |key: &str| match table.remove(key) {
            Some(Value::String(text)) if !text.trim().is_empty() || key == "replace" => Ok(text),
            _ => bail!("`{key}` is missing or no text"),
        };
        let (promise, about, file) = (take("promise")?, take("about")?, take("file")?);
        let (find, replace) = (take("find")?, take("replace")?);
        let Some(Value::Array(tests)) = table.remove("tests") else { bail!("`tests` is missing or no list") };
        let tests = tests.into_iter().map(|suite| match suite {
            Value::String(suite) if !suite.trim().is_empty() => Ok(suite),
            _ => bail!("a test is no text"),
        });
        let tests = tests.collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(!tests.is_empty(), "no test is named");
        ensure!(find != replace, "nothing is replaced");
        if let Some(key) = table.keys().next() {
            bail!("`{key}` is not known");
        }
        Ok(Self { name: name.to_owned(), promise, about, file, find, replace, tests })
    }

    /// `source`, the text of its file, with the defect in it.
    ///
    /// # Errors
    /// The text to be replaced does not occur exactly once: the defect is stale.
    pub fn planted_in(&self, source: &str) -> anyhow::Result<String> {
        match source.matches(&self.find).count() {
            1 => Ok(source.replacen(&self.find, &self.replace, 1)),
            count => bail!(
                "the defect `{}` is stale: its text occurs {count} times in {}, not once; write it anew",
                self.name,
                self.file
            ),
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<36} {:<4} {}", self.name, self.promise, self.about)
    }
}

/// All defects, those of one file behind each other: that spares compiling.
///
/// # Errors
/// A file cannot be read, or is no defect.
pub(super) fn read_all(workspace: &Workspace) -> anyhow::Result<Vec<Defect>> {
    let folder = workspace.root().join(FOLDER);
    let mut defects = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            defects.push(read(&path).with_context(|| path.display().to_string())?);
        }
    }
    defects.sort_by(|a, b| (&a.file, &a.name).cmp(&(&b.file, &b.name)));
    Ok(defects)
}

fn read(path: &Path) -> anyhow::Result<Defect> {
    let name = path.file_stem().and_then(|name| name.to_str()).context("the name of the file is no text")?;
    Defect::parse(name, &fs::read_to_string(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "promise = 'G1'\nabout = 'What.'\nfile = 'a.rs'\nfind = 'one'\nreplace = 'two'\ntests = ['x --lib']\n";

    #[test]
    fn a_defect_is_read_and_planted_once() {
        let defect = Defect::parse("name", GOOD).unwrap();
        assert_eq!((defect.promise.as_str(), &*defect.tests), ("G1", &["x --lib".to_owned()][..]));
        assert_eq!(defect.planted_in("zero one three").unwrap(), "zero two three");
        for stale in ["", "one and one"] {
            let error = defect.planted_in(stale).expect_err(stale).to_string();
            assert!(error.contains("`name` is stale"), "{error}");
        }
    }

    #[test]
    fn text_may_be_taken_away() {
        let defect = Defect::parse("name", &GOOD.replace("'two'", "''")).unwrap();
        assert_eq!(defect.planted_in("(one)").unwrap(), "()");
    }

    #[test]
    fn what_is_no_defect_is_refused() {
        let cases = [
            ("'G1'", "1"),
            ("'one'", "''"),
            ("'two'", "'one'"),
            ("['x --lib']", "[]"),
            ("['x --lib']", "[1]"),
            ("find", "search"),
        ];
        for (old, new) in cases {
            assert!(Defect::parse("name", &GOOD.replace(old, new)).is_err(), "{old} {new}");
        }
        assert!(Defect::parse("name", &format!("{GOOD}more = 1\n")).is_err());
    }
}
