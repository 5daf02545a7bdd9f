//! Tags inside stream requests and answers (spec/10 §2).

use std::collections::BTreeSet;

use millpond_model::{InvalidTag, Tag, limits};
use serde::{Deserialize, Serialize};

use crate::{Code, Refusal, v2::lenient};

/// A tag: exactly these two members, because one client takes no others (spec/02 §3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagEntry {
    /// The key.
    #[serde(default, deserialize_with = "lenient::string")]
    pub key: String,
    /// The value; may be empty.
    #[serde(default, deserialize_with = "lenient::string")]
    pub value: String,
}

impl From<&Tag> for TagEntry {
    fn from(tag: &Tag) -> Self {
        Self { key: tag.key().to_owned(), value: tag.value().to_owned() }
    }
}

impl TagEntry {
    /// As an attribute of a stream.
    ///
    /// # Errors
    /// `DIS.4200` for bad syntax.
    pub fn to_tag(&self) -> Result<Tag, Refusal> {
        Tag::new(&self.key, &self.value).map_err(|error| self.refusal("tag", error))
    }

    fn to_system_tag(&self) -> Result<Tag, Refusal> {
        Tag::system(&self.key, &self.value).map_err(|error| self.refusal("sys_tag", error))
    }

    fn refusal(&self, what: &str, error: InvalidTag) -> Refusal {
        let shown = format!("{}={}", self.key, self.value);
        let rule = error.to_string();
        let expected = rule.strip_prefix("not a tag: ").unwrap_or(&rule);
        let system = "the key _sys_enterprise_project_id with 0 or an id of 36 characters";
        Refusal::invalid_expecting(what, shown, if what == "tag" { expected } else { system })
    }
}

/// A stream's tags: at most `max`, keys unique.
///
/// # Errors
/// `DIS.4601` above `max`; `DIS.4200` for bad syntax and for a key that stands twice.
pub(in crate::v2) fn tags(entries: &[TagEntry], max: u32) -> Result<Vec<Tag>, Refusal> {
    collect("tags", entries, max, TagEntry::to_tag)
}

pub(super) fn system_tags(entries: &[TagEntry]) -> Result<Vec<Tag>, Refusal> {
    collect("sys_tags", entries, limits::STREAM_TAGS_MAX, TagEntry::to_system_tag)
}

fn collect(
    name: &str,
    entries: &[TagEntry],
    max: u32,
    convert: fn(&TagEntry) -> Result<Tag, Refusal>,
) -> Result<Vec<Tag>, Refusal> {
    if entries.len() > max as usize {
        return Err(Code::TagLimit.plain());
    }
    let mut keys = BTreeSet::new();
    for entry in entries {
        if !keys.insert(&entry.key) {
            return Err(Refusal::invalid_expecting(name, &entry.key, "each key once"));
        }
    }
    entries.iter().map(convert).collect()
}
