//! Deliveries into `HBase` and `OpenTSDB` (spec/09 §2.6).

use serde::Deserialize;

use super::{
    members::Members,
    rules::{CLOUD_TABLE, CLOUD_TABLE_NAME, check_all, is_time_format},
};
use crate::{Code, Refusal, v2::lenient::Text};

const TYPES: [&str; 6] = ["Bigint", "Double", "Boolean", "Timestamp", "String", "Decimal"];

/// Most parts of a row key, and most columns.
const ROW_KEY_MAX: usize = 64;
const COLUMNS_MAX: usize = 4096;

#[derive(Deserialize)]
struct CloudTableSchema<'a> {
    #[serde(borrow)]
    row_key: Vec<Attribute<'a>>,
    #[serde(borrow)]
    columns: Vec<Column<'a>>,
}

#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
}

#[derive(Deserialize)]
struct Column<'a> {
    #[serde(rename = "column_family_name", default, borrow)]
    family: Text<'a>,
    #[serde(rename = "column_name", borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
}

#[derive(Deserialize)]
struct OpenTsdbSchema<'a> {
    #[serde(borrow)]
    metric: Vec<Attribute<'a>>,
    #[serde(borrow)]
    timestamp: Moment<'a>,
    #[serde(borrow)]
    value: Attribute<'a>,
    #[serde(borrow)]
    tags: Vec<TagSchema<'a>>,
}

#[derive(Deserialize)]
struct Moment<'a> {
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(default, borrow)]
    format: Text<'a>,
}

#[derive(Deserialize)]
struct TagSchema<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
}

/// Checks the members; `time_series` when the request itself says `OPENTSDB`.
pub(super) fn check(members: &Members<'_>, time_series: bool) -> Result<(), Refusal> {
    check_all(CLOUD_TABLE, members)?;
    let (wide, series) = (members.raw("cloudtable_schema"), members.raw("opentsdb_schema"));
    match (wide, series) {
        (Some(_), Some(_)) => Err(Refusal::unfit("opentsdb_schema", "absent beside cloudtable_schema")),
        (_, None) if time_series => Err(Refusal::missing("opentsdb_schema")),
        (None, None) => Err(Refusal::missing("cloudtable_schema")),
        (None, Some(schema)) => check_series(schema),
        (Some(schema), None) => {
            CLOUD_TABLE_NAME.check(members)?;
            check_wide(schema)
        }
    }
}

fn check_wide(text: &str) -> Result<(), Refusal> {
    let bad = |what: &str| Code::CloudTableSchemaInvalid.about(what);
    let schema: CloudTableSchema<'_> =
        serde_json::from_str(text).map_err(|_| bad("row_key and columns are lists of objects of texts"))?;
    if !(1..=ROW_KEY_MAX).contains(&schema.row_key.len()) {
        return Err(bad("row_key has 1 to 64 parts"));
    }
    if !(1..=COLUMNS_MAX).contains(&schema.columns.len()) {
        return Err(bad("columns has 1 to 4096 parts"));
    }
    if !schema.row_key.iter().all(Attribute::is_typed) {
        return Err(bad("a part of row_key has a value and a type"));
    }
    for column in &schema.columns {
        if column.family.is_empty() {
            return Err(Code::CloudTableFamilyNotFound.about("column_family_name is missing"));
        }
        if !is_word(&column.name, '_') {
            return Err(bad("column_name has 1 to 32 of A-Z a-z 0-9 _"));
        }
        if column.value.is_empty() || !is_type(&column.kind) {
            return Err(bad("a column has a value and a type"));
        }
    }
    Ok(())
}

/// One client sends a single object for the list.
fn check_series(text: &str) -> Result<(), Refusal> {
    let bad = |what: &str| Code::OpenTsdbSchemaInvalid.about(what);
    let list: Result<Vec<OpenTsdbSchema<'_>>, _> = if text.starts_with('[') {
        serde_json::from_str(text)
    } else {
        serde_json::from_str(text).map(|one| vec![one])
    };
    let list = list.map_err(|_| bad("metric, timestamp, value and tags are needed"))?;
    if list.is_empty() {
        return Err(bad("metric, timestamp, value and tags are needed"));
    }
    for OpenTsdbSchema { metric, timestamp, value, tags } in &list {
        let is_metric = |part: &Attribute<'_>| {
            is_word(&part.value, '.') && is_one_of(&part.kind, &["Constant", "String"])
        };
        if metric.is_empty() || !metric.iter().all(is_metric) {
            return Err(bad("a metric is Constant or String and has a value of 1 to 32 of A-Z a-z 0-9 ."));
        }
        let is_time = is_one_of(&timestamp.kind, &["Timestamp"])
            || is_one_of(&timestamp.kind, &["String"]) && is_time_format(&timestamp.format.0);
        if !is_time || !is_word(&timestamp.value, '_') {
            return Err(bad("a timestamp is Timestamp, or String with a format, and has a value"));
        }
        if !value.is_typed() {
            return Err(bad("the value has a value and a type"));
        }
        if !tags.iter().all(|tag| !tag.name.is_empty() && !tag.value.is_empty() && is_type(&tag.kind)) {
            return Err(bad("a tag has a name, a value and a type"));
        }
    }
    Ok(())
}

impl Attribute<'_> {
    fn is_typed(&self) -> bool {
        !self.value.is_empty() && is_type(&self.kind)
    }
}

fn is_type(text: &Text<'_>) -> bool {
    is_one_of(text, &TYPES)
}

fn is_one_of(text: &Text<'_>, words: &[&str]) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(&text.0))
}

/// 1 to 32 letters, digits and `extra`.
fn is_word(text: &Text<'_>, extra: char) -> bool {
    (1..=32).contains(&text.0.len()) && text.0.chars().all(|c| c.is_ascii_alphanumeric() || c == extra)
}
