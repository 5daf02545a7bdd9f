//! Pages of partitions.

use millpond_model::PartitionId;
use millpond_state::Partition;

/// Which partitions of a stream an answer lists, in index order (spec/00 §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionPage {
    /// Those behind this one; from the first one when absent. It need not exist: at or past the last
    /// partition the page is empty.
    pub after: Option<PartitionId>,
    /// At most this many; the caller sees to a number above 0.
    pub limit: u32,
}

impl PartitionPage {
    /// The partitions of the page, and whether there are more behind it.
    pub(crate) fn of<'a>(&self, partitions: impl Iterator<Item = &'a Partition>) -> (Vec<Partition>, bool) {
        let after = self.after;
        cut(partitions.filter(|p| after.is_none_or(|after| p.id > after)).copied(), self.limit)
    }
}

/// The first `limit` items, and whether there are more.
pub(crate) fn cut<T>(mut items: impl Iterator<Item = T>, limit: u32) -> (Vec<T>, bool) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = items.by_ref().take(limit).collect();
    (page, items.next().is_some())
}
