//! Tags and permission rules, in commands and in rows of streams.

use millpond_model::{PolicyRule, StreamId, Tag, limits::STREAM_TAGS_MAX};

use super::{
    DecodeError,
    parts::{self, TagTwin},
};
use crate::Command;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PutTagsTwin {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    tags: Vec<TagTwin>,
    /// Absent in commands of early versions, for which there was one number.
    #[prost(uint32, optional, tag = "3")]
    quota: Option<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DeleteTagsTwin {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(string, repeated, tag = "2")]
    keys: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PoliciesTwin {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    rules: Vec<RuleTwin>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RuleTwin {
    #[prost(string, tag = "1")]
    principal: String,
    #[prost(string, tag = "2")]
    action: String,
}

pub(super) fn put_tags_twin(id: StreamId, tags: &[Tag], quota: u32) -> PutTagsTwin {
    PutTagsTwin { id: id.as_bytes().to_vec(), tags: parts::tag_twins(tags), quota: Some(quota) }
}

pub(super) fn delete_tags_twin(id: StreamId, keys: &[Box<str>]) -> DeleteTagsTwin {
    DeleteTagsTwin { id: id.as_bytes().to_vec(), keys: keys.iter().map(ToString::to_string).collect() }
}

pub(super) fn policies_twin(id: StreamId, rules: &[PolicyRule]) -> PoliciesTwin {
    PoliciesTwin { id: id.as_bytes().to_vec(), rules: rule_twins(rules) }
}

pub(super) fn put_tags(twin: &PutTagsTwin) -> Result<Command, DecodeError> {
    let tag_quota = twin.quota.unwrap_or(STREAM_TAGS_MAX);
    let tags = parts::tags(&twin.tags, Tag::new)?;
    Ok(Command::PutTags { id: parts::stream_id(&twin.id)?, tags, tag_quota })
}

pub(super) fn delete_tags(twin: DeleteTagsTwin) -> Result<Command, DecodeError> {
    let keys = twin.keys.into_iter().map(Into::into).collect();
    Ok(Command::DeleteTags { id: parts::stream_id(&twin.id)?, keys })
}

pub(super) fn add_policies(twin: &PoliciesTwin) -> Result<Command, DecodeError> {
    Ok(Command::AddPolicies { id: parts::stream_id(&twin.id)?, rules: rules(&twin.rules)? })
}

pub(super) fn delete_policies(twin: &PoliciesTwin) -> Result<Command, DecodeError> {
    Ok(Command::DeletePolicies { id: parts::stream_id(&twin.id)?, rules: rules(&twin.rules)? })
}

pub(super) fn rule_twins(rules: &[PolicyRule]) -> Vec<RuleTwin> {
    let twin = |rule: &PolicyRule| RuleTwin {
        principal: rule.principal.as_str().into(),
        action: rule.action.as_str().into(),
    };
    rules.iter().map(twin).collect()
}

pub(super) fn rules(twins: &[RuleTwin]) -> Result<Vec<PolicyRule>, DecodeError> {
    let rule = |twin: &RuleTwin| {
        Ok(PolicyRule {
            principal: parts::parse("principal", &twin.principal)?,
            action: parts::parse("policy action", &twin.action)?,
        })
    };
    twins.iter().map(rule).collect()
}
