//! From JSON values to text in every form.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;

use super::{Column, Format, Kind};

/// Control sequences for bold text and back.
const BOLD: (&str, &str) = ("\u{1b}[1m", "\u{1b}[0m");

/// A list of items.
pub(super) fn list(format: Format, items: &[Value], columns: &[Column], colour: bool) -> String {
    match format {
        Format::Table => table(items, columns, colour),
        Format::Json => document(format, &Value::Array(items.to_vec())),
        Format::Jsonl => items.iter().map(|item| document(format, item)).collect(),
        Format::Tsv => items.iter().map(|item| tsv(item, columns)).collect(),
        Format::Name => items.iter().map(|item| name(item, columns)).collect(),
    }
}

/// One item.
pub(super) fn item(format: Format, item: &Value, columns: &[Column], colour: bool) -> String {
    match format {
        Format::Table => sheet(item, columns, colour),
        Format::Json | Format::Jsonl => document(format, item),
        Format::Tsv => tsv(item, columns),
        Format::Name => name(item, columns),
    }
}

/// A JSON value: indented as a document, else in one line.
pub(super) fn document(format: Format, value: &Value) -> String {
    if format == Format::Json { format!("{value:#}\n") } else { format!("{value}\n") }
}

fn table(items: &[Value], columns: &[Column], colour: bool) -> String {
    let rows = items.iter().map(|item| columns.iter().map(|column| escaped(&column.cell(item))).collect());
    let rows: Vec<Vec<String>> = rows.collect();
    let alignments: Vec<CellAlignment> = columns
        .iter()
        .map(|column| if column.kind == Kind::Number { CellAlignment::Right } else { CellAlignment::Left })
        .collect();
    let titles: Vec<&str> = columns.iter().map(|column| column.title).collect();
    let text = aligned(Some(&titles), rows, &alignments);
    match text.split_once('\n') {
        Some((titles, rest)) if colour => format!("{}{titles}{}\n{rest}", BOLD.0, BOLD.1),
        _ => text,
    }
}

/// Titles at the left, values at the right; absent members are left out.
fn sheet(item: &Value, columns: &[Column], colour: bool) -> String {
    let rows = columns.iter().filter_map(|column| {
        let cell = escaped(&column.cell(item));
        (!cell.is_empty()).then(|| vec![column.title.to_owned(), cell])
    });
    let text = aligned(None, rows.collect(), &[CellAlignment::Left; 2]);
    if !colour {
        return text;
    }
    let bold = |line: &str| match line.split_once(' ') {
        Some((title, rest)) => format!("{}{title}{} {rest}\n", BOLD.0, BOLD.1),
        None => format!("{line}\n"),
    };
    text.lines().map(bold).collect()
}

fn aligned(titles: Option<&[&str]>, rows: Vec<Vec<String>>, alignments: &[CellAlignment]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if let Some(titles) = titles {
        table.set_header(titles.to_vec());
    }
    table.add_rows(rows);
    for (column, alignment) in table.column_iter_mut().zip(alignments) {
        column.set_padding((0, 2)).set_cell_alignment(*alignment);
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Values between tabs; tabs, line ends and backslashes inside them are escaped.
fn tsv(item: &Value, columns: &[Column]) -> String {
    let cell = |column: &Column| {
        let text = column.cell(item);
        text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
    };
    columns.iter().map(cell).collect::<Vec<_>>().join("\t") + "\n"
}

/// The first column is the name.
fn name(item: &Value, columns: &[Column]) -> String {
    let cell = columns.first().map(|column| escaped(&column.cell(item))).unwrap_or_default();
    if cell.is_empty() { cell } else { cell + "\n" }
}

/// Text from elsewhere, without anything that could move a terminal's cursor or end the line.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if c.is_control() || is_direction(c) => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

/// Marks that change the direction of text and can make it look like another.
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: &[Column] = &[
        Column::text("NAME", "name"),
        Column::of("COUNT", "count", Kind::Number),
        Column::text("NOTE", "note"),
    ];

    fn items() -> Vec<Value> {
        vec![json!({"name": "a", "count": 5, "note": "x\ty"}), json!({"name": "数据", "count": 1200})]
    }

    #[test]
    fn lists_in_every_form() {
        let check = |format: Format, expected: &str| {
            assert_eq!(list(format, &items(), COLUMNS, false), expected, "{format:?}");
        };
        check(Format::Table, "NAME  COUNT  NOTE\na         5  x\\ty\n数据   1200\n");
        check(
            Format::Json,
            "[\n  {\n    \"count\": 5,\n    \"name\": \"a\",\n    \"note\": \"x\\ty\"\n  },\n  {\n    \
             \"count\": 1200,\n    \"name\": \"数据\"\n  }\n]\n",
        );
        check(
            Format::Jsonl,
            "{\"count\":5,\"name\":\"a\",\"note\":\"x\\ty\"}\n{\"count\":1200,\"name\":\"数据\"}\n",
        );
        check(Format::Tsv, "a\t5\tx\\ty\n数据\t1200\t\n");
        check(Format::Name, "a\n数据\n");
    }

    #[test]
    fn empty_lists() {
        let check = |format: Format, expected: &str| assert_eq!(list(format, &[], COLUMNS, false), expected);
        check(Format::Table, "NAME  COUNT  NOTE\n");
        check(Format::Json, "[]\n");
        check(Format::Jsonl, "");
    }

    #[test]
    fn items_in_every_form() {
        let value = json!({"name": "a", "count": 5, "note": null});
        let check = |format: Format, expected: &str| {
            assert_eq!(item(format, &value, COLUMNS, false), expected, "{format:?}");
        };
        check(Format::Table, "NAME   a\nCOUNT  5\n");
        check(Format::Jsonl, "{\"count\":5,\"name\":\"a\",\"note\":null}\n");
        check(Format::Tsv, "a\t5\t\n");
        check(Format::Name, "a\n");
    }

    #[test]
    fn colours_only_mark_titles() {
        assert!(
            list(Format::Table, &items(), COLUMNS, true).starts_with("\u{1b}[1mNAME  COUNT  NOTE\u{1b}[0m\n")
        );
        assert!(item(Format::Table, &items()[0], COLUMNS, true).starts_with("\u{1b}[1mNAME\u{1b}[0m   a\n"));
    }

    #[test]
    fn nothing_reaches_a_terminal_that_could_steer_it() {
        let check = |text: &str, expected: &str| assert_eq!(escaped(text), expected);
        check("plain ü 数", "plain ü 数");
        check("a\u{1b}[2Jb\u{7f}\u{9b}", "a\\u{1b}[2Jb\\u{7f}\\u{9b}");
        check("a\nb\tc\r", "a\\nb\\tc\\r");
        check("\u{202e}x", "\\u{202e}x");
    }
}
