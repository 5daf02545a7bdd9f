//! What the members of a descriptor may be (spec/09 §2.1 to §2.5).

use std::borrow::Cow;

use millpond_model::{TaskLimits, TaskName, limits};
use serde::Deserialize;

use super::members::Members;
use crate::{Refusal, v2::lenient::Text};

/// What the value of a member may be. An empty one counts as absent, unless the words have one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// A name of a task.
    TaskName,
    /// Anything of at most so many characters.
    Text(usize),
    /// At most 50 letters, digits, `_` and `/`, the first of which is no `/`.
    Folder,
    /// A path from the root.
    Path,
    /// One of these; the second part says so to people.
    Words(&'static [&'static str], &'static str),
    /// An integer from the first to the second, as a number or as text.
    Integer(u32, u32),
}

/// A member of a descriptor: its spellings, the documented one first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    names: &'static [&'static str],
    required: bool,
    rule: Rule,
}

/// A member that must be there.
const fn required(names: &'static [&'static str], rule: Rule) -> Member {
    Member { names, required: true, rule }
}

const fn optional(names: &'static [&'static str], rule: Rule) -> Member {
    Member { names, required: false, rule }
}

/// Longest text for which no length is published: names of buckets, clusters, tables and users.
const TEXT_CHARS_MAX: usize = 256;
const TEXT: Rule = Rule::Text(TEXT_CHARS_MAX);

const FLAG: Rule = Rule::Words(&["true", "on", "false", "off"], "true, on, false or off");

pub(super) const TASK_NAME: Member = required(&["task_name"], Rule::TaskName);
pub(super) const CONSUMER_STRATEGY: Member =
    optional(&["consumer_strategy"], Rule::Words(&["LATEST", "TRIM_HORIZON"], "LATEST or TRIM_HORIZON"));
pub(super) const FILE_TYPE: Member =
    optional(&["destination_file_type"], Rule::Words(&["text", "parquet"], "text or parquet"));

const BUCKET: Member = required(&["obs_bucket_path"], TEXT);
const FILE_PREFIX: Member = optional(&["file_prefix"], Rule::Folder);
const PARTITION_FORMAT: Member = optional(
    &["partition_format"],
    Rule::Words(
        &["yyyy", "yyyy/MM", "yyyy/MM/dd", "yyyy/MM/dd/HH", "yyyy/MM/dd/HH/mm"],
        "yyyy, yyyy/MM, yyyy/MM/dd, yyyy/MM/dd/HH or yyyy/MM/dd/HH/mm",
    ),
);
const COMPRESSION: Member = optional(&["compression_format"], Rule::Words(&["none", "gzip"], "none or gzip"));

/// Members of every descriptor (spec/09 §2.1).
pub(super) const fn common(within: TaskLimits) -> [Member; 3] {
    let TaskLimits { interval_seconds_min, interval_seconds_max, retry_seconds_max, .. } = within;
    [
        optional(&["agency_name"], Rule::Text(64)),
        optional(&["deliver_time_interval"], Rule::Integer(interval_seconds_min, interval_seconds_max)),
        optional(&["retry_duration"], Rule::Integer(0, retry_seconds_max)),
    ]
}

/// The size of files (spec/09 §2.2).
pub(super) const fn file_size(within: TaskLimits) -> Member {
    optional(&["deliver_size_interval"], Rule::Integer(1, within.file_megabytes_max))
}

/// Spec/09 §2.2. A delimiter of the two characters `\` and `n` means a new line as well; the console
/// sends `NULL` for none.
pub(super) const OBS: &[Member] = &[
    BUCKET,
    FILE_PREFIX,
    PARTITION_FORMAT,
    COMPRESSION,
    optional(
        &["record_delimiter"],
        Rule::Words(&[",", ";", "|", "\n", "\\n", "NULL"], "a comma, a semicolon, | or a new line"),
    ),
];

/// Spec/09 §2.3. One client writes `patch` for `path`.
pub(super) const MRS: &[Member] = &[
    required(&["mrs_cluster_name"], TEXT),
    required(&["mrs_cluster_id"], TEXT),
    required(&["mrs_hdfs_path", "mrs_hdfs_patch"], Rule::Path),
    optional(&["hdfs_prefix_folder"], Rule::Text(50)),
    BUCKET,
    FILE_PREFIX,
    PARTITION_FORMAT,
    COMPRESSION,
];

/// Spec/09 §2.4. The other spellings are from the time when the service had another name.
pub(super) const DLI: &[Member] = &[
    required(&["dli_database_name", "uquery_database_name"], TEXT),
    required(&["dli_table_name", "uquery_table_name"], TEXT),
    BUCKET,
    FILE_PREFIX,
];

/// The one member that is never kept.
pub(super) const SECRET: &str = "user_password";

/// Spec/09 §2.5. The delimiter is documented as one of three and its sample is empty.
pub(super) const DWS: &[Member] = &[
    required(&["dws_cluster_name"], TEXT),
    required(&["dws_cluster_id"], TEXT),
    required(&["dws_database_name"], TEXT),
    required(&["dws_schema"], TEXT),
    required(&["dws_table_name"], TEXT),
    required(&["dws_delimiter"], Rule::Words(&["", ",", ";", "|"], "a comma, a semicolon or |")),
    required(&["user_name"], TEXT),
    required(&[SECRET], TEXT),
    required(&["kms_user_key_name"], TEXT),
    required(&["kms_user_key_id"], TEXT),
    optional(&["dws_table_columns"], Rule::Text(limits::TASK_DESCRIPTOR_BYTES_MAX)),
    BUCKET,
    FILE_PREFIX,
];

/// Spec/09 §2.6.
pub(super) const CLOUD_TABLE: &[Member] = &[
    required(&["cloudtable_cluster_name"], TEXT),
    required(&["cloudtable_cluster_id"], TEXT),
    optional(
        &["cloudtable_row_key_delimiter"],
        Rule::Words(&[",", ".", "|", ";", "\\", "-", "_", "~"], "one of , . | ; \\ - _ ~"),
    ),
    optional(&["obs_backup_bucket_path"], TEXT),
    optional(&["backup_file_prefix"], Rule::Folder),
];

/// Where the rows of a delivery into `HBase` go.
pub(super) const CLOUD_TABLE_NAME: Member = required(&["cloudtable_table_name"], TEXT);

/// Members of `options` (spec/09 §2.5).
const DWS_OPTIONS: &[Member] = &[
    optional(&["fill_missing_fields"], FLAG),
    optional(&["ignore_extra_data"], FLAG),
    optional(&["compatible_illegal_chars"], FLAG),
    optional(&["error_table_name"], TEXT),
];

impl Rule {
    fn admits(self, text: &str) -> bool {
        match self {
            Self::TaskName => text.parse::<TaskName>().is_ok(),
            Self::Text(max) => text.chars().nth(max).is_none(),
            Self::Folder => {
                let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/');
                text.len() <= 50 && text.bytes().all(allowed) && !text.starts_with('/')
            }
            Self::Path => text.starts_with('/') && Self::Text(TEXT_CHARS_MAX).admits(text),
            Self::Words(words, _) => words.contains(&text),
            Self::Integer(min, max) => text.parse().is_ok_and(|number| (min..=max).contains(&number)),
        }
    }

    fn expected(self) -> Cow<'static, str> {
        match self {
            Self::TaskName => format!("1 to {} of A-Z a-z 0-9 _ -", limits::TASK_NAME_LEN_MAX).into(),
            Self::Text(max) => format!("at most {max} characters").into(),
            Self::Folder => "at most 50 of A-Z a-z 0-9 _ /, the first no /".into(),
            Self::Path => "an absolute path".into(),
            Self::Words(_, expected) => expected.into(),
            Self::Integer(min, max) => format!("{min} to {max}").into(),
        }
    }

    fn refusal(self, name: &str, text: &str) -> Refusal {
        match self {
            // Long, and perhaps a secret.
            Self::Text(_) => Refusal::unfit(name, &self.expected()),
            _ => Refusal::invalid_expecting(name, text, &self.expected()),
        }
    }
}

impl Member {
    /// The value of the member; `None` when it is absent or empty.
    pub(super) fn check<'a>(&self, members: &'a Members<'_>) -> Result<Option<Cow<'a, str>>, Refusal> {
        let name = self.names.first().copied().unwrap_or_default();
        let text = members.text(self.names)?;
        match text {
            Some(text) if text.is_empty() && !self.required => Ok(None),
            Some(text) if self.rule.admits(&text) && !self.lacks(&text) => Ok(Some(text)),
            Some(text) if !text.is_empty() => Err(self.rule.refusal(name, &text)),
            _ if self.required => Err(Refusal::missing(name)),
            _ => Ok(None),
        }
    }

    /// Whether a required text is empty. Of words the empty one is a word like others.
    fn lacks(&self, text: &str) -> bool {
        text.is_empty() && matches!(self.rule, Rule::Text(_))
    }
}

/// Checks all of a table.
pub(super) fn check_all(table: &[Member], members: &Members<'_>) -> Result<(), Refusal> {
    table.iter().try_for_each(|member| member.check(members).map(drop))
}

/// Formats of times in records (spec/09 §2.2).
const TIME_FORMATS: [&str; 6] = [
    "yyyy/MM/dd HH:mm:ss",
    "MM/dd/yyyy HH:mm:ss",
    "dd/MM/yyyy HH:mm:ss",
    "yyyy-MM-dd HH:mm:ss",
    "MM-dd-yyyy HH:mm:ss",
    "dd-MM-yyyy HH:mm:ss",
];

/// Whether text is one of the formats of times.
pub(super) fn is_time_format(text: &str) -> bool {
    TIME_FORMATS.contains(&text)
}

#[derive(Deserialize)]
struct ProcessingSchema<'a> {
    #[serde(rename = "timestamp_name", default, borrow)]
    name: Text<'a>,
    #[serde(rename = "timestamp_type", default, borrow)]
    kind: Text<'a>,
    #[serde(rename = "timestamp_format", default, borrow)]
    format: Text<'a>,
}

/// Where in a record its time stands. One client always sends the object, with empty texts for none.
pub(super) fn check_processing_schema(members: &Members<'_>) -> Result<(), Refusal> {
    let Some(value) = members.raw("processing_schema") else { return Ok(()) };
    let schema: ProcessingSchema<'_> =
        serde_json::from_str(value).map_err(|_| Refusal::unfit("processing_schema", "an object of texts"))?;
    if schema.name.is_empty() {
        return Ok(());
    }
    let kind = &schema.kind.0;
    if kind.eq_ignore_ascii_case("Timestamp") {
        return Ok(());
    }
    if !kind.eq_ignore_ascii_case("String") {
        return Err(Refusal::invalid_expecting("timestamp_type", kind, "String or Timestamp"));
    }
    let format = &schema.format.0;
    if is_time_format(format) {
        return Ok(());
    }
    Err(Refusal::invalid_expecting("timestamp_format", format, &TIME_FORMATS.join(", ")))
}

/// The options of a delivery into a data warehouse.
pub(super) fn check_dws_options(members: &Members<'_>) -> Result<(), Refusal> {
    let Some(value) = members.raw("options") else { return Ok(()) };
    let unfit = |_| Refusal::unfit("options", "an object");
    let options = Members::reread(value).map_err(unfit)?;
    check_all(DWS_OPTIONS, &options)?;
    match options.text(&["reject_limit"])? {
        Some(limit) if !limit.is_empty() && *limit != *"unlimited" && limit.parse::<u32>().is_err() => {
            Err(Refusal::invalid_expecting("reject_limit", limit, "an integer or unlimited"))
        }
        _ => Ok(()),
    }
}
