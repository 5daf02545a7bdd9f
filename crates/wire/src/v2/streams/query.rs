//! Parameters of the stream lists (spec/02 §2, §3).

use millpond_model::{PageLimits, PartitionId};

use crate::{Query, Refusal, v2::partition_id};

/// Parameters of `GET /streams`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListStreamsQuery {
    /// Most streams of the page.
    pub limit: u32,
    /// The page begins behind this name, which need not exist.
    pub start_after: Option<String>,
    /// When present, the call describes this stream instead of listing.
    pub stream_id: Option<String>,
}

impl ListStreamsQuery {
    /// # Errors
    /// `DIS.4200` when the limit is not a number.
    pub fn parse(query: &Query, page: PageLimits) -> Result<Self, Refusal> {
        let text = |names: &[&str]| query.get_any(names).map(str::to_owned);
        Ok(Self {
            limit: query.limit("limit", page)?,
            start_after: text(&["start_stream_name"]),
            stream_id: text(&["stream_id", "stream-id"]),
        })
    }
}

/// Parameters of `GET /streams/{name or id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeStreamQuery {
    /// The page begins behind this partition, which need not exist.
    pub start_after: Option<PartitionId>,
    /// Most partitions of the page.
    pub limit: u32,
    /// Finds the stream when the path does not.
    pub stream_id: Option<String>,
}

impl DescribeStreamQuery {
    /// # Errors
    /// `DIS.4200` when the limit is not a number; `DIS.4201` when the start is not a partition id.
    pub fn parse(query: &Query, page: PageLimits) -> Result<Self, Refusal> {
        let start = query.get_any(&["start_partitionId", "start_partition_id"]);
        Ok(Self {
            start_after: start.map(|text| partition_id(Some(text))).transpose()?,
            limit: query.limit("limit_partitions", page)?,
            stream_id: query.get_any(&["stream_id", "stream-id"]).map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use millpond_model::Limits;

    use super::*;
    use crate::PlusReading;

    #[test]
    fn what_real_clients_ask_for() {
        let check = |raw: &str, start: Option<u32>, limit: u32, stream_id: Option<&str>| {
            let query = Query::parse(raw, PlusReading::Space).unwrap();
            let parsed = DescribeStreamQuery::parse(&query, Limits::default().partitions_page).unwrap();
            let start_after = start.map(PartitionId::new);
            let stream_id = stream_id.map(str::to_owned);
            assert_eq!(parsed, DescribeStreamQuery { start_after, limit, stream_id }, "{raw}");
        };
        check("start_partitionId=&stream_name=s&limit_partitions=100&", None, 100, None);
        check("limit_partitions=0&limit=0&stream_name=s", None, 100, None);
        check("limit_partitions=5000", None, 1000, None);
        check("start_partitionId=shardId-0000000003&limit_partitions=1", Some(3), 1, None);
        check("start_partitionId=0&stream_id=X", Some(0), 100, Some("X"));
    }

    #[test]
    fn lists_start_behind_a_name() {
        let query = Query::parse("limit=2&start_stream_name=a%20b", PlusReading::Space).unwrap();
        let expected = ListStreamsQuery { limit: 2, start_after: Some("a b".into()), stream_id: None };
        assert_eq!(ListStreamsQuery::parse(&query, Limits::default().streams_page), Ok(expected));
    }

    #[test]
    fn a_start_that_is_no_partition_is_refused() {
        let query = Query::parse("start_partitionId=x", PlusReading::Space).unwrap();
        let refusal = DescribeStreamQuery::parse(&query, Limits::default().partitions_page).unwrap_err();
        assert_eq!((refusal.code_str(), refusal.message()), ("DIS.4201", "Invalid partition_id. [x]"));
    }
}
