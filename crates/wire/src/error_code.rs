//! The codes of the API: what each is called on the wire, its HTTP status and its text (spec/08 §4).

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $text:literal;)+) => {
        /// One row of the error table.
        ///
        /// The codes of the withdrawn file upload (4219 to 4223) are missing: no operation answers
        /// them. A text is contract: stock clients search and parse it, so it is never taken from a
        /// `Display` of ours.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant),+ }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Wire code and HTTP status. The status counts only when the code refuses a whole
            /// request; inside the answer of a put the request stays a success.
            pub const fn row(self) -> (&'static str, u16) {
                match self { $(Self::$variant => ($code, $status)),+ }
            }

            /// The fixed part of the message.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

codes! {
    /// Not authenticated, for no reason that has its own code.
    Unauthenticated = "DIS.4100", 401, "Authorization error.";
    /// Neither a signature nor a token.
    AuthorizationMissing = "DIS.4101", 401, "Authorization header cannot be empty.";
    /// Unknown algorithm or bad grammar.
    AuthorizationMalformed = "DIS.4102", 401, "Incorrectly parsed authorization header.";
    /// No date to check the signature against.
    DateMissing = "DIS.4103", 401, "Empty X-Sdk-Date header.";
    /// The date is not `yyyyMMdd'T'HHmmss'Z'`.
    DateMalformed = "DIS.4104", 401, "Error parsing X-Sdk-Date header.";
    /// The date is more than 15 minutes away.
    DateOutOfRange = "DIS.4105", 401, "Invalid X-Sdk-Date header.";
    /// The access key's place is empty.
    AccessKeyMissing = "DIS.4106", 401, "Empty AccessKey header.";
    /// No such access key.
    AccessKeyUnknown = "DIS.4107", 401, "Invalid AccessKey header.";
    /// The scope names another service (only where scopes are checked).
    ServiceInvalid = "DIS.4108", 401, "Empty ServiceName header.";
    /// A part of the Authorization header is missing.
    AuthorizationPartMissing = "DIS.4109", 401,
        "The Authorization header must contain the following field: {Credential,SignedHeaders,Signature;}";
    /// The signature's place is empty.
    SignatureMissing = "DIS.4110", 401, "Empty Signature header.";
    /// The scope names another region (only where scopes are checked).
    RegionInvalid = "DIS.4111", 401, "Invalid Region header.";
    /// The signature does not belong to the request.
    SignatureMismatch = "DIS.4112", 401, "Invalid authorization request.";
    /// A token is needed and its header is empty.
    TokenMissing = "DIS.4113", 401, "Empty Token header.";
    /// The token is unknown or has expired.
    TokenInvalid = "DIS.4114", 401, "Invalid Token header.";
    /// The caller may not do this.
    PermissionDenied = "DIS.4116", 403, "Invalid RBAC.";
    /// The path names another project than the credentials.
    ProjectMismatch = "DIS.4117", 400, "Invalid Project Id.";

    /// A member or parameter has a value that cannot be used.
    InvalidRequest = "DIS.4200", 400, "Invalid request.";
    /// The text is not a partition id.
    InvalidPartitionId = "DIS.4201", 400, "Invalid partition_id.";
    /// A body is needed and there is none.
    EmptyRequest = "DIS.4202", 400, "Empty request.";
    /// The period of a metrics query is missing or turned round.
    MetricsPeriodInvalid = "DIS.4203", 400, "Invalid monitoring period.";
    /// The period of a metrics query is too long.
    MetricsPeriodTooLong = "DIS.4204", 400, "The monitoring period cannot be longer than 7 days.";
    /// The stream is frozen or going away.
    StreamNotRunning = "DIS.4205", 400, "Stream is not running.";
    /// The cluster of a transfer task is unknown.
    MrsClusterInvalid = "DIS.4208", 400, "Mrs cluster is invalid.";
    /// A metrics query names no known label.
    MetricsLabelInvalid = "DIS.4209", 400, "Invalid metrics label.";
    /// The text is not a cursor type.
    InvalidCursorType = "DIS.4215", 400, "Invalid cursor type.";
    /// The text is not a sequence number.
    InvalidSequenceNumber = "DIS.4216", 400, "Invalid sequence_number.";
    /// The text is not a cursor of this service.
    InvalidCursor = "DIS.4217", 400, "Invalid partition cursor.";
    /// The number is outside the readable range.
    SequenceNumberOutOfRange = "DIS.4224", 400, "Sequence_number out of range.";
    /// The cursor is older than five minutes.
    CursorExpired = "DIS.4225", 400, "Expired partition cursor.";
    /// The record a cursor stands on has left retention.
    CursorRecordExpired = "DIS.4226", 400,
        "A partition iterator error occurred or a record to which the SN corresponds has expired. Try to obtain the partition iterator again.";

    /// The request cannot be met; also a timestamp that lies before retention.
    RequestError = "DIS.4300", 400, "Request error.";
    /// No such stream.
    StreamNotFound = "DIS.4301", 400, "Stream does not exist.";
    /// No such partition, or one that takes no records.
    PartitionNotFound = "DIS.4302", 400, "Partition does not exist.";
    /// Over the rate. Stock producers resend the record.
    TrafficLimit = "DIS.4303", 400, "Exceeded traffic control limit.";
    /// Too many requests at the same time.
    TooManyRequests = "DIS.4305", 400, "Too many stream requests.";
    /// The bucket of a transfer task is unknown.
    BucketNotFound = "DIS.4306", 400, "Bucket does not exist.";
    /// The name is taken.
    StreamExists = "DIS.4307", 400, "The stream already exists.";
    /// Streams or partitions over the quota.
    QuotaExceeded = "DIS.4308", 400, "Insufficient quota.";
    /// The caller's address is blocked after failures.
    TooManyFailures = "DIS.4309", 400, "Too many request failures. Please try again later.";
    /// The object store refuses the credentials of a transfer task.
    ObsAccess = "DIS.4310", 400, "OBS access error.";
    /// The partition is empty and closed.
    PartitionExpired = "DIS.4319", 400, "Partition is expired.";
    /// Apps over the quota.
    AppQuotaExceeded = "DIS.4329", 400, "app quota exceeded.";
    /// The app's name is taken.
    AppExists = "DIS.4330", 400, "app already exist.";
    /// The app has live group members.
    AppInUse = "DIS.4331", 400, "app is using.";
    /// No such app.
    AppNotFound = "DIS.4332", 400, "app not found.";
    /// A transfer task names no known credential profile.
    AgencyNotFound = "DIS.4335", 400, "IAM agency does not exist.";
    /// The directory of a transfer task is missing.
    HdfsPathNotFound = "DIS.4336", 400, "HDFS path does not exist.";
    /// The DLI database of a transfer task is missing.
    DliDatabaseNotFound = "DIS.4337", 400, "DLI database does not exist.";
    /// The DLI table of a transfer task is missing.
    DliTableNotFound = "DIS.4338", 400, "DLI table does not exist.";
    /// More group members than partitions.
    ConsumerQuotaExceeded = "DIS.4339", 400, "Consumer quota exceeded.";
    /// The `CloudTable` cluster of a transfer task is unknown.
    CloudTableClusterInvalid = "DIS.4341", 400, "Invalid CloudTable cluster.";
    /// The `CloudTable` table of a transfer task is missing.
    CloudTableTableNotFound = "DIS.4342", 400, "CloudTable table does not exist.";
    /// The `CloudTable` column family of a transfer task is missing.
    CloudTableFamilyNotFound = "DIS.4343", 400, "CloudTable table family does not exist.";
    /// The `CloudTable` schema of a transfer task cannot be used.
    CloudTableSchemaInvalid = "DIS.4345", 400, "Invalid CloudTable schema.";
    /// The `OpenTSDB` schema of a transfer task cannot be used.
    OpenTsdbSchemaInvalid = "DIS.4348", 400, "Invalid CloudTable openTSDB schema.";
    /// The DWS cluster of a transfer task is unknown.
    DwsClusterInvalid = "DIS.4350", 400, "Invalid DWS cluster.";
    /// The key of a transfer task is unknown.
    KmsKeyInvalid = "DIS.4351", 400, "Invalid KMS userKey.";
    /// No such transfer task.
    TaskNotFound = "DIS.4354", 400, "The transfer task does not exist.";
    /// The transfer task's name is taken.
    TaskExists = "DIS.4355", 400, "The transfer task already exists.";
    /// Transfer tasks over the quota.
    TaskQuotaExceeded = "DIS.4357", 400, "Transfer task quota exceeded.";
    /// The transfer task cannot be changed in its present state.
    TaskStateInvalid = "DIS.4358", 400, "Invalid transfer task state.";
    /// The schema is not one.
    DataSchemaInvalid = "DIS.4360", 400, "Invalid data schema.";
    /// The app has no checkpoint (spec/05 §5: not used by default).
    NoCheckpoint = "DIS.4375", 400, "The app does not commit checkpoint";
    /// More than ten tags.
    TagLimit = "DIS.4601", 400, "The number of resource tags has reached the maximum.";
    /// Tags exist only on streams.
    TagResourceTypeInvalid = "DIS.4602", 400, "Invalid resource type.";
    /// The stream to be tagged is missing.
    TagResourceNotFound = "DIS.4603", 400, "The resource does not exist.";
    /// The stream has no tag of this key.
    TagKeyNotFound = "DIS.4604", 400, "The tag key does not exist.";
    /// The action is neither create nor delete.
    TagActionInvalid = "DIS.4605", 400, "Invalid action.";
    /// The group is forming; commit again when it is stable.
    GroupRebalancing = "DIS.4701", 400, "The consumer group is rebalancing.";
    /// The group does not know the member.
    MemberNotFound = "DIS.4702", 400, "The consumer group member does not exist.";
    /// The member speaks of another generation of the group.
    IllegalGeneration = "DIS.4703", 400, "Illegal consumer group generation.";

    /// Something broke; stock clients send the whole request again.
    System = "DIS.5000", 500, "System error.";
    /// One partition cannot be written now; stock producers resend the record.
    PartitionUnavailable = "DIS.5250", 500, "The partition is not available. Please try again later.";
}

impl Code {
    /// The code as it stands in an answer.
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status of a request refused with this code.
    pub const fn status(self) -> u16 {
        self.row().1
    }

    /// Whether stock producers resend a record refused with this code (spec/08 §3). Their rule is a
    /// search for `DIS.4303` and `DIS.5` in the code.
    pub const fn record_is_resent(self) -> bool {
        matches!(self, Self::TrafficLimit | Self::System | Self::PartitionUnavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code, status and text of every row, written out once more.
    const TABLE: &str = include_str!("../tests/error_table.txt");

    #[test]
    fn every_row_is_the_documented_one() {
        let rows: Vec<String> = Code::ALL
            .iter()
            .map(|code| format!("{} {} {}", code.as_str(), code.status(), code.text()))
            .collect();
        assert_eq!(rows, TABLE.lines().collect::<Vec<_>>());
    }

    #[test]
    fn no_text_names_a_code_and_codes_are_distinct() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert!(!code.text().contains("DIS."), "{code:?}");
            assert!(Code::ALL[i + 1..].iter().all(|other| other.as_str() != code.as_str()), "{code:?}");
        }
    }

    #[test]
    fn resent_codes_are_those_that_stock_producers_look_for() {
        for code in Code::ALL {
            let searched = ["DIS.4303", "DIS.5"].iter().any(|wanted| code.as_str().contains(wanted));
            assert_eq!(code.record_is_resent(), searched, "{code:?}");
        }
    }
}
