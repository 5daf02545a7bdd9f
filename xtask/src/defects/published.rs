//! `defects/README.md`: what was found when last looked, a row for each defect.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{defect::Defect, report::Report};

/// The document, below the top folder.
pub(super) const PATH: &str = "defects/README.md";

const HEAD: &str = "\
# Planted defects

Mistakes that somebody could make, one in each file here, to see that the tests would notice. The table is
written by `cargo xtask defects`, which plants them one by one in a copy of the sources and runs the tests that
should notice; `cargo xtask defects NAME` does so for one and renews its row. Fewer than two tests are too few:
one can be changed by the same hand that makes the mistake.

A file says which promise of [docs/guarantees.md](../docs/guarantees.md) breaks, what goes wrong, which text is
replaced by what, and where to look for tests. The text has to occur exactly once; when the code around it
changes, `cargo xtask check` says that the defect is stale, and it is written anew.

";

/// The document with the rows of `report`, and for the other defects those that `old` has.
pub(super) fn renewed(old: &str, all: &[String], report: &Report) -> String {
    let name = |row: &str| Some(row.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let mut rows: BTreeMap<String, String> =
        old.lines().filter_map(|row| Some((name(row)?, row.to_owned()))).collect();
    rows.extend(report.rows());
    let mut text =
        format!("{HEAD}| defect | promise | what goes wrong | tests | found by |\n| - | - | - | - | - |\n");
    for row in all.iter().filter_map(|name| rows.get(name)) {
        let _ = writeln!(text, "{row}");
    }
    text
}

/// The row of a defect that was found by these tests.
pub(super) fn row(defect: &Defect, count: &str, tests: &[String]) -> (String, String) {
    let Defect { name, promise, about, .. } = defect;
    let tests: Vec<String> = tests.iter().map(|test| format!("`{test}`")).collect();
    (name.clone(), format!("| `{name}` | {promise} | {about} | {count} | {} |", tests.join("<br>")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_kept_until_their_defect_is_planted_again_or_gone() {
        let old = "# Old\n\n| `one` | G1 | What. | 2 | `a`<br>`b` |\n| `gone` | G1 | What. | 2 | |\n";
        let all = ["one".to_owned(), "two".to_owned()];
        let text = renewed(old, &all, &Report::default());
        assert!(
            text.starts_with(HEAD) && text.ends_with("| - |\n| `one` | G1 | What. | 2 | `a`<br>`b` |\n"),
            "{text}"
        );
        assert_eq!(renewed(&text, &all, &Report::default()), text);
    }
}
