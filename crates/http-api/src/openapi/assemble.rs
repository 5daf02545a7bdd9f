//! Makes the document of the files in `openapi/`; `openapi/README.md` says what becomes of what.

use std::{collections::BTreeSet, fs, path::PathBuf};

use http::Method;
use millpond_wire::Code;
use serde_yaml_ng::{Mapping, Value};

use crate::{
    matcher::{Resolution, resolve},
    routes::{ROUTES, Route},
};

/// Methods of operations, as a path item calls them.
pub(super) const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// Codes of the response 400 of every operation with credentials: another project, a bad parameter, an
/// address that failed too often.
const COMMON_CODES: [&str; 3] = ["DIS.4117", "DIS.4200", "DIS.4309"];

/// The code with a response of its own.
const FORBIDDEN: &str = "DIS.4116";

/// Responses of every operation with credentials.
const COMMON_RESPONSES: [(&str, &str); 6] = [
    ("401", "Unauthenticated"),
    ("408", "TimedOut"),
    ("413", "TooLarge"),
    ("429", "TooFast"),
    ("500", "Failed"),
    ("503", "Busy"),
];

/// Responses of every operation with the tag `Identity`, whose refusals have another form.
const IDENTITY_RESPONSES: [(&str, &str); 8] = [
    ("400", "IdentityRefused"),
    ("401", "IdentityUnauthenticated"),
    ("403", "IdentityForbidden"),
    ("404", "IdentityUnknown"),
    ("408", "TimedOut"),
    ("413", "IdentityTooLarge"),
    ("500", "IdentityFailed"),
    ("503", "IdentityBusy"),
];

/// The folder with the files.
pub(super) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openapi")
}

/// The document as text.
pub(super) fn assemble() -> String {
    let mut document = read("root");
    for name in areas() {
        merge(&mut document, read(&name), &name);
    }
    let spellings = spellings(map_mut(map_mut(&mut document, "components"), "parameters"));
    for response in map_mut(map_mut(&mut document, "components"), "responses").values_mut() {
        finish_response(response.as_mapping_mut().unwrap());
    }
    let mut paths: Vec<_> = std::mem::take(map_mut(&mut document, "paths")).into_iter().collect();
    paths.sort_by_key(|(path, _)| ROUTES.iter().position(|route| path == route.path));
    for (path, item) in &mut paths {
        finish_path(path.as_str().unwrap(), item.as_mapping_mut().unwrap(), &spellings);
    }
    document.insert("paths".into(), paths.into_iter().collect::<Mapping>().into());
    serde_json::to_string_pretty(&document).unwrap() + "\n"
}

fn areas() -> Vec<String> {
    let paths = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let mut names: Vec<String> =
        yaml.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.retain(|name| name != "root");
    names.sort();
    names
}

fn read(name: &str) -> Mapping {
    let text = fs::read_to_string(folder().join(name).with_extension("yaml")).unwrap();
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{name}.yaml: {error}"))
}

fn map_mut<'a>(of: &'a mut Mapping, name: &str) -> &'a mut Mapping {
    let entry = of.entry(name.into()).or_insert_with(|| Mapping::new().into());
    entry.as_mapping_mut().unwrap_or_else(|| panic!("{name} is no mapping"))
}

/// Adds the paths and components of an area. What is there already must not come again.
fn merge(document: &mut Mapping, mut area: Mapping, name: &str) {
    let add = |to: &mut Mapping, from: Mapping| {
        for (key, value) in from {
            assert!(to.insert(key.clone(), value).is_none(), "{name}.yaml: {key:?} is there already");
        }
    };
    add(map_mut(document, "paths"), std::mem::take(map_mut(&mut area, "paths")));
    let components = std::mem::take(map_mut(&mut area, "components"));
    for (section, of_area) in components {
        let section = section.as_str().unwrap().to_owned();
        add(map_mut(map_mut(document, "components"), &section), of_area.as_mapping().unwrap().clone());
    }
}

/// Adds a parameter for each further spelling of a shared one; which parameter has which.
fn spellings(parameters: &mut Mapping) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for (name, parameter) in std::mem::take(parameters) {
        let base = name.as_str().unwrap().to_owned();
        let mut names = Vec::new();
        for (number, one) in spelled(parameter).into_iter().enumerate() {
            let name = if number == 0 { base.clone() } else { format!("{base}{}", number + 1) };
            parameters.insert(name.as_str().into(), one);
            names.push(name);
        }
        found.push((base, names));
    }
    found
}

/// The parameter, and a deprecated one for each further spelling.
fn spelled(mut parameter: Value) -> Vec<Value> {
    let map = parameter.as_mapping_mut().unwrap();
    let others = map.remove("x-spellings").unwrap_or(Value::Sequence(Vec::new()));
    let first = map["name"].as_str().unwrap().to_owned();
    let other = |name: &Value| {
        let mut other = map.clone();
        other.insert("name".into(), name.clone());
        other.insert("deprecated".into(), true.into());
        other.remove("required");
        other.remove("example");
        other.insert("description".into(), format!("Read when `{first}` is absent.").into());
        Value::from(other)
    };
    let others: Vec<_> = others.as_sequence().unwrap().iter().map(other).collect();
    [parameter].into_iter().chain(others).collect()
}

fn finish_path(path: &str, item: &mut Mapping, spellings: &[(String, Vec<String>)]) {
    finish_parameters(item, spellings);
    for method in METHODS {
        let Some(operation) = item.get_mut(method) else { continue };
        let operation = operation.as_mapping_mut().unwrap();
        finish_parameters(operation, spellings);
        finish_operation(operation);
        let route = ROUTES.iter().find(|route| is_at(route, method, path));
        let aliases = route.map(aliases).unwrap_or_default();
        if !aliases.is_empty() {
            let aliases = aliases.into_iter().map(Value::from).collect();
            operation.insert("x-aliases".into(), Value::Sequence(aliases));
        }
    }
}

fn is_at(route: &Route, method: &str, path: &str) -> bool {
    route.path == path && route.method.as_str().eq_ignore_ascii_case(method)
}

fn finish_parameters(of: &mut Mapping, spellings: &[(String, Vec<String>)]) {
    let Some(parameters) = of.get_mut("parameters") else { return };
    let parameters = parameters.as_sequence_mut().unwrap();
    let finished = std::mem::take(parameters).into_iter().flat_map(|parameter| {
        let Some(reference) = parameter.get("$ref") else { return spelled(parameter) };
        let base = reference.as_str().unwrap().strip_prefix("#/components/parameters/").unwrap();
        let names = spellings.iter().find(|(name, _)| name == base);
        let (_, names) = names.unwrap_or_else(|| panic!("no parameter {base}"));
        names.iter().map(|name| reference_to("parameters", name)).collect()
    });
    *parameters = finished.collect();
}

fn reference_to(section: &str, name: &str) -> Value {
    let target = format!("#/components/{section}/{name}");
    Mapping::from_iter([("$ref".into(), target.into())]).into()
}

/// Adds what its codes and its credentials say to the responses of an operation.
fn finish_operation(operation: &mut Mapping) {
    let codes = operation.remove("x-codes");
    let is_identity = operation["tags"].as_sequence().unwrap().iter().any(|tag| tag == "Identity");
    let responses = map_mut(operation, "responses");
    if is_identity {
        for (status, name) in IDENTITY_RESPONSES {
            responses.insert(status.into(), reference_to("responses", name));
        }
    }
    if let Some(codes) = codes {
        let mut codes: BTreeSet<_> =
            codes.as_sequence().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        if codes.remove(FORBIDDEN) {
            responses.insert("403".into(), reference_to("responses", "Forbidden"));
        }
        codes.extend(COMMON_CODES);
        let codes = codes.into_iter().map(Value::from).collect();
        let refused = [
            ("description".into(), "The request cannot be met as it is.".into()),
            ("x-codes".into(), Value::Sequence(codes)),
        ];
        responses.insert("400".into(), Mapping::from_iter(refused).into());
        for (status, name) in COMMON_RESPONSES {
            responses.entry(status.into()).or_insert_with(|| reference_to("responses", name));
        }
    }
    let mut finished: Vec<_> = std::mem::take(responses).into_iter().collect();
    finished.sort_by(|(one, _), (other, _)| one.as_str().cmp(&other.as_str()));
    for (_, response) in &mut finished {
        finish_response(response.as_mapping_mut().unwrap());
    }
    *responses = finished.into_iter().collect();
}

/// Adds the request id, and to a refusal the texts of its codes and its body.
fn finish_response(response: &mut Mapping) {
    if response.contains_key("$ref") {
        return;
    }
    if let Some(codes) = response.get("x-codes") {
        let line = |code: &Value| {
            let code = code.as_str().unwrap();
            let row = Code::ALL.iter().find(|known| known.as_str() == code);
            let text = row.unwrap_or_else(|| panic!("no code {code}")).text();
            format!("- `{code}` {text}")
        };
        let lines: Vec<_> = codes.as_sequence().unwrap().iter().map(line).collect();
        let said = response["description"].as_str().unwrap().trim_end();
        let description = format!("{said}\n\n{}", lines.join("\n"));
        response.insert("description".into(), description.into());
        let media = Mapping::from_iter([("schema".into(), reference_to("schemas", "Error"))]);
        let content = Mapping::from_iter([("application/json".into(), media.into())]);
        response.insert("content".into(), content.into());
    }
    map_mut(response, "headers").insert("X-Request-Id".into(), reference_to("headers", "RequestId"));
}

/// Paths besides its own that lead to a route.
pub(super) fn aliases(route: &Route) -> Vec<String> {
    let mut paths = vec![route.path.to_owned()];
    for (one, other) in [("/v2/", "/v3/"), ("/streams", "/stream")] {
        let whole = |rest: &str| one.ends_with('/') || rest.is_empty() || rest.starts_with('/');
        let others: Vec<_> = paths
            .iter()
            .flat_map(|path| {
                let places = path.match_indices(one).filter(|(at, _)| whole(&path[at + one.len()..]));
                places
                    .map(|(at, _)| format!("{}{other}{}", &path[..at], &path[at + one.len()..]))
                    .collect::<Vec<_>>()
            })
            .collect();
        paths.extend(others);
    }
    let mut aliases: Vec<_> =
        paths.into_iter().skip(1).filter(|path| leads_to(&route.method, path, route)).collect();
    aliases.dedup();
    aliases
}

/// Whether a path, with its parameters as names, leads to a route.
pub(super) fn leads_to(method: &Method, path: &str, route: &Route) -> bool {
    matches!(resolve(method, path), Resolution::Found(found) if found.route.operation == route.operation)
}
