//! Records, in and out (spec/03).

use bytes::Bytes;
use http::Method;
use millpond_model::{PlacedRecord, SequenceNumber, StreamName, Timestamp};
use millpond_wire::v2::records::{
    GetRecordsResponse, Placed, PutRecordsRequest, PutRecordsResponse, PutResultEntry, RecordEntry,
};
use tokio::time::sleep;

use crate::{Client, Error, Event, retry::record_is_resent, transport::Call};

/// A record as a reader gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedRecord {
    /// Its place in the partition.
    pub sequence_number: SequenceNumber,
    /// The producer's time, else the arrival.
    pub timestamp: Timestamp,
    /// The producer's key, if one was given.
    pub partition_key: Option<String>,
    /// The payload.
    pub data: Bytes,
}

/// Why a record was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RecordError {
    /// Code such as `DIS.4303`; absent when a resent record met no answer.
    pub code: Option<String>,
    /// The server's text.
    pub message: String,
}

/// What became of the records of one put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutReport {
    /// One entry for each record, in the order they were given.
    pub results: Vec<Result<Placed, RecordError>>,
    /// How often a record was refused for the rate and sent again later, or given up.
    pub throttled: u64,
}

impl Client {
    /// Puts records into a stream, in this order.
    ///
    /// Records that are refused for the moment (`DIS.4303`, `DIS.5…`) are sent again, they alone and in
    /// their order, as often as the policy says; they then stand behind records of the same partition
    /// that were taken earlier. The request as a whole is only sent again when it surely had no effect,
    /// so that no record is stored twice.
    ///
    /// # Errors
    /// `NotFound` for a missing stream; `Request` for data above the server's limit. After a `Timeout`
    /// or a broken connection the records may be stored or not.
    pub async fn put_records(
        &self,
        stream: &StreamName,
        records: &[PlacedRecord],
    ) -> Result<PutReport, Error> {
        if records.is_empty() {
            return Ok(PutReport::default());
        }
        let results = self.put_once(stream, records).await?;
        let throttled = count_throttled(&results);
        let mut report = PutReport { results, throttled };
        let policy = self.inner.retry;
        for attempt in 1..policy.record_attempts {
            let waiting = report.to_resend();
            if waiting.is_empty() {
                break;
            }
            let delay = policy.delay(attempt);
            self.tell_waiting(attempt);
            sleep(delay).await;
            let again: Vec<PlacedRecord> =
                waiting.iter().filter_map(|&index| records.get(index).cloned()).collect();
            let results = match self.put_once(stream, &again).await {
                Ok(results) => results,
                // The earlier records are stored: their numbers must not be lost with this error.
                Err(error) => {
                    report.give_up(&waiting, &error);
                    break;
                }
            };
            report.throttled += count_throttled(&results);
            report.replace(&waiting, results);
        }
        Ok(report)
    }

    async fn put_once(
        &self,
        stream: &StreamName,
        records: &[PlacedRecord],
    ) -> Result<Vec<Result<Placed, RecordError>>, Error> {
        let request = PutRecordsRequest::new(stream.as_str(), records);
        let call = Call::new(Method::POST, "/records").body(&request).once();
        let response: PutRecordsResponse = self.json(call).await?;
        if response.records.len() != records.len() {
            let what = format!("{} results for {} records", response.records.len(), records.len());
            return Err(Error::Answer { what, request_id: None });
        }
        Ok(response.records.into_iter().map(result).collect())
    }

    fn tell_waiting(&self, attempt: u32) {
        if let Some(observer) = &self.inner.observer {
            observer(&Event::Waiting { delay: self.inner.retry.delay(attempt), attempt });
        }
    }

    /// The records at a cursor and the cursor behind them. Empty at the end of the partition.
    ///
    /// # Errors
    /// `Request` with `DIS.4225` for a cursor older than five minutes and with `DIS.4226` for a position
    /// that has left retention; `Throttled` above the read rate.
    pub async fn get_records(
        &self,
        cursor: &str,
        limit: Option<u32>,
    ) -> Result<(Vec<ReceivedRecord>, String), Error> {
        let limit = limit.map(|limit| limit.to_string());
        let query = [("partition-cursor", Some(cursor)), ("limit", limit.as_deref())];
        let response: GetRecordsResponse = self.json(Call::new(Method::GET, "/records").query(query)).await?;
        let invalid = |what: &str| Error::Answer { what: what.to_owned(), request_id: None };
        if response.next_partition_cursor.is_empty() {
            return Err(invalid("there is no cursor to go on with"));
        }
        let records: Option<Vec<_>> = response.records.into_iter().map(received).collect();
        let records = records.ok_or_else(|| invalid("a record has no number or its data is not base64"))?;
        Ok((records, response.next_partition_cursor))
    }
}

impl PutReport {
    /// Places of the records that may be sent again.
    fn to_resend(&self) -> Vec<usize> {
        let resent = |error: &RecordError| error.code.as_deref().is_some_and(record_is_resent);
        let refused = self.results.iter().enumerate();
        refused.filter(|(_, result)| result.as_ref().is_err_and(resent)).map(|(index, _)| index).collect()
    }

    fn replace(&mut self, places: &[usize], results: Vec<Result<Placed, RecordError>>) {
        for (&place, result) in places.iter().zip(results) {
            if let Some(entry) = self.results.get_mut(place) {
                *entry = result;
            }
        }
    }

    fn give_up(&mut self, places: &[usize], error: &Error) {
        let error = RecordError { code: error.code().map(str::to_owned), message: error.to_string() };
        self.replace(places, vec![Err(error); places.len()]);
    }
}

fn count_throttled(results: &[Result<Placed, RecordError>]) -> u64 {
    let throttled = |error: &RecordError| error.code.as_deref() == Some("DIS.4303");
    results.iter().filter(|result| result.as_ref().is_err_and(throttled)).count() as u64
}

fn result(entry: PutResultEntry) -> Result<Placed, RecordError> {
    if let Some(placed) = entry.placed() {
        return Ok(placed);
    }
    let message = entry.error_message.unwrap_or_else(|| "the server did not say why".to_owned());
    Err(RecordError { code: entry.error_code, message })
}

fn received(entry: RecordEntry) -> Option<ReceivedRecord> {
    Some(ReceivedRecord {
        sequence_number: entry.sequence_number.parse().ok()?,
        timestamp: Timestamp::from_millis(entry.timestamp),
        data: entry.decode_data().ok()?,
        partition_key: entry.partition_key,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use millpond_model::{NewRecord, PartitionId, Placement};

    use super::*;
    use crate::{Class, RetryPolicy, test_server::TestServer};

    fn record(data: &'static str) -> PlacedRecord {
        PlacedRecord { record: NewRecord::of(data), placement: Placement::Anywhere }
    }

    fn taken(number: u64) -> String {
        format!(r#"{{"partition_id":"shardId-0000000000","sequence_number":"{number}"}}"#)
    }

    fn refused(code: &str) -> String {
        format!(r#"{{"error_code":"{code}","error_message":"no"}}"#)
    }

    fn answer(entries: &[String]) -> (u16, String) {
        (200, format!(r#"{{"failed_record_count":0,"records":[{}]}}"#, entries.join(",")))
    }

    fn client(server: &TestServer) -> Client {
        let retry = RetryPolicy {
            attempts: 1,
            record_attempts: 3,
            first_delay: Duration::from_millis(1),
            delay_max: Duration::from_millis(1),
        };
        Client::builder(server.endpoint(), "p".parse().unwrap()).retry(retry).build().unwrap()
    }

    /// Puts three records against these answers: numbers or codes, throttles, bodies sent.
    async fn put(answers: Vec<(u16, String)>) -> (Vec<String>, u64, Vec<String>) {
        let server = TestServer::start(answers).await;
        let records = [record("a"), record("b"), record("c")];
        let report = client(&server).put_records(&"s".parse().unwrap(), &records).await.unwrap();
        let shown = report.results.into_iter().map(|result| match result {
            Ok(placed) => placed.sequence_number.to_string(),
            Err(error) => error.code.unwrap_or(error.message),
        });
        let bodies = server.requests().await.into_iter().map(|seen| seen.body).collect();
        (shown.collect(), report.throttled, bodies)
    }

    #[tokio::test]
    async fn only_what_was_refused_for_the_moment_is_sent_again() {
        let first = answer(&[refused("DIS.4303"), taken(0), refused("DIS.5250")]);
        let second = answer(&[taken(1), refused("DIS.4303")]);
        let (results, throttled, bodies) = put(vec![first, second, answer(&[taken(2)])]).await;
        assert_eq!((results, throttled), (vec!["1".into(), "0".into(), "2".into()], 2));
        let data = |records: &str| format!(r#"{{"stream_name":"s","records":[{records}]}}"#);
        let expected = [
            data(r#"{"data":"YQ=="},{"data":"Yg=="},{"data":"Yw=="}"#),
            data(r#"{"data":"YQ=="},{"data":"Yw=="}"#),
            data(r#"{"data":"Yw=="}"#),
        ];
        assert_eq!(bodies, expected);
    }

    #[tokio::test]
    async fn resending_is_bounded_and_spares_final_refusals() {
        let full = answer(&[refused("DIS.4303"), taken(0), refused("DIS.4302")]);
        let again = answer(&[refused("DIS.4303")]);
        let (results, throttled, bodies) = put(vec![full, again.clone(), again]).await;
        assert_eq!((results.join(" "), throttled), ("DIS.4303 0 DIS.4302".to_owned(), 3));
        assert_eq!(bodies.len(), 3);
    }

    #[tokio::test]
    async fn what_was_stored_is_told_even_when_the_resending_fails() {
        let first = answer(&[taken(0), refused("DIS.4303"), taken(1)]);
        let gone = (400, r#"{"errorCode":"DIS.4301","message":"Stream does not exist."}"#.to_owned());
        assert_eq!(put(vec![first, gone]).await.0.join(" "), "0 DIS.4301 1");
    }

    #[tokio::test]
    async fn as_many_results_as_records_are_expected() {
        let server = TestServer::start([answer(&[taken(0)])]).await;
        let records = [record("a"), record("b")];
        let error = client(&server).put_records(&"s".parse().unwrap(), &records).await.unwrap_err();
        assert_eq!(error.class(), Class::Protocol);
        let none = client(&server).put_records(&"s".parse().unwrap(), &[]).await.unwrap();
        assert!(none.results.is_empty() && server.requests().await.len() == 1);
    }

    #[tokio::test]
    async fn records_are_decoded() {
        let body = r#"{"records":[{"partition_key":"k","sequence_number":"3","data":"aGk=","timestamp":9,
            "timestamp_type":"CreateTime"}],"next_partition_cursor":"n"}"#;
        let server =
            TestServer::start([(200, body), (200, r#"{"records":[],"next_partition_cursor":""}"#)]).await;
        let client = client(&server);
        let (records, next) = client.get_records("c", Some(5)).await.unwrap();
        let expected = ReceivedRecord {
            sequence_number: SequenceNumber::new(3).unwrap(),
            timestamp: Timestamp::from_millis(9),
            partition_key: Some("k".into()),
            data: Bytes::from_static(b"hi"),
        };
        assert_eq!((records, next.as_str()), (vec![expected], "n"));
        assert_eq!(server.requests().await[0].target(), "/v2/p/records?partition-cursor=c&limit=5");
        assert_eq!(client.get_records("c", None).await.unwrap_err().class(), Class::Protocol);
    }

    #[test]
    fn a_place_is_read_back() {
        let entry: PutResultEntry = serde_json::from_str(&taken(4)).unwrap();
        assert_eq!(result(entry).unwrap().partition, PartitionId::new(0));
    }
}
