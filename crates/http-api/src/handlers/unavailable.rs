//! Routes of the contract whose operation does not exist yet.

use millpond_wire::Code;

use crate::{answer::Answer, call::Call, error::ApiError};

/// 400 `DIS.4200`: clients take 404 for a missing resource, and some send 5xx again (spec/00 §3).
pub(crate) async fn answer(call: Call) -> Result<Answer, ApiError> {
    let operation = call.operation;
    Err(Code::InvalidRequest.about(format_args!("The operation {operation} is not available yet")).into())
}
