//! Members as real clients write them (spec/00 §2).

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, de};

/// Text that borrows from the body when it has no escapes; `null` reads as empty, and an integer as
/// its digits (`"partition_id": 0` in hand-written requests).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text<'a>(pub Cow<'a, str>);

impl<'a> Text<'a> {
    /// The text; `None` when it is empty.
    pub fn get(&self) -> Option<&str> {
        Some(self.0.as_ref()).filter(|text| !text.is_empty())
    }

    /// Borrowed text.
    pub const fn borrowed(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Whether there is no text: such members are not written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text::borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(text.to_owned().into())
            }

            fn visit_string<E>(self, text: String) -> Result<Text<'de>, E> {
                Ok(text.into())
            }

            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }

            fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
                Ok(number.to_string().into())
            }

            fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
                Ok(number.to_string().into())
            }

            // With its point or exponent, which no reader of integers takes.
            fn visit_f64<E>(self, number: f64) -> Result<Text<'de>, E> {
                Ok(format!("{number:?}").into())
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// A string; `null` and `""` are absent.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// A string; `null` is the empty one.
pub(super) fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A string or a number, as the text that was sent; `null` and `""` are absent.
pub(super) fn digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Text::deserialize(deserializer)?.0.into_owned();
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// Text that must be there: `null` is refused.
pub(super) fn required_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text<'de>, D::Error> {
    let text: Option<Text<'de>> = Option::deserialize(deserializer)?;
    text.ok_or_else(|| de::Error::invalid_type(de::Unexpected::Unit, &"a string"))
}

/// A list; `null` is the empty one.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// An integer or a string of one; `null` and `""` are absent.
pub(super) fn int<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = Text::deserialize(deserializer)?;
    let invalid = |text: &str| de::Error::invalid_value(de::Unexpected::Str(text), &"a 64-bit integer");
    text.get().map(|text| text.parse().map_err(|_| invalid(text))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Sample<'a> {
        #[serde(default, borrow)]
        borrowed: Text<'a>,
        #[serde(default, deserialize_with = "text")]
        text: Option<String>,
        #[serde(default, deserialize_with = "int")]
        int: Option<i64>,
    }

    #[test]
    fn members_are_read_the_tolerant_way() {
        let check = |json: &str, text: Option<&str>, int: Option<i64>| {
            let sample: Sample<'_> = serde_json::from_str(json).unwrap();
            assert_eq!((sample.text.as_deref(), sample.int), (text, int), "{json}");
        };
        check("{}", None, None);
        check(r#"{"text":null,"int":null}"#, None, None);
        check(r#"{"text":"","int":""}"#, None, None);
        check(r#"{"text":"x","int":"12"}"#, Some("x"), Some(12));
        check(r#"{"int":0,"other":[[[]]]}"#, None, Some(0));
        check(r#"{"int":-1}"#, None, Some(-1));
        for json in [r#"{"int":1.5}"#, r#"{"int":"x"}"#, r#"{"int":18446744073709551615}"#, r#"{"text":[]}"#]
        {
            assert!(serde_json::from_str::<Sample<'_>>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn text_borrows_unless_it_has_escapes() {
        let check = |json: &str, text: &str, borrows: bool| {
            let sample: Sample<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(sample.borrowed.0, text, "{json}");
            assert_eq!(matches!(sample.borrowed.0, Cow::Borrowed(_)), borrows, "{json}");
        };
        check(r#"{"borrowed":"YWJj"}"#, "YWJj", true);
        check(r#"{"borrowed":"a\/b"}"#, "a/b", false);
        check(r#"{"borrowed":7}"#, "7", false);
        check(r#"{"borrowed":1e3}"#, "1000.0", false);
        check(r#"{"borrowed":null}"#, "", false);
    }
}
