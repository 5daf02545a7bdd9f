//! Rules for single source files.

use super::{Finding, files::SourceFile};

/// Most lines of code, blank lines and comments not counted, in one file.
const CODE_LINES_MAX: usize = 800;

/// The attribute every crate root carries.
const FORBID_UNSAFE: &str = "#![forbid(unsafe_code)]";

/// A crate root without `#![forbid(unsafe_code)]`.
pub(super) fn unsafe_forbidden(file: &SourceFile) -> Option<Finding> {
    let forbidden = file.text.lines().any(|line| line.trim_end() == FORBID_UNSAFE);
    (!forbidden).then(|| Finding::new(&file.path, 1, format!("a crate root carries {FORBID_UNSAFE}")))
}

/// A file that does not begin by saying what it is. Modules of tests need no header.
pub(super) fn header(file: &SourceFile) -> Option<Finding> {
    let missing = !file.is_test_module() && !file.text.starts_with("//!");
    missing.then(|| Finding::new(&file.path, 1, "begin with a `//!` header that says what the module is"))
}

/// A file with too much code.
pub(super) fn length(file: &SourceFile) -> Option<Finding> {
    let mut code = file.text.lines().enumerate().filter(|(_, line)| is_code(line));
    let (index, _) = code.nth(CODE_LINES_MAX)?;
    Some(Finding::new(
        &file.path,
        index + 1,
        format!("more than {CODE_LINES_MAX} lines of code: split by noun"),
    ))
}

fn is_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}

/// Tests that do not run: `#[ignore]`, in `cfg_attr` too, and documentation examples marked `ignore`.
pub(super) fn ignored_tests(file: &SourceFile) -> Vec<Finding> {
    let ignored = file.text.lines().enumerate().filter(|(_, line)| is_ignored(line.trim()));
    ignored
        .map(|(index, _)| Finding::new(&file.path, index + 1, "an ignored test: make it run or remove it"))
        .collect()
}

fn is_ignored(line: &str) -> bool {
    let attribute = line.starts_with("#[ignore");
    let conditional = line.starts_with("#[cfg_attr(") && line.contains(", ignore");
    let example = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).map(str::trim_start);
    let example = example.and_then(|text| text.strip_prefix("```"));
    attribute
        || conditional
        || example.is_some_and(|flags| flags.split(',').any(|flag| flag.trim() == "ignore"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_crate_root_forbids_unsafe_code() {
        let check = |text: &str, found: bool| {
            assert_eq!(unsafe_forbidden(&file("crates/x/src/lib.rs", text)).is_some(), found, "{text}");
        };
        check("//! X.\n#![forbid(unsafe_code)]\n\nmod a;\n", false);
        check("//! X.\nmod a;\n", true);
        check("//! #![forbid(unsafe_code)] is missing here\n", true);
    }

    #[test]
    fn a_module_begins_with_a_header() {
        let check = |path: &str, text: &str, found: bool| {
            assert_eq!(header(&file(path, text)).is_some(), found, "{path}: {text}");
        };
        check("crates/x/src/a.rs", "//! The noun.\n", false);
        check("crates/x/src/a.rs", "use std::fmt;\n", true);
        check("crates/x/src/a.rs", "", true);
        check("crates/x/src/a/tests.rs", "use super::*;\n", false);
    }

    #[test]
    fn only_code_counts_towards_the_length() {
        let check = |text: &str, line: Option<usize>| {
            assert_eq!(length(&file("crates/x/src/a.rs", text)).map(|finding| finding.line), line);
        };
        let full = "let a = 1;\n".repeat(CODE_LINES_MAX);
        check(&full, None);
        check(&format!("{full}{}", "// why\n\n    /// what\n".repeat(100)), None);
        check(&format!("//! Header.\n\n{full}let b = 2;\n"), Some(CODE_LINES_MAX + 3));
    }

    #[test]
    fn every_way_to_ignore_a_test_is_found() {
        let cases = [
            ("    #[ignore]", true),
            ("#[ignore = \"slow\"]", true),
            ("#[cfg_attr(miri, ignore)]", true),
            ("/// ```ignore", true),
            ("//! ```rust,ignore", true),
            ("/// ```text", false),
            ("/// Errors that we ignore.", false),
            ("let ignore = true;", false),
        ];
        for (line, found) in cases {
            let findings =
                ignored_tests(&file("crates/x/src/a.rs", &format!("//! X.\n{line}\nfn a() {{}}\n")));
            let lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
            assert_eq!(lines, if found { vec![2] } else { Vec::new() }, "{line}");
        }
    }
}
