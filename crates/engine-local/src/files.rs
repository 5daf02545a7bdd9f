//! Open segment and index files: a bounded number, however many partitions there are.

use std::{io, sync::Arc};

use millpond_model::PartitionRef;
use millpond_seglog::disk::{Disk, File, Open, is_shortage};
use quick_cache::sync::Cache;

use crate::layout::Layout;

/// Which of a segment's two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Records,
    Index,
}

type Key = (PartitionRef, u64, Part);

pub(crate) struct Files {
    disk: Arc<dyn Disk>,
    layout: Layout,
    open: Cache<Key, Arc<dyn File>>,
}

impl Files {
    pub(crate) fn new(disk: Arc<dyn Disk>, layout: Layout, open_max: usize) -> Self {
        Self { disk, layout, open: Cache::new(open_max) }
    }

    /// A file that exists.
    pub(crate) fn existing(
        &self,
        partition: PartitionRef,
        base: u64,
        part: Part,
    ) -> io::Result<Arc<dyn File>> {
        self.open(partition, base, part, Open::Existing)
    }

    /// A file that is emptied, or created.
    pub(crate) fn empty(&self, partition: PartitionRef, base: u64, part: Part) -> io::Result<Arc<dyn File>> {
        self.open.remove(&(partition, base, part));
        self.open(partition, base, part, Open::Empty)
    }

    /// A file that is created if it is not there.
    pub(crate) fn or_create(
        &self,
        partition: PartitionRef,
        base: u64,
        part: Part,
    ) -> io::Result<Arc<dyn File>> {
        self.open(partition, base, part, Open::OrCreate)
    }

    /// Closes a segment's files once nobody reads them any more.
    pub(crate) fn close(&self, partition: PartitionRef, base: u64) {
        self.open.remove(&(partition, base, Part::Records));
        self.open.remove(&(partition, base, Part::Index));
    }

    fn open(&self, partition: PartitionRef, base: u64, part: Part, how: Open) -> io::Result<Arc<dyn File>> {
        let key = (partition, base, part);
        if let Some(file) = self.open.get(&key) {
            return Ok(file);
        }
        let path = match part {
            Part::Records => self.layout.segment(partition, base),
            Part::Index => self.layout.index(partition, base),
        };
        let opened = self.disk.open(&path, how).or_else(|e| {
            // Perhaps all descriptors are taken: those of idle files can be spared.
            if !is_shortage(&e) {
                return Err(e);
            }
            self.open.clear();
            self.disk.open(&path, how)
        });
        let file = opened?;
        self.open.insert(key, Arc::clone(&file));
        Ok(file)
    }
}
