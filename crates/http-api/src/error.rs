//! Where errors become answers: the only place, and without a wildcard arm, so that no failure of ours
//! is ever put down to the client (spec/08).

use std::{error::Error as StdError, time::Duration};

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use millpond_model::{ProjectId, limits};
use millpond_service::{Class, Error, RecordError, StorageFailure};
use millpond_wire::{Code, RecordRefusal, Refusal, identity::error_body, signing::AuthError};

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
    /// The address of the caller has failed to authenticate too often.
    Blocked,
    /// The project makes more requests than it may; one more may come after this time.
    TooFast(Duration),
    /// Refused by a handler of the identity API.
    Refused(Refusal),
    /// On a route of the identity API, whose errors have another form.
    Identity(Box<Failure>),
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
            Self::Api(ApiError::Refused(refusal), _) | Self::Refused(refusal) => refusal.clone(),
            Self::Api(ApiError::Service(error), project) => refusal(error, project),
            Self::Busy(_) | Self::Body(BodyError::Busy, _) | Self::Api(ApiError::Busy(_), _) => busy(),
            Self::Identity(failure) => failure.refusal(),
            Self::Blocked => Code::TooManyFailures.plain(),
            Self::TooFast(_) => Refusal::rate_exceeded(),
            Self::Panicked => Code::System.plain(),
        }
    }

    /// Whether nobody knows the caller, or a login did not succeed.
    pub(crate) fn is_unauthenticated(&self) -> bool {
        match self {
            Self::Unauthenticated(_) => true,
            Self::Refused(refusal) => refusal.status() == StatusCode::UNAUTHORIZED.as_u16(),
            Self::Identity(failure) => failure.is_unauthenticated(),
            _ => false,
        }
    }

    /// What there was too much of, if that is why.
    pub(crate) fn throttled(&self) -> Option<Throttled> {
        match self {
            Self::Identity(failure) => failure.throttled(),
            Self::Busy(what) | Self::Api(ApiError::Busy(what), _) => Some(*what),
            Self::Body(BodyError::Busy, _) => Some(Throttled::Bytes),
            Self::Api(ApiError::Service(Error::Overloaded), _) => Some(Throttled::Storage),
            Self::Api(ApiError::Service(Error::TrafficLimit), _) | Self::TooFast(_) => Some(Throttled::Rate),
            Self::Api(ApiError::Service(Error::TooManyRequests { .. }), _) => Some(Throttled::Requests),
            _ => None,
        }
    }

    /// What the log is told beside the refusal.
    pub(crate) fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Api(ApiError::Service(error), _) => Some(error),
            Self::Unauthenticated(error) => Some(error),
            Self::Body(BodyError::Broken(error), _) => Some(error),
            Self::Identity(failure) => failure.cause(),
            _ => None,
        }
    }

    /// The answer to a request that was refused with `refusal`.
    pub(crate) fn into_response(self, refusal: &Refusal) -> Response<Body> {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = match &self {
            Self::Identity(_) => {
                let title = status.canonical_reason().unwrap_or_default();
                error_body(status.as_u16(), title, refusal.message())
            }
            _ => refusal.body(),
        };
        let mut response = Answer::json_text(status, body).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Self::TooFast(wait) = &self {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, seconds.max(1).into());
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
        Error::PartitionQuotaExceeded { .. } | Error::StreamQuotaExceeded { .. } => {
            Code::QuotaExceeded.plain()
        }
        Error::ScaledTooOften { limit } => Code::RequestError
            .about(format_args!("The partition count changed {limit} times within an hour. Try again later")),
        Error::RequestTooLarge { max } => {
            Refusal::unfit("records", &format!("at most {max} bytes of data in a request"))
        }
        Error::TooManyRecords { max } => Refusal::unfit("records", &format!("at most {max} in a request")),
        Error::TooManyRequests { .. } => Code::TooManyRequests.plain(),
        Error::TrafficLimit => Code::TrafficLimit.plain(),
        Error::AutoScaleBounds { min: 0, .. } => Refusal::missing("auto_scale_min_partition_count"),
        Error::AutoScaleBounds { min, max } => {
            let expected = format!("{min} or more, the least partition count");
            Refusal::invalid_expecting("auto_scale_max_partition_count", max, &expected)
        }
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
        Error::CursorExpired { life } => {
            let life = whole_units(*life);
            Code::CursorExpired.about(format_args!("Cursors live {life}. Get a new one"))
        }
        Error::InvalidCursor => Code::InvalidCursor.about("Get a new one"),
        Error::PositionExpired => Code::CursorRecordExpired.plain(),
        Error::GroupRebalancing => Code::GroupRebalancing.plain(),
        Error::MemberUnknown { .. } => Code::MemberNotFound.plain(),
        Error::IllegalGeneration => Code::IllegalGeneration.plain(),
        Error::TooLarge => Code::InvalidRequest.about("The attributes are too large. Shorten them"),
        Error::Overloaded => busy(),
        Error::Storage(failure) => storage(Code::System, failure),
    }
}

/// A time in minutes where it has no seconds over.
fn whole_units(time: Duration) -> String {
    match time.as_secs() {
        60 => "1 minute".to_owned(),
        seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

/// The refusal of one record (spec/03 §4).
pub(crate) fn record_refusal(error: &RecordError) -> RecordRefusal {
    match error {
        RecordError::Invalid(invalid) => Code::InvalidRequest.about(invalid).into(),
        RecordError::PartitionNotFound(partition) => Code::PartitionNotFound.about(partition.index()).into(),
        RecordError::TrafficLimit | RecordError::Overloaded => Code::TrafficLimit.plain().into(),
        RecordError::Storage(failure) => storage(Code::PartitionUnavailable, failure).into(),
    }
}

/// What a client is told of a storage that failed. Its own words stay in the log, but for those that say
/// what is damaged.
fn storage(code: Code, failure: &StorageFailure) -> Refusal {
    match failure.class() {
        Class::NoSpace => code.about(
            "There is no space left on the disk of the server. Reading and deleting work; writing does again once there is space",
        ),
        Class::Corrupt => code.about(format_args!("Damaged: {failure}")),
        Class::Refused | Class::Unknown | Class::Fatal => code.plain(),
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
