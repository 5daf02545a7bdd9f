//! What a crate's manifest must and must not say.

use anyhow::{Context, anyhow};
use toml::de::{DeTable, DeValue};

use super::Finding;

/// When a dependency is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Build,
    Dev,
}

const KINDS: [(&str, Kind); 3] =
    [("dependencies", Kind::Normal), ("build-dependencies", Kind::Build), ("dev-dependencies", Kind::Dev)];

/// One dependency, as written.
pub(super) struct Dependency {
    /// Name of the package.
    pub package: String,
    pub kind: Kind,
    /// Line of its key, counted from 1.
    pub line: usize,
    /// Taken from the root manifest: `name.workspace = true`.
    from_root: bool,
    /// First key beside it that belongs into the root manifest only.
    own_source: Option<&'static str>,
}

/// The parts of a crate's manifest that have rules.
pub(super) struct Manifest {
    /// Path below the top folder.
    pub path: String,
    /// Name of the package.
    pub name: String,
    pub dependencies: Vec<Dependency>,
    has_description: bool,
    takes_lints: bool,
}

impl Manifest {
    /// Reads a manifest from `text`.
    ///
    /// # Errors
    /// It is not TOML, or the package has no name.
    pub fn parse(path: &str, text: &str) -> anyhow::Result<Self> {
        let document = DeTable::parse(text).map_err(|error| anyhow!("{path} is not TOML: {error}"))?;
        let document = document.get_ref();
        let package = table(document, "package").with_context(|| format!("{path} has no [package]"))?;
        let name = package.get("name").and_then(|name| name.get_ref().as_str());
        let description = package.get("description").and_then(|text| text.get_ref().as_str());
        let lints = table(document, "lints").and_then(|lints| lints.get("workspace"));
        let mut dependencies = Vec::new();
        collect(document, text, &mut dependencies);
        for platform in table(document, "target").into_iter().flat_map(DeTable::values) {
            if let Some(platform) = platform.get_ref().as_table() {
                collect(platform, text, &mut dependencies);
            }
        }
        Ok(Self {
            path: path.to_owned(),
            name: name.with_context(|| format!("{path}: the package has no name"))?.to_owned(),
            dependencies,
            has_description: description.is_some_and(|text| !text.trim().is_empty()),
            takes_lints: lints.and_then(|lints| lints.get_ref().as_bool()) == Some(true),
        })
    }

    /// What this manifest lacks, and dependencies that are not taken from the root manifest.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !self.has_description {
            findings.push(Finding::new(&self.path, 1, "no description: say in one line what the crate is"));
        }
        if !self.takes_lints {
            findings.push(Finding::new(
                &self.path,
                1,
                "the workspace's lints are not taken: [lints] workspace = true",
            ));
        }
        findings
            .extend(self.dependencies.iter().filter_map(|dependency| self.version_outside_root(dependency)));
        findings
    }

    /// `dependency` is this crate: its tests turn on a feature of their own crate.
    pub fn is_itself(&self, dependency: &Dependency) -> bool {
        dependency.package == self.name
    }

    fn version_outside_root(&self, dependency: &Dependency) -> Option<Finding> {
        let package = &dependency.package;
        let message = match dependency.own_source {
            Some("path") if self.is_itself(dependency) => return None,
            Some(key) => {
                format!("{package}: `{key}` belongs into [workspace.dependencies] of the root manifest")
            }
            None if dependency.from_root => return None,
            None => format!("{package}: write `{package}.workspace = true`"),
        };
        Some(Finding::new(&self.path, dependency.line, message))
    }
}

fn table<'a, 'i>(of: &'a DeTable<'i>, key: &str) -> Option<&'a DeTable<'i>> {
    of.get(key)?.get_ref().as_table()
}

fn collect(of: &DeTable<'_>, text: &str, dependencies: &mut Vec<Dependency>) {
    for (section, kind) in KINDS {
        for (key, value) in table(of, section).into_iter().flatten() {
            let line = line_at(text, key.span().start);
            dependencies.push(dependency(key.get_ref(), value.get_ref(), kind, line));
        }
    }
}

fn dependency(key: &str, value: &DeValue<'_>, kind: Kind, line: usize) -> Dependency {
    let Some(fields) = value.as_table() else {
        return Dependency {
            package: key.to_owned(),
            kind,
            line,
            from_root: false,
            own_source: Some("version"),
        };
    };
    let package = fields.get("package").and_then(|name| name.get_ref().as_str()).unwrap_or(key);
    let from_root = fields.get("workspace").and_then(|flag| flag.get_ref().as_bool()) == Some(true);
    let own_source = ["version", "path", "git", "registry"].into_iter().find(|key| fields.contains_key(*key));
    Dependency { package: package.to_owned(), kind, line, from_root, own_source }
}

/// Line of the byte at `position`, counted from 1.
fn line_at(text: &str, position: usize) -> usize {
    text.bytes().take(position).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
[package]
name = \"millpond-wire\"
description = \"Shapes.\"

[lints]
workspace = true

[dependencies]
millpond-model.workspace = true
serde = { workspace = true, features = [\"rc\"] }

[dev-dependencies]
proptest.workspace = true

[target.'cfg(unix)'.dependencies]
rustix.workspace = true
";

    fn check(text: &str, expected: &[(usize, &str)]) {
        let findings = Manifest::parse("crates/wire/Cargo.toml", text).unwrap().findings();
        let got: Vec<(usize, &str)> = findings.iter().map(|f| (f.line, f.message.as_str())).collect();
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn dependencies_are_read_with_kind_and_line() {
        let manifest = Manifest::parse("crates/wire/Cargo.toml", GOOD).unwrap();
        let got: Vec<_> =
            manifest.dependencies.iter().map(|d| (d.package.as_str(), d.kind, d.line)).collect();
        let expected = [
            ("millpond-model", Kind::Normal, 9),
            ("serde", Kind::Normal, 10),
            ("proptest", Kind::Dev, 13),
            ("rustix", Kind::Normal, 16),
        ];
        assert_eq!(got, expected);
        assert_eq!(manifest.name, "millpond-wire");
    }

    #[test]
    fn a_good_manifest_has_no_finding() {
        check(GOOD, &[]);
        let own = "millpond-wire = { path = \".\", features = [\"fixtures\"] }";
        check(&GOOD.replace("proptest.workspace = true", own), &[]);
    }

    #[test]
    fn a_version_outside_the_root_is_found_where_it_is() {
        let belongs = "belongs into [workspace.dependencies] of the root manifest";
        for (written, message) in [
            ("serde = \"1\"", format!("serde: `version` {belongs}")),
            ("serde = { version = \"1\", features = [] }", format!("serde: `version` {belongs}")),
            ("serde = { path = \"../serde\" }", format!("serde: `path` {belongs}")),
            ("s = { package = \"serde\", git = \"x\" }", format!("serde: `git` {belongs}")),
            ("serde = { features = [] }", "serde: write `serde.workspace = true`".to_owned()),
        ] {
            let text = GOOD.replace("serde = { workspace = true, features = [\"rc\"] }", written);
            check(&text, &[(10, &message)]);
        }
    }

    #[test]
    fn description_and_lints_are_required() {
        check(
            "[package]\nname = \"x\"\ndescription = \" \"\n",
            &[
                (1, "no description: say in one line what the crate is"),
                (1, "the workspace's lints are not taken: [lints] workspace = true"),
            ],
        );
    }

    #[test]
    fn what_is_no_manifest_is_an_error() {
        for text in ["[package", "", "[package]\ndescription = \"x\""] {
            assert!(Manifest::parse("Cargo.toml", text).is_err(), "{text}");
        }
    }
}
