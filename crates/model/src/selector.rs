//! How a request names a stream, an app or a transfer task: by name or by id.

use std::fmt;

/// Most bytes of a selector's text that are kept: more than any name or id has, so that long text
/// never resolves and is never echoed in full.
const TEXT_BYTES_MAX: usize = 256;

fn bounded(text: &str) -> Box<str> {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().into()
}

/// The stream a request means: resolved by name, then by id (spec/02 §3).
///
/// The name's place may hold an id, and both may be given; empty text counts as absent (spec/00 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSelector {
    name: Option<Box<str>>,
    id: Option<Box<str>>,
}

impl StreamSelector {
    /// From the texts of a request; `None` when both are absent or empty.
    pub fn new(name: Option<&str>, id: Option<&str>) -> Option<Self> {
        let present = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(bounded);
        let selector = Self { name: present(name), id: present(id) };
        (selector.name.is_some() || selector.id.is_some()).then_some(selector)
    }

    /// The text in the name's place.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The text in the id's place.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

impl fmt::Display for StreamSelector {
    /// What the client wrote first: the name, else the id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().or(self.id()).unwrap_or_default())
    }
}

/// The app a request means: resolved by name, then by id (spec/05 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSelector(Box<str>);

impl AppSelector {
    /// From the text of a request; `None` when it is empty.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(bounded(text)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The transfer task of a stream that a request means: resolved by name, then by id (spec/09 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSelector(Box<str>);

impl TaskSelector {
    /// From the text of a request; `None` when it is empty.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(bounded(text)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_text_is_absent_and_long_text_is_cut_between_characters() {
        assert_eq!(StreamSelector::new(Some(""), None), None);
        assert_eq!(StreamSelector::new(Some(""), Some("x")).unwrap().to_string(), "x");
        assert_eq!(StreamSelector::new(Some("n"), Some("x")).unwrap().to_string(), "n");
        let long = StreamSelector::new(Some(&"ü".repeat(1000)), None).unwrap();
        assert_eq!(long.name().unwrap(), "ü".repeat(128));
        assert_eq!(AppSelector::new(""), None);
    }
}
