//! From a method and a path to a row of the table.

use std::{borrow::Cow, sync::LazyLock};

use http::Method;

use crate::routes::{ROUTES, Route};

/// What became of a method and a path.
#[derive(Debug)]
pub(crate) enum Resolution {
    /// This row.
    Found(Found),
    /// The path exists with these other methods: the value of `Allow`.
    WrongMethod(String),
    /// No such path.
    Unknown,
}

/// A row with the values of its parameters.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) route: &'static Route,
    pub(crate) parameters: Parameters,
}

/// The parameters of a path by name, decoded.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    /// The value; `None` when the path has no such parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

enum Part {
    Literal(&'static str),
    /// `v2`, which `v3` means too.
    Version,
    /// `streams`, which `stream` means too.
    Streams,
    Parameter(&'static str),
}

impl Part {
    fn of(text: &'static str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name) => Self::Parameter(name),
            None if text == "v2" => Self::Version,
            None if text == "streams" => Self::Streams,
            None => Self::Literal(text),
        }
    }

    fn admits(&self, segment: &str) -> bool {
        match self {
            Self::Literal(literal) => *literal == segment,
            Self::Version => segment == "v2" || segment == "v3",
            Self::Streams => segment == "streams" || segment == "stream",
            Self::Parameter(_) => true,
        }
    }
}

struct Pattern {
    route: &'static Route,
    parts: Vec<Part>,
}

impl Pattern {
    fn admits(&self, segments: &[Cow<'_, str>]) -> bool {
        self.parts.len() == segments.len()
            && self.parts.iter().zip(segments).all(|(part, segment)| part.admits(segment))
    }

    fn takes(&self, method: &Method) -> bool {
        self.route.method == *method
            || *method == Method::HEAD
                && self.route.method == Method::GET
                && (self.route.is_open() || self.route.is_identity())
    }

    fn found(&self, segments: Vec<Cow<'_, str>>) -> Found {
        let pairs = self.parts.iter().zip(segments);
        let parameters = pairs.filter_map(|(part, segment)| match part {
            Part::Parameter(name) => Some((*name, segment.into_owned())),
            Part::Literal(_) | Part::Version | Part::Streams => None,
        });
        Found { route: self.route, parameters: Parameters(parameters.collect()) }
    }
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let parts = |path: &'static str| path.trim_start_matches('/').split('/').map(Part::of).collect();
    ROUTES.iter().map(|route| Pattern { route, parts: parts(route.path) }).collect()
});

/// More segments than any route has.
const SEGMENTS_MAX: usize = 16;

/// Finds the row of a path as received: one `/` at the end is dropped, every segment decoded once. The
/// rows of the identity API are there only `with_identity`.
pub(crate) fn find(method: &Method, path: &str, with_identity: bool) -> Resolution {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments: Vec<_> = path.split('/').take(SEGMENTS_MAX).map(decode).collect();
    let mut allowed: Vec<&Method> = Vec::new();
    let exists = |pattern: &&Pattern| with_identity || !pattern.route.is_identity();
    for pattern in PATTERNS.iter().filter(exists).filter(|pattern| pattern.admits(&segments)) {
        if pattern.takes(method) {
            return Resolution::Found(pattern.found(segments));
        }
        if !allowed.contains(&&pattern.route.method) {
            allowed.push(&pattern.route.method);
        }
    }
    if allowed.is_empty() {
        return Resolution::Unknown;
    }
    Resolution::WrongMethod(allowed.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", "))
}

/// As [`find`], with all rows.
#[cfg(test)]
pub(crate) fn resolve(method: &Method, path: &str) -> Resolution {
    find(method, path, true)
}

/// Undoes percent-encoding once. What is no escape stays, what is not UTF-8 becomes U+FFFD, which no
/// name may contain.
fn decode(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    let mut decoded = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                decoded.push(nibble(*high) << 4 | nibble(*low));
                rest = after;
            }
            _ => decoded.push(first),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned().into()
}

fn nibble(digit: u8) -> u8 {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &Method, path: &str, expected: &str) {
        check_with(method, path, true, expected);
    }

    fn check_with(method: &Method, path: &str, with_identity: bool, expected: &str) {
        let got = match find(method, path, with_identity) {
            Resolution::Found(found) => {
                let values: Vec<_> = found.parameters.0.iter().map(|(_, value)| value.as_str()).collect();
                format!("{} {}", found.route.operation, values.join(" ")).trim_end().to_owned()
            }
            Resolution::WrongMethod(allow) => format!("405 {allow}"),
            Resolution::Unknown => "404".to_owned(),
        };
        assert_eq!(got, expected, "{method} {path}");
    }

    #[test]
    fn paths_are_found_as_clients_write_them() {
        check(&Method::GET, "/v2/p/streams", "list_streams p");
        check(&Method::GET, "/v2/p/streams/", "list_streams p");
        check(&Method::GET, "/v3/p/streams/s1", "describe_stream p s1");
        check(&Method::GET, "/v2/p/streams//", "describe_stream p");
        check(&Method::GET, "/v2/p/stream/s1/", "describe_stream p s1");
        check(&Method::PUT, "/v2/p/streams/s1", "change_partition_count p s1");
        check(&Method::PUT, "/v3/p/streams/s1", "update_stream p s1");
        check(&Method::PUT, "/v3/p/streams/s1/update/", "update_stream_attributes p s1");
        check(&Method::POST, "/v2/p/stream/s1/transfer-tasks/", "create_transfer_task p s1");
        check(&Method::POST, "/v2/p/streams/s1/transfer-tasks/action", "batch_transfer_tasks p s1");
        check(&Method::GET, "/v2/p/streams/s1/transfer-tasks/action", "describe_transfer_task p s1 action");
        check(&Method::GET, "/v2/p/stream/tags", "list_project_tags p");
        check(&Method::GET, "/v2/p/streams/tags", "describe_stream p tags");
        check(&Method::DELETE, "/v2/p/stream/id/tags/%E4%B8%AD", "delete_tag p stream id 中");
        check(&Method::GET, "/v2/p/apps/a%252Fb", "describe_app p a%2Fb");
        check(&Method::GET, "/v2/p/apps/a%2Fb%zz%", "describe_app p a/b%zz%");
        check(&Method::GET, "/v2/p/apps/%ff", "describe_app p \u{fffd}");
        check(&Method::HEAD, "/healthz", "healthz");
    }

    #[test]
    fn what_is_not_in_the_table_is_not_found() {
        for path in
            ["", "/", "//", "/v2", "/v2/p", "/v4/p/streams", "/v2/p/streamss", "/v2/p/streams/s1/x", "*"]
        {
            check_with(&Method::GET, path, false, "404");
        }
        check(&Method::GET, &"/v2".repeat(5000), "404");
        check(&Method::GET, "/v2/p/streams///", "404");
        check(&Method::GET, "/v1/p/streams", "404");
    }

    #[test]
    fn the_identity_api_exists_or_not() {
        for (path, operation) in [
            ("/", "list_versions"),
            ("/v3", "show_version"),
            ("/v3/", "show_version"),
            ("/v3/auth/tokens", "show_token"),
            ("/v3/projects", "list_projects"),
        ] {
            for method in [Method::GET, Method::HEAD] {
                check(&method, path, operation);
                check_with(&method, path, false, "404");
            }
        }
        check(&Method::PUT, "/v3/auth/tokens", "405 POST, GET");
        check_with(&Method::PUT, "/v3/auth/tokens", false, "404");
        check(&Method::GET, "/v2/auth/tokens", "404");
    }

    #[test]
    fn another_method_is_told_which_ones_there_are() {
        check(&Method::PATCH, "/v2/p/streams/s1", "405 GET, PUT, DELETE");
        check(&Method::HEAD, "/v2/p/streams", "405 POST, GET");
        check(&Method::PUT, "/v2/p/checkpoints/", "405 POST, GET, DELETE");
        check(&Method::POST, "/healthz", "405 GET");
    }
}
