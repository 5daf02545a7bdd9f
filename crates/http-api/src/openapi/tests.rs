use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    DOCUMENT,
    assemble::{METHODS, assemble, folder, leads_to},
};
use crate::routes::ROUTES;

/// Set to have the document written instead of compared.
const WRITE: &str = "MILLPOND_WRITE_OPENAPI";

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// Calls `see` with the method, the path, the operation and the path item of every operation.
fn each_operation(document: &Value, mut see: impl FnMut(&str, &str, &Value, &Map<String, Value>)) {
    for (path, item) in document["paths"].as_object().unwrap() {
        let item = item.as_object().unwrap();
        for (method, operation) in item.iter().filter(|(name, _)| METHODS.contains(&name.as_str())) {
            see(&method.to_uppercase(), path, operation, item);
        }
    }
}

/// Calls `see` with every object of the document and its place.
fn each_object(value: &Value, place: &str, see: &mut impl FnMut(&str, &Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            see(place, members);
            for (name, member) in members {
                each_object(member, &format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")), see);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                each_object(item, &format!("{place}/{i}"), see);
            }
        }
        _ => {}
    }
}

#[test]
fn openapi_is_what_its_files_say() {
    let assembled = assemble();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(folder().join("openapi.json"), &assembled).unwrap();
        return;
    }
    assert!(assembled == DOCUMENT, "openapi.json is not what its files say: run this test with {WRITE}=1");
}

#[test]
fn openapi_and_the_route_table_agree() {
    let document = document();
    let mut documented = BTreeSet::new();
    each_operation(&document, |method, path, operation, _| {
        let name = operation["operationId"].as_str().unwrap();
        documented.insert(format!("{method} {path} {name}"));
        let Some(route) = ROUTES.iter().find(|route| route.operation == name) else { return };
        let paths = operation["x-aliases"].as_array().cloned().unwrap_or_default();
        for path in paths.iter().map(|path| path.as_str().unwrap()).chain([path]) {
            assert!(leads_to(&route.method, path, route), "{path} does not lead to {name}");
        }
        assert_eq!(route.is_open(), operation["security"] == Value::Array(Vec::new()), "{name}");
    });
    let routes = ROUTES.iter().map(|route| format!("{} {} {}", route.method, route.path, route.operation));
    let routes: BTreeSet<_> = routes.collect();
    let undocumented: Vec<_> = routes.difference(&documented).collect();
    let unserved: Vec<_> = documented.difference(&routes).collect();
    assert!(undocumented.is_empty() && unserved.is_empty(), "{undocumented:#?} {unserved:#?}");
}

/// A parameter or response, behind its reference if it is one.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

#[test]
fn openapi_operations_are_complete() {
    let document = document();
    let tags: BTreeSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).map(text).collect();
    let mut names = BTreeSet::new();
    each_operation(&document, |method, path, operation, item| {
        let at = format!("{method} {path}");
        assert!(
            names.insert(operation["operationId"].as_str().unwrap().to_owned()),
            "{at}: its id is not unique"
        );
        assert!(operation["summary"].is_string(), "{at} has no summary");
        let of_tag = operation["tags"].as_array().unwrap();
        assert!(!of_tag.is_empty() && of_tag.iter().all(|tag| tags.contains(text(tag))), "{at}: unknown tag");
        let declared = [item.get("parameters"), operation.get("parameters")];
        let declared = declared.into_iter().flatten().flat_map(|list| list.as_array().unwrap());
        let mut places = BTreeSet::new();
        for parameter in declared.map(|parameter| resolved(&document, parameter)) {
            let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
            assert!(places.insert((place, name)), "{at}: {name} is there twice");
            assert!(parameter["description"].is_string() && parameter["schema"].is_object(), "{at}: {name}");
            assert!(place != "path" || parameter["required"] == true, "{at}: {name} is not required");
        }
        let in_path: BTreeSet<_> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let of_path: BTreeSet<_> =
            places.iter().filter(|(place, _)| *place == "path").map(|(_, name)| *name).collect();
        assert_eq!(in_path, of_path, "{at}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(!responses.is_empty(), "{at} has no response");
        for (status, response) in responses {
            let response = resolved(&document, response);
            assert!(response["description"].is_string(), "{at}: {status} is not described");
            assert!(status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit()), "{at}: {status}");
        }
    });
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn openapi_references_lead_somewhere_and_components_are_used() {
    let document = document();
    let mut used = BTreeSet::new();
    each_object(&document, "", &mut |place, members| {
        let Some(Value::String(reference)) = members.get("$ref") else { return };
        let target = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(target).is_some(), "{place}: {reference} leads nowhere");
        assert_eq!(members.len(), 1, "{place}: what stands beside a reference does not count");
        used.insert(target.to_owned());
    });
    for (section, components) in document["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys().filter(|_| section != "securitySchemes") {
            let target = format!("/components/{section}/{name}");
            assert!(used.contains(&target), "{target} is not used");
        }
    }
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    for requirement in document["security"].as_array().unwrap() {
        assert!(
            requirement.as_object().unwrap().keys().all(|name| schemes.contains_key(name)),
            "{requirement}"
        );
    }
}

#[test]
fn openapi_objects_name_only_required_members_that_they_have() {
    each_object(&document(), "", &mut |place, members| {
        let (Some(Value::Array(required)), Some(Value::Object(properties))) =
            (members.get("required"), members.get("properties"))
        else {
            return;
        };
        let missing: Vec<_> = required.iter().filter(|name| !properties.contains_key(text(name))).collect();
        assert!(missing.is_empty(), "{place}: {missing:?}");
    });
}
