//! State of uploaded files: a withdrawn feature of one client (spec/03 §7).

use serde::Serialize;

use crate::{answer::Answer, call::Call, error::ApiError};

#[derive(Serialize)]
struct FileState<'a> {
    stream_name: &'a str,
    file_name: &'a str,
    deliver_data_id: &'a str,
    state: &'static str,
}

/// `GET /files/{deliver_data_id}/state`: no file is ever found, its chunks are records like others.
pub(crate) async fn state(call: Call) -> Result<Answer, ApiError> {
    let parameter = |names: &[&str]| call.query.get_any(names).unwrap_or_default();
    Ok(Answer::json(&FileState {
        stream_name: parameter(&["stream-name", "stream_name"]),
        file_name: parameter(&["file-name", "file_name"]),
        deliver_data_id: call.parameter("file"),
        state: "not found",
    }))
}
