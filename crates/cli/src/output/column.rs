//! What a table shows of a JSON value.

use serde_json::Value;

use crate::time;

/// A column of a table, made from one member of the JSON shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its title, in capitals.
    pub(crate) title: &'static str,
    /// The member.
    pub(crate) member: &'static str,
    /// How it is shown.
    pub(crate) kind: Kind,
}

impl Column {
    /// Shows `member` as it is.
    pub(crate) const fn text(title: &'static str, member: &'static str) -> Self {
        Self { title, member, kind: Kind::Text }
    }

    /// Shows `member` in a special way.
    pub(crate) const fn of(title: &'static str, member: &'static str, kind: Kind) -> Self {
        Self { title, member, kind }
    }

    /// The text of this column for one item; empty when the member is absent or null.
    pub(crate) fn cell(&self, item: &Value) -> String {
        let Some(value) = item.get(self.member) else { return String::new() };
        match (self.kind, value) {
            (Kind::Time, value) => {
                value.as_i64().filter(|&millis| millis != 0).map(time::local).unwrap_or_default()
            }
            (Kind::Hours, Value::Number(hours)) => format!("{hours}h"),
            (Kind::Tags, Value::Array(tags)) => {
                let member =
                    |tag: &Value, name| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let pair = |tag: &Value| format!("{}={}", member(tag, "key"), member(tag, "value"));
                tags.iter().map(pair).collect::<Vec<_>>().join(", ")
            }
            (_, value) => plain(value),
        }
    }
}

/// How a member is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As it is; lists with commas.
    Text,
    /// To the right.
    Number,
    /// Milliseconds as a time.
    Time,
    /// A number of hours.
    Hours,
    /// Keys and values.
    Tags,
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_shown_by_kind() {
        let item = json!({"s": "x", "n": 7, "b": true, "l": ["a", "b"], "h": 24, "z": null, "t": 0,
            "tags": [{"key": "k", "value": "v"}]});
        let check = |member: &'static str, kind: Kind, expected: &str| {
            assert_eq!(Column::of("T", member, kind).cell(&item), expected, "{member}");
        };
        check("s", Kind::Text, "x");
        check("n", Kind::Number, "7");
        check("b", Kind::Text, "yes");
        check("l", Kind::Text, "a, b");
        check("h", Kind::Hours, "24h");
        check("z", Kind::Text, "");
        check("missing", Kind::Text, "");
        check("t", Kind::Time, "");
        check("tags", Kind::Tags, "k=v");
    }
}
