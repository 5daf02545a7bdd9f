//! What the journal would tell an engine, followed without keeping a record.

use std::error::Error;

use millpond_seglog::{batch::Batch, journal::Frame};
use millpond_state::decode_proposal;

use crate::{commit::kind, layout, log_op::LogOp, logs::Logs, record::Records, recover::Misfit};

/// Follows the journal from the mark on.
pub(crate) struct Replay {
    /// The logs, as far as the journal was followed. Of their records only the numbers are right.
    pub(crate) logs: Logs,
    /// Position of the last command that the view has.
    pub(crate) state_applied: u64,
    /// Records that no segment has.
    pub(crate) records: u64,
}

impl Replay {
    /// Does with a frame what an engine would do that recovers.
    ///
    /// # Errors
    /// What would keep the engine from going on.
    pub(crate) fn tell(&mut self, frame: &Frame) -> Result<(), Box<dyn Error + Send + Sync>> {
        match frame.kind {
            kind::BATCH => self.batch(frame),
            kind::COMMAND => {
                if frame.position > self.state_applied {
                    let (_, proposal) = frame.body.split_first_chunk::<8>().ok_or(Misfit::Command)?;
                    decode_proposal(proposal)?;
                }
                Ok(())
            }
            kind::LOG_OP => {
                if frame.position > self.logs.applied {
                    self.logs.apply(&LogOp::decode(&frame.body).ok_or(Misfit::Op)?, frame.position);
                }
                Ok(())
            }
            other => Err(Misfit::Kind(other).into()),
        }
    }

    fn batch(&mut self, frame: &Frame) -> Result<(), Box<dyn Error + Send + Sync>> {
        let batch = Batch::read(&frame.body)?;
        let header = *batch.header();
        let partition = layout::partition_of(header.owner).ok_or(Misfit::Owner)?;
        let Some(log) = self.logs.partition(partition) else {
            let known = frame.position < self.logs.applied;
            return if known { Ok(()) } else { Err(Misfit::Partition(partition).into()) };
        };
        let mut inner = log.lock();
        if header.base > inner.next {
            return Err(Misfit::Gap { partition, expected: inner.next, found: header.base }.into());
        }
        if header.base == inner.next {
            decode_records(&batch)?;
            (inner.next, inner.high_water) = (header.end(), header.end());
            inner.last_arrival_ms = inner.last_arrival_ms.max(header.arrival_ms);
            self.records += u64::from(header.count);
        }
        Ok(())
    }
}

/// Whether every record of a batch can be read, and nothing is left over.
pub(crate) fn decode_records(batch: &Batch) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut records = Records::of(batch);
    while records.next_record()?.is_some() {}
    if records.is_used_up() { Ok(()) } else { Err("there are bytes behind the last record".into()) }
}
