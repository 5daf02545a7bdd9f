//! What a client is told when a request, or one record of it, is refused (spec/08).

use std::{borrow::Cow, fmt::Display};

use millpond_model::{Bounds, PartitionId, ProjectId, Timestamp};

use crate::{Code, v2::error::ErrorBody};

/// Most characters of a client's text that a message repeats.
const ECHO_CHARS_MAX: usize = 128;

/// What stock clients search for in a message to tell one error from another (spec/08 §2), and the
/// harmless form that stands in for it when it comes from a client.
const DEFUSED: [(&str, &str); 2] = [("DIS.", "DIS_"), ("timestamp is expired", "timestamp_is_expired")];

/// A client's text as a message may repeat it: at most 128 characters, no control characters, and
/// nothing that a stock client takes for an error code.
pub fn echo(text: &str) -> Cow<'_, str> {
    let end = text.char_indices().nth(ECHO_CHARS_MAX).map_or(text.len(), |(at, _)| at);
    let kept = text.get(..end).unwrap_or_default();
    let harmless = !kept.contains(char::is_control) && DEFUSED.iter().all(|(word, _)| !kept.contains(word));
    if harmless {
        return Cow::Borrowed(kept);
    }
    let plain: String = kept.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    Cow::Owned(DEFUSED.iter().fold(plain, |text, (word, instead)| text.replace(word, instead)))
}

/// The refusal of a whole request: a code, the HTTP status, the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: Code,
    status: u16,
    message: Cow<'static, str>,
}

impl Code {
    /// Refuses with exactly `message`. Texts that come from a client must have gone through
    /// [`echo`]; the other constructors see to that themselves.
    pub fn refuse(self, message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { code: self, status: self.status(), message: message.into() }
    }

    /// Refuses with the fixed text alone.
    pub fn plain(self) -> Refusal {
        self.refuse(self.text())
    }

    /// Refuses with the fixed text and a detail in brackets: `app not found. [app1]`.
    pub fn about(self, detail: impl Display) -> Refusal {
        self.refuse(format!("{} [{}]", self.text(), echo(&detail.to_string())))
    }
}

impl Refusal {
    /// `Invalid request. [Invalid partition_count 0.]`: a member or parameter of this name cannot
    /// have this value.
    pub fn invalid(name: &str, value: impl Display) -> Self {
        let value = value.to_string();
        Code::InvalidRequest.refuse(format!(
            "{} [Invalid {name} {}.]",
            Code::InvalidRequest.text(),
            echo(&value)
        ))
    }

    /// As [`Refusal::invalid`], and says what is expected instead.
    pub fn invalid_expecting(name: &str, value: impl Display, expected: &str) -> Self {
        let text = Code::InvalidRequest.text();
        let value = value.to_string();
        Code::InvalidRequest
            .refuse(format!("{text} [Invalid {name} {}. Expected: {expected}.]", echo(&value)))
    }

    /// A member or parameter breaks a rule and is not worth repeating, as when it is too long.
    pub fn unfit(name: &str, expected: &str) -> Self {
        Code::InvalidRequest.about(format_args!("Invalid {name}. Expected: {expected}."))
    }

    /// A needed member or parameter is absent: its value is shown as `null`.
    pub fn missing(name: &str) -> Self {
        Self::invalid(name, "null")
    }

    /// `Sequence_number out of range. [5280][ should be within ][0][ ][617]`: three numbers that
    /// clients read (spec/04 §3).
    pub fn sequence_number_out_of_range(got: impl Display, within: Bounds) -> Self {
        let text = Code::SequenceNumberOutOfRange.text();
        Code::SequenceNumberOutOfRange.refuse(format!(
            "{text} [{got}][ should be within ][{}][ ][{}]",
            within.oldest, within.high_water
        ))
    }

    /// A timestamp below `limit`; one client repeats at once with exactly the number it reads here
    /// (spec/04 §3).
    pub fn timestamp_expired(limit: Timestamp) -> Self {
        let text = Code::RequestError.text();
        Code::RequestError
            .refuse(format!("{text} [timestamp is expired, timestamp should be larger than {limit}]"))
    }

    /// `Stream does not exist. [orders][0123…]`: one client reads the name out of it (spec/02 §3).
    pub fn stream_not_found(stream: impl Display, project: &ProjectId) -> Self {
        Self::of_project(Code::StreamNotFound, &stream, project)
    }

    /// The stream has no such partition, or it takes no records.
    pub fn partition_not_found(stream: impl Display, project: &ProjectId, partition: PartitionId) -> Self {
        Self::of_partition(Code::PartitionNotFound, &stream, project, partition)
    }

    /// The partition is closed and empty.
    pub fn partition_expired(stream: impl Display, project: &ProjectId, partition: PartitionId) -> Self {
        Self::of_partition(Code::PartitionExpired, &stream, project, partition)
    }

    fn of_project(code: Code, stream: &dyn Display, project: &ProjectId) -> Self {
        let stream = stream.to_string();
        code.refuse(format!("{} [{}][{project}]", code.text(), echo(&stream)))
    }

    fn of_partition(code: Code, stream: &dyn Display, project: &ProjectId, partition: PartitionId) -> Self {
        let stream = stream.to_string();
        code.refuse(format!("{} [{}][{project}][{partition}]", code.text(), echo(&stream)))
    }

    /// 404: no route has this path. Missing things are 400 with a code of their own (spec/00 §7).
    pub fn unknown_route(path: &str) -> Self {
        Code::InvalidRequest.about(format_args!("No such path: {}", echo(path))).with_status(404)
    }

    /// 405: the path has no such method.
    pub fn wrong_method(method: &str) -> Self {
        Code::InvalidRequest
            .about(format_args!("The path does not take the method {}", echo(method)))
            .with_status(405)
    }

    /// 413: the body, as received or decompressed, exceeds the limit.
    pub fn body_too_large(limit_bytes: u64) -> Self {
        Code::InvalidRequest
            .about(format_args!("The body exceeds {limit_bytes} bytes. Send fewer records at a time"))
            .with_status(413)
    }

    /// 429: over the rate of the whole account.
    pub fn rate_exceeded() -> Self {
        Code::TrafficLimit.plain().with_status(429)
    }

    /// 503: the service is shutting down or not yet up. Clients try again.
    pub fn unavailable() -> Self {
        Code::System.about("The service is not available. Try again").with_status(503)
    }

    /// The same refusal under another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The code as it stands in the answer.
    pub fn code_str(&self) -> &'static str {
        self.code.as_str()
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The JSON body, in both spellings that clients know (spec/08 §1).
    pub fn body(&self) -> Vec<u8> {
        let body = ErrorBody::new(self.code_str(), &self.message);
        serde_json::to_vec(&body).expect("a body of strings is always JSON")
    }
}

/// The refusal of one record of a put; the request itself succeeds (spec/03 §1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRefusal {
    code: Code,
    message: Cow<'static, str>,
}

impl RecordRefusal {
    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The text. Where producers do not resend, it begins with the code: one client tells failures
    /// apart by searching for it (spec/03 §1).
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<Refusal> for RecordRefusal {
    fn from(refusal: Refusal) -> Self {
        let Refusal { code, message, .. } = refusal;
        let message =
            if code.record_is_resent() { message } else { format!("{}: {message}", code.as_str()).into() };
        Self { code, message }
    }
}

#[cfg(test)]
mod tests {
    use millpond_model::SequenceNumber;

    use super::*;

    #[test]
    fn texts_that_clients_read() {
        let check = |refusal: Refusal, status: u16, message: &str| {
            assert_eq!((refusal.status(), refusal.message()), (status, message));
        };
        let number = |n| SequenceNumber::new(n).unwrap();
        let project: ProjectId = "p1".parse().unwrap();
        let bounds = Bounds { oldest: number(0), high_water: number(617) };
        check(
            Refusal::sequence_number_out_of_range(5280, bounds),
            400,
            "Sequence_number out of range. [5280][ should be within ][0][ ][617]",
        );
        check(
            Refusal::timestamp_expired(Timestamp::from_millis(1_545_728_813_434)),
            400,
            "Request error. [timestamp is expired, timestamp should be larger than 1545728813434]",
        );
        check(Refusal::stream_not_found("orders", &project), 400, "Stream does not exist. [orders][p1]");
        check(
            Refusal::partition_not_found("s", &project, PartitionId::new(9)),
            400,
            "Partition does not exist. [s][p1][shardId-0000000009]",
        );
        check(
            Refusal::partition_expired("s", &project, PartitionId::new(1)),
            400,
            "Partition is expired. [s][p1][shardId-0000000001]",
        );
        check(
            Refusal::missing("target_partition_count"),
            400,
            "Invalid request. [Invalid target_partition_count null.]",
        );
        check(Refusal::invalid("partition_count", 0), 400, "Invalid request. [Invalid partition_count 0.]");
        check(
            Refusal::invalid_expecting("limit", "x", "a number"),
            400,
            "Invalid request. [Invalid limit x. Expected: a number.]",
        );
        check(Code::AppNotFound.about("a"), 400, "app not found. [a]");
        check(Code::AppNotFound.plain(), 400, "app not found.");
        check(Refusal::unknown_route("/v9"), 404, "Invalid request. [No such path: /v9]");
        check(
            Refusal::wrong_method("PATCH"),
            405,
            "Invalid request. [The path does not take the method PATCH]",
        );
        check(
            Refusal::body_too_large(8),
            413,
            "Invalid request. [The body exceeds 8 bytes. Send fewer records at a time]",
        );
        check(Refusal::rate_exceeded(), 429, "Exceeded traffic control limit.");
        check(Refusal::unavailable(), 503, "System error. [The service is not available. Try again]");
        check(Code::SignatureMismatch.plain().with_status(441), 441, "Invalid authorization request.");
    }

    #[test]
    fn the_body_has_both_spellings_in_order() {
        let body = Code::AppNotFound.about("x\"y").body();
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"errorCode":"DIS.4332","message":"app not found. [x\"y]","error_code":"DIS.4332","error_msg":"app not found. [x\"y]"}"#
        );
    }

    #[test]
    fn a_clients_text_cannot_pose_as_an_error() {
        let check = |text: &str, echoed: &str| assert_eq!(echo(text), echoed);
        check("orders", "orders");
        check("DIS.4301", "DIS_4301");
        check("DIS.DIS.4301 timestamp is expired", "DIS_DIS_4301 timestamp_is_expired");
        check("a\r\nb\u{7f}", "a??b?");
        check("DI\u{0}S.4301", "DI?S.4301");
        check(&"ü".repeat(500), &"ü".repeat(128));
        let project: ProjectId = "p1".parse().unwrap();
        for refusal in [
            Refusal::stream_not_found("DIS.4332", &project),
            Refusal::invalid("DIS_name", "DIS.4301"),
            Refusal::unknown_route("/DIS.4301"),
            Code::InvalidCursor.about("DIS.4226".repeat(100)),
        ] {
            assert!(!refusal.message().contains("DIS."), "{refusal:?}");
            assert!(refusal.message().len() < 300, "{refusal:?}");
        }
    }

    #[test]
    fn records_that_are_not_resent_carry_the_code_in_the_text() {
        let check = |refusal: Refusal, message: &str| {
            assert_eq!(RecordRefusal::from(refusal).message(), message);
        };
        check(Code::TrafficLimit.plain(), "Exceeded traffic control limit.");
        check(Code::PartitionUnavailable.plain(), "The partition is not available. Please try again later.");
        check(Code::PartitionNotFound.about(7), "DIS.4302: Partition does not exist. [7]");
    }
}
