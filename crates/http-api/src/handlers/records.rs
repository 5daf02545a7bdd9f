//! Records (spec/03): the two calls that have to be fast, and the two that know protobuf.

use http::StatusCode;
use millpond_model::{PlacedRecord, limits};
use millpond_service::{ReadLimit, RecordError};
use millpond_wire::{
    RecordRefusal,
    v2::{
        proto,
        records::{
            GetRecordsQuery, Placed, PutOutcome, PutRecords, PutRecordsRequest, write_get_response,
            write_put_response,
        },
    },
};

use super::cursors;
use crate::{
    admission::Reservation,
    answer::Answer,
    call::{Call, Form},
    error::{ApiError, chain, record_refusal},
    metrics::{Metrics, Throttled},
};

/// `POST /records`: 200, also when every record is refused.
pub(crate) async fn put(call: Call) -> Result<Answer, ApiError> {
    let (PutRecords { stream, records }, _room) = asked(&call)?;
    let (accepted, slots) = divide(records);
    let sizes: Vec<usize> = accepted.iter().map(|placed| placed.record.data.len()).collect();
    let results = call.service().put_records(call.project(), &stream, accepted).await?;
    log_failure(&call, &results);
    let mut results = results.into_iter().zip(sizes);
    let outcomes: Vec<PutOutcome> = slots
        .into_iter()
        .map(|slot| match slot {
            Some(refusal) => Err(refusal),
            None => outcome(&call.shared.metrics, results.next()),
        })
        .collect();
    for refusal in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        call.shared.metrics.record_refused(refusal.code().as_str());
    }
    Ok(match call.form {
        Form::Json => Answer::json_text(StatusCode::OK, write_put_response(&outcomes)),
        Form::Protobuf => Answer::protobuf(proto::write_put_response(&outcomes)),
    })
}

/// What the body asks for, and the room that it takes.
fn asked(call: &Call) -> Result<(PutRecords, Reservation), ApiError> {
    match call.form {
        Form::Json => {
            let request = call.json::<PutRecordsRequest<'_>>()?;
            let room = call.room_for(request.records.len())?;
            Ok((request.into_model(call.limits())?, room))
        }
        Form::Protobuf => {
            let room = call.room_for(proto::count_records(&call.body)?)?;
            let request: proto::PutRecordsRequest = proto::parse(call.body.clone())?;
            Ok((request.into_model(call.limits())?, room))
        }
    }
}

/// The records to be put, and for each record of the request the refusal it already has.
fn divide(
    records: Vec<Result<PlacedRecord, RecordRefusal>>,
) -> (Vec<PlacedRecord>, Vec<Option<RecordRefusal>>) {
    let mut accepted = Vec::with_capacity(records.len());
    let slots = records.into_iter().map(|record| match record {
        Ok(record) => {
            accepted.push(record);
            None
        }
        Err(refusal) => Some(refusal),
    });
    let slots = slots.collect();
    (accepted, slots)
}

/// Why the storage refused, once for all records of the request: they share their reasons.
fn log_failure(call: &Call, results: &[Result<millpond_service::Placed, RecordError>]) {
    let failure = results.iter().find_map(|result| match result {
        Err(RecordError::Storage(failure)) => Some(failure),
        Err(
            RecordError::Invalid(_)
            | RecordError::PartitionNotFound(_)
            | RecordError::TrafficLimit
            | RecordError::Overloaded,
        )
        | Ok(_) => None,
    });
    if let Some(failure) = failure {
        let (request_id, cause) = (call.request_id, chain(failure));
        tracing::error!(%request_id, cause, "records could not be stored");
    }
}

type Put = (Result<millpond_service::Placed, RecordError>, usize);

/// What became of the next record that was put.
fn outcome(metrics: &Metrics, put: Option<Put>) -> PutOutcome {
    let (result, size) = put.expect("the service answers for every record");
    match result {
        Ok(millpond_service::Placed { partition, sequence_number }) => {
            metrics.records_in(1, size as u64);
            Ok(Placed { partition, sequence_number })
        }
        Err(error) => {
            match error {
                RecordError::TrafficLimit => metrics.throttled(Throttled::Rate),
                RecordError::Overloaded => metrics.throttled(Throttled::Storage),
                RecordError::Invalid(_) | RecordError::PartitionNotFound(_) | RecordError::Storage(_) => {}
            }
            Err(record_refusal(&error))
        }
    }
}

/// `GET /records`: answers at once, with an empty list at the end of the partition.
pub(crate) async fn get(call: Call) -> Result<Answer, ApiError> {
    let GetRecordsQuery { cursor, limit, max_fetch_bytes } =
        GetRecordsQuery::parse(&call.query, call.limits())?;
    let cursor = cursors::decode(&call, &cursor)?;
    let limit = ReadLimit {
        records: limit,
        bytes: max_fetch_bytes.unwrap_or(u64::MAX).min(limits::GET_BYTES_DEFAULT),
        at_least_one: max_fetch_bytes.is_none(),
    };
    let page = call.service().get_records(call.project(), &cursor, limit).await?;
    let bytes: usize = page.records.iter().map(|record| record.data.len()).sum();
    let next = cursors::encode(&call, page.next);
    let answer = match call.form {
        Form::Json => Answer::json_text(StatusCode::OK, write_get_response(&page.records, &next)),
        Form::Protobuf => Answer::protobuf(proto::write_get_response(&page.records, &next)),
    };
    let Some(reservation) = call.shared.buffered.try_reserve(answer.len()) else {
        call.service().count_refused_read(&cursor);
        return Err(ApiError::Busy(Throttled::Bytes));
    };
    call.shared.metrics.records_out(page.records.len() as u64, bytes as u64);
    Ok(answer.holding(reservation))
}
