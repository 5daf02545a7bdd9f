//! From the file and name of a test to how it is run and what the harness calls it.

use std::{collections::BTreeMap, fs, io, path::Path};

use anyhow::Context;

use super::promises::PROMISES;
use crate::workspace::SERVER;

/// Where the tests are that a macro makes for every engine.
const SUITE: &str = "crates/engine/src/conformance.rs";

/// A test, by its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Proof {
    pub file: &'static str,
    pub test: &'static str,
}

impl Proof {
    /// The package, and the argument that chooses the file's program.
    pub fn target(&self) -> Option<(String, String)> {
        let (crate_name, below) = self.file.strip_prefix("crates/")?.split_once('/')?;
        let package =
            if crate_name == "server" { SERVER.to_owned() } else { format!("millpond-{crate_name}") };
        let argument = match below.strip_prefix("tests/") {
            Some(below) => format!("--test {}", below.split(['/', '.']).next()?),
            None => "--lib".to_owned(),
        };
        Some((package, argument))
    }

    /// Whether `name`, as the harness prints it with its crate, is this test.
    pub fn is(&self, name: &str) -> bool {
        let Some((crate_name, below)) = self.file.strip_prefix("crates/").and_then(|f| f.split_once('/'))
        else {
            return false;
        };
        let crate_name = if crate_name == "server" { SERVER } else { crate_name };
        let Some(path) = name.strip_prefix(crate_name) else { return false };
        let (program, module) = match below.strip_prefix("tests/") {
            Some(below) => {
                let (program, rest) = below.split_once('/').unwrap_or((below, ""));
                (format!("/{}::", program.trim_end_matches(".rs")), rest)
            }
            None => ("::".to_owned(), below.strip_prefix("src/").unwrap_or(below)),
        };
        let module = module.strip_suffix("mod.rs").or_else(|| module.strip_suffix(".rs")).unwrap_or(module);
        let module = match module.trim_end_matches('/').replace('/', "::") {
            plain if plain.is_empty() || plain == "main" || plain == "lib" => String::new(),
            module => format!("{module}::"),
        };
        let test = path.strip_prefix(&program).and_then(|path| path.strip_prefix(&module));
        test.is_some_and(|test| test.rsplit("::").next() == Some(self.test))
    }
}

/// Every proof that is no test, as a sentence.
///
/// # Errors
/// A file cannot be read.
pub(super) fn missing(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut texts = BTreeMap::new();
    let mut missing = Vec::new();
    for promise in PROMISES {
        for proof in promise.all_proofs() {
            let text = match texts.get(proof.file) {
                Some(text) => text,
                None => texts.entry(proof.file).or_insert(read(root, proof.file)?),
            };
            if proof.target().is_none() || !has_test(text, proof.test) {
                missing.push(format!("{}: {}::{}", promise.name, proof.file, proof.test));
            }
        }
    }
    Ok(missing)
}

/// The file, and the suite that it runs; empty when there is no such file.
fn read(root: &Path, file: &str) -> anyhow::Result<String> {
    let mut text = match fs::read_to_string(root.join(file)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        text => text.with_context(|| format!("cannot read {file}"))?,
    };
    if text.contains("conformance_suite!(") {
        text.push_str(&fs::read_to_string(root.join(SUITE)).with_context(|| format!("cannot read {SUITE}"))?);
    }
    Ok(text)
}

fn has_test(source: &str, name: &str) -> bool {
    [format!("fn {name}("), format!("fn {name}<")].iter().any(|declared| source.contains(declared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_how_its_tests_are_run_and_called() {
        let cases = [
            ("crates/seglog/src/journal/tests.rs", "millpond-seglog", "--lib", "seglog::journal::tests::t"),
            ("crates/seglog/src/batch.rs", "millpond-seglog", "--lib", "seglog::batch::tests::t"),
            (
                "crates/engine-local/tests/crash.rs",
                "millpond-engine-local",
                "--test crash",
                "engine-local/crash::t",
            ),
            (
                "crates/engine-local/tests/conformance.rs",
                "millpond-engine-local",
                "--test conformance",
                "engine-local/conformance::after_a_kill::t",
            ),
            ("crates/server/tests/kill/main.rs", "millpond", "--test kill", "millpond/kill::t"),
            ("crates/server/tests/kill/checker.rs", "millpond", "--test kill", "millpond/kill::checker::t"),
            ("crates/service/src/tests/mod.rs", "millpond-service", "--lib", "service::tests::t"),
        ];
        for (file, package, argument, name) in cases {
            let proof = Proof { file, test: "t" };
            assert_eq!(proof.target(), Some((package.to_owned(), argument.to_owned())), "{file}");
            assert!(proof.is(name), "{file} {name}");
            for other in [name.replace("::t", "::other"), format!("x{name}"), name.replace("::", "/")] {
                assert!(!proof.is(&other), "{file} {other}");
            }
        }
        assert!(!Proof { file: "crates/seglog/src/batch.rs", test: "t" }.is("seglog::frame::tests::t"));
        assert_eq!(Proof { file: "docs/a.md", test: "t" }.target(), None);
    }

    #[test]
    fn a_test_is_found_by_its_declaration() {
        for text in ["#[test]\nfn it_works() {", "pub async fn it_works<F: Fixture>() {"] {
            assert!(has_test(text, "it_works"), "{text}");
        }
        for text in ["it_works()", "fn it_works_not() {", "// fn it works("] {
            assert!(!has_test(text, "it_works"), "{text}");
        }
    }
}
