//! `sessions.yaml`: what the sessions presume, and where this server rightly answers otherwise.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use serde::Deserialize;
use serde_json::Value;

use super::cut::Completion;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    sessions: BTreeMap<String, Session>,
    differences: Vec<Rule>,
}

/// What one client's file presumes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// So many calls were answered by a server with fixed answers: only their shape counts.
    #[serde(default)]
    pub fixed_answers: usize,
    #[serde(default)]
    pub calls: BTreeMap<usize, Presumed>,
}

/// What one call presumes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Presumed {
    /// The time of the call in milliseconds, where the second of its date is not exact enough.
    pub at: Option<i64>,
    /// What happens before the call.
    pub before: Vec<Step>,
    pub completion: Completion,
    /// The recorded answer, where that of this call is cut: the number of another call.
    pub answered_like: Option<usize>,
}

/// Something that others did to the server.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Creates a stream of that name, with the members of `json` …
    pub stream: Option<String>,
    /// … and so many partitions, one if not told.
    pub partitions: Option<u32>,
    /// Creates an app.
    pub app: Option<String>,
    /// Puts records into a stream …
    pub put: Option<String>,
    /// … so many of them, into its first partition.
    pub records: Option<usize>,
    /// Any other call: method and target …
    pub call: Option<String>,
    /// … and body.
    pub json: Option<Value>,
    /// Members of the answer, with the recorded text that each one stands for, or with `query.` and the
    /// parameter that has the recorded text.
    pub hands_out: BTreeMap<String, String>,
}

/// What this server answers otherwise, why, and to which calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// As the test words it; a final `*` stands for any end.
    what: String,
    why: String,
    calls: BTreeMap<String, Vec<usize>>,
}

/// A difference to the recorded answer of one call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    pub client: String,
    pub call: usize,
    pub what: String,
}

impl Sessions {
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay/sessions.yaml");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let sessions: Self = serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{error}"));
        for rule in &sessions.differences {
            assert!(rule.why.contains("spec/") || rule.why.contains("recorder"), "{}: no reason", rule.what);
        }
        sessions
    }

    pub fn of(&self, client: &str) -> &Session {
        self.sessions.get(client).unwrap_or_else(|| panic!("sessions.yaml has no {client}"))
    }

    /// The differences that are expected, one for each call.
    pub fn differences(&self) -> Vec<Difference> {
        let of_rule = |rule: &Rule| -> Vec<Difference> {
            let of_client = |(client, calls): (&String, &Vec<usize>)| {
                let (client, what) = (client.clone(), rule.what.clone());
                let one =
                    move |&call: &usize| Difference { client: client.clone(), call, what: what.clone() };
                calls.iter().map(one).collect::<Vec<_>>()
            };
            rule.calls.iter().flat_map(of_client).collect()
        };
        self.differences.iter().flat_map(of_rule).collect()
    }
}

impl Difference {
    /// Whether this one, an expected one, is about `found`.
    pub fn covers(&self, found: &Self) -> bool {
        let fits = match self.what.strip_suffix('*') {
            Some(start) => found.what.starts_with(start),
            None => found.what == self.what,
        };
        fits && (&self.client, self.call) == (&found.client, found.call)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.client, self.call, self.what)
    }
}
