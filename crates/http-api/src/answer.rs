//! Answers on their way out.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use http_body_util::Full;
use serde::Serialize;

use crate::admission::Reservation;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// A status and a body. Every length is explicit: one client takes a chunked empty body for one that
/// it has to convert (spec/00 §5).
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    content_type: Option<HeaderValue>,
    body: Bytes,
    held: Option<Reservation>,
    extra: Option<(HeaderName, HeaderValue)>,
}

impl Answer {
    /// 200 with JSON.
    pub(crate) fn json(body: &impl Serialize) -> Self {
        Self::json_of(StatusCode::OK, body)
    }

    /// JSON with another status.
    pub(crate) fn json_of(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("answers are structs of strings, numbers and lists");
        Self::json_text(status, body)
    }

    /// JSON that is written already.
    pub(crate) fn json_text(status: StatusCode, body: Vec<u8>) -> Self {
        Self { status, content_type: Some(JSON), body: body.into(), held: None, extra: None }
    }

    /// 200 with a message that is written already.
    pub(crate) fn protobuf(body: Vec<u8>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: Some(PROTOBUF),
            body: body.into(),
            held: None,
            extra: None,
        }
    }

    /// 200 with text of another type.
    pub(crate) fn text(content_type: &'static str, body: String) -> Self {
        let content_type = Some(HeaderValue::from_static(content_type));
        Self { status: StatusCode::OK, content_type, body: body.into(), held: None, extra: None }
    }

    /// 200 with a text that is part of the program.
    pub(crate) fn constant(content_type: HeaderValue, text: &'static str) -> Self {
        let body = Bytes::from_static(text.as_bytes());
        Self { status: StatusCode::OK, content_type: Some(content_type), body, held: None, extra: None }
    }

    /// 200 without a body.
    pub(crate) fn ok() -> Self {
        Self::empty(StatusCode::OK)
    }

    /// 201 without a body.
    pub(crate) fn created() -> Self {
        Self::empty(StatusCode::CREATED)
    }

    /// 204.
    pub(crate) fn no_content() -> Self {
        Self::empty(StatusCode::NO_CONTENT)
    }

    fn empty(status: StatusCode) -> Self {
        Self { status, content_type: None, body: Bytes::new(), held: None, extra: None }
    }

    /// Gives the reservation back when the client has taken the body, or has gone.
    pub(crate) fn holding(mut self, reservation: Reservation) -> Self {
        self.held = Some(reservation);
        self
    }

    /// With one header more.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.extra = Some((name, value));
        self
    }

    /// Length of the body, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What a metric calls the answer.
    pub(crate) fn code(&self) -> &'static str {
        match self.status {
            StatusCode::OK => "200",
            StatusCode::CREATED => "201",
            StatusCode::NO_CONTENT => "204",
            StatusCode::MULTIPLE_CHOICES => "300",
            StatusCode::SERVICE_UNAVAILABLE => "503",
            _ => "other",
        }
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let length = self.body.len();
        let body = match self.held {
            _ if self.status == StatusCode::NO_CONTENT => Body::new(Nothing),
            None => Body::from(self.body),
            Some(held) => Body::new(Held { body: Full::new(self.body), _held: held }),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.extend(self.extra.map(|(name, value)| (Some(name), value)));
        if let Some(content_type) = self.content_type {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        if self.status != StatusCode::NO_CONTENT {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        response
    }
}

/// A body that holds a reservation for as long as it exists.
struct Held {
    body: Full<Bytes>,
    _held: Reservation,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a 204. Were its length known to be 0, the router would announce it, which a 204 must not.
struct Nothing;

impl http_body::Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
