//! Loading the index of a segment, as far as it is on disk, and finding the rest again.

use std::io;

use millpond_model::PartitionRef;
use millpond_seglog::{
    index::{ENTRY_LEN, IndexEntry, STRETCH_BYTES},
    segment::{SEGMENT_HEADER_LEN, SegmentError, Walk, check_header},
};

use crate::{files::Part, layout, partition::Segment, store::Store};

/// Bytes read at a time while a segment is walked for its index.
const WALK_BYTES: usize = 1024 * 1024;

/// Says which batches of a segment get an entry.
pub(crate) struct IndexRule {
    /// Byte of the last entry's batch, if there is one.
    indexed_place: Option<u64>,
}

impl IndexRule {
    pub(crate) fn new(indexed_place: Option<u64>) -> Self {
        Self { indexed_place }
    }

    /// Whether a batch that begins at `place` gets an entry; it counts as having got it.
    pub(crate) fn wants(&mut self, place: u64) -> bool {
        let wants = self.indexed_place.is_none_or(|last| place >= last + STRETCH_BYTES);
        if wants {
            self.indexed_place = Some(place);
        }
        wants
    }
}

/// An index, as far as there is one.
pub(crate) struct Loaded {
    pub(crate) entries: Vec<IndexEntry>,
    /// Bytes of the index file that are good.
    pub(crate) good_len: u64,
    /// Where the segment is damaged, if it is: there is no entry behind that. Who reads that far meets it.
    pub(crate) damage: Option<SegmentError>,
}

impl Store {
    /// The entries of a segment.
    pub(crate) fn load_index(
        &self,
        partition: PartitionRef,
        segment: &Segment,
    ) -> Result<Loaded, SegmentError> {
        let owner = layout::owner(partition);
        let stored = match self.files.existing(partition, segment.base, Part::Index) {
            Ok(file) => {
                let len = usize::try_from(file.len()?).unwrap_or(usize::MAX);
                let most = usize::try_from(segment.len / STRETCH_BYTES + 2)
                    .unwrap_or(usize::MAX)
                    .saturating_mul(ENTRY_LEN);
                let mut bytes = vec![0; len.min(most)];
                file.read_exact_at(&mut bytes, 0)?;
                bytes
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(e.into()),
        };
        let mut entries = IndexEntry::decode_all(&stored, owner, segment.base);
        entries.retain(|entry| entry.place < segment.len && entry.base < segment.end);
        let good_len = (entries.len() * ENTRY_LEN) as u64;
        let damage = match self.extend_index(partition, segment, &mut entries) {
            Err(e) if e.is_damage() => Some(e),
            extended => extended.map(|()| None)?,
        };
        Ok(Loaded { entries, good_len, damage })
    }

    /// Walks what lies behind the last entry.
    fn extend_index(
        &self,
        partition: PartitionRef,
        segment: &Segment,
        entries: &mut Vec<IndexEntry>,
    ) -> Result<(), SegmentError> {
        let file = self.files.existing(partition, segment.base, Part::Records)?;
        check_header(&*file, layout::owner(partition), segment.base)?;
        let (place, base, mut time_max) = match entries.last() {
            Some(last) => (last.place, last.base, last.time_max_before_ms),
            None => (SEGMENT_HEADER_LEN as u64, segment.base, i64::MIN),
        };
        let mut rule = IndexRule::new(entries.last().map(|last| last.place));
        let mut walk = Walk::new(&*file, layout::owner(partition), place, base, segment.len, WALK_BYTES);
        loop {
            let place = walk.place();
            let Some(batch) = walk.next_batch()? else { return Ok(()) };
            let header = batch.header();
            if rule.wants(place) {
                let (base, arrival_ms) = (header.base, header.arrival_ms);
                entries.push(IndexEntry { base, place, time_max_before_ms: time_max, arrival_ms });
            }
            time_max = time_max.max(header.time_max_ms);
        }
    }
}
