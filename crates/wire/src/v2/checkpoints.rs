//! Checkpoints (spec/06).

use millpond_model::{AppSelector, CheckpointType, Metadata, PartitionId, SequenceNumber, StreamSelector};
use serde::{Deserialize, Serialize};

use super::{
    app_of, app_selector, checkpoint_type, lenient, partition_id, partition_of, stream_of, stream_selector,
};
use crate::{Code, Query, Refusal};

/// The body of `POST /checkpoints`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitCheckpointRequest {
    /// The stream's name.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub stream_name: Option<String>,
    /// The stream's id.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<String>,
    /// The app's name.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// What the name was called before version 1.3.1 of one client.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The partition, in either form.
    #[serde(default, deserialize_with = "lenient::digits", skip_serializing_if = "Option::is_none")]
    pub partition_id: Option<String>,
    /// The position, as a decimal.
    #[serde(default, deserialize_with = "lenient::digits", skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
    /// Free text.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// `LAST_READ`.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub checkpoint_type: Option<String>,
    /// The group member that commits.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The group's generation as that member knows it.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "Option::is_none")]
    pub generation_id: Option<i64>,
}

/// The group member on whose behalf a commit is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The member.
    pub client_id: String,
    /// The generation it speaks of; −1 when it named none, which no group ever has.
    pub generation_id: i64,
}

/// A commit whose first checks have passed. Partition and number are checked by their methods:
/// the documented order puts stream and app before them (spec/06 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitCheckpoint {
    /// The stream.
    pub stream: StreamSelector,
    /// The app.
    pub app: AppSelector,
    /// What is committed with the position.
    pub metadata: Metadata,
    /// The kind of checkpoint.
    pub checkpoint_type: CheckpointType,
    /// The group member, when one commits.
    pub membership: Option<Membership>,
    partition_id: Option<String>,
    sequence_number: Option<String>,
}

impl CommitCheckpointRequest {
    /// Checks what needs no stream.
    ///
    /// # Errors
    /// `DIS.4200` for a missing app or stream, for metadata that is too long, for another type.
    pub fn into_commit(self, metadata_chars_max: usize) -> Result<CommitCheckpoint, Refusal> {
        let app = app_selector(self.app_name.as_deref().or(self.app_id.as_deref()))?;
        let metadata = metadata(self.metadata.as_deref(), metadata_chars_max)?;
        let checkpoint_type = checkpoint_type(self.checkpoint_type.as_deref())?;
        let stream = stream_selector("stream_name", self.stream_name.as_deref(), self.stream_id.as_deref())?;
        let generation_id = self.generation_id.unwrap_or(-1);
        Ok(CommitCheckpoint {
            stream,
            app,
            metadata,
            checkpoint_type,
            membership: self.client_id.map(|client_id| Membership { client_id, generation_id }),
            partition_id: self.partition_id,
            sequence_number: self.sequence_number,
        })
    }
}

impl CommitCheckpoint {
    /// The partition.
    ///
    /// # Errors
    /// `DIS.4201` when it is absent or not a partition id.
    pub fn partition(&self) -> Result<PartitionId, Refusal> {
        partition_id(self.partition_id.as_deref())
    }

    /// The position.
    ///
    /// # Errors
    /// `DIS.4216` when it is absent, negative or not a number.
    pub fn sequence_number(&self) -> Result<SequenceNumber, Refusal> {
        let text = self.sequence_number.as_deref().unwrap_or("null");
        text.parse().map_err(|_| Code::InvalidSequenceNumber.about(text))
    }
}

fn metadata(text: Option<&str>, chars_max: usize) -> Result<Metadata, Refusal> {
    let refusal = || Refusal::unfit("metadata", &format!("at most {chars_max} characters"));
    let text = text.unwrap_or_default();
    let fitting = Some(text).filter(|text| text.chars().nth(chars_max).is_none());
    fitting.and_then(|text| text.parse().ok()).ok_or_else(refusal)
}

/// Parameters of `GET /checkpoints`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointQuery {
    /// The stream.
    pub stream: StreamSelector,
    /// The app.
    pub app: AppSelector,
    /// The partition.
    pub partition: PartitionId,
    /// The kind of checkpoint.
    pub checkpoint_type: CheckpointType,
}

impl CheckpointQuery {
    /// # Errors
    /// `DIS.4200` for a missing stream or app and for another type; `DIS.4201` for a partition that
    /// is absent or none.
    pub fn parse(query: &Query) -> Result<Self, Refusal> {
        let DeleteCheckpointQuery { stream, app, partition, checkpoint_type } =
            DeleteCheckpointQuery::parse(query)?;
        let partition = partition.map_or_else(|| partition_id(None), Ok)?;
        Ok(Self { stream, app, partition, checkpoint_type })
    }
}

/// Parameters of `DELETE /checkpoints`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteCheckpointQuery {
    /// The stream.
    pub stream: StreamSelector,
    /// The app.
    pub app: AppSelector,
    /// The partition; all of the stream's when absent.
    pub partition: Option<PartitionId>,
    /// The kind of checkpoint.
    pub checkpoint_type: CheckpointType,
}

impl DeleteCheckpointQuery {
    /// # Errors
    /// `DIS.4200` for a missing stream or app and for another type; `DIS.4201` for a partition that
    /// is none.
    pub fn parse(query: &Query) -> Result<Self, Refusal> {
        Ok(Self {
            app: app_of(query)?,
            checkpoint_type: checkpoint_type(query.get("checkpoint_type"))?,
            stream: stream_of(query)?,
            partition: partition_of(query)?,
        })
    }
}

/// Answer of `GET /checkpoints`: always both members (spec/06 §3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointResponse {
    /// The position; `-1` when there is none.
    pub sequence_number: String,
    /// What was committed with it.
    #[serde(default)]
    pub metadata: String,
}

impl CheckpointResponse {
    /// The answer for a checkpoint, or for none.
    pub fn new(checkpoint: Option<(SequenceNumber, &Metadata)>) -> Self {
        match checkpoint {
            None => Self { sequence_number: "-1".to_owned(), metadata: String::new() },
            Some((number, metadata)) => {
                Self { sequence_number: number.to_string(), metadata: metadata.as_str().to_owned() }
            }
        }
    }

    /// The position; `None` when there is none.
    pub fn position(&self) -> Option<SequenceNumber> {
        self.sequence_number.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PlusReading, v2::parse_body};

    fn commit(body: &str) -> Result<CommitCheckpoint, Refusal> {
        parse_body::<CommitCheckpointRequest>(body.as_bytes())?.into_commit(1000)
    }

    #[test]
    fn what_real_clients_commit() {
        let check = |body: &str,
                     stream: &str,
                     app: &str,
                     partition: u32,
                     number: u64,
                     member: Option<i64>| {
            let commit = commit(body).unwrap();
            assert_eq!((commit.stream.to_string(), commit.app.as_str()), (stream.to_owned(), app), "{body}");
            assert_eq!(commit.partition().unwrap(), PartitionId::new(partition), "{body}");
            assert_eq!(commit.sequence_number().unwrap().get(), number, "{body}");
            assert_eq!(commit.membership.map(|member| member.generation_id), member, "{body}");
        };
        check(
            r#"{"stream_name":"s","app_name":"a","partition_id":"shardId-0000000000","sequence_number":"10",
                "metadata":"","checkpoint_type":"LAST_READ"}"#,
            "s",
            "a",
            0,
            10,
            None,
        );
        check(
            r#"{"stream_name":"","stream_id":"i","app_id":"a","partition_id":3,"sequence_number":7}"#,
            "i",
            "a",
            3,
            7,
            None,
        );
        check(
            r#"{"app_name":"g","stream_name":"s","partition_id":"0","sequence_number":"27","metadata":"",
                "client_id":"c","generation_id":1}"#,
            "s",
            "g",
            0,
            27,
            Some(1),
        );
        check(
            r#"{"app_name":"g","app_id":"other","stream_name":"s","partition_id":"0","sequence_number":"0",
                "client_id":"","generation_id":1}"#,
            "s",
            "g",
            0,
            0,
            None,
        );
        check(
            r#"{"app_name":"g","stream_name":"s","partition_id":"0","sequence_number":"0","client_id":"c"}"#,
            "s",
            "g",
            0,
            0,
            Some(-1),
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let check = |members: &str, code: &str| {
            let body = format!(r#"{{"sequence_number":"0",{members}}}"#);
            let refused = commit(&body).and_then(|commit| {
                commit.partition()?;
                commit.sequence_number()
            });
            assert_eq!(refused.unwrap_err().code_str(), code, "{body}");
        };
        let base = r#""app_name":"a","stream_name":"s""#;
        check(r#""stream_name":"s""#, "DIS.4200");
        check(r#""app_name":"a""#, "DIS.4200");
        check(&format!(r#""stream_name":"s","app_name":"{}""#, "x".repeat(201)), "DIS.4200");
        check(&format!(r#"{base},"metadata":"{}""#, "x".repeat(1001)), "DIS.4200");
        check(&format!(r#"{base},"checkpoint_type":"FIRST""#), "DIS.4200");
        check(base, "DIS.4201");
        check(&format!(r#"{base},"partition_id":"x""#), "DIS.4201");
        for number in ["\"-1\"", "\"x\"", "-1", "1.0", "1e3", "99999999999999999999", "\"\"", "null"] {
            let body = format!(r#"{{{base},"partition_id":"0","sequence_number":{number}}}"#);
            let refusal = commit(&body).unwrap().sequence_number().unwrap_err();
            assert_eq!(refusal.code_str(), "DIS.4216", "{body}");
        }
    }

    #[test]
    fn queries() {
        let check = |raw: &str, get: Result<u32, &str>, delete: Result<Option<u32>, &str>| {
            let query = Query::parse(raw, PlusReading::Space).unwrap();
            let got = CheckpointQuery::parse(&query).map(|query| query.partition.index());
            assert_eq!(got.as_ref().map_err(Refusal::code_str).copied(), get, "{raw}");
            let deleted =
                DeleteCheckpointQuery::parse(&query).map(|query| query.partition.map(PartitionId::index));
            assert_eq!(deleted.as_ref().map_err(Refusal::code_str).copied(), delete, "{raw}");
        };
        let base = "stream_name=s&app_name=a";
        check(&format!("{base}&partition_id=1&checkpoint_type=LAST_READ&timestamp=0"), Ok(1), Ok(Some(1)));
        check(base, Err("DIS.4201"), Ok(None));
        check(&format!("{base}&partition_id=x"), Err("DIS.4201"), Err("DIS.4201"));
        check("stream_name=s&partition_id=0", Err("DIS.4200"), Err("DIS.4200"));
        check("app_id=a&partition_id=0&stream_id=i", Ok(0), Ok(Some(0)));
        check(&format!("{base}&partition_id=0&checkpoint_type=X"), Err("DIS.4200"), Err("DIS.4200"));
    }

    #[test]
    fn answers_always_have_both_members() {
        let metadata = Metadata::default();
        let some = CheckpointResponse::new(Some((SequenceNumber::ZERO, &metadata)));
        assert_eq!(serde_json::to_string(&some).unwrap(), r#"{"sequence_number":"0","metadata":""}"#);
        let none = CheckpointResponse::new(None);
        assert_eq!(serde_json::to_string(&none).unwrap(), r#"{"sequence_number":"-1","metadata":""}"#);
        assert_eq!((some.position(), none.position()), (Some(SequenceNumber::ZERO), None));
    }
}
