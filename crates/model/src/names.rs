//! Names that users choose.

use std::{fmt, str::FromStr, sync::Arc};

use crate::limits;

/// The text is not a name: empty, too long, or with a character outside `A-Z a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: 1 to {len_max} of A-Z a-z 0-9 _ - are allowed")]
pub struct InvalidName {
    what: &'static str,
    len_max: usize,
}

impl InvalidName {
    /// Most characters the name may have.
    pub fn len_max(&self) -> usize {
        self.len_max
    }
}

fn parse(what: &'static str, text: &str, len_max: usize) -> Result<Arc<str>, InvalidName> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let valid = (1..=len_max).contains(&text.len()) && text.bytes().all(allowed);
    valid.then(|| text.into()).ok_or(InvalidName { what, len_max })
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $len_max:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                parse($what, text, $len_max).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// Name of a stream, unique within a project.
    ///
    /// 1 to 64 of `A-Z a-z 0-9 _ -` (spec/00 §8).
    StreamName, "stream name", limits::STREAM_NAME_LEN_MAX
}
name! {
    /// Name of a consumer app, unique within a project.
    ///
    /// 1 to 200 of `A-Z a-z 0-9 _ -` (spec/05 §1).
    AppName, "app name", limits::APP_NAME_LEN_MAX
}
name! {
    /// Name of a transfer task, unique within its stream.
    ///
    /// 1 to 64 of `A-Z a-z 0-9 _ -` (spec/09 §2.1).
    TaskName, "task name", limits::TASK_NAME_LEN_MAX
}
name! {
    /// The tenant that streams, apps and keys belong to: `{project_id}` of every path.
    ///
    /// 32 hexadecimal digits in the cloud; here 1 to 64 of `A-Z a-z 0-9 _ -` (spec/00 §2).
    ProjectId, "project id", limits::PROJECT_ID_LEN_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_their_alphabet_and_length() {
        let check = |text: &str, valid: bool| {
            assert_eq!(text.parse::<StreamName>().is_ok(), valid, "{text:?}");
        };
        check("orders", true);
        check("A-z_09", true);
        check(&"x".repeat(64), true);
        check(&"x".repeat(65), false);
        check("", false);
        check("bad name", false);
        check("ümlaut", false);
        check("a/b", false);
        check("a.b", false);
        assert!("x".repeat(200).parse::<AppName>().is_ok());
        assert!("x".repeat(201).parse::<AppName>().is_err());
    }
}
