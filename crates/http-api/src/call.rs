//! An authenticated request, as handlers get it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, header};
use millpond_model::{AppSelector, ProjectId, StreamSelector};
use millpond_service::Service;
use millpond_wire::{Query, Refusal, v2};
use serde::Deserialize;

use crate::{
    api::Shared,
    auth::Caller,
    matcher::{Found, Parameters},
    request_id::RequestId,
};

/// An authenticated request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    pub(crate) operation: &'static str,
    pub(crate) request_id: RequestId,
    pub(crate) caller: Caller,
    pub(crate) query: Query,
    pub(crate) body: Bytes,
    parameters: Parameters,
    protobuf: bool,
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
            operation: found.route.operation,
            request_id,
            caller,
            query,
            body,
            parameters: found.parameters,
            protobuf: is_protobuf(headers),
        }
    }

    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.shared.service
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

    /// Refuses the protobuf form of a request (spec/03 §6).
    pub(crate) fn json_only(&self) -> Result<(), Refusal> {
        if self.protobuf {
            let text = "The type application/x-protobuf is not available yet. Use application/json";
            return Err(millpond_wire::Code::InvalidRequest.about(text));
        }
        Ok(())
    }
}

/// The one type that asks for another form; all others, and none, are read as JSON (spec/00 §5).
fn is_protobuf(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|text| text.split(';').next());
    media_type.is_some_and(|text| text.trim().eq_ignore_ascii_case("application/x-protobuf"))
}
