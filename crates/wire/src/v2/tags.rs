//! Tags of streams: add, list, delete, search (spec/10).

use std::collections::BTreeSet;

use millpond_model::{PageLimits, Tag, TagCondition, TagFilter, limits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    lenient,
    streams::{TagEntry, unique_tags},
};
use crate::{Code, Refusal};

/// Body of `POST /stream/{stream_id}/tags`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateTagRequest {
    /// The tag.
    #[serde(default)]
    pub tag: Option<TagEntry>,
}

impl CreateTagRequest {
    /// The tag to add.
    ///
    /// # Errors
    /// `DIS.4200` when it is missing or has bad syntax.
    pub fn into_tags(self) -> Result<Vec<Tag>, Refusal> {
        let tag = self.tag.ok_or_else(|| Refusal::missing("tag"))?;
        Ok(vec![tag.to_tag()?])
    }
}

/// Body of `POST /stream/{stream_id}/tags/action`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchTagsRequest {
    /// `create` or `delete`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub action: Option<String>,
    /// The tags; for a deletion only their keys count.
    #[serde(default)]
    pub tags: Option<Vec<TagEntry>>,
}

/// What a batch asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagBatch {
    /// Add these.
    Put(Vec<Tag>),
    /// Delete those of these keys.
    Delete(Vec<Box<str>>),
}

impl BatchTagsRequest {
    /// What is asked for. Keys to be deleted may have any characters (spec/10 §3).
    ///
    /// # Errors
    /// `DIS.4605` for another action; `DIS.4200` without tags, for bad syntax and for a key that stands
    /// twice among those to add; `DIS.4601` for more than `tags_max` of these.
    pub fn into_batch(self, tags_max: u32) -> Result<TagBatch, Refusal> {
        let tags = self.tags.ok_or_else(|| Refusal::missing("tags"));
        match action(self.action.as_deref())? {
            "create" => Ok(TagBatch::Put(unique_tags(&tags?, tags_max)?)),
            "delete" => {
                let key = |tag: &TagEntry| {
                    let key = Some(&*tag.key).filter(|key| !key.is_empty());
                    key.map(Into::into).ok_or_else(|| Refusal::missing("key"))
                };
                Ok(TagBatch::Delete(tags?.iter().map(key).collect::<Result<_, _>>()?))
            }
            other => Err(Code::TagActionInvalid.about(other)),
        }
    }
}

/// Answer of `GET /stream/{stream_id}/tags`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamTagsResponse {
    /// The tags.
    pub tags: Vec<TagEntry>,
}

/// Answer of `GET /stream/tags`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectTagsResponse {
    /// Each key once.
    pub tags: Vec<TagValues>,
}

/// A key and values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagValues {
    /// The key.
    #[serde(default, deserialize_with = "lenient::string")]
    pub key: String,
    /// The values.
    #[serde(default, deserialize_with = "lenient::list")]
    pub values: Vec<String>,
}

/// Body of `POST /stream/resource_instances/action`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct FindStreamsRequest {
    /// `filter` or `count`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub action: Option<String>,
    /// Streams on a page; text or a number.
    #[serde(default, deserialize_with = "lenient::digits")]
    pub limit: Option<String>,
    /// Streams before the page.
    #[serde(default, deserialize_with = "lenient::digits")]
    pub offset: Option<String>,
    /// All of these.
    #[serde(default, deserialize_with = "lenient::list")]
    pub tags: Vec<TagValues>,
    /// Any of these.
    #[serde(default, deserialize_with = "lenient::list")]
    pub tags_any: Vec<TagValues>,
    /// Not all of these.
    #[serde(default, deserialize_with = "lenient::list")]
    pub not_tags: Vec<TagValues>,
    /// None of these.
    #[serde(default, deserialize_with = "lenient::list")]
    pub not_tags_any: Vec<TagValues>,
    /// Conditions on other attributes: a list, one of them, or either as text.
    #[serde(default)]
    pub matches: Value,
}

/// What a search asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindStreams {
    /// Which streams.
    pub filter: TagFilter,
    /// The page; only the number when absent.
    pub page: Option<FoundPage>,
}

/// A page of found streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundPage {
    /// Streams before it.
    pub offset: usize,
    /// Most streams on it.
    pub limit: usize,
}

impl FindStreamsRequest {
    /// What is asked for.
    ///
    /// # Errors
    /// `DIS.4605` for another action than `filter` and `count`; `DIS.4200` for a page, a list of tags or
    /// a condition that cannot be.
    pub fn into_search(self, found: PageLimits) -> Result<FindStreams, Refusal> {
        let page = match action(self.action.as_deref())? {
            "filter" => Some(page(self.offset.as_deref(), self.limit.as_deref(), found)?),
            "count" => None,
            other => return Err(Code::TagActionInvalid.about(other)),
        };
        let filter = TagFilter {
            tags: conditions("tags", self.tags)?,
            tags_any: conditions("tags_any", self.tags_any)?,
            not_tags: conditions("not_tags", self.not_tags)?,
            not_tags_any: conditions("not_tags_any", self.not_tags_any)?,
            names: names(&self.matches)?,
        };
        Ok(FindStreams { filter, page })
    }
}

/// Answer of `POST /stream/resource_instances/action`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindStreamsResponse {
    /// The page; absent when only the number was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<FoundStream>>,
    /// How many there are in all.
    pub total_count: usize,
}

/// A found stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FoundStream {
    /// Its id.
    pub resource_id: String,
    /// Its name.
    pub resource_name: String,
    /// Always `null`, as in the published example.
    pub resource_detail: Option<String>,
    /// Its tags.
    pub tags: Vec<TagEntry>,
}

fn action(text: Option<&str>) -> Result<&str, Refusal> {
    text.ok_or_else(|| Code::TagActionInvalid.about("null"))
}

/// A limit outside of what may be is drawn into it, as everywhere (spec/00 §9).
fn page(offset: Option<&str>, limit: Option<&str>, found: PageLimits) -> Result<FoundPage, Refusal> {
    let number = |name: &str, text: Option<&str>| {
        let refusal = |text: &str| Refusal::invalid_expecting(name, text, "a decimal integer");
        text.map(|text| text.parse::<i64>().map_err(|_| refusal(text))).transpose()
    };
    let asked = number("limit", limit)?.filter(|&limit| limit != 0);
    let limit = asked.unwrap_or(found.default.into()).clamp(1, found.max.into());
    let offset = number("offset", offset)?.unwrap_or(0);
    let whole = |number: i64| usize::try_from(number).ok();
    match (whole(offset), whole(limit)) {
        (Some(offset), Some(limit)) => Ok(FoundPage { offset, limit }),
        _ => Err(Refusal::invalid_expecting("offset", offset, "0 or more")),
    }
}

fn conditions(name: &str, entries: Vec<TagValues>) -> Result<Vec<TagCondition>, Refusal> {
    let (keys_max, values_max) = (limits::TAG_FILTER_KEYS_MAX, limits::TAG_FILTER_VALUES_MAX);
    if entries.len() > keys_max {
        return Err(Refusal::unfit(name, &format!("at most {keys_max} keys")));
    }
    let mut keys = BTreeSet::new();
    for TagValues { key, values } in &entries {
        if key.is_empty() {
            return Err(Refusal::unfit(name, "keys that are not empty"));
        }
        if !keys.insert(key) {
            return Err(Refusal::invalid_expecting(name, key, "each key once"));
        }
        let distinct: BTreeSet<_> = values.iter().collect();
        if distinct.len() < values.len() || values.len() > values_max {
            let expected = format!("at most {values_max} values of a key, each once");
            return Err(Refusal::invalid_expecting(name, key, &expected));
        }
    }
    let condition = |TagValues { key, values }| TagCondition {
        key: String::into_boxed_str(key),
        values: values.into_iter().map(String::into_boxed_str).collect(),
    };
    Ok(entries.into_iter().map(condition).collect())
}

/// The texts that names have to contain: the one condition there is, `resource_name`.
fn names(matches: &Value) -> Result<Vec<Box<str>>, Refusal> {
    let expected = r#"[{"key":"resource_name","value":"…"}]"#;
    let refusal = || Refusal::unfit("matches", expected);
    let one = |value: &Value| {
        let is_name = value.get("key").and_then(Value::as_str) == Some("resource_name");
        match value.get("value") {
            Some(Value::String(text)) if is_name => Ok(text.as_str().into()),
            Some(Value::Null) | None if is_name => Ok("".into()),
            _ => Err(refusal()),
        }
    };
    match matches {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) if items.len() <= limits::TAG_FILTER_KEYS_MAX => items.iter().map(one).collect(),
        Value::Object(_) => Ok(vec![one(matches)?]),
        Value::String(text) if text.trim().is_empty() => Ok(Vec::new()),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(inner @ (Value::Array(_) | Value::Object(_))) => names(&inner),
            _ => Err(refusal()),
        },
        Value::Array(_) | Value::Bool(_) | Value::Number(_) => Err(refusal()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v2::parse_body;

    #[test]
    fn batches_are_read() {
        let check = |json: &str, expected: Result<TagBatch, &str>| {
            let batch =
                parse_body::<BatchTagsRequest>(json.as_bytes()).unwrap().into_batch(limits::STREAM_TAGS_MAX);
            assert_eq!(
                batch.as_ref().map_err(Refusal::code_str),
                expected.as_ref().map_err(|code| *code),
                "{json}"
            );
        };
        let tag = |key, value| Tag::new(key, value).unwrap();
        let put = |tags: &[Tag]| Ok(TagBatch::Put(tags.to_vec()));
        let delete = |keys: &[&str]| Ok(TagBatch::Delete(keys.iter().map(|&key| key.into()).collect()));
        check(
            r#"{"action":"create","tags":[{"key":"a","value":"1"},{"key":"中"}]}"#,
            put(&[tag("a", "1"), tag("中", "")]),
        );
        check(r#"{"action":"create","tags":[]}"#, put(&[]));
        check(r#"{"action":"create","tags":[{"key":"a"},{"key":"a","value":"1"}]}"#, Err("DIS.4200"));
        check(r#"{"action":"create","tags":[{"key":"_sys_x"}]}"#, Err("DIS.4200"));
        check(r#"{"action":"create","tags":[{"value":"v"}]}"#, Err("DIS.4200"));
        check(r#"{"action":"create"}"#, Err("DIS.4200"));
        let eleven: Vec<_> = (0..11).map(|i| format!(r#"{{"key":"k{i}"}}"#)).collect();
        check(&format!(r#"{{"action":"create","tags":[{}]}}"#, eleven.join(",")), Err("DIS.4601"));
        check(
            r#"{"action":"delete","tags":[{"key":"a*<","value":"x"},{"key":"a*<"}]}"#,
            delete(&["a*<", "a*<"]),
        );
        check(r#"{"action":"delete","tags":[]}"#, delete(&[]));
        check(r#"{"action":"delete","tags":[{"key":""}]}"#, Err("DIS.4200"));
        check(r#"{"action":"delete"}"#, Err("DIS.4200"));
        check(r#"{"action":"replace","tags":[]}"#, Err("DIS.4605"));
        check(r#"{"tags":[]}"#, Err("DIS.4605"));
    }

    #[test]
    fn one_tag_is_read() {
        let check = |json: &str, expected: Option<&str>| {
            let refused = parse_body::<CreateTagRequest>(json.as_bytes()).unwrap().into_tags().err();
            assert_eq!(refused.map(|refusal| refusal.code_str()), expected, "{json}");
        };
        check(r#"{"tag":{"key":"a","value":"1"}}"#, None);
        check(r#"{"tag":{"key":"a","value":"a b"}}"#, Some("DIS.4200"));
        check(r#"{"tag":{"value":"1"}}"#, Some("DIS.4200"));
        check("{}", Some("DIS.4200"));
    }

    fn search(json: &str) -> Result<FindStreams, &'static str> {
        let request: FindStreamsRequest = parse_body(json.as_bytes()).unwrap();
        request.into_search(PageLimits { default: 1000, max: 1000 }).map_err(|refusal| refusal.code_str())
    }

    #[test]
    fn pages_are_text_or_numbers() {
        let check = |members: &str, expected: Result<(usize, usize), &str>| {
            let found = search(&format!(r#"{{"action":"filter"{members}}}"#));
            let page = found.map(|found| found.page.map(|page| (page.offset, page.limit)).unwrap());
            assert_eq!(page, expected, "{members}");
        };
        check("", Ok((0, 1000)));
        check(r#","limit":"10","offset":"3""#, Ok((3, 10)));
        check(r#","limit":10,"offset":3"#, Ok((3, 10)));
        check(r#","limit":"0","offset":"""#, Ok((0, 1000)));
        check(r#","limit":"1001""#, Ok((0, 1000)));
        check(r#","limit":-4"#, Ok((0, 1)));
        check(r#","limit":"x""#, Err("DIS.4200"));
        check(r#","limit":1.5"#, Err("DIS.4200"));
        check(r#","offset":"-1""#, Err("DIS.4200"));
        assert_eq!(search(r#"{"action":"count","limit":"x","offset":"-1"}"#).unwrap().page, None);
        assert_eq!(search("{}"), Err("DIS.4605"));
        assert_eq!(search(r#"{"action":"find"}"#), Err("DIS.4605"));
    }

    #[test]
    fn conditions_are_bounded() {
        let check = |list: &str, fine: bool| {
            for name in ["tags", "tags_any", "not_tags", "not_tags_any"] {
                let found = search(&format!(r#"{{"action":"count","{name}":{list}}}"#));
                assert_eq!(found.err(), (!fine).then_some("DIS.4200"), "{list}");
            }
        };
        let many = |number: usize, item: &dyn Fn(usize) -> String| {
            format!("[{}]", (0..number).map(item).collect::<Vec<_>>().join(","))
        };
        let keys = |number| many(number, &|i| format!(r#"{{"key":"k{i}"}}"#));
        let values =
            |number| format!(r#"[{{"key":"k","values":{}}}]"#, many(number, &|i| format!(r#""v{i}""#)));
        check("null", true);
        check("[]", true);
        check(&keys(10), true);
        check(&keys(11), false);
        check(&values(10), true);
        check(&values(11), false);
        check(r#"[{"key":"k","values":["*a",""]}]"#, true);
        check(r#"[{"key":"k"},{"key":"k"}]"#, false);
        check(r#"[{"key":"k","values":["a","a"]}]"#, false);
        check(r#"[{"key":"","values":["a"]}]"#, false);
        check(r#"[{"values":["a"]}]"#, false);
    }

    #[test]
    fn names_come_in_three_forms() {
        let check = |matches: &str, expected: Result<&[&str], &str>| {
            let found = search(&format!(r#"{{"action":"count","matches":{matches}}}"#));
            let names = found.map(|found| found.filter.names);
            let expected =
                expected.map(|names| names.iter().map(|&name| name.into()).collect::<Vec<Box<str>>>());
            assert_eq!(names, expected, "{matches}");
        };
        check("null", Ok(&[]));
        check("[]", Ok(&[]));
        check(r#""""#, Ok(&[]));
        check(r#"[{"key":"resource_name","value":"ab"}]"#, Ok(&["ab"]));
        check(r#"{"key":"resource_name","value":"ab"}"#, Ok(&["ab"]));
        check(r#""[{\"key\":\"resource_name\",\"value\":\"ab\"}]""#, Ok(&["ab"]));
        check(r#""{\"key\":\"resource_name\"}""#, Ok(&[""]));
        check(r#"[{"key":"resource_id","value":"ab"}]"#, Err("DIS.4200"));
        check(r#"[{"key":"resource_name","value":1}]"#, Err("DIS.4200"));
        check("[1]", Err("DIS.4200"));
        check("1", Err("DIS.4200"));
        check(r#""ab""#, Err("DIS.4200"));
        check(r#""\"\\\"[]\\\"\"""#, Err("DIS.4200"));
    }

    #[test]
    fn answers_have_the_documented_members() {
        let found =
            FoundStream { resource_id: "i".into(), resource_name: "n".into(), ..FoundStream::default() };
        let page = FindStreamsResponse { resources: Some(vec![found]), total_count: 3 };
        assert_eq!(
            serde_json::to_string(&page).unwrap(),
            r#"{"resources":[{"resource_id":"i","resource_name":"n","resource_detail":null,"tags":[]}],"total_count":3}"#
        );
        let count = FindStreamsResponse { resources: None, total_count: 3 };
        assert_eq!(serde_json::to_string(&count).unwrap(), r#"{"total_count":3}"#);
    }
}
