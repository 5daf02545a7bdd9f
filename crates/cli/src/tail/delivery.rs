//! From a record to standard output, and only then to the checkpoint.

use std::collections::BTreeMap;

use millpond_client::ReceivedRecord;
use millpond_model::{PartitionId, SequenceNumber};

use super::commit::Committer;
use crate::{failure::Failure, output::Output, record::Printer};

/// Prints records and remembers how far each partition was handed over.
pub(super) struct Delivery<'a> {
    out: &'a mut Output,
    printer: Printer,
    committer: Option<Committer>,
    left: Option<u64>,
    /// Number behind the last record that was written, perhaps not yet flushed.
    written: BTreeMap<PartitionId, SequenceNumber>,
    /// Number behind the last record that was flushed.
    flushed: BTreeMap<PartitionId, SequenceNumber>,
}

impl<'a> Delivery<'a> {
    /// Delivers at most `count` records.
    pub(super) fn new(
        out: &'a mut Output,
        printer: Printer,
        committer: Option<Committer>,
        count: Option<u64>,
    ) -> Self {
        let (written, flushed) = (BTreeMap::new(), BTreeMap::new());
        Self { out, printer, committer, left: count, written, flushed }
    }

    /// Whether as many records as were asked for are delivered.
    pub(super) fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    /// Writes a record.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub(super) fn deliver(&mut self, partition: PartitionId, record: &ReceivedRecord) -> Result<(), Failure> {
        self.printer.print(self.out, partition, record)?;
        self.written.insert(partition, record.sequence_number.plus(1));
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok(())
    }

    /// Hands everything written over. What is kept for one document stays uncommitted until the end.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        if self.written.is_empty() || self.printer.keeps() {
            return Ok(());
        }
        self.out.flush()?;
        self.flushed.append(&mut self.written);
        Ok(())
    }

    /// Commits what was flushed, when a second has passed since the last time.
    ///
    /// # Errors
    /// The app or stream is gone, or the credentials do not suffice. What may pass is only noted.
    pub(super) async fn commit_if_due(&mut self) -> Result<(), Failure> {
        let Some(committer) = self.committer.as_mut().filter(|committer| committer.is_due()) else {
            return Ok(());
        };
        if let Some(note) = committer.commit(&self.flushed).await? {
            self.out.note(note);
        }
        Ok(())
    }

    /// Flushes and commits the rest.
    ///
    /// # Errors
    /// Standard output takes no more, or the last commit failed.
    pub(super) async fn finish(&mut self) -> Result<(), Failure> {
        let flushed = self.printer.finish(self.out);
        if flushed.is_ok() {
            self.flushed.append(&mut self.written);
        }
        if let Some(committer) = &mut self.committer {
            committer.commit_last(&self.flushed).await?;
        }
        flushed
    }

    /// How far each partition was handed over.
    pub(super) fn positions(&self) -> Vec<(PartitionId, SequenceNumber)> {
        self.flushed.iter().map(|(partition, next)| (*partition, *next)).collect()
    }

    /// Tells people that records went before they were read.
    pub(super) fn gap(&self, partition: PartitionId) {
        let index = partition.index();
        self.out
            .note(format_args!("p{index}: older records have left retention; going on at the oldest one"));
    }

    /// Tells people something.
    pub(super) fn note(&self, text: impl std::fmt::Display) {
        self.out.note(text);
    }
}
