//! Is an answer what was recorded? Everything recorded has to be there and be the same, but for what the
//! server alone decides; there may be more.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::cut;

/// Members whose values are the server's own: ids and times.
const OWN: [&str; 9] = [
    "stream_id",
    "app_id",
    "task_id",
    "create_time",
    "last_modified_time",
    "last_transfer_timestamp",
    "timestamp",
    "syncDelayedTimeMs",
    // How many there are, and for which minutes: one shows what they look like.
    "dataPoints",
];

/// Codes whose text clients take apart (spec/04 §3): all of it counts, of others the fixed part.
const PARSED: [&str; 3] = ["DIS.4224", "DIS.4300", "DIS.4301"];

/// How much has to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Members and their types: the recorded answer says nothing about the request.
    Shape,
    /// Values too.
    Values,
}

/// Compares answers, and words what differs.
pub struct Comparison {
    depth: Depth,
    pub differences: Vec<String>,
}

impl Comparison {
    pub fn new(depth: Depth) -> Self {
        Self { depth, differences: Vec::new() }
    }

    fn differs(&mut self, what: String) {
        self.differences.push(what);
    }

    pub fn of_bodies(&mut self, recorded: &Value, own: &Value) {
        self.value("", "", recorded, own);
    }

    /// `path` is where the value stands, `name` the last name in it.
    fn value(&mut self, path: &str, name: &str, recorded: &Value, own: &Value) {
        match (recorded, own) {
            (Value::Object(members), Value::Object(others)) => {
                for (name, value) in members {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    match others.get(name) {
                        Some(other) => self.value(&path, name, value, other),
                        None => self.differs(format!("{path}: absent")),
                    }
                }
            }
            (Value::Array(items), Value::Array(others)) => self.list(path, name, items, others),
            (Value::String(text), Value::String(own))
                if self.depth == Depth::Values && !OWN.contains(&name) =>
            {
                if !texts_agree(name, text, own) {
                    self.differs(format!("{path}: {text:?}, answered {own:?}"));
                }
            }
            (Value::String(_), Value::String(_))
            | (Value::Number(_), Value::Number(_))
            | (Value::Bool(_), Value::Bool(_))
                if self.depth == Depth::Shape || OWN.contains(&name) => {}
            _ if recorded == own => {}
            _ => self.differs(format!("{path}: {recorded}, answered {own}")),
        }
    }

    fn list(&mut self, path: &str, name: &str, recorded: &[Value], own: &[Value]) {
        let path = format!("{path}[]");
        let (shown, count) = cut::list(recorded);
        if self.depth == Depth::Shape || OWN.contains(&name) {
            match shown.first() {
                Some(first) if own.is_empty() => self.differs(format!("{path}: {first}, answered none")),
                Some(first) => {
                    let depth = std::mem::replace(&mut self.depth, Depth::Shape);
                    for item in own {
                        self.value(&path, "", first, item);
                    }
                    self.depth = depth;
                }
                None => {}
            }
            return;
        }
        if own.len() != count {
            self.differs(format!("{path}: {count} elements, answered {}", own.len()));
        }
        for (item, other) in shown.iter().zip(own) {
            self.value(&path, "", item, other);
        }
    }
}

fn texts_agree(name: &str, recorded: &str, own: &str) -> bool {
    if let Some(cut) = cut::text(recorded) {
        return own.starts_with(cut.shown) && own.len() == cut.len;
    }
    match name {
        "partition_cursor" | "next_partition_cursor" => position(recorded) == position(own),
        "message" | "error_msg" => {
            let fixed = |text: &str| text.split('[').next().unwrap_or_default().trim_end().to_owned();
            // Where all of it counts, the two agree only if their details do.
            recorded == own || (fixed(recorded) == fixed(own) && !is_parsed(recorded))
        }
        _ => recorded == own,
    }
}

/// Whether clients take this message apart: by its fixed part, which belongs to one code.
fn is_parsed(message: &str) -> bool {
    let parsed = millpond_wire::Code::ALL.iter().filter(|code| PARSED.contains(&code.as_str()));
    parsed.into_iter().any(|code| message.starts_with(code.text()))
}

/// What clients read out of a cursor: its stream and its number (spec/04 §4).
fn position(cursor: &str) -> (Value, Value) {
    let content: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
    let echo = &content["getIteratorParam"];
    (echo["stream-name"].clone(), echo["starting-sequence-number"].clone())
}
