//! The generated part of compat/README.md, between two comments.

use anyhow::Context;

use crate::clients::table::Table;

/// The document, below the top folder.
pub(super) const PATH: &str = "compat/README.md";

/// The lines before and behind the table.
const BEGIN: &str = "<!-- clients: written by `cargo xtask clients`, do not edit -->\n";
const END: &str = "<!-- clients: end -->\n";

/// The document cut at the table.
pub(super) struct Document<'a> {
    before: &'a str,
    /// The table as it was written last.
    pub table: Table,
    behind: &'a str,
}

impl<'a> Document<'a> {
    /// # Errors
    /// A comment is missing, or what is between them is no such table.
    pub fn parse(text: &'a str) -> anyhow::Result<Self> {
        let marked =
            || format!("{PATH} needs the two lines {BEGIN}{END}in this order, with the table between");
        let (before, rest) = text.split_once(BEGIN).with_context(marked)?;
        let (table, behind) = rest.split_once(END).with_context(marked)?;
        let table = Table::parse(table).with_context(|| format!("in the table of {PATH}"))?;
        Ok(Self { before, table, behind })
    }

    /// The document with another table.
    pub fn with(&self, table: &Table) -> String {
        format!("{}{BEGIN}\n{table}\n{END}{}", self.before, self.behind)
    }
}

/// The lines of `new` and `old` that only one of them has, as `- line` and `+ line`.
pub(super) fn differences(old: &str, new: &str) -> Vec<String> {
    let only = |sign: char, some: &str, others: &str| -> Vec<String> {
        let missing = some.lines().filter(|line| !others.lines().any(|other| other == *line));
        missing.map(|line| format!("{sign} {line}")).collect()
    };
    let mut lines = only('-', old, new);
    lines.extend(only('+', new, old));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Row;

    #[test]
    fn only_what_is_between_the_comments_is_replaced() {
        let text = format!("# Clients\n\n{BEGIN}{END}\nThe end.\n");
        let table = Table::of(&Row::parse_all("ok\tsdk 1\tcreate stream\t-\n").unwrap());
        let first = Document::parse(&text).unwrap().with(&table);
        assert!(first.starts_with("# Clients\n\n<!--") && first.ends_with("-->\n\nThe end.\n"), "{first}");
        let again = Document::parse(&first).unwrap();
        assert_eq!(again.table, table);
        assert_eq!(again.with(&table), first);
        for bad in ["# Clients\n", BEGIN, END, &format!("{END}{BEGIN}"), &format!("{BEGIN}text\n{END}")] {
            assert!(Document::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn differences_name_the_lines_of_either() {
        assert_eq!(differences("a\nb\n", "a\nc\n"), ["- b", "+ c"]);
        assert!(differences("a\n", "a\n").is_empty());
    }

    #[test]
    fn the_committed_document_can_be_read() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(PATH);
        let text = std::fs::read_to_string(path).unwrap();
        let document = Document::parse(&text).unwrap();
        assert_eq!(document.with(&document.table), text);
    }
}
