//! The members of a descriptor, each with its value exactly as it was sent.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use millpond_model::limits;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap as _};
use serde_json::value::RawValue;

use crate::{Refusal, v2::lenient::Text};

/// A JSON object in the order in which it was sent.
#[derive(Clone, Debug)]
pub(super) struct Members<'a>(Vec<(String, Cow<'a, RawValue>)>);

impl<'a> Members<'a> {
    /// Reads the value of the member `name`: an object of at most 16 KiB, or a list of one, which an
    /// older version of the API had (spec/09 §2).
    pub(super) fn read(name: &str, value: &'a RawValue) -> Result<Self, Refusal> {
        let max = limits::TASK_DESCRIPTOR_BYTES_MAX;
        if value.get().len() > max {
            return Err(Refusal::unfit(name, &format!("at most {max} bytes")));
        }
        let unfit = || Refusal::unfit(name, "an object, each of its members once");
        let value = if value.get().starts_with('[') {
            let list: Vec<&'a RawValue> = serde_json::from_str(value.get()).map_err(|_| unfit())?;
            let [one] = *list.as_slice() else { return Err(unfit()) };
            one
        } else {
            value
        };
        let members: Self = serde_json::from_str(value.get()).map_err(|_| unfit())?;
        let names: BTreeSet<&str> = members.0.iter().map(|(name, _)| name.as_str()).collect();
        if names.len() == members.0.len() { Ok(members) } else { Err(unfit()) }
    }

    /// Reads a descriptor that was written by [`Members::write`].
    pub(super) fn reread(text: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// The value of a member; `None` when it is absent or `null`.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.get()).filter(|&value| value != "null")
    }

    /// The text, or the digits of the number, of the first of several spellings that is there.
    pub(super) fn text(&self, names: &[&'static str]) -> Result<Option<Cow<'_, str>>, Refusal> {
        let Some((name, value)) = names.iter().find_map(|&name| Some((name, self.raw(name)?))) else {
            return Ok(None);
        };
        let text: Text<'_> = serde_json::from_str(value).map_err(|_| Refusal::unfit(name, "a text"))?;
        Ok(Some(text.0))
    }

    /// Adds a member unless one of that name is there.
    pub(super) fn default(&mut self, name: &str, value: impl Serialize) {
        if self.0.iter().all(|(other, _)| other != name) {
            let value = serde_json::value::to_raw_value(&value).expect("a text or a number is JSON");
            self.0.push((name.to_owned(), Cow::Owned(value)));
        }
    }

    /// The object without the member `secret`, and without space between its members.
    pub(super) fn write(&self, secret: &str) -> String {
        let kept = self.0.iter().filter(|(name, _)| name != secret).cloned().collect();
        serde_json::to_string(&Self(kept)).expect("values that were JSON still are")
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, &**value)?;
        }
        map.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((name, Cow::Borrowed(value)));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}
