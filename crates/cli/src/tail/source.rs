//! One partition as it is read.

use std::collections::VecDeque;

use millpond_client::{Client, Error, Reader, ReceivedRecord};
use millpond_model::{PartitionId, SequenceNumber, StreamName, Timestamp};
use millpond_wire::v2::cursors::CursorStart;

use crate::get::is_before_retention;

/// A reader with what it brought and the end that the partition had at the start.
#[derive(Debug)]
pub(super) struct Source {
    reader: Reader,
    buffer: VecDeque<ReceivedRecord>,
    end: SequenceNumber,
    at_end: bool,
}

/// What filling a source told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// As it should be.
    Normally,
    /// The place that was asked for is not kept any more: it goes on at the oldest record.
    BehindGap,
}

impl Source {
    /// A source of `partition` from `start` on.
    pub(super) fn new(
        client: &Client,
        stream: &StreamName,
        partition: PartitionId,
        start: CursorStart,
        end: SequenceNumber,
        limit: u32,
    ) -> Self {
        let mut reader = Reader::new(client.clone(), stream.clone(), partition, start);
        reader.set_limit(limit);
        let at_end = reader.position().is_some_and(|position| position >= end);
        Self { reader, buffer: VecDeque::new(), end, at_end }
    }

    /// The partition.
    pub(super) fn partition(&self) -> PartitionId {
        self.reader.partition()
    }

    /// Time of the next buffered record before the end; `None` when there is none.
    pub(super) fn next_time(&self) -> Option<Timestamp> {
        let next = self.buffer.front().filter(|record| record.sequence_number < self.end);
        next.map(|record| record.timestamp)
    }

    /// Whether it needs to be filled before anybody can say what comes next up to the end.
    pub(super) fn is_hungry(&self) -> bool {
        self.next_time().is_none() && !self.at_end
    }

    /// Takes the next buffered record out, also one behind the end.
    pub(super) fn pop(&mut self) -> Option<ReceivedRecord> {
        self.buffer.pop_front()
    }

    /// Reads once. A failed read changes nothing.
    ///
    /// # Errors
    /// Those of [`Reader::read`], but not of a place that is not kept any more.
    pub(super) async fn fill(&mut self) -> Result<Filled, Error> {
        let (page, filled) = match self.reader.read().await {
            Ok(page) => (page, Filled::Normally),
            Err(error) if Reader::lost_its_place(&error) || is_before_retention(&error) => {
                self.reader.restart_at_oldest();
                (self.reader.read().await?, Filled::BehindGap)
            }
            Err(error) => return Err(error),
        };
        self.at_end = page.records.is_empty() || self.reader.position().is_some_and(|next| next >= self.end);
        self.buffer.extend(page.records);
        Ok(filled)
    }
}
