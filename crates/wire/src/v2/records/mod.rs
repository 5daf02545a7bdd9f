//! Records, in and out (spec/03). The two hot answers are written by hand, into buffers of the right
//! size; the serde shapes beside them read the same bytes and pin the form in the tests.

pub(super) mod get;
pub(super) mod given;
mod put;
pub(super) mod write;

pub use get::{GetRecordsQuery, GetRecordsResponse, InvalidRecordEntry, RecordEntry, write_get_response};
pub use given::PutRecords;
pub use put::{
    Placed, PutOutcome, PutRecord, PutRecordsRequest, PutRecordsResponse, PutResultEntry, write_put_response,
};
