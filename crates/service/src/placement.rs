//! Where the records of a put go (spec/03 §2).

use std::collections::{BTreeMap, btree_map::Entry};

use millpond_engine::Append;
use millpond_model::{
    PartitionId, PartitionRef, PartitionStatus, PlacedRecord, Placement, StreamId, partition_for,
};
use millpond_state::Stream;

use crate::RecordError;

/// A record's place: its partition, or why it has none.
pub(crate) type Place = Result<PartitionId, RecordError>;

/// The place of each record. `turn` is the place, among the ACTIVE partitions in turn, of the first
/// record that names none; each further one goes to the next partition. No record has more than
/// `bytes_max` bytes of data.
pub(crate) fn places(stream: &Stream, records: &[PlacedRecord], turn: u64, bytes_max: usize) -> Vec<Place> {
    let mut turn = turn;
    let place = |placed: &PlacedRecord| {
        placed.record.validate(bytes_max)?;
        place(stream, placed.placement, &mut turn)
    };
    records.iter().map(place).collect()
}

fn place(stream: &Stream, placement: Placement, turn: &mut u64) -> Place {
    let active = |position: u32| {
        let id = usize::try_from(position).ok().and_then(|position| stream.active().get(position));
        *id.expect("a position among the ACTIVE partitions is below their number")
    };
    match placement {
        Placement::Partition(id) => match stream.partition(id).map(|p| p.status) {
            Some(PartitionStatus::Active) => Ok(id),
            Some(PartitionStatus::Deleted | PartitionStatus::Expired) | None => {
                Err(RecordError::PartitionNotFound(id))
            }
        },
        Placement::Key(key) => Ok(active(partition_for(key, stream.active_count()))),
        Placement::Anywhere => {
            let position = *turn % u64::from(stream.active_count());
            *turn = turn.wrapping_add(1);
            Ok(active(u32::try_from(position).unwrap_or_default()))
        }
    }
}

/// Where a record went within the batches of one put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) partition: PartitionId,
    /// Which batch.
    pub(crate) batch: usize,
    /// Which record of it, from 0.
    pub(crate) offset: u64,
}

/// The records by partition, in their order, and the slot of each.
pub(crate) struct Batches {
    pub(crate) appends: Vec<Append>,
    pub(crate) slots: Vec<Result<Slot, RecordError>>,
}

impl Batches {
    /// Sorts the records into one batch per partition.
    pub(crate) fn group(stream: StreamId, records: Vec<PlacedRecord>, places: Vec<Place>) -> Self {
        let mut appends: Vec<Append> = Vec::new();
        let mut batch_of: BTreeMap<PartitionId, usize> = BTreeMap::new();
        let mut slots = Vec::with_capacity(records.len());
        for (placed, place) in records.into_iter().zip(places) {
            let partition = match place {
                Ok(partition) => partition,
                Err(error) => {
                    slots.push(Err(error));
                    continue;
                }
            };
            let batch = match batch_of.entry(partition) {
                Entry::Occupied(batch) => *batch.get(),
                Entry::Vacant(free) => {
                    let partition = PartitionRef { stream, partition };
                    appends.push(Append { partition, records: Vec::new() });
                    *free.insert(appends.len() - 1)
                }
            };
            let batch_records = &mut appends.get_mut(batch).expect("the batch was made above").records;
            slots.push(Ok(Slot { partition, batch, offset: batch_records.len() as u64 }));
            batch_records.push(placed.record);
        }
        Self { appends, slots }
    }
}
