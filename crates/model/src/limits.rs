//! Every limit of the service, each with its source.
//!
//! Sources name a file and section of the wire contract (`spec/NN §M`).

use std::time::Duration;

/// Longest stream name, in characters (spec/00 §8: some pages say 60, the larger is taken, so that
/// every stream that can be created can be written).
pub const STREAM_NAME_LEN_MAX: usize = 64;

/// Longest app name, in characters (spec/00 §8: older pages 50, newer 200).
pub const APP_NAME_LEN_MAX: usize = 200;

/// Longest project id, in characters. The cloud uses 32 hexadecimal digits; self-hosted projects
/// may be named (spec/00 §2: "do not insist on hex").
pub const PROJECT_ID_LEN_MAX: usize = 64;

/// Length of the stream and app ids this service hands out (spec/00 §8: 19 to 20).
pub const ID_LEN: usize = 20;

/// Largest sequence number (spec/00 §8).
pub const SEQUENCE_NUMBER_MAX: u64 = i64::MAX as u64;

/// Largest hash key; the key space is 0 up to and including it (spec/02 §7).
pub const HASH_KEY_MAX: u64 = i64::MAX as u64;

/// Most bytes of data in one record, before base64, unless an operator chooses otherwise (spec/13 §2:
/// 1 MB).
pub const RECORD_DATA_BYTES_MAX: usize = 1024 * 1024;

/// The most that an operator may choose for it: a record has to fit into one answer.
pub const RECORD_DATA_BYTES_CEILING: usize = 4 * 1024 * 1024;

/// Longest partition key, in characters (spec/13 §2, recommended: no number is published).
pub const PARTITION_KEY_CHARS_MAX: usize = 256;

/// Longest checkpoint metadata, in characters (spec/00 §8).
pub const METADATA_CHARS_MAX: usize = 1000;

/// Longest retention in hours that may be asked for, unless an operator chooses otherwise (spec/02 §1: 24
/// to 72 documented, samples show 168, 1 to 168 accepted).
pub const RETENTION_HOURS_MAX: u32 = 168;

/// The most that an operator may choose for it. Not in the contract: a year.
pub const RETENTION_HOURS_CEILING: u32 = 365 * 24;

/// Retention when none is asked for (spec/02 §1).
pub const RETENTION_HOURS_DEFAULT: u32 = 24;

/// Most partitions of one stream. Not in the contract: a bound that keeps one request from
/// allocating without end; one node is tested with this many partitions in all.
pub const STREAM_PARTITIONS_MAX: u32 = 10_000;

/// Most tags of one stream, unless an operator chooses otherwise (spec/10 §2).
pub const STREAM_TAGS_MAX: u32 = 10;

/// The most that an operator may choose for it. Not in the contract: a command has to fit into 64 KiB.
pub const STREAM_TAGS_CEILING: u32 = 50;

/// Longest tag key and value, in characters (spec/10 §2).
pub const TAG_KEY_CHARS_MAX: usize = 36;
/// Longest tag value, in characters (spec/10 §2).
pub const TAG_VALUE_CHARS_MAX: usize = 43;

/// Most keys in each list of a search by tags (spec/10 §4).
pub const TAG_FILTER_KEYS_MAX: usize = 10;
/// Most values of one key in a search by tags (spec/10 §4).
pub const TAG_FILTER_VALUES_MAX: usize = 10;

/// Longest principal of a permission rule, in bytes. Not in the contract: twice what a project id has.
pub const PRINCIPAL_BYTES_MAX: usize = 128;

/// Most permission rules of one stream. Not in the contract: a bound that keeps a stream's row small.
pub const STREAM_POLICIES_MAX: usize = 100;

/// How far back metrics are kept and may be asked for, in minutes (spec/11 §4: 7 days).
pub const METRICS_MINUTES_MAX: u32 = 7 * 24 * 60;

/// Longest data schema, in bytes. Not in the contract: a command has to fit into 64 KiB.
pub const DATA_SCHEMA_BYTES_MAX: usize = 32 * 1024;

/// Longest delimiter of CSV records, in bytes. Not in the contract: real ones are one character.
pub const CSV_DELIMITER_BYTES_MAX: usize = 16;

/// Changes of the partition count that a stream remembers (spec/02 §5: "keep the last 20").
pub const SCALING_HISTORY_MAX: usize = 20;

/// Use of the write bandwidth above which automatic scaling opens partitions, in percent (spec/13 §7.3).
pub const AUTO_SCALE_UP_PERCENT: u32 = 80;
/// Use of the write and of the read bandwidth below which it closes partitions, in percent (spec/13 §7.3).
pub const AUTO_SCALE_DOWN_PERCENT: u32 = 30;

/// Time that lies at least between two automatic changes of a partition count (spec/13 §7.3: more than).
pub const AUTO_SCALE_SPACING: Duration = Duration::from_mins(1);
/// How long after any change automatic scaling does not go the other way (spec/13 §7.3).
pub const AUTO_SCALE_REVERSAL: Duration = Duration::from_mins(2);

/// Times that automatic scaling opens partitions of one stream in an hour (spec/13 §7.3).
pub const AUTO_SCALE_UPS_PER_HOUR: usize = 10;
/// Times that it closes some (spec/13 §7.3).
pub const AUTO_SCALE_DOWNS_PER_HOUR: usize = 1;

/// Changes that a checkpoint remembers, the newest included.
pub const CHECKPOINT_HISTORY_MAX: usize = 8;

/// Longest id of a group member, in bytes. Not in the contract: stock clients use `consumer-` and a UUID.
pub const CLIENT_ID_BYTES_MAX: usize = 255;

/// Most members of one group. Not in the contract: a bound on what one group's row holds.
pub const GROUP_MEMBERS_MAX: usize = 1000;

/// Most streams that one group member subscribes to. Not in the contract: a command has to fit into
/// 64 KiB.
pub const SUBSCRIPTION_STREAMS_MAX: usize = 1000;

/// Longest pattern of a subscription, in bytes. Not in the contract.
pub const STREAM_PATTERN_BYTES_MAX: usize = 1024;

/// How long an empty group waits after its first member has joined, in milliseconds (spec/07 §4).
pub const GROUP_INITIAL_DELAY_MS: u64 = 3000;

/// Rebalance time-out of a member that names none, in milliseconds (spec/07 §3).
pub const REBALANCE_TIMEOUT_DEFAULT_MS: u32 = 20_000;
/// Longest rebalance time-out that counts, in milliseconds: a client waits for the others recursively,
/// and its stack is good for about five minutes (spec/07 §2).
pub const REBALANCE_TIMEOUT_MAX_MS: u32 = 240_000;

/// How long a member may be silent at least, in milliseconds (spec/07 §4).
pub const MEMBER_SILENCE_MIN_MS: u64 = 30_000;

/// Longest cursor, in characters (spec/04 §4).
pub const CURSOR_CHARS_MAX: usize = 512;

/// Life of a cursor, in milliseconds (spec/04 §5: 5 minutes).
pub const CURSOR_LIFE_MS: i64 = 5 * 60 * 1000;

/// How far below the retention limit a timestamp may lie before a cursor is refused, in
/// milliseconds (spec/04 §3: one client repeats with exactly the printed limit a moment later).
pub const TIMESTAMP_GRACE_MS: i64 = 5 * 60 * 1000;

/// Records of one answer when the client names no number (spec/03 §5).
pub const GET_RECORDS_DEFAULT: u32 = 1000;
/// Most records of one answer (spec/03 §5: one client may ask for 10,000).
pub const GET_RECORDS_MAX: u32 = 10_000;
/// Bytes of data in one answer before it is cut (spec/03 §5: about 4 MB decoded).
pub const GET_BYTES_DEFAULT: u64 = 4 * 1024 * 1024;

/// Longest name of a transfer task, in characters (spec/09 §2.1).
pub const TASK_NAME_LEN_MAX: usize = 64;

/// Length of the ids of transfer tasks (spec/09 §4.1: 18 to 19, and the log of a task fixes 19).
pub const TASK_ID_LEN: usize = 19;

/// Most transfer tasks of one stream, unless an operator chooses otherwise (spec/13 §2).
pub const STREAM_TASKS_MAX: u32 = 5;

/// The most that an operator may choose for it. Not in the contract: what one request starts or stops.
pub const STREAM_TASKS_CEILING: u32 = 100;

/// Longest descriptor of a transfer task, in bytes of JSON as sent. Not in the contract: a command has
/// to fit into 64 KiB, and real descriptors have less than 1 KiB.
pub const TASK_DESCRIPTOR_BYTES_MAX: usize = 16 * 1024;

/// Shortest time between two deliveries of a transfer task, in seconds (spec/09 §2.1).
pub const DELIVER_SECONDS_MIN: u32 = 30;
/// Longest time between two deliveries of a transfer task, in seconds (spec/09 §2.1).
pub const DELIVER_SECONDS_MAX: u32 = 900;

/// Largest file of a transfer task that may be asked for, in MB (spec/09 §2.2).
pub const DELIVER_MEGABYTES_MAX: u32 = 300;

/// Longest time a transfer task may go on trying, in seconds (spec/09 §2.1).
pub const RETRY_SECONDS_MAX: u32 = 7200;

/// Most transfer tasks that one request may start or stop. Not in the contract: a stream has fewer.
pub const TASK_ACTION_MAX: usize = 100;

const _: () = assert!(SEQUENCE_NUMBER_MAX == HASH_KEY_MAX);
const _: () = assert!(AUTO_SCALE_UPS_PER_HOUR + AUTO_SCALE_DOWNS_PER_HOUR < SCALING_HISTORY_MAX);
const _: () = assert!(RETENTION_HOURS_DEFAULT <= RETENTION_HOURS_MAX);
const _: () = assert!(RETENTION_HOURS_MAX <= RETENTION_HOURS_CEILING);
const _: () = assert!(STREAM_TAGS_MAX <= STREAM_TAGS_CEILING);
const _: () = assert!(STREAM_TASKS_MAX <= STREAM_TASKS_CEILING);
const _: () = assert!(RECORD_DATA_BYTES_MAX <= RECORD_DATA_BYTES_CEILING);
const _: () = assert!(GET_RECORDS_DEFAULT <= GET_RECORDS_MAX);
const _: () = assert!(GET_BYTES_DEFAULT >= RECORD_DATA_BYTES_CEILING as u64);
const _: () = assert!(REBALANCE_TIMEOUT_DEFAULT_MS <= REBALANCE_TIMEOUT_MAX_MS);
const _: () = assert!(SUBSCRIPTION_STREAMS_MAX * ID_LEN * 2 < 64 * 1024, "a command has 64 KiB");
const _: () = assert!(PARTITION_KEY_CHARS_MAX * 4 <= u16::MAX as usize, "a key's length is a u16 on disk");
