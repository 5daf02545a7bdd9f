//! Permission rules of a stream (spec/12). They are no change of the stream itself.

use millpond_model::{PolicyAction, PolicyRule, ProjectId, limits::STREAM_POLICIES_MAX};

use crate::{Rejected, Stream};

impl Stream {
    /// The rules, in the order in which they were added.
    pub fn policies(&self) -> &[PolicyRule] {
        &self.policies
    }

    /// Whether `caller` may do this: the owner may, others as far as a rule allows.
    pub fn admits(&self, caller: &ProjectId, action: PolicyAction) -> bool {
        self.project == *caller || self.policies.iter().any(|rule| rule.allows(caller, action))
    }

    /// Adds rules: all of them, or none. One that is there in another spelling stays as it is.
    pub(crate) fn add_policies(&mut self, new: Vec<PolicyRule>) -> Result<(), Rejected> {
        let before = self.policies.len();
        for rule in new {
            if !self.policies.iter().any(|old| old.is_same(&rule)) {
                self.policies.push(rule);
            }
        }
        if self.policies.len() > STREAM_POLICIES_MAX {
            self.policies.truncate(before);
            return Err(Rejected::TooManyPolicies);
        }
        Ok(())
    }

    /// Deletes rules, in whatever spelling; returns how many there were.
    pub(crate) fn delete_policies(&mut self, rules: &[PolicyRule]) -> u32 {
        let before = self.policies.len();
        self.policies.retain(|old| !rules.iter().any(|rule| rule.is_same(old)));
        u32::try_from(before - self.policies.len()).unwrap_or(u32::MAX)
    }
}
