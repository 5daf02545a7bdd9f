//! Compares answers with the document of the API: status, type, code, and every member.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;
use serde_json::{Map, Value};

use crate::harness::Reply;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../openapi/openapi.json")).unwrap());

/// Panics when the document does not say that a request may be answered so. Requests of no operation are
/// not documented one by one: they are answered 404 or 405.
pub fn check(method: &str, path: &str, reply: &Reply) {
    let at = format!("{method} {path} answered {} {}", reply.status, String::from_utf8_lossy(&reply.body));
    let status = reply.status.as_str();
    let Some(operation) = operation(method, path) else {
        assert!(matches!(status, "404" | "405"), "not documented: {at}");
        return;
    };
    let response =
        operation["responses"].get(status).unwrap_or_else(|| panic!("status not documented: {at}"));
    let response = resolved(response);
    let Some(content) = response.get("content") else {
        assert!(reply.body.is_empty(), "a body is not documented: {at}");
        return;
    };
    let content_type = reply.header("content-type").unwrap_or_default();
    let media =
        content.get(content_type).unwrap_or_else(|| panic!("type not documented: {content_type:?}: {at}"));
    if content_type != "application/json" {
        return;
    }
    let body = reply.json();
    if let Some(codes) = response.get("x-codes") {
        let documented = codes.as_array().unwrap().contains(&body["errorCode"]);
        assert!(documented, "code not documented: {at}");
    }
    fits(&media["schema"], &body, "").unwrap_or_else(|problem| panic!("{problem}: {at}"));
}

/// The operation that a path leads to, as the document has it: of several the one with most literals.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let method = method.to_ascii_lowercase();
    let segments: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    let mut best: Option<(usize, &Value)> = None;
    for (template, item) in DOCUMENT["paths"].as_object().unwrap() {
        let Some(operation) = item.get(&method) else { continue };
        let aliases =
            operation["x-aliases"].as_array().into_iter().flatten().map(|path| path.as_str().unwrap());
        for template in aliases.chain([template.as_str()]) {
            if let Some(literals) = matches(template, &segments)
                && best.is_none_or(|(most, _)| literals > most)
            {
                best = Some((literals, operation));
            }
        }
    }
    best.map(|(_, operation)| operation)
}

/// How many segments of a template are literals, if a path is of its form.
fn matches(template: &str, segments: &[&str]) -> Option<usize> {
    let parts: Vec<&str> = template.strip_suffix('/').unwrap_or(template).split('/').collect();
    let fits = |(part, segment): (&&str, &&str)| part.starts_with('{') || part == segment;
    let all = parts.len() == segments.len() && parts.iter().zip(segments).all(fits);
    all.then(|| parts.iter().filter(|part| !part.starts_with('{')).count())
}

fn resolved(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => DOCUMENT.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

/// Whether a value is as a schema says. Stricter than the language: an object has no other members than
/// the documented ones.
fn fits(schema: &'static Value, value: &Value, at: &str) -> Result<(), String> {
    let schema = resolved(schema);
    if let Some(alternatives) = schema["anyOf"].as_array() {
        let problems: Vec<_> = alternatives.iter().filter_map(|one| fits(one, value, at).err()).collect();
        let any = problems.len() < alternatives.len();
        return if any { Ok(()) } else { Err(problems.join(", and ")) };
    }
    let differs = |what: &str| Err(format!("{at}: {value} is not {what}"));
    if value.is_null() {
        return if schema["nullable"] == true { Ok(()) } else { differs("there") };
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return differs(&schema["enum"].to_string());
    }
    match (schema["type"].as_str().unwrap_or_else(|| panic!("{at}: no type")), value) {
        ("object", Value::Object(members)) => members_fit(schema, members, at),
        ("array", Value::Array(items)) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(i, item)| fits(&schema["items"], item, &format!("{at}/{i}")))
        }
        ("string", Value::String(text)) => {
            let pattern = schema["pattern"].as_str().unwrap_or_default();
            let length = text.chars().count() as u64;
            let too_long = schema["maxLength"].as_u64().is_some_and(|max| length > max);
            let too_short = schema["minLength"].as_u64().is_some_and(|min| length < min);
            let matches = Regex::new(pattern).unwrap().is_match(text);
            if matches && !too_long && !too_short {
                Ok(())
            } else {
                differs("of the form that is documented")
            }
        }
        ("integer", Value::Number(number)) => {
            let too_low =
                schema["minimum"].as_i64().is_some_and(|min| number.as_i64().is_some_and(|n| n < min));
            if number.is_f64() || too_low { differs("an integer within its bounds") } else { Ok(()) }
        }
        ("boolean", Value::Bool(_)) => Ok(()),
        (expected, _) => differs(&format!("of the type {expected}")),
    }
}

fn members_fit(schema: &'static Value, members: &Map<String, Value>, at: &str) -> Result<(), String> {
    let none = Map::new();
    let properties = schema["properties"].as_object();
    let names: BTreeSet<&str> = properties.unwrap_or(&none).keys().map(String::as_str).collect();
    let required = schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap());
    if let Some(missing) = required.into_iter().find(|name| !members.contains_key(*name)) {
        return Err(format!("{at}: {missing} is missing"));
    }
    members.iter().try_for_each(|(name, member)| {
        let at = format!("{at}/{name}");
        match (names.contains(name.as_str()), &schema["additionalProperties"]) {
            (true, _) => fits(&schema["properties"][name], member, &at),
            (false, Value::Bool(true)) => Ok(()),
            (false, others @ Value::Object(_)) => fits(others, member, &at),
            (false, _) => Err(format!("{at} is not documented")),
        }
    })
}
