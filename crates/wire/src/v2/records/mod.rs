//! Records, in and out (spec/03). The two hot answers are written by hand, into buffers of the right
//! size; the serde shapes beside them read the same bytes and pin the form in the tests.

mod get;
mod put;
mod write;

pub use get::{GetRecordsQuery, GetRecordsResponse, InvalidRecordEntry, RecordEntry, write_get_response};
pub use put::{
    Placed, PutOutcome, PutRecord, PutRecords, PutRecordsRequest, PutRecordsResponse, PutResultEntry,
    write_put_response,
};
