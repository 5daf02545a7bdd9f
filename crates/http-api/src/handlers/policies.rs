//! Permission rules of streams (spec/12). Both versions of the paths take both names of a principal.

use millpond_wire::v2::policies::{ListPoliciesResponse, NamedRules, PolicyRequest};

use crate::{answer::Answer, call::Call, error::ApiError};

/// `POST /streams/{stream}/policies`: 200 without a body; one client takes no other status (spec/12 §1).
pub(crate) async fn add(call: Call) -> Result<Answer, ApiError> {
    let NamedRules { stream_id, rules } = call.json::<PolicyRequest>()?.into_rules()?;
    call.service().add_policies(call.project(), &call.stream(None)?, &stream_id, rules).await?;
    Ok(Answer::ok())
}

/// `GET /streams/{stream}/policies`.
pub(crate) async fn list(call: Call) -> Result<Answer, ApiError> {
    let list = call.service().list_policies(call.project(), &call.stream(None)?).await?;
    Ok(Answer::json(&ListPoliciesResponse::new(list.stream.as_str(), &list.rules)))
}

/// `DELETE /streams/{stream}/policies`: 200 without a body. Proxies drop the bodies of deletions, so the
/// members may stand in the query.
pub(crate) async fn delete(call: Call) -> Result<Answer, ApiError> {
    let request = match call.body.trim_ascii() {
        [] => PolicyRequest::from_query(&call.query),
        _ => call.json()?,
    };
    let NamedRules { stream_id, rules } = request.into_rules()?;
    call.service().delete_policies(call.project(), &call.stream(None)?, &stream_id, rules).await?;
    Ok(Answer::ok())
}
