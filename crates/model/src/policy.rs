//! Rules by which a stream's owner lets other projects use it (spec/12).

use std::{fmt, str::FromStr, sync::Arc};

use crate::{InvalidAttribute, ProjectId, limits};

/// Whom a rule is for.
///
/// Accounts of the cloud are projects here, and nothing below a project is told apart (spec/12 §4:
/// resolved when a request comes, so that any text may be stored). A rule admits
///
/// ```text
///   <project> or <project>.*   every key of that project
///   *                          every project
///   anything else              nobody, as long as no project is called so
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal(Arc<str>);

/// The text names no principal: empty, too long, or with a blank, a comma or a control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a principal: 1 to 128 bytes without blanks, such as a project id, <project>.* or *")]
pub struct InvalidPrincipal;

impl Principal {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one spelling of each principal: a bare project is written `<project>.*`.
    pub fn canonical(&self) -> String {
        let (project, whole) = self.parts();
        if whole && project != "*" { format!("{project}.*") } else { self.0.to_string() }
    }

    /// Whether the rule is for this project.
    pub fn admits(&self, caller: &ProjectId) -> bool {
        let (project, whole) = self.parts();
        &*self.0 == "*" || whole && project == caller.as_str()
    }

    /// The project, and whether all of it is meant.
    fn parts(&self) -> (&str, bool) {
        match self.0.split_once('.') {
            None | Some((_, "*")) => (self.0.split('.').next().unwrap_or_default(), true),
            Some((project, _)) => (project, false),
        }
    }
}

impl FromStr for Principal {
    type Err = InvalidPrincipal;

    fn from_str(text: &str) -> Result<Self, InvalidPrincipal> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == ',';
        let fits = (1..=limits::PRINCIPAL_BYTES_MAX).contains(&text.len()) && !text.contains(bad);
        fits.then(|| Self(text.into())).ok_or(InvalidPrincipal)
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a rule allows (spec/12 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyAction {
    /// Put records.
    PutRecords,
    /// Read records, and keep checkpoints of one's own apps.
    GetRecords,
    /// Describe the stream. Implied by each of the others.
    GetStreamInfo,
}

impl PolicyAction {
    /// The action on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PutRecords => "putRecords",
            Self::GetRecords => "getRecords",
            Self::GetStreamInfo => "getStreamInfo",
        }
    }

    /// Whether a rule with this action allows `needed` (spec/12 §5).
    pub fn allows(self, needed: Self) -> bool {
        self == needed || needed == Self::GetStreamInfo
    }
}

impl FromStr for PolicyAction {
    type Err = InvalidAttribute;

    fn from_str(text: &str) -> Result<Self, InvalidAttribute> {
        let known = [Self::PutRecords, Self::GetRecords, Self::GetStreamInfo];
        let found = known.into_iter().find(|action| action.as_str() == text);
        let expected = "putRecords, getRecords or getStreamInfo";
        found.ok_or(InvalidAttribute { what: "action_type", expected })
    }
}

/// One principal may do one thing. There is nothing but permission: no rule forbids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicyRule {
    /// Who.
    pub principal: Principal,
    /// What.
    pub action: PolicyAction,
}

impl PolicyRule {
    /// Whether both say the same, in whatever spelling.
    pub fn is_same(&self, other: &Self) -> bool {
        self.action == other.action && self.principal.canonical() == other.principal.canonical()
    }

    /// Whether the rule lets `caller` do `needed`.
    pub fn allows(&self, caller: &ProjectId, needed: PolicyAction) -> bool {
        self.action.allows(needed) && self.principal.admits(caller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_admit_projects() {
        let check = |text: &str, canonical: &str, admitted: &[&str]| {
            let principal: Principal = text.parse().unwrap();
            assert_eq!(principal.canonical(), canonical, "{text}");
            for project in ["acct", "acct2", "bob"] {
                let admits = principal.admits(&project.parse().unwrap());
                assert_eq!(admits, admitted.contains(&project), "{text} {project}");
            }
        };
        check("acct", "acct.*", &["acct"]);
        check("acct.*", "acct.*", &["acct"]);
        check("acct.bob", "acct.bob", &[]);
        check("acct.", "acct.", &[]);
        check("acct.*.*", "acct.*.*", &[]);
        check("*", "*", &["acct", "acct2", "bob"]);
        check("*.*", "*.*", &[]);
        check("账户", "账户.*", &[]);
    }

    #[test]
    fn other_text_is_no_principal() {
        for text in ["", " ", "a b", "a,b", "a\n", &"x".repeat(129)] {
            assert_eq!(text.parse::<Principal>(), Err(InvalidPrincipal), "{text:?}");
        }
    }

    #[test]
    fn info_is_implied() {
        use PolicyAction::{GetRecords, GetStreamInfo, PutRecords};
        let check = |rule: PolicyAction, allowed: &[PolicyAction]| {
            for needed in [PutRecords, GetRecords, GetStreamInfo] {
                assert_eq!(rule.allows(needed), allowed.contains(&needed), "{rule:?} {needed:?}");
            }
            assert_eq!(rule.as_str().parse(), Ok(rule));
        };
        check(PutRecords, &[PutRecords, GetStreamInfo]);
        check(GetRecords, &[GetRecords, GetStreamInfo]);
        check(GetStreamInfo, &[GetStreamInfo]);
        assert!("PutRecords".parse::<PolicyAction>().is_err());
    }

    #[test]
    fn rules_are_the_same_in_any_spelling() {
        let rule = |principal: &str, action| PolicyRule { principal: principal.parse().unwrap(), action };
        let put = PolicyAction::PutRecords;
        assert!(rule("a", put).is_same(&rule("a.*", put)));
        assert!(!rule("a", put).is_same(&rule("a.b", put)));
        assert!(!rule("a", put).is_same(&rule("a", PolicyAction::GetRecords)));
    }
}
