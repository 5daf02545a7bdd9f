//! Cursors (spec/04): opened here, used by `GET /records`.

use millpond_service::{CursorPosition, CursorStart};
use millpond_wire::{
    CursorToken, Refusal,
    v2::cursors::{self as wire, CursorQuery, GetCursorResponse},
};

use crate::{answer::Answer, call::Call, error::ApiError};

/// `GET /cursors`.
pub(crate) async fn get(call: Call) -> Result<Answer, ApiError> {
    let CursorQuery { stream, partition, start: asked } = CursorQuery::parse(&call.query)?;
    let position = call.service().open_cursor(call.project(), &stream, partition, start(asked)).await?;
    Ok(Answer::json(&GetCursorResponse { partition_cursor: encode(&call, position) }))
}

fn start(asked: wire::CursorStart) -> CursorStart {
    match asked {
        wire::CursorStart::At(number) => CursorStart::AtSequenceNumber(number),
        wire::CursorStart::After(number) => CursorStart::AfterSequenceNumber(number),
        wire::CursorStart::TrimHorizon => CursorStart::TrimHorizon,
        wire::CursorStart::Latest => CursorStart::Latest,
        wire::CursorStart::AtTimestamp(at) => CursorStart::AtTimestamp(at),
    }
}

/// The cursor as its owner gets it: bound to the project, and to this service.
pub(super) fn encode(call: &Call, position: CursorPosition) -> String {
    let token = CursorToken {
        stream_name: position.stream_name,
        stream_id: position.stream_id,
        partition: position.partition,
        cursor_type: position.kind,
        position: position.position,
        generated_at: position.opened,
    };
    token.encode(&call.shared.cursor_key, call.project())
}

/// Reads a cursor of this project. Its age is the service's concern.
pub(super) fn decode(call: &Call, text: &str) -> Result<CursorPosition, Refusal> {
    let token = CursorToken::decode(text, &call.shared.cursor_key, call.project());
    let token = token.map_err(|invalid| invalid.refusal(text))?;
    Ok(CursorPosition {
        stream_id: token.stream_id,
        stream_name: token.stream_name,
        partition: token.partition,
        kind: token.cursor_type,
        position: token.position,
        opened: token.generated_at,
    })
}
