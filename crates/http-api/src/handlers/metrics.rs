//! Metrics of streams and partitions (spec/11). Those of the server itself are in [`crate::health`].

use http::StatusCode;
use millpond_model::PartitionId;
use millpond_wire::v2::metrics::{
    MetricPoint, MetricScope, MetricSeries, MetricsQuery, MetricsResponse, partition_in_path,
};

use crate::{answer::Answer, call::Call, error::ApiError, metrics::Throttled};

/// `GET /streams/{stream}/metrics`.
pub(crate) async fn of_stream(call: Call) -> Result<Answer, ApiError> {
    answer(&call, MetricScope::Stream, None).await
}

/// `GET /streams/{stream}/partitions/{partition}/metrics`.
pub(crate) async fn of_partition(call: Call) -> Result<Answer, ApiError> {
    let partition = partition_in_path(call.parameter("partition"))?;
    answer(&call, MetricScope::Partition, Some(partition)).await
}

/// A body that comes with the request is not looked at: one client sends the parameters twice.
async fn answer(call: &Call, scope: MetricScope, partition: Option<PartitionId>) -> Result<Answer, ApiError> {
    let query =
        MetricsQuery::parse(&call.query, scope, call.shared.clock.now(), call.limits().metrics_period)?;
    let (project, stream) = (call.project(), call.stream(None)?);
    let measured = call.service().metrics(project, &stream, partition, query.first, query.last).await?;
    let points = query.labels.iter().map(|label| {
        let point = |(minute, counts): (millpond_model::Minute, &millpond_service::MetricCounts)| {
            MetricPoint { timestamp: minute.first_second(), value: counts.value(label.metric) }
        };
        measured.iter().map(point).collect()
    });
    let points: Vec<Vec<MetricPoint>> = points.collect();
    let series = query.labels.iter().zip(&points);
    let series: Vec<_> = series.map(|(label, points)| MetricSeries::new(&label.text, points)).collect();
    let metrics = series.first().cloned().expect("a query has a label");
    let response = MetricsResponse { metrics, metrics_list: &series };
    let body = serde_json::to_vec(&response).expect("the answer is text and numbers");
    // Seven days of all labels are some megabytes.
    let reservation = call.shared.buffered.try_reserve(body.len()).ok_or(ApiError::Busy(Throttled::Bytes))?;
    Ok(Answer::json_text(StatusCode::OK, body).holding(reservation))
}
