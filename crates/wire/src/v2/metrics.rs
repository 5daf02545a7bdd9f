//! Metrics of streams and partitions (spec/11).

use std::{fmt::Display, time::Duration};

use millpond_model::{Metric, Minute, PartitionId, Timestamp};
use serde::Serialize;

use super::partition_id;
use crate::{Code, Query, Refusal};

/// Times of more digits are milliseconds (spec/11 §1).
const SECONDS_MAX: i64 = 99_999_999_999;

/// The period that the text of the refusal names (spec/11 §4).
const PERIOD_DOCUMENTED: Duration = Duration::from_hours(7 * 24);

/// How much older a start may be: a client that asks for exactly seven days has a clock of its own.
const START_GRACE: i64 = Minute::SECONDS;

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricScope {
    /// A stream as a whole.
    Stream,
    /// One partition.
    Partition,
}

/// A metric, as the request spells it: the answer repeats that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricLabel {
    /// The text.
    pub text: Box<str>,
    /// What it means.
    pub metric: Metric,
}

/// Parameters of both metrics routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsQuery {
    /// At least one, each once.
    pub labels: Vec<MetricLabel>,
    /// The first minute that begins within the period.
    pub first: Minute,
    /// The last one; before the first when none does.
    pub last: Minute,
}

impl MetricsQuery {
    /// Reads the parameters; `now` is the present time, and no period longer than `period_max`.
    ///
    /// # Errors
    /// `DIS.4200` without labels; `DIS.4209` for one that is unknown or of the other scope; `DIS.4203` for
    /// a time that is missing or none, or a period turned round; `DIS.4204` for a period that is longer
    /// than that or begins before it.
    pub fn parse(
        query: &Query,
        scope: MetricScope,
        now: Timestamp,
        period_max: Duration,
    ) -> Result<Self, Refusal> {
        let list = query.get("label_list");
        let text = list.or_else(|| query.get("label")).ok_or_else(|| Refusal::missing("label"))?;
        let mut labels: Vec<MetricLabel> = Vec::new();
        let texts = if list.is_some() { text.split(',').collect() } else { vec![text] };
        for text in texts.into_iter().map(str::trim) {
            let metric = metric(text, scope).ok_or_else(|| Code::MetricsLabelInvalid.about(text))?;
            if !labels.iter().any(|label| *label.text == *text) {
                labels.push(MetricLabel { text: text.into(), metric });
            }
        }
        let (start, end) = (seconds(query, "start_time")?, seconds(query, "end_time")?);
        if start > end {
            let shown = format!("start_time {start} is after end_time {end}");
            return Err(Code::MetricsPeriodInvalid.about(shown));
        }
        let seconds_max = i64::try_from(period_max.as_secs()).unwrap_or(i64::MAX);
        let oldest = now.as_millis().div_euclid(1000).saturating_sub(seconds_max) - START_GRACE;
        if end - start > seconds_max || start < oldest {
            return Err(too_long(period_max));
        }
        Ok(Self { labels, first: Minute::not_before(start), last: Minute::containing(end) })
    }
}

/// The partition in the path.
///
/// # Errors
/// `DIS.4201` for text that is not a partition id.
pub fn partition_in_path(text: &str) -> Result<PartitionId, Refusal> {
    partition_id(Some(text))
}

fn metric(text: &str, scope: MetricScope) -> Option<Metric> {
    let of_stream = match text {
        "total_put_bytes_per_stream" => Metric::PutBytes,
        "total_get_bytes_per_stream" => Metric::GetBytes,
        "total_put_records_per_stream" => Metric::PutRecords,
        "total_get_records_per_stream" => Metric::GetRecords,
        "total_put_req_latency" => Metric::PutLatency,
        "total_get_req_latency" => Metric::GetLatency,
        "total_put_req_suc_per_stream" => Metric::PutRequests,
        "total_get_req_suc_per_stream" => Metric::GetRequests,
        // Both spellings are in the contract (spec/11 §2).
        "traffic_control_put" | "traffic_controll_put" => Metric::PutThrottled,
        "traffic_control_get" | "traffic_controll_get" => Metric::GetThrottled,
        _ => return metric_of_partition(text).filter(|_| scope == MetricScope::Partition),
    };
    Some(of_stream).filter(|_| scope == MetricScope::Stream)
}

fn metric_of_partition(text: &str) -> Option<Metric> {
    Some(match text {
        "total_put_bytes_per_partition" => Metric::PutBytes,
        "total_get_bytes_per_partition" => Metric::GetBytes,
        "total_put_records_per_partition" => Metric::PutRecords,
        "total_get_records_per_partition" => Metric::GetRecords,
        _ => return None,
    })
}

fn too_long(period_max: Duration) -> Refusal {
    if period_max == PERIOD_DOCUMENTED {
        return Code::MetricsPeriodTooLong.plain();
    }
    let hours = period_max.as_secs() / 3600;
    Code::MetricsPeriodTooLong.about(format_args!("Here it cannot be longer than {hours} h"))
}

/// A time in seconds; one in milliseconds is read too.
fn seconds(query: &Query, name: &str) -> Result<i64, Refusal> {
    let refusal = |text: &dyn Display| {
        Code::MetricsPeriodInvalid.about(format!("Invalid {name} {text}. Expected: seconds since 1970"))
    };
    let text = query.get(name).ok_or_else(|| refusal(&"null"))?;
    match text.parse::<i64>() {
        Ok(time) if time > SECONDS_MAX => Ok(time / 1000),
        Ok(time) if time >= 0 => Ok(time),
        Ok(_) | Err(_) => Err(refusal(&text)),
    }
}

/// Answer of both metrics routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MetricsResponse<'a> {
    /// The first label: one client looks nowhere else.
    pub metrics: MetricSeries<'a>,
    /// All labels, in the order asked; also when there is only one, as recorded answers have it.
    pub metrics_list: &'a [MetricSeries<'a>],
}

/// The values of one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MetricSeries<'a> {
    /// As the request spelled it.
    pub label: &'a str,
    /// In ascending order.
    #[serde(rename = "dataPoints")]
    pub points: &'a [MetricPoint],
    /// The same again: one client has this spelling (spec/11 §3).
    pub data_points: &'a [MetricPoint],
}

impl<'a> MetricSeries<'a> {
    /// The values of a label.
    pub fn new(label: &'a str, points: &'a [MetricPoint]) -> Self {
        Self { label, points, data_points: points }
    }
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MetricPoint {
    /// The second with which its minute begins.
    pub timestamp: i64,
    /// The value.
    pub value: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlusReading;

    const NOW: i64 = 1_700_000_000;

    fn parse(scope: MetricScope, raw: &str) -> Result<MetricsQuery, Refusal> {
        let query = Query::parse(raw, PlusReading::Space).unwrap();
        MetricsQuery::parse(&query, scope, Timestamp::from_millis(NOW * 1000), PERIOD_DOCUMENTED)
    }

    #[test]
    fn labels_belong_to_their_scope() {
        let check = |labels: &str, of_stream: Option<&str>, of_partition: Option<&str>| {
            let raw = format!("{labels}&start_time={NOW}&end_time={NOW}");
            for (scope, code) in [(MetricScope::Stream, of_stream), (MetricScope::Partition, of_partition)] {
                let parsed = parse(scope, &raw);
                assert_eq!(parsed.err().map(|refusal| refusal.code_str()), code, "{labels} {scope:?}");
            }
        };
        let unknown = Some("DIS.4209");
        for name in ["put_bytes", "get_bytes", "put_records", "get_records"] {
            check(&format!("label=total_{name}_per_stream"), None, unknown);
            check(&format!("label=total_{name}_per_partition"), unknown, None);
        }
        for label in [
            "total_put_req_latency",
            "total_get_req_latency",
            "total_put_req_suc_per_stream",
            "total_get_req_suc_per_stream",
            "traffic_control_put",
            "traffic_control_get",
            "traffic_controll_put",
            "traffic_controll_get",
        ] {
            check(&format!("label={label}"), None, unknown);
        }
        check("label=foo", unknown, unknown);
        check("label=traffic_control_put,traffic_control_get", unknown, unknown);
        check("label_list=traffic_control_put,", unknown, unknown);
        check("", Some("DIS.4200"), Some("DIS.4200"));
    }

    #[test]
    fn a_list_keeps_order_and_spelling() {
        let times = format!("start_time={NOW}&end_time={NOW}");
        let list = "label_list=traffic_controll_put,%20total_put_req_latency,traffic_controll_put&label=foo";
        let parsed = parse(MetricScope::Stream, &format!("{list}&{times}")).unwrap();
        let labels: Vec<_> = parsed.labels.iter().map(|label| (&*label.text, label.metric)).collect();
        let expected =
            [("traffic_controll_put", Metric::PutThrottled), ("total_put_req_latency", Metric::PutLatency)];
        assert_eq!(labels, expected);
    }

    #[test]
    fn periods_are_checked() {
        let check = |start: &str, end: &str, expected: Result<(i64, i64), &str>| {
            let raw = format!("label=traffic_control_put&start_time={start}&end_time={end}");
            let parsed = parse(MetricScope::Stream, &raw);
            let period = parsed.map(|query| (query.first.first_second(), query.last.first_second()));
            assert_eq!(period.map_err(|refusal| refusal.code_str()), expected, "{start} {end}");
        };
        let text = |seconds: i64| seconds.to_string();
        // 1,700,000,000 is 20 seconds into a minute.
        check(&text(NOW), &text(NOW + 50), Ok((NOW + 40, NOW + 40)));
        check(&text(NOW - 20), &text(NOW), Ok((NOW - 20, NOW - 20)));
        check(&text(NOW), &text(NOW), Ok((NOW + 40, NOW - 20)));
        check(&text(NOW * 1000 - 20_001), &text(NOW * 1000), Ok((NOW - 20, NOW - 20)));
        let week = 7 * 24 * 3600;
        check(&text(NOW - week), &text(NOW), Ok((NOW - week + 40, NOW - 20)));
        check(&text(NOW - week - 60), &text(NOW - 100), Ok((NOW - week - 20, NOW - 140)));
        check(&text(NOW - week - 61), &text(NOW - 100), Err("DIS.4204"));
        check(&text(NOW - 8 * 24 * 3600), &text(NOW), Err("DIS.4204"));
        check(&text(NOW), &text(NOW + week + 1), Err("DIS.4204"));
        check(&text(NOW + 1), &text(NOW), Err("DIS.4203"));
        for bad in ["", "x", "-1", "1.5", "99999999999999999999"] {
            check(bad, &text(NOW), Err("DIS.4203"));
            check(&text(NOW), bad, Err("DIS.4203"));
        }
        check("9223372036854775807", "9223372036854775807", Ok((257_698_037_700, 257_698_037_700)));
    }

    #[test]
    fn answers_have_both_spellings() {
        let points = [MetricPoint { timestamp: 60, value: 3 }];
        let list = [MetricSeries::new("a", &points), MetricSeries::new("b", &[])];
        let series = r#"{"label":"a","dataPoints":[{"timestamp":60,"value":3}],"data_points":[{"timestamp":60,"value":3}]}"#;
        let all = MetricsResponse { metrics: list[0].clone(), metrics_list: &list };
        assert_eq!(
            serde_json::to_string(&all).unwrap(),
            format!(
                r#"{{"metrics":{series},"metrics_list":[{series},{{"label":"b","dataPoints":[],"data_points":[]}}]}}"#
            )
        );
    }
}
