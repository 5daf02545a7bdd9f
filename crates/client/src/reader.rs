//! Following one partition.

use std::time::Duration;

use millpond_model::{PartitionId, SequenceNumber, StreamName};
use millpond_wire::v2::cursors::CursorStart;
use tokio::time::Instant;

use crate::{Client, Error, ReceivedRecord, cursors::position_of};

/// Age at which a cursor is not used any more: as the stock consumers, half a minute before its end
/// (spec/04 §5).
const CURSOR_AGE_MAX: Duration = Duration::from_secs(270);

/// Codes of a cursor that ended (spec/04 §5): a new one at the same position helps.
const CURSOR_EXPIRED: &str = "DIS.4225";

/// Codes of a position below the oldest record, in a read and in a new cursor.
const TRIMMED: [&str; 2] = ["DIS.4226", "DIS.4224"];

/// Reads a partition from a place on, for as long as its caller asks.
///
/// Cursors are renewed before they end, at the number of the next record. A failed call changes
/// nothing: it may be made again.
#[derive(Debug)]
pub struct Reader {
    client: Client,
    stream: StreamName,
    partition: PartitionId,
    start: CursorStart,
    limit: Option<u32>,
    cursor: Option<(String, Instant)>,
    position: Option<SequenceNumber>,
}

/// What one read brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order of their numbers; empty at the end of the partition.
    pub records: Vec<ReceivedRecord>,
}

impl Reader {
    /// A reader that begins at `start`. Nothing is asked for yet.
    pub fn new(client: Client, stream: StreamName, partition: PartitionId, start: CursorStart) -> Self {
        let position = match start {
            CursorStart::At(position) => position,
            _ => None,
        };
        Self { client, stream, partition, start, limit: None, cursor: None, position }
    }

    /// Asks for at most this many records at a time from now on.
    pub fn set_limit(&mut self, limit: u32) {
        self.limit = Some(limit);
    }

    /// The partition.
    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    /// Number of the next record to read; `None` while nobody knows, before the first read.
    pub fn position(&self) -> Option<SequenceNumber> {
        self.position
    }

    /// Begins anew at the oldest record: what to do when [`Reader::lost_its_place`].
    pub fn restart_at_oldest(&mut self) {
        (self.start, self.cursor, self.position) = (CursorStart::TrimHorizon, None, None);
    }

    /// Whether `error` says that the records at the reader's position have left retention.
    pub fn lost_its_place(error: &Error) -> bool {
        error.code().is_some_and(|code| TRIMMED.contains(&code))
    }

    /// The next records.
    ///
    /// # Errors
    /// Those of [`Client::get_cursor`] and [`Client::get_records`], but not of a cursor that ended.
    pub async fn read(&mut self) -> Result<Page, Error> {
        let renewed = self.renew_if_old().await?;
        match self.read_once().await {
            Err(error) if !renewed && error.code() == Some(CURSOR_EXPIRED) => {
                self.cursor = None;
                self.renew_if_old().await?;
                self.read_once().await
            }
            result => result,
        }
    }

    async fn read_once(&mut self) -> Result<Page, Error> {
        let Some((cursor, _)) = &self.cursor else { return Ok(Page::default()) };
        let asked_at = Instant::now();
        let (records, next) = self.client.get_records(cursor, self.limit).await?;
        let behind = records.last().map(|record| record.sequence_number.plus(1));
        self.position = behind.or_else(|| position_of(&next)).or(self.position);
        self.cursor = Some((next, asked_at));
        Ok(Page { records })
    }

    /// Gets a cursor if there is none that is young enough; whether it did.
    async fn renew_if_old(&mut self) -> Result<bool, Error> {
        if self.cursor.as_ref().is_some_and(|(_, since)| since.elapsed() < CURSOR_AGE_MAX) {
            return Ok(false);
        }
        let start = self.position.map_or(self.start, |position| CursorStart::At(Some(position)));
        let asked_at = Instant::now();
        let cursor = self.client.get_cursor(&self.stream, self.partition, start).await?;
        self.position = self.position.or_else(|| position_of(&cursor));
        self.cursor = Some((cursor, asked_at));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::TestServer;

    fn cursor(name: &str) -> (u16, String) {
        (200, format!(r#"{{"partition_cursor":"{name}"}}"#))
    }

    fn records(numbers: &[u64], next: &str) -> (u16, String) {
        let records: Vec<String> = numbers
            .iter()
            .map(|n| format!(r#"{{"sequence_number":"{n}","data":"","timestamp":1}}"#))
            .collect();
        (200, format!(r#"{{"records":[{}],"next_partition_cursor":"{next}"}}"#, records.join(",")))
    }

    fn refused(code: &str) -> (u16, String) {
        (400, format!(r#"{{"errorCode":"{code}","message":"no"}}"#))
    }

    async fn reader(answers: Vec<(u16, String)>, start: CursorStart) -> (Reader, TestServer) {
        let server = TestServer::start(answers).await;
        let client = Client::builder(server.endpoint(), "p".parse().unwrap()).build().unwrap();
        (Reader::new(client, "s".parse().unwrap(), PartitionId::new(0), start), server)
    }

    async fn targets(server: &TestServer) -> Vec<String> {
        let end = |target: &str| target.rsplit_once("0000000000&").map_or(target, |(_, end)| end).to_owned();
        server.requests().await.iter().map(|seen| end(seen.target())).collect()
    }

    #[tokio::test]
    async fn cursors_are_followed() {
        let answers = vec![cursor("c0"), records(&[5, 6], "c1"), records(&[], "c2"), records(&[7], "c3")];
        let (mut reader, server) = reader(answers, CursorStart::TrimHorizon).await;
        assert_eq!(reader.position(), None);
        let mut read = Vec::new();
        for _ in 0..3 {
            read.extend(reader.read().await.unwrap().records.into_iter().map(|r| r.sequence_number.get()));
        }
        assert_eq!((read, reader.position().map(SequenceNumber::get)), (vec![5, 6, 7], Some(8)));
        let expected = ["c0", "c1", "c2"].map(|name| format!("/v2/p/records?partition-cursor={name}"));
        assert_eq!(targets(&server).await[1..], expected);
    }

    #[tokio::test]
    async fn an_expired_cursor_is_renewed_at_the_next_number() {
        let answers =
            vec![cursor("c0"), records(&[5], "c1"), refused("DIS.4225"), cursor("c2"), records(&[6], "c3")];
        let (mut reader, server) = reader(answers, CursorStart::TrimHorizon).await;
        reader.read().await.unwrap();
        assert_eq!(reader.read().await.unwrap().records.len(), 1);
        let renewal = "cursor-type=AT_SEQUENCE_NUMBER&starting-sequence-number=6";
        assert_eq!(targets(&server).await[3], renewal);
    }

    #[tokio::test]
    async fn an_old_cursor_is_not_used() {
        let answers = vec![cursor("c0"), records(&[5], "c1"), cursor("c2"), records(&[], "c3")];
        let (mut reader, server) = reader(answers, CursorStart::TrimHorizon).await;
        reader.read().await.unwrap();
        let (text, since) = reader.cursor.take().unwrap();
        reader.cursor = Some((text, since.checked_sub(CURSOR_AGE_MAX).unwrap()));
        reader.read().await.unwrap();
        assert_eq!(targets(&server).await[2], "cursor-type=AT_SEQUENCE_NUMBER&starting-sequence-number=6");
    }

    #[tokio::test]
    async fn a_reader_behind_retention_can_begin_anew() {
        let answers = vec![cursor("c0"), refused("DIS.4226"), cursor("c1"), records(&[9], "c2")];
        let start = CursorStart::At(SequenceNumber::new(3).ok());
        let (mut reader, server) = reader(answers, start).await;
        let error = reader.read().await.unwrap_err();
        assert!(Reader::lost_its_place(&error), "{error}");
        reader.restart_at_oldest();
        assert_eq!(reader.read().await.unwrap().records.len(), 1);
        assert_eq!(targets(&server).await[2], "cursor-type=TRIM_HORIZON");
    }
}
