//! Checkpoints (spec/06).

use http::Method;
use millpond_model::{AppName, CheckpointType, PartitionId, SequenceNumber, StreamName};
use millpond_wire::v2::checkpoints::{CheckpointResponse, CommitCheckpointRequest};

use crate::{Client, Error, transport::Call};

impl Client {
    /// Commits a position. What it means is for the app to say; the convention of this workspace is the
    /// number of the next record to read.
    ///
    /// # Errors
    /// `NotFound` for a missing app, stream or partition; `Request` for a position outside the readable
    /// range.
    pub async fn commit_checkpoint(
        &self,
        app: &AppName,
        stream: &StreamName,
        partition: PartitionId,
        position: SequenceNumber,
        metadata: &str,
    ) -> Result<(), Error> {
        let request = CommitCheckpointRequest {
            stream_name: Some(stream.to_string()),
            app_name: Some(app.to_string()),
            partition_id: Some(partition.to_string()),
            sequence_number: Some(position.to_string()),
            metadata: Some(metadata.to_owned()).filter(|text| !text.is_empty()),
            checkpoint_type: Some(CheckpointType::LastRead.to_string()),
            ..CommitCheckpointRequest::default()
        };
        self.empty(Call::new(Method::POST, "/checkpoints").body(&request)).await
    }

    /// The checkpoint of an app in a partition, which may be none.
    ///
    /// # Errors
    /// `NotFound` for a missing app, stream or partition.
    pub async fn get_checkpoint(
        &self,
        app: &AppName,
        stream: &StreamName,
        partition: PartitionId,
    ) -> Result<CheckpointResponse, Error> {
        self.json(checkpoint_call(Method::GET, app, stream, Some(partition))).await
    }

    /// Deletes the checkpoint of an app in one partition, or in all of them.
    ///
    /// # Errors
    /// `NotFound` for a missing app, stream or partition.
    pub async fn delete_checkpoint(
        &self,
        app: &AppName,
        stream: &StreamName,
        partition: Option<PartitionId>,
    ) -> Result<(), Error> {
        self.empty(checkpoint_call(Method::DELETE, app, stream, partition)).await
    }
}

fn checkpoint_call(
    method: Method,
    app: &AppName,
    stream: &StreamName,
    partition: Option<PartitionId>,
) -> Call {
    let partition = partition.map(|partition| partition.to_string());
    Call::new(method, "/checkpoints").query([
        ("stream_name", Some(stream.as_str())),
        ("app_name", Some(app.as_str())),
        ("partition_id", partition.as_deref()),
        ("checkpoint_type", Some("LAST_READ")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::TestServer;

    #[tokio::test]
    async fn requests_have_the_documented_form() {
        let answers = [(201, ""), (200, r#"{"sequence_number":"-1","metadata":""}"#), (204, "")];
        let server = TestServer::start(answers).await;
        let client = Client::builder(server.endpoint(), "p".parse().unwrap()).build().unwrap();
        let (app, stream): (AppName, StreamName) = ("a".parse().unwrap(), "s".parse().unwrap());
        let (partition, position) = (PartitionId::new(1), SequenceNumber::new(7).unwrap());
        client.commit_checkpoint(&app, &stream, partition, position, "m").await.unwrap();
        assert_eq!(client.get_checkpoint(&app, &stream, partition).await.unwrap().position(), None);
        client.delete_checkpoint(&app, &stream, None).await.unwrap();
        let seen = server.requests().await;
        assert_eq!(
            seen[0].body,
            concat!(
                r#"{"stream_name":"s","app_name":"a","partition_id":"shardId-0000000001","#,
                r#""sequence_number":"7","metadata":"m","checkpoint_type":"LAST_READ"}"#
            )
        );
        assert_eq!(
            seen[1].target(),
            "/v2/p/checkpoints?stream_name=s&app_name=a&partition_id=shardId-0000000001&checkpoint_type=LAST_READ"
        );
        assert_eq!(
            seen[2].line,
            "DELETE /v2/p/checkpoints?stream_name=s&app_name=a&checkpoint_type=LAST_READ HTTP/1.1"
        );
    }
}
