//! Streams and partitions (spec/02).

use http::Method;
use millpond_model::{PartitionCount, PartitionId, StreamName};
use millpond_wire::v2::streams::{
    ChangePartitionCountResponse, CreateStreamRequest, DescribeStreamResponse, ListStreamsResponse,
    PartitionInfo, UpdateStreamRequest,
};

use crate::{Client, Error, StreamPages, transport::Call};

/// Most streams of a page (spec/00 §9).
const STREAMS_PER_PAGE: &str = "100";

/// Most partitions of a page (spec/02 §3).
const PARTITIONS_PER_PAGE: &str = "1000";

impl Client {
    /// Creates a stream; it can be used at once.
    ///
    /// # Errors
    /// `Conflict` when the name is taken; `Request` for an attribute that cannot be used or the quota.
    pub async fn create_stream(&self, request: &CreateStreamRequest) -> Result<(), Error> {
        self.empty(Call::new(Method::POST, "/streams").body(request).once()).await
    }

    /// All streams of the project, page by page, by name.
    pub fn list_streams(&self) -> StreamPages<'_> {
        StreamPages::new(self)
    }

    /// The page of streams behind `after`.
    pub(crate) async fn stream_page(&self, after: Option<&str>) -> Result<ListStreamsResponse, Error> {
        let query = [("limit", Some(STREAMS_PER_PAGE)), ("start_stream_name", after)];
        self.json(Call::new(Method::GET, "/streams").query(query)).await
    }

    /// A stream with all its partitions. `stream` is its name or id.
    ///
    /// # Errors
    /// `NotFound` when there is no such stream.
    pub async fn describe_stream(&self, stream: &StreamName) -> Result<DescribeStreamResponse, Error> {
        let mut description = self.partition_page(stream, None).await?;
        while description.has_more_partitions {
            let last = description.partitions.last().and_then(index);
            let next = self.partition_page(stream, last).await?;
            // Pages move on, or a server that keeps saying "more" would hold us for ever.
            if next.partitions.first().and_then(index) <= last {
                let what = "the list of partitions does not end".to_owned();
                return Err(Error::Answer { what, request_id: None });
            }
            description.has_more_partitions = next.has_more_partitions;
            description.partitions.extend(next.partitions);
        }
        Ok(description)
    }

    async fn partition_page(
        &self,
        stream: &StreamName,
        after: Option<PartitionId>,
    ) -> Result<DescribeStreamResponse, Error> {
        let after = after.map(|partition| partition.to_string());
        let query =
            [("limit_partitions", Some(PARTITIONS_PER_PAGE)), ("start_partitionId", after.as_deref())];
        self.json(Call::new(Method::GET, format!("/streams/{stream}")).query(query)).await
    }

    /// Changes the number of ACTIVE partitions.
    ///
    /// # Errors
    /// `NotFound` when there is no such stream; `Request` above the quota.
    pub async fn scale_stream(
        &self,
        stream: &StreamName,
        target: PartitionCount,
    ) -> Result<ChangePartitionCountResponse, Error> {
        let request = UpdateStreamRequest {
            stream_name: Some(stream.to_string()),
            target_partition_count: Some(target.get().into()),
            ..UpdateStreamRequest::default()
        };
        self.json(Call::new(Method::PUT, format!("/streams/{stream}")).body(&request)).await
    }

    /// Changes attributes; what is absent stays (spec/02 §6).
    ///
    /// # Errors
    /// `NotFound` when there is no such stream; `Request` for a value that cannot be used.
    pub async fn update_stream(
        &self,
        stream: &StreamName,
        request: &UpdateStreamRequest,
    ) -> Result<(), Error> {
        self.empty(Call::new(Method::PUT, format!("/streams/{stream}")).v3().body(request)).await
    }

    /// Deletes a stream with its records and checkpoints.
    ///
    /// # Errors
    /// `NotFound` when there is no such stream.
    pub async fn delete_stream(&self, stream: &StreamName) -> Result<(), Error> {
        self.empty(Call::new(Method::DELETE, format!("/streams/{stream}")).once()).await
    }
}

fn index(partition: &PartitionInfo) -> Option<PartitionId> {
    partition.partition_id.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, test_server::TestServer};

    fn page(partitions: &[u32], more: bool) -> (u16, String) {
        let partitions: Vec<String> = partitions
            .iter()
            .map(|&index| format!(r#"{{"partition_id":"{}"}}"#, PartitionId::new(index)))
            .collect();
        let partitions = partitions.join(",");
        (200, format!(r#"{{"stream_name":"s","partitions":[{partitions}],"has_more_partitions":{more}}}"#))
    }

    #[tokio::test]
    async fn all_partitions_are_described() {
        let server = TestServer::start([page(&[0, 1], true), page(&[2], false)]).await;
        let client = Client::builder(server.endpoint(), "p".parse().unwrap()).build().unwrap();
        let description = client.describe_stream(&"s".parse().unwrap()).await.unwrap();
        assert_eq!((description.partitions.len(), description.has_more_partitions), (3, false));
        let targets: Vec<String> =
            server.requests().await.iter().map(|seen| seen.target().to_owned()).collect();
        let second = "/v2/p/streams/s?limit_partitions=1000&start_partitionId=shardId-0000000001";
        assert_eq!(targets, ["/v2/p/streams/s?limit_partitions=1000", second]);
    }

    #[tokio::test]
    async fn pages_that_do_not_move_on_are_refused() {
        for second in [page(&[0], true), page(&[], true)] {
            let server = TestServer::start([page(&[0], true), second]).await;
            let client = Client::builder(server.endpoint(), "p".parse().unwrap()).build().unwrap();
            let error = client.describe_stream(&"s".parse().unwrap()).await.unwrap_err();
            assert_eq!(error.class(), Class::Protocol);
        }
    }

    #[tokio::test]
    async fn requests_have_the_documented_form() {
        let scaled = r#"{"stream_name":"s","current_partition_count":1,"target_partition_count":2}"#;
        let server = TestServer::start([(201, ""), (200, scaled), (200, "{}"), (204, "")]).await;
        let client = Client::builder(server.endpoint(), "p".parse().unwrap()).build().unwrap();
        let stream: StreamName = "s".parse().unwrap();
        let create = CreateStreamRequest {
            stream_name: Some("s".into()),
            partition_count: Some(1),
            ..CreateStreamRequest::default()
        };
        client.create_stream(&create).await.unwrap();
        let change = client.scale_stream(&stream, PartitionCount::new(2).unwrap()).await.unwrap();
        assert_eq!((change.current_partition_count, change.target_partition_count), (1, 2));
        let update = UpdateStreamRequest { data_duration: Some(48), ..UpdateStreamRequest::default() };
        client.update_stream(&stream, &update).await.unwrap();
        client.delete_stream(&stream).await.unwrap();
        let seen: Vec<(String, String)> =
            server.requests().await.into_iter().map(|seen| (seen.line, seen.body)).collect();
        let expected = [
            ("POST /v2/p/streams HTTP/1.1", r#"{"stream_name":"s","partition_count":1}"#),
            ("PUT /v2/p/streams/s HTTP/1.1", r#"{"stream_name":"s","target_partition_count":2}"#),
            ("PUT /v3/p/streams/s HTTP/1.1", r#"{"data_duration":48}"#),
            ("DELETE /v2/p/streams/s HTTP/1.1", ""),
        ];
        assert_eq!(seen, expected.map(|(line, body)| (line.to_owned(), body.to_owned())));
    }
}
