//! Partition cursors (spec/04).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use millpond_model::{PartitionId, SequenceNumber, StreamName};
use millpond_wire::v2::cursors::{CursorStart, GetCursorResponse};

use crate::{Client, Error, transport::Call};

impl Client {
    /// A cursor, good for five minutes.
    ///
    /// # Errors
    /// `NotFound` for a missing stream or partition; `Request` for a place outside the readable range.
    pub async fn get_cursor(
        &self,
        stream: &StreamName,
        partition: PartitionId,
        start: CursorStart,
    ) -> Result<String, Error> {
        let partition = partition.to_string();
        let number = match start {
            CursorStart::At(number) | CursorStart::After(number) => number.map(|number| number.to_string()),
            CursorStart::TrimHorizon | CursorStart::Latest | CursorStart::AtTimestamp(_) => None,
        };
        let time = match start {
            CursorStart::AtTimestamp(time) => Some(time.to_string()),
            _ => None,
        };
        let query = [
            ("stream-name", Some(stream.as_str())),
            ("partition-id", Some(partition.as_str())),
            ("cursor-type", Some(start.cursor_type().as_str())),
            ("starting-sequence-number", number.as_deref()),
            ("timestamp", time.as_deref()),
        ];
        let response: GetCursorResponse = self.json(Call::new(Method::GET, "/cursors").query(query)).await?;
        Ok(response.partition_cursor)
    }
}

/// The position that a cursor stands on, which its text tells (spec/04 §4); `None` for other text.
pub(crate) fn position_of(cursor: &str) -> Option<SequenceNumber> {
    let content: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let position = content.get("getIteratorParam")?.get("starting-sequence-number")?;
    position.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use millpond_model::Timestamp;

    use super::*;
    use crate::test_server::TestServer;

    #[tokio::test]
    async fn every_start_is_asked_for_as_documented() {
        let check = async |start: CursorStart, end: &str| {
            let server = TestServer::start([(200, r#"{"partition_cursor":"c"}"#)]).await;
            let client = Client::builder(server.endpoint(), "p".parse().unwrap()).build().unwrap();
            let cursor = client.get_cursor(&"s".parse().unwrap(), PartitionId::new(0), start).await.unwrap();
            assert_eq!(cursor, "c");
            let expected =
                format!("/v2/p/cursors?stream-name=s&partition-id=shardId-0000000000&cursor-type={end}");
            assert_eq!(server.requests().await[0].target(), expected);
        };
        let number = SequenceNumber::new(5).ok();
        check(CursorStart::At(number), "AT_SEQUENCE_NUMBER&starting-sequence-number=5").await;
        check(CursorStart::After(number), "AFTER_SEQUENCE_NUMBER&starting-sequence-number=5").await;
        check(CursorStart::TrimHorizon, "TRIM_HORIZON").await;
        check(CursorStart::Latest, "LATEST").await;
        check(CursorStart::AtTimestamp(Timestamp::from_millis(7)), "AT_TIMESTAMP&timestamp=7").await;
    }

    #[test]
    fn a_cursor_tells_its_position() {
        // The documented sample of spec/04 §4.
        let sample = "eyJnZXRJdGVyYXRvclBhcmFtIjp7InN0cmVhbS1uYW1lIjoianpjIiwicGFydGl0aW9uLWlkIjoiMCIsImN1cnNvci10eXBlIjoiQVRfU0VRVUVOQ0VfTlVNQkVSIiwic3RhcnRpbmctc2VxdWVuY2UtbnVtYmVyIjoiMTAifSwiZ2VuZXJhdGVUaW1lc3RhbXAiOjE1MDYxNTk1NjM0MDV9";
        assert_eq!(position_of(sample).map(SequenceNumber::get), Some(10));
        for other in ["", "c", "e30", "%%%"] {
            assert_eq!(position_of(other), None, "{other:?}");
        }
    }
}
