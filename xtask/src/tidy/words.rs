//! Paths of the machine that a text was written on: they mean nothing elsewhere.

use super::{Finding, files::SourceFile};

/// Beginnings of absolute paths that exist on one machine only. Joined here, so that this file does
/// not hold them itself.
const TIED: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tm", "p/h")];

/// Every place where `file` names such a path.
pub(super) fn findings(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for word in TIED.into_iter().filter(|word| names(line, word)) {
            let message = format!("`{word}` ties the project to one machine: use a relative path");
            findings.push(Finding::new(&file.path, index + 1, message));
        }
    }
    findings
}

/// `line` has `word` as the beginning of a path: not inside a longer path, and a last name that is whole.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        let inside_a_path = before.is_some_and(|c| is_name(c) || matches!(c, '.' | '}' | '~'));
        !inside_a_path && (word.ends_with('/') || !after.is_some_and(is_name))
    })
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_found_and_others_are_not() {
        let [work, root, scratch] = TIED;
        let cases = [
            (format!("see {work}shared/notes.md"), true),
            (format!("\"{root}.cargo\""), true),
            (format!("read {scratch}/rules first"), true),
            (format!("read {scratch}."), true),
            (format!("{scratch}ello is another file"), false),
            (format!("target{work}venv"), false),
            (format!("{{dir}}{work}venv"), false),
            (format!("../..{root}x"), false),
            ("/var/lib/millpond".to_owned(), false),
        ];
        for (line, found) in cases {
            let file = SourceFile { path: "docs/a.md".to_owned(), text: format!("# A\n\n{line}\n") };
            let lines: Vec<usize> = findings(&file).iter().map(|finding| finding.line).collect();
            assert_eq!(lines, if found { vec![3] } else { Vec::new() }, "{line}");
        }
    }
}
