//! Records on their way into one request.

use millpond_model::PlacedRecord;
use tokio::time::Instant;

/// Most bytes of data in one request: what every stream takes (spec/02 §10).
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Records gathered for one request; bounded by count and bytes.
#[derive(Debug)]
pub(super) struct Batch {
    records: Vec<PlacedRecord>,
    records_max: usize,
    bytes: usize,
    since: Option<Instant>,
}

impl Batch {
    /// An empty batch for at most this many records.
    pub(super) fn new(records_max: u32) -> Self {
        let records_max = usize::try_from(records_max).unwrap_or(usize::MAX);
        Self { records: Vec::new(), records_max, bytes: 0, since: None }
    }

    /// Whether a record of this many bytes may be added. An empty batch takes any.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.records.is_empty() || (!self.is_full() && self.bytes + bytes <= BATCH_BYTES_MAX)
    }

    /// Whether no further record may be added.
    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= self.records_max || self.bytes >= BATCH_BYTES_MAX
    }

    /// When the first record was added.
    pub(super) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// Adds a record.
    pub(super) fn push(&mut self, record: PlacedRecord, now: Instant) {
        self.since.get_or_insert(now);
        self.bytes += record.record.data.len();
        self.records.push(record);
    }

    /// Takes everything out.
    pub(super) fn take(&mut self) -> Vec<PlacedRecord> {
        (self.bytes, self.since) = (0, None);
        std::mem::take(&mut self.records)
    }
}

#[cfg(test)]
mod tests {
    use millpond_model::{NewRecord, Placement};

    use super::*;

    fn push(batch: &mut Batch, bytes: usize) {
        let record = PlacedRecord { record: NewRecord::of(vec![0; bytes]), placement: Placement::Anywhere };
        batch.push(record, Instant::now());
    }

    #[test]
    fn a_batch_is_bounded_by_count_and_bytes() {
        let mut batch = Batch::new(2);
        assert!(batch.has_room_for(BATCH_BYTES_MAX + 1) && !batch.is_full() && batch.since().is_none());
        push(&mut batch, 10);
        assert!(batch.has_room_for(BATCH_BYTES_MAX - 10) && !batch.has_room_for(BATCH_BYTES_MAX - 9));
        assert!(batch.since().is_some());
        push(&mut batch, 10);
        assert!(batch.is_full() && !batch.has_room_for(0));
        assert_eq!(batch.take().len(), 2);
        assert!(!batch.is_full() && batch.since().is_none() && batch.take().is_empty());
        push(&mut batch, BATCH_BYTES_MAX);
        assert!(batch.is_full());
    }
}
