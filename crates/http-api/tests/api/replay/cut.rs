//! What the captures cut short: `"... 3 more"` at the end of a list, `… (344 characters)` at the end of a text.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;

/// A text that is cut.
#[derive(Clone, Copy, Debug)]
pub struct Cut<'a> {
    pub shown: &'a str,
    /// Its whole length: characters, or bytes of what the text encodes.
    pub len: usize,
}

/// `text` as a cut one, if it is.
pub fn text(text: &str) -> Option<Cut<'_>> {
    let (shown, rest) = text.rsplit_once("... (")?;
    let len = rest.strip_suffix(" characters)").or_else(|| rest.strip_suffix(" bytes)"))?;
    Some(Cut { shown, len: len.parse().ok()? })
}

/// The elements that are shown, and how many there are in all.
pub fn list(list: &[Value]) -> (&[Value], usize) {
    let more =
        |last: &Value| last.as_str()?.strip_prefix("... ")?.strip_suffix(" more")?.parse::<usize>().ok();
    match list.split_last().and_then(|(last, shown)| Some((shown, more(last)?))) {
        Some((shown, more)) => (shown, shown.len() + more),
        None => (list, list.len()),
    }
}

/// Whether anything in `value` is cut.
pub fn is_cut(value: &Value) -> bool {
    match value {
        Value::String(string) => text(string).is_some(),
        Value::Array(items) => list(items).0.len() != items.len() || items.iter().any(is_cut),
        Value::Object(members) => members.values().any(is_cut),
        _ => false,
    }
}

/// What takes the place of that which was cut.
///
/// In a text `${n}` is the number of the element, from 0, and `${n%11}` its remainder; `base64:m` is the text
/// `m` in base64, `bytes:256` so many bytes 0, 1, … 255, 0, … in base64.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Completion {
    /// The elements left out, over and over; the last one shown where there are none.
    elements: Vec<Value>,
    /// Whole texts, by their beginnings.
    texts: BTreeMap<String, String>,
}

impl Completion {
    pub fn complete(&self, value: &Value) -> Value {
        match value {
            Value::String(string) => match text(string) {
                None => value.clone(),
                Some(cut) => {
                    let whole = self.texts.iter().find(|(shown, _)| cut.shown.starts_with(shown.as_str()));
                    let whole = filled(whole.expect("a text to complete it with").1, 0);
                    assert!(whole.starts_with(cut.shown) && whole.len() == cut.len, "{string}");
                    whole.into()
                }
            },
            Value::Array(items) => {
                let (shown, count) = list(items);
                let shown_elements = shown.iter().map(|item| self.complete(item));
                let more = (shown.len()..count).map(|n| match self.elements.len() {
                    0 => self.complete(shown.last().expect("an element to repeat")),
                    len => element(&self.elements[(n - shown.len()) % len], n),
                });
                shown_elements.chain(more).collect()
            }
            Value::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), self.complete(value))).collect()
            }
            _ => value.clone(),
        }
    }
}

fn element(template: &Value, n: usize) -> Value {
    let member = |(name, value): (&String, &Value)| (name.clone(), filled(value.as_str().unwrap(), n).into());
    Value::Object(template.as_object().unwrap().iter().map(member).collect())
}

fn filled(template: &str, n: usize) -> String {
    let text = template.replace("${n}", &n.to_string()).replace("${n%11}", &(n % 11).to_string());
    if let Some(count) = text.strip_prefix("bytes:") {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(count.parse().unwrap()).collect();
        return STANDARD.encode(bytes);
    }
    text.strip_prefix("base64:").map(|text| STANDARD.encode(text)).unwrap_or(text)
}
