//! Schemas out of samples (spec/09 §6.3).

use millpond_wire::v2::schema::InferSchemaRequest;

use crate::{answer::Answer, call::Call, error::ApiError};

/// `POST /v1/{project_id}/schema`.
pub(crate) async fn infer(call: Call) -> Result<Answer, ApiError> {
    Ok(Answer::json(&call.json::<InferSchemaRequest>()?.infer()?))
}
