//! Where errors become answers: the only place, and without a wildcard arm, so that no failure of ours
//! is ever put down to the client (spec/08).

use std::error::Error as StdError;

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use millpond_model::{ProjectId, limits};
use millpond_service::{Error, RecordError};
use millpond_wire::{Code, RecordRefusal, Refusal, signing::AuthError};

use crate::{answer::Answer, body::BodyError, metrics::Throttled};

/// Why a handler does not succeed.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The request itself is at fault.
    Refused(Refusal),
    /// The service refuses, or fails.
    Service(Error),
    /// There is too much of something.
    Busy(Throttled),
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

/// Why a request does not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No row of the table has this path.
    UnknownRoute(String),
    /// The path takes other methods: the value of `Allow`.
    WrongMethod { method: String, allow: String },
    /// The body is too large, or did not come.
    Body(BodyError, u64),
    /// Nobody knows the caller.
    Unauthenticated(AuthError),
    /// The path names another project than the credentials, or none.
    WrongProject(String),
    /// Refused after the caller was known, for the same reasons as handlers.
    Api(ApiError, ProjectId),
    /// Refused before the caller was known.
    Busy(Throttled),
    /// A handler panicked.
    Panicked,
}

impl Failure {
    /// What the client is told.
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::UnknownRoute(path) => Refusal::unknown_route(path),
            Self::WrongMethod { method, .. } => Refusal::wrong_method(method),
            Self::Body(BodyError::TooLarge, max) => Refusal::body_too_large(*max),
            Self::Body(BodyError::Broken(_), _) => {
                Code::InvalidRequest.about("The body could not be read to its end")
            }
            Self::Unauthenticated(error) => (*error).into(),
            Self::WrongProject(text) => Code::ProjectMismatch.about(text),
            Self::Api(ApiError::Refused(refusal), _) => refusal.clone(),
            Self::Api(ApiError::Service(error), project) => refusal(error, project),
            Self::Busy(_) | Self::Body(BodyError::Busy, _) | Self::Api(ApiError::Busy(_), _) => busy(),
            Self::Panicked => Code::System.plain(),
        }
    }

    /// What there was too much of, if that is why.
    pub(crate) fn throttled(&self) -> Option<Throttled> {
        match self {
            Self::Busy(what) | Self::Api(ApiError::Busy(what), _) => Some(*what),
            Self::Body(BodyError::Busy, _) => Some(Throttled::Bytes),
            Self::Api(ApiError::Service(Error::Overloaded), _) => Some(Throttled::Storage),
            _ => None,
        }
    }

    /// What the log is told beside the refusal.
    pub(crate) fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Api(ApiError::Service(error), _) => Some(error),
            Self::Unauthenticated(error) => Some(error),
            Self::Body(BodyError::Broken(error), _) => Some(error),
            _ => None,
        }
    }

    /// The answer to a request that was refused with `refusal`.
    pub(crate) fn into_response(self, refusal: &Refusal) -> Response<Body> {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Answer::json_text(status, refusal.body()).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Self::WrongMethod { allow, .. } = self
            && let Ok(allow) = HeaderValue::try_from(allow)
        {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }
}

/// 503: stock clients send the request again, which after a 400 they do not (spec/03 §4, spec/08 §3).
fn busy() -> Refusal {
    Code::TooManyRequests.plain().with_status(StatusCode::SERVICE_UNAVAILABLE.as_u16())
}

fn refusal(error: &Error, project: &ProjectId) -> Refusal {
    match error {
        Error::StreamNotFound { stream } => Refusal::stream_not_found(stream, project),
        Error::AccessDenied { .. } => Code::PermissionDenied.plain(),
        Error::StreamIdMismatch => Refusal::unfit("stream_id", "the id of the stream that the path names"),
        Error::TooManyPolicies => {
            let max = limits::STREAM_POLICIES_MAX;
            Code::QuotaExceeded.about(format_args!("A stream has at most {max} permission rules"))
        }
        Error::TaggedStreamNotFound => Code::TagResourceNotFound.plain(),
        Error::TagNotFound => Code::TagKeyNotFound.plain(),
        Error::TooManyTags => Code::TagLimit.plain(),
        Error::StreamExists(_) => Code::StreamExists.plain(),
        Error::PartitionQuotaExceeded { .. } => Code::QuotaExceeded.plain(),
        Error::AppNotFound { .. } => Code::AppNotFound.plain(),
        Error::AppExists(_) => Code::AppExists.plain(),
        Error::AppInUse { .. } => Code::AppInUse.plain(),
        Error::ConsumerQuotaExceeded { .. } => Code::ConsumerQuotaExceeded.plain(),
        Error::AppQuotaExceeded { .. } => Code::AppQuotaExceeded.plain(),
        Error::TaskNotFound { task } => Code::TaskNotFound.about(task),
        Error::TaskExists(name) => Code::TaskExists.about(name),
        Error::TaskQuotaExceeded { .. } => Code::TaskQuotaExceeded.plain(),
        Error::TaskDestinationFixed(destination) => {
            let expected = format!("{}, which cannot change", destination.as_str());
            Refusal::unfit("destination_type", &expected)
        }
        Error::TaskStartFixed(strategy) => {
            let expected = format!("{}, which cannot change", strategy.as_str());
            Refusal::unfit("consumer_strategy", &expected)
        }
        Error::TaskSourceUnfit { data_type, destination } => Code::InvalidRequest.about(format_args!(
            "{} records cannot be delivered to {} as asked. Use a stream of another data type",
            data_type.as_str(),
            destination.as_str()
        )),
        Error::TaskSchemaMissing => Code::DataSchemaInvalid.about("The stream has no data_schema. Set one"),
        Error::InvalidPartitionId => Code::InvalidPartitionId.plain(),
        Error::PartitionNotFound { stream, partition } => {
            Refusal::partition_not_found(stream, project, *partition)
        }
        Error::PartitionExpired { stream, partition } => {
            Refusal::partition_expired(stream, project, *partition)
        }
        Error::InvalidSequenceNumber => Code::InvalidSequenceNumber.plain(),
        Error::SequenceNumberOutOfRange { given, bounds } => {
            Refusal::sequence_number_out_of_range(given, *bounds)
        }
        Error::TimestampExpired { limit } => Refusal::timestamp_expired(*limit),
        Error::CursorExpired => Code::CursorExpired.about("Cursors live 5 minutes. Get a new one"),
        Error::InvalidCursor => Code::InvalidCursor.about("Get a new one"),
        Error::PositionExpired => Code::CursorRecordExpired.plain(),
        Error::GroupRebalancing => Code::GroupRebalancing.plain(),
        Error::MemberUnknown { .. } => Code::MemberNotFound.plain(),
        Error::IllegalGeneration => Code::IllegalGeneration.plain(),
        Error::TooLarge => Code::InvalidRequest.about("The attributes are too large. Shorten them"),
        Error::Overloaded => busy(),
        Error::Storage(_) => Code::System.plain(), // its own words stay in the log
    }
}

/// The refusal of one record (spec/03 §4).
pub(crate) fn record_refusal(error: &RecordError) -> RecordRefusal {
    match error {
        RecordError::Invalid(invalid) => Code::InvalidRequest.about(invalid).into(),
        RecordError::PartitionNotFound(partition) => Code::PartitionNotFound.about(partition.index()).into(),
        RecordError::Overloaded => Code::TrafficLimit.plain().into(),
        RecordError::Storage(_) => Code::PartitionUnavailable.plain().into(),
    }
}

/// An error with everything that caused it.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
