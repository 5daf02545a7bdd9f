//! The query of a target, read the way real clients write it (spec/00 §2, spec/01 §3.2).

use millpond_model::PageLimits;

use crate::{Code, Refusal, percent};

/// Longest query that is read, in bytes. Not in the contract: the longest real one carries a cursor
/// of 512 characters.
const QUERY_BYTES_MAX: usize = 16 * 1024;

/// Most parameters of a query. Not in the contract: real requests have fewer than ten.
const PARAMETERS_MAX: usize = 128;

/// What `+` means. Clients differ; the one whose signature verified decides (spec/01 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlusReading {
    /// A space, as in forms.
    #[default]
    Space,
    /// A plus sign.
    Plus,
}

/// The query is longer than 16 KiB or has more than 128 parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a query has at most {QUERY_BYTES_MAX} bytes and {PARAMETERS_MAX} parameters")]
pub struct QueryTooLarge;

impl From<QueryTooLarge> for Refusal {
    fn from(error: QueryTooLarge) -> Self {
        Code::InvalidRequest.about(error)
    }
}

/// The parameters of a request. An empty value counts as absent, the first of equal names wins, and
/// what nobody asks for is ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    parameters: Vec<(String, String)>,
}

/// The names and values of a raw query, still encoded. Empty pairs (`a=1&`, `&&`) are left out;
/// `key` and `key=` both have the empty value.
pub(crate) fn pairs(raw: &str) -> impl Iterator<Item = (&str, &str)> {
    raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

impl Query {
    /// Reads the part of a target behind `?`. Escapes that are none stay as they are; bytes that are
    /// not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// `QueryTooLarge` above 16 KiB or 128 parameters.
    pub fn parse(raw: &str, plus: PlusReading) -> Result<Self, QueryTooLarge> {
        if raw.len() > QUERY_BYTES_MAX || pairs(raw).nth(PARAMETERS_MAX).is_some() {
            return Err(QueryTooLarge);
        }
        let text = |encoded: &str| {
            let bytes = percent::decode(encoded.as_bytes(), plus == PlusReading::Space);
            String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
        };
        Ok(Self { parameters: pairs(raw).map(|(name, value)| (text(name), text(value))).collect() })
    }

    /// The value of a parameter; `None` when it is absent or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The first of several spellings that has a value.
    pub fn get_any(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// A page's limit: `default` when absent or 0, and what lies outside `1..=max` is drawn to the
    /// nearer end (spec/00 §9).
    ///
    /// # Errors
    /// `DIS.4200` when the value is not an integer.
    pub fn limit(&self, name: &str, page: PageLimits) -> Result<u32, Refusal> {
        let PageLimits { default, max } = page;
        let Some(limit) = self.integer(name)?.filter(|&limit| limit != 0) else { return Ok(default) };
        Ok(u32::try_from(limit.max(1)).unwrap_or(max).min(max))
    }

    /// An integer; `None` when the parameter is absent or empty.
    ///
    /// # Errors
    /// `DIS.4200` when the value is not a 64-bit integer.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let parse = |text: &str| {
            text.parse().map_err(|_| Refusal::invalid_expecting(name, text, "a decimal integer"))
        };
        self.get(name).map(parse).transpose()
    }
}

/// Writes a query, with every space as `%20`; parameters without a value are left out.
pub fn write_query<'a>(parameters: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        let Some(value) = value else { continue };
        if !query.is_empty() {
            query.push('&');
        }
        percent::encode_into(&mut query, name.as_bytes());
        query.push('=');
        percent::encode_into(&mut query, value.as_bytes());
    }
    query
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_read_the_tolerant_way() {
        let check = |raw: &str, name: &str, value: Option<&str>| {
            let query = Query::parse(raw, PlusReading::Space).unwrap();
            assert_eq!(query.get(name), value, "{raw:?}");
        };
        check("a=1&", "a", Some("1"));
        check("&&a=1", "a", Some("1"));
        check("a", "a", None);
        check("a=", "a", None);
        check("a=1&a=2", "a", Some("1"));
        check("a=&a=2", "a", None);
        check("a=b=c", "a", Some("b=c"));
        check("a=%41%zz%", "a", Some("A%zz%"));
        check("a=%ff", "a", Some("\u{fffd}"));
        check("%61=x", "a", Some("x"));
        check("a=x+y", "a", Some("x y"));
        check("", "a", None);
    }

    #[test]
    fn plus_is_read_as_told() {
        let query = Query::parse("a=x+y%2B", PlusReading::Plus).unwrap();
        assert_eq!(query.get("a"), Some("x+y+"));
        assert_eq!(query.get_any(&["b", "a"]), Some("x+y+"));
    }

    #[test]
    fn limits_are_drawn_into_their_range() {
        let check = |raw: &str, limit: Option<u32>| {
            let query = Query::parse(raw, PlusReading::Space).unwrap();
            assert_eq!(query.limit("limit", PageLimits { default: 10, max: 100 }).ok(), limit, "{raw:?}");
        };
        check("", Some(10));
        check("limit=0", Some(10));
        check("limit=7", Some(7));
        check("limit=-3", Some(1));
        check("limit=101", Some(100));
        check("limit=9999999999", Some(100));
        check("limit=x", None);
    }

    #[test]
    fn size_is_bounded() {
        assert!(Query::parse(&"a&".repeat(PARAMETERS_MAX), PlusReading::Space).is_ok());
        assert_eq!(Query::parse(&"a&".repeat(PARAMETERS_MAX + 1), PlusReading::Space), Err(QueryTooLarge));
        assert_eq!(Query::parse(&"x".repeat(QUERY_BYTES_MAX + 1), PlusReading::Space), Err(QueryTooLarge));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in prop::collection::vec(".{0,12}", 0..8)) {
            let names: Vec<String> = (0..values.len()).map(|i| format!("p {i}")).collect();
            let pairs = names.iter().zip(&values).map(|(name, value)| (name.as_str(), Some(value.as_str())));
            let raw = write_query(pairs);
            for plus in [PlusReading::Space, PlusReading::Plus] {
                let query = Query::parse(&raw, plus).unwrap();
                for (name, value) in names.iter().zip(&values) {
                    let value = Some(value.as_str()).filter(|value| !value.is_empty());
                    prop_assert_eq!(query.get(name), value);
                }
            }
        }

        #[test]
        fn any_text_is_read_without_panic(raw in ".{0,200}") {
            let _ = Query::parse(&raw, PlusReading::Space);
        }
    }
}
