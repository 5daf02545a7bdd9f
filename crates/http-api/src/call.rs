//! An authenticated request, as handlers get it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use millpond_model::{AppSelector, Limits, ProjectId, StreamSelector};
use millpond_service::Service;
use millpond_wire::{Query, Refusal, v2};
use serde::Deserialize;

use crate::{
    admission::Reservation,
    api::Shared,
    auth::Caller,
    error::ApiError,
    matcher::{Found, Parameters},
    metrics::Throttled,
    request_id::RequestId,
};

/// What a record of a put takes while it is worked on, in bytes: its shapes on the way from the body to
/// the answer. A record of two bytes costs as much as one of a hundred.
const RECORD_BYTES: usize = 512;

/// The form of a body. Only the calls of records know another one than JSON, and their errors do not
/// (spec/00 §5, spec/03 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Protobuf,
}

/// An authenticated request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    pub(crate) request_id: RequestId,
    pub(crate) caller: Caller,
    pub(crate) query: Query,
    pub(crate) body: Bytes,
    /// The form that the request names, also where it has no body: the answer is to have it too.
    pub(crate) form: Form,
    parameters: Parameters,
}

impl Call {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        request_id: RequestId,
        found: Found,
        caller: Caller,
        query: Query,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            request_id,
            caller,
            query,
            body,
            form: form(headers),
            parameters: found.parameters,
        }
    }

    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.shared.service
    }

    /// What requests may hold and ask for.
    pub(crate) fn limits(&self) -> &Limits {
        self.shared.service.limits()
    }

    pub(crate) fn project(&self) -> &ProjectId {
        &self.caller.project
    }

    /// A parameter of the path; empty when the route has none of this name.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).unwrap_or_default()
    }

    /// The body as JSON.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Refusal> {
        v2::parse_body(&self.body)
    }

    /// The stream that the path names, by name or id; `id` finds it when the path does not (spec/02 §3).
    pub(crate) fn stream(&self, id: Option<&str>) -> Result<StreamSelector, Refusal> {
        let selector = StreamSelector::new(Some(self.parameter("stream")), id);
        selector.ok_or_else(|| Refusal::missing("stream_name"))
    }

    /// The app that the path names, by name or id.
    pub(crate) fn app(&self) -> Result<AppSelector, Refusal> {
        AppSelector::new(self.parameter("app")).ok_or_else(|| Refusal::missing("app_name"))
    }

    /// Makes room for the records of the body, as far as the body itself does not pay for them.
    ///
    /// # Errors
    /// 413 for more records than can ever be worked on at a time; `Busy` when there are too many now.
    pub(crate) fn room_for(&self, records: usize) -> Result<Reservation, ApiError> {
        let records_max = self.shared.settings.buffered_bytes_max / RECORD_BYTES;
        if records > records_max {
            let refusal = Refusal::unfit("records", &format!("at most {records_max} at a time"));
            return Err(refusal.with_status(StatusCode::PAYLOAD_TOO_LARGE.as_u16()).into());
        }
        let unpaid = (records * RECORD_BYTES).saturating_sub(self.body.len());
        self.shared.buffered.try_reserve(unpaid).ok_or(ApiError::Busy(Throttled::Bytes))
    }
}

/// One type asks for another form; all others, and none, mean JSON (spec/00 §5).
fn form(headers: &HeaderMap) -> Form {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|text| text.split(';').next());
    match media_type {
        Some(text) if text.trim().eq_ignore_ascii_case("application/x-protobuf") => Form::Protobuf,
        _ => Form::Json,
    }
}
