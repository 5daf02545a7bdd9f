//! Attributes of a stream.

use std::{str::FromStr, sync::Arc, time::Duration};

use crate::limits;

/// An attribute has a value the API does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: {expected} is expected")]
pub struct InvalidAttribute {
    /// Which attribute.
    pub what: &'static str,
    /// What it may be.
    pub expected: &'static str,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for $name {
            type Err = InvalidAttribute;

            fn from_str(text: &str) -> Result<Self, InvalidAttribute> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(InvalidAttribute { what: $what, expected: $expected }),
                }
            }
        }
    };
}

pub(crate) use words;

words! {
    /// The capacity class of a stream (spec/02 §1).
    StreamType, "stream type", "COMMON or ADVANCED" {
        /// 1 MB/s in and 2 MB/s out per partition.
        Common = "COMMON",
        /// 5 MB/s in and 10 MB/s out per partition.
        Advanced = "ADVANCED",
    }
}
words! {
    /// What the producer says its records are; the service never looks (spec/02 §1).
    DataType, "data type", "BLOB, JSON, CSV or FILE" {
        /// Any bytes.
        Blob = "BLOB",
        /// JSON documents.
        Json = "JSON",
        /// Lines of separated values.
        Csv = "CSV",
        /// Known to old clients; stored as given.
        File = "FILE",
    }
}
words! {
    /// How dumps of the stream are compressed; records are stored as sent (spec/02 §1).
    CompressionFormat, "compression format", "snappy, gzip or zip" {
        /// Snappy.
        Snappy = "snappy",
        /// Gzip.
        Gzip = "gzip",
        /// Zip.
        Zip = "zip",
    }
}

/// How many ACTIVE partitions a stream has or shall have: 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionCount(u32);

impl PartitionCount {
    /// From a plain number.
    ///
    /// # Errors
    /// `InvalidAttribute` outside 1 to 10,000.
    pub fn new(count: u32) -> Result<Self, InvalidAttribute> {
        if (1..=limits::STREAM_PARTITIONS_MAX).contains(&count) {
            Ok(Self(count))
        } else {
            Err(InvalidAttribute { what: "partition count", expected: "1 to 10000" })
        }
    }

    /// As a plain number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// How long records are kept, in hours: 1 to 8760, 24 unless asked otherwise. What a server admits is
/// narrower (spec/02 §1, [`crate::Limits`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RetentionHours(u32);

impl RetentionHours {
    /// From a plain number.
    ///
    /// # Errors
    /// `InvalidAttribute` outside 1 to 8760.
    pub fn new(hours: u32) -> Result<Self, InvalidAttribute> {
        if (1..=limits::RETENTION_HOURS_CEILING).contains(&hours) {
            Ok(Self(hours))
        } else {
            Err(InvalidAttribute { what: "retention", expected: "1 to 8760 hours" })
        }
    }

    /// As a plain number of hours.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// As a duration.
    pub const fn as_duration(self) -> Duration {
        Duration::from_secs(self.0 as u64 * 3600)
    }
}

impl Default for RetentionHours {
    fn default() -> Self {
        Self(limits::RETENTION_HOURS_DEFAULT)
    }
}

/// Settings of automatic scaling (spec/02 §1, spec/13 §7.3). The bounds are not applied to the count a
/// stream is created with, nor to one that somebody asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AutoScale {
    /// Whether it is on.
    pub enabled: bool,
    /// Least partitions; 0 when never set.
    pub min: u32,
    /// Most partitions; 0 when never set.
    pub max: u32,
}

impl AutoScale {
    /// Whether automatic scaling may make that many partitions ACTIVE.
    pub const fn admits(&self, count: PartitionCount) -> bool {
        self.enabled && self.min <= count.get() && count.get() <= self.max
    }
}

/// A key and a value on a stream (spec/10 §2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    key: Arc<str>,
    value: Arc<str>,
}

/// A tag's key or value is too long, empty where it must not be, or has a character that tags
/// cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a tag: a key has 1 to 36 and a value 0 to 43 letters, digits, - or _ (a value also .), Chinese characters included"
)]
pub struct InvalidTag;

impl Tag {
    /// Key of the one tag that belongs to the platform: the enterprise project.
    pub const SYSTEM_KEY: &'static str = "_sys_enterprise_project_id";

    /// A user's tag.
    ///
    /// # Errors
    /// `InvalidTag` for bad syntax, and for keys that begin with `_sys_`.
    pub fn new(key: &str, value: &str) -> Result<Self, InvalidTag> {
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '\u{4e00}'..='\u{9fff}');
        let valid = fits(key, 1, limits::TAG_KEY_CHARS_MAX)
            && fits(value, 0, limits::TAG_VALUE_CHARS_MAX)
            && key.chars().all(letter)
            && value.chars().all(|c| letter(c) || c == '.')
            && !key.starts_with("_sys_");
        valid.then(|| Self { key: key.into(), value: value.into() }).ok_or(InvalidTag)
    }

    /// The platform's tag: the value is `0` or an id of 36 characters (spec/02 §1).
    ///
    /// # Errors
    /// `InvalidTag` for another key or value.
    pub fn system(key: &str, value: &str) -> Result<Self, InvalidTag> {
        let uuid = value.len() == 36 && value.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        let valid = key == Self::SYSTEM_KEY && (value == "0" || uuid);
        valid.then(|| Self { key: key.into(), value: value.into() }).ok_or(InvalidTag)
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value; may be empty.
    pub fn value(&self) -> &str {
        &self.value
    }
}

fn fits(text: &str, min: usize, max: usize) -> bool {
    text.len() <= max * 4 && (min..=max).contains(&text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_follow_the_documented_syntax() {
        let check = |key: &str, value: &str, valid: bool| {
            assert_eq!(Tag::new(key, value).is_ok(), valid, "{key:?}={value:?}");
        };
        check("env", "acc", true);
        check("环境", "生产.1", true);
        check("env", "", true);
        check("", "x", false);
        check(&"k".repeat(36), &"v".repeat(43), true);
        check(&"k".repeat(37), "v", false);
        check("k", &"v".repeat(44), false);
        check("a.b", "v", false);
        check("a b", "v", false);
        check("_sys_x", "v", false);
    }
}
