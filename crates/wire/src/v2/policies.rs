//! Permission rules of streams (spec/12).

use millpond_model::{PolicyAction, PolicyRule, limits};
use serde::{Deserialize, Serialize};

use super::lenient;
use crate::{Query, Refusal};

/// The one effect there is.
const ACCEPT: &str = "accept";

/// Body of `POST` and `DELETE /streams/{stream_name}/policies`; a deletion may have its members in the
/// query instead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRequest {
    /// The stream's id.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<String>,
    /// Whom the rule is for; several are separated by commas.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub principal_name: Option<String>,
    /// The same by ids, which here are the same texts.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<String>,
    /// What the rule allows.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub action_type: Option<String>,
    /// `accept`, also when absent.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

/// What a request about rules names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRules {
    /// The id that the stream has to have.
    pub stream_id: String,
    /// One rule per principal.
    pub rules: Vec<PolicyRule>,
}

impl PolicyRequest {
    /// The members as parameters.
    pub fn from_query(query: &Query) -> Self {
        let text = |name: &str| query.get(name).map(str::to_owned);
        Self {
            stream_id: text("stream_id"),
            principal_name: text("principal_name"),
            principal_id: text("principal_id"),
            action_type: text("action_type"),
            effect: text("effect"),
        }
    }

    /// The rules that are named: one for each principal of the list.
    ///
    /// # Errors
    /// `DIS.4200` for a member that is missing or cannot be, and for more than 100 principals.
    pub fn into_rules(self) -> Result<NamedRules, Refusal> {
        let stream_id = self.stream_id.ok_or_else(|| Refusal::missing("stream_id"))?;
        let (name, principals) = match (self.principal_name, self.principal_id) {
            (Some(names), _) => ("principal_name", names),
            (None, Some(ids)) => ("principal_id", ids),
            (None, None) => return Err(Refusal::missing("principal_name")),
        };
        let action = self.action_type.ok_or_else(|| Refusal::missing("action_type"))?;
        let action: PolicyAction = action.parse().map_err(|error: millpond_model::InvalidAttribute| {
            Refusal::invalid_expecting("action_type", &action, error.expected)
        })?;
        if let Some(effect) = self.effect.filter(|effect| effect != ACCEPT) {
            return Err(Refusal::invalid_expecting("effect", effect, ACCEPT));
        }
        let max = limits::STREAM_POLICIES_MAX;
        if principals.split(',').nth(max).is_some() {
            return Err(Refusal::unfit(name, &format!("at most {max} principals")));
        }
        let rule = |text: &str| {
            let expected = "a project id, <project>.* or *; several separated by commas";
            let principal = text.trim().parse();
            let principal = principal.map_err(|_| Refusal::invalid_expecting(name, text, expected))?;
            Ok(PolicyRule { principal, action })
        };
        Ok(NamedRules { stream_id, rules: principals.split(',').map(rule).collect::<Result<_, Refusal>>()? })
    }
}

/// Answer of `GET /streams/{stream_name}/policies`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPoliciesResponse {
    /// The stream, as the table of the contract has it …
    pub stream_id: String,
    /// … and as its example has it.
    #[serde(rename = "streamId")]
    pub stream_id_again: String,
    /// One entry per principal and action.
    pub rules: Vec<PolicyRuleEntry>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRuleEntry {
    /// Whom it is for, in the one spelling of the service.
    pub principal: String,
    /// Whom it is for, as it was given.
    pub principal_name: String,
    /// What it allows.
    pub action_type: String,
    /// `accept`.
    pub effect: String,
}

impl ListPoliciesResponse {
    /// The rules of a stream.
    pub fn new(stream_id: &str, rules: &[PolicyRule]) -> Self {
        let rules = rules.iter().map(PolicyRuleEntry::from).collect();
        Self { stream_id: stream_id.to_owned(), stream_id_again: stream_id.to_owned(), rules }
    }
}

impl From<&PolicyRule> for PolicyRuleEntry {
    fn from(rule: &PolicyRule) -> Self {
        Self {
            principal: rule.principal.canonical(),
            principal_name: rule.principal.to_string(),
            action_type: rule.action.as_str().to_owned(),
            effect: ACCEPT.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PlusReading, v2::parse_body};

    fn shown(named: Result<NamedRules, Refusal>) -> String {
        match named {
            Ok(NamedRules { stream_id, rules }) => {
                let rules = rules.iter().map(|rule| format!(" {}:{}", rule.principal, rule.action.as_str()));
                stream_id + &rules.collect::<String>()
            }
            Err(refusal) => refusal.message().to_owned(),
        }
    }

    #[test]
    fn rules_are_read_from_bodies_and_queries() {
        let check = |json: &str, query: &str, expected: &str| {
            let body: PolicyRequest = parse_body(json.as_bytes()).unwrap();
            assert_eq!(shown(body.into_rules()), expected, "{json}");
            let query = Query::parse(query, PlusReading::Space).unwrap();
            assert_eq!(shown(PolicyRequest::from_query(&query).into_rules()), expected, "{query:?}");
        };
        check(
            r#"{"stream_id":"i","principal_name":"a.*","action_type":"putRecords","effect":"accept"}"#,
            "stream_id=i&principal_name=a.*&action_type=putRecords&effect=accept",
            "i a.*:putRecords",
        );
        check(
            r#"{"stream_id":"i","principal_name":"a, b.u,*","action_type":"getRecords"}"#,
            "stream_id=i&principal_name=a,+b.u,*&action_type=getRecords",
            "i a:getRecords b.u:getRecords *:getRecords",
        );
        check(
            r#"{"stream_id":"i","principal_id":"a","action_type":"getStreamInfo","effect":null}"#,
            "stream_id=i&principal_id=a&action_type=getStreamInfo",
            "i a:getStreamInfo",
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let check = |json: &str, expected: &str| {
            let body: PolicyRequest = parse_body(json.as_bytes()).unwrap();
            assert_eq!(shown(body.into_rules()), format!("Invalid request. [{expected}]"), "{json}");
        };
        check("{}", "Invalid stream_id null.");
        check(r#"{"stream_id":"i"}"#, "Invalid principal_name null.");
        check(r#"{"stream_id":"i","principal_name":"a"}"#, "Invalid action_type null.");
        check(
            r#"{"stream_id":"i","principal_name":"a","action_type":"all"}"#,
            "Invalid action_type all. Expected: putRecords, getRecords or getStreamInfo.",
        );
        check(
            r#"{"stream_id":"i","principal_name":"a","action_type":"putRecords","effect":"deny"}"#,
            "Invalid effect deny. Expected: accept.",
        );
        check(
            r#"{"stream_id":"i","principal_name":"a,,b","action_type":"putRecords"}"#,
            "Invalid principal_name . Expected: a project id, <project>.* or *; several separated by commas.",
        );
        let many = ["a"; 101].join(",");
        check(
            &format!(r#"{{"stream_id":"i","principal_id":"{many}","action_type":"putRecords"}}"#),
            "Invalid principal_id. Expected: at most 100 principals.",
        );
    }

    #[test]
    fn the_list_has_both_spellings() {
        let rule = PolicyRule { principal: "a".parse().unwrap(), action: PolicyAction::PutRecords };
        assert_eq!(
            serde_json::to_string(&ListPoliciesResponse::new("i", &[rule])).unwrap(),
            concat!(
                r#"{"stream_id":"i","streamId":"i","rules":[{"principal":"a.*","principal_name":"a","#,
                r#""action_type":"putRecords","effect":"accept"}]}"#
            )
        );
    }
}
