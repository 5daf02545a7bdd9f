//! The table of compat/README.md: a row for each call, a column for each client.
//!
//! ```text
//! | call        | sdk 1.2                              |
//! | put records | ok: json, protobuf; FAIL: json+zstd  |
//! ```
//!
//! It says the same whatever the order in which the programs ran.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::{Context, ensure};

use crate::{clients::calls, rows::Row};

/// Head of the first column.
const CALL: &str = "call";

/// Cells by client and call; a cell is what stands in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table(BTreeMap<String, BTreeMap<String, String>>);

/// Forms of one call of one client, by their outcome. A form that failed once is not well.
#[derive(Default)]
struct Cell {
    passed: BTreeSet<String>,
    failed: BTreeSet<String>,
}

impl Table {
    /// The table of these results.
    pub fn of(rows: &[Row]) -> Self {
        let mut cells: BTreeMap<String, BTreeMap<String, Cell>> = BTreeMap::new();
        for row in rows {
            let column = cells.entry(plain(&row.client)).or_default();
            for call in calls::named(&row.call) {
                let cell = column.entry(plain(&call)).or_default();
                let forms = if row.failure.is_some() { &mut cell.failed } else { &mut cell.passed };
                forms.insert(plain(&row.form.to_lowercase()));
            }
        }
        let written = |column: BTreeMap<String, Cell>| {
            column.into_iter().map(|(call, cell)| (call, cell.to_string())).collect()
        };
        Self(cells.into_iter().map(|(client, column)| (client, written(column))).collect())
    }

    /// Reads a table that was written before; one without columns when there is none.
    ///
    /// # Errors
    /// It is not of this shape.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let Some(head) = lines.next() else { return Ok(Self::default()) };
        let head = cells(head).context("the first line is no row of a table")?;
        ensure!(head.first().is_some_and(|cell| cell == CALL), "the first column is not `{CALL}`");
        let clients = head.get(1..).unwrap_or_default();
        let mut table = Self(clients.iter().map(|client| (client.clone(), BTreeMap::new())).collect());
        for line in lines.skip(1) {
            let row = cells(line).with_context(|| format!("no row of a table: {line}"))?;
            ensure!(row.len() == head.len(), "a row of {} cells: {line}", row.len());
            let Some((call, row)) = row.split_first() else { continue };
            for (client, cell) in clients.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
                table.0.entry(client.clone()).or_default().insert(call.clone(), cell.clone());
            }
        }
        Ok(table)
    }

    /// Takes over the columns of `other` that this table lacks.
    pub fn keep_columns_of(&mut self, other: Self) {
        for (client, column) in other.0 {
            self.0.entry(client).or_insert(column);
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |cells: Vec<&str>| {
            let padded =
                cells.iter().map(|cell| if cell.is_empty() { " ".to_owned() } else { format!(" {cell} ") });
            format!("|{}|", padded.collect::<Vec<_>>().join("|"))
        };
        let head = std::iter::once(CALL).chain(self.0.keys().map(String::as_str)).collect();
        writeln!(f, "{}", line(head))?;
        writeln!(f, "|{}", " --- |".repeat(self.0.len() + 1))?;
        let names: BTreeSet<&String> = self.0.values().flat_map(BTreeMap::keys).collect();
        for call in names {
            let mut cells = vec![call.as_str()];
            cells.extend(self.0.values().map(|column| column.get(call).map_or("", String::as_str)));
            writeln!(f, "{}", line(cells))?;
        }
        Ok(())
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = self.passed.difference(&self.failed).map(String::as_str).collect();
        let failed = self.failed.iter().map(String::as_str).collect();
        let parts: Vec<String> = [part("ok", passed), part("FAIL", failed)].into_iter().flatten().collect();
        f.write_str(&parts.join("; "))
    }
}

/// `WORD: form, form`, and the word alone when no form is in particular.
fn part(word: &str, forms: Vec<&str>) -> Option<String> {
    let (any, named) = (!forms.is_empty(), forms.into_iter().filter(|form| *form != "-").collect::<Vec<_>>());
    match (any, named.is_empty()) {
        (false, _) => None,
        (true, true) => Some(word.to_owned()),
        (true, false) => Some(format!("{word}: {}", named.join(", "))),
    }
}

/// `text` on one line, without what would end a cell.
fn plain(text: &str) -> String {
    text.replace('|', "/").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The cells of a line `| a | b |`.
fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(|cell| cell.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "\
ok\tzebra 2.0\tputRecords\tprotobuf
ok\tant 1.0\tput records, by key\tJSON
ok\tant 1.0\tput records, no key\tjson+lz4
FAIL\tant 1.0\tput records, too many\tjson+lz4\tgot 1
ok\tant 1.0\tcreate stream\t-
ok\tant 1.0\tcreate stream\ttoken
FAIL\tzebra 2.0\tcreate stream\t-\tgot | 2
";

    const TABLE: &str = "\
| call | ant 1.0 | zebra 2.0 |
| --- | --- | --- |
| create stream | ok: token | FAIL |
| put records | ok: json; FAIL: json+lz4 | ok: protobuf |
";

    #[test]
    fn a_table_lists_the_forms_whatever_the_order() {
        let mut rows = Row::parse_all(LINES).unwrap();
        assert_eq!(Table::of(&rows).to_string(), TABLE);
        rows.reverse();
        assert_eq!(Table::of(&rows).to_string(), TABLE);
    }

    #[test]
    fn a_written_table_is_read_back() {
        let table = Table::of(&Row::parse_all(LINES).unwrap());
        assert_eq!(Table::parse(&format!("\n{TABLE}\n")).unwrap(), table);
        let half = Table::of(&Row::parse_all("ok\ta\tcall one\t-\nok\tb\tcall two\t-\n").unwrap());
        assert_eq!(Table::parse(&half.to_string()).unwrap(), half);
        assert_eq!(Table::parse("").unwrap(), Table::default());
        for bad in ["text", "| name | a |\n| --- | --- |\n", "| call | a |\n| --- | --- |\n| x |\n"] {
            assert!(Table::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn columns_of_clients_that_did_not_run_are_kept() {
        let mut table = Table::of(&Row::parse_all("ok\tant 1.0\tcreate stream\t-\n").unwrap());
        table.keep_columns_of(Table::parse(TABLE).unwrap());
        let kept = "\
| call | ant 1.0 | zebra 2.0 |
| --- | --- | --- |
| create stream | ok | FAIL |
| put records | | ok: protobuf |
";
        assert_eq!(table.to_string(), kept);
    }
}
