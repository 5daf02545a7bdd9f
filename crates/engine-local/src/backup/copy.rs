//! Copying what belongs to a backup, verified on the way.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use millpond_engine::Class;
use millpond_model::PartitionRef;
use millpond_seglog::{
    Crc32c,
    disk::{Disk, File, Open, write_atomically},
    index::IndexEntry,
    journal::Journal,
    scan::read_bytes,
    segment::{SEGMENT_HEADER_LEN, SegmentError, Walk, check_header},
};

use super::{BackupError, DATA, Entry, MANIFEST, Manifest, Moment, Options};
use crate::{
    OpenError,
    check::{Progress, Tell, replay::decode_records},
    failure,
    files::Part,
    index::IndexRule,
    layout::{self, Layout},
    partition::Segment,
    rows,
    store::Store,
    view::{View, ViewError},
};

/// Bytes copied at a time.
const CHUNK_BYTES: usize = 1024 * 1024;

/// A backup being made.
struct Backup<'a> {
    store: &'a Store,
    to: &'a Path,
    layout: Layout,
    options: Options<'a>,
    manifest: Manifest,
    dirs: BTreeSet<PathBuf>,
    done_bytes: u64,
    total_bytes: u64,
}

/// Copies everything that belongs to `moment`.
pub(super) fn copy(
    store: &Store,
    to: &Path,
    moment: Moment,
    options: Options<'_>,
    progress: Tell<'_>,
) -> Result<Manifest, BackupError> {
    let broken = |e: ViewError| failure::of(Class::Corrupt, "the view cannot be read", e);
    let kept = moment.snapshot.read().map_err(broken)?;
    drop(moment.snapshot);
    let instance = store.layout.identify(&*store.disk)?.ok_or(OpenError::NotADataDirectory)?;
    let mut segments = Vec::new();
    for (key, row) in &kept.segments {
        let decoded =
            rows::decode_segment_key(key).and_then(|(of, base)| Some((of, rows::decode_segment(base, row)?)));
        let (of, segment) =
            decoded.ok_or_else(|| broken(ViewError::Damaged("segments"))).map_err(BackupError::from)?;
        segments.extend((!segment.is_lost()).then_some((of, segment)));
    }
    let layout = Layout::new(&to.join(DATA));
    let mut backup = Backup {
        store,
        to,
        options,
        manifest: Manifest::new(options.version, options.created, instance, moment.mark.position),
        dirs: BTreeSet::new(),
        done_bytes: 0,
        total_bytes: segments.iter().map(|(_, segment)| segment.len).sum(),
        layout,
    };
    backup.make_dir(&backup.layout.streams())?;
    for (of, segment) in &segments {
        backup.segment(*of, segment, progress)?;
    }
    let journal = backup.layout.journal();
    backup.make_dir(&journal)?;
    let last = (moment.mark.position, moment.mark.group);
    let begun = Journal::restart(&store.disk, &journal, instance, store.stamp(), moment.mark.file_no, last);
    let mark = begun.map_err(BackupError::io(&journal))?.mark();
    let view = View::create(&store.disk, &backup.layout.view())?;
    let failed = |e: ViewError| failure::of(Class::Refused, "the view could not be copied", e);
    view.commit(&kept.into_changes(mark, store.clock.now().as_millis())).map_err(failed)?;
    drop(view);
    backup.finish(instance)
}

impl Backup<'_> {
    fn disk(&self) -> &Arc<dyn Disk> {
        &self.store.disk
    }

    /// Creates a directory; it is synced at the end, with those above it up to the backup itself.
    fn make_dir(&mut self, dir: &Path) -> Result<(), BackupError> {
        if self.dirs.contains(dir) {
            return Ok(());
        }
        self.disk().create_dir(dir).map_err(BackupError::io(dir))?;
        self.dirs
            .extend(dir.ancestors().take_while(|above| above.starts_with(self.to)).map(Path::to_path_buf));
        Ok(())
    }

    fn is_cancelled(&self) -> Result<(), BackupError> {
        if self.options.cancel.load(Ordering::Acquire) {
            return Err(BackupError::Cancelled(self.to.to_path_buf()));
        }
        Ok(())
    }

    /// Copies a segment batch by batch, and makes its index.
    fn segment(
        &mut self,
        of: PartitionRef,
        segment: &Segment,
        progress: Tell<'_>,
    ) -> Result<(), BackupError> {
        let from = self.store.layout.segment(of, segment.base);
        let to = self.layout.segment(of, segment.base);
        let damaged = |source: SegmentError| match source {
            SegmentError::Io(e) if !SegmentError::Io(io::Error::from(e.kind())).is_damage() => {
                BackupError::Io { path: from.clone(), source: e }
            }
            source => BackupError::Damaged { path: from.clone(), source },
        };
        let owner = layout::owner(of);
        let opened = self.store.files.existing(of, segment.base, Part::Records);
        let file = opened.map_err(|e| damaged(SegmentError::Io(e)))?;
        check_header(&*file, owner, segment.base).map_err(damaged)?;
        let header = read_bytes(&*file, 0, SEGMENT_HEADER_LEN).map_err(BackupError::io(&from))?;
        self.make_dir(&self.layout.partition(of))?;
        let mut copy = Copy::begin(&**self.disk(), &to)?;
        copy.write(&header)?;
        let start = SEGMENT_HEADER_LEN as u64;
        let mut walk = Walk::new(&*file, owner, start, segment.base, segment.len, CHUNK_BYTES);
        let (mut rule, mut index, mut time_max) = (IndexRule::new(None), Vec::new(), i64::MIN);
        loop {
            let place = walk.place();
            let Some(batch) = walk.next_batch().map_err(damaged)? else { break };
            decode_records(&batch).map_err(|_| BackupError::Records(from.clone()))?;
            let batch_header = batch.header();
            if rule.wants(place) {
                let (base, arrival_ms) = (batch_header.base, batch_header.arrival_ms);
                let entry = IndexEntry { base, place, time_max_before_ms: time_max, arrival_ms };
                index.extend(entry.encode(owner, segment.base));
            }
            time_max = time_max.max(batch_header.time_max_ms);
            self.manifest.records += u64::from(batch_header.count);
            if copy.write(batch.bytes())? {
                let done_bytes = self.done_bytes + place;
                progress(Progress { doing: "copying segments", done_bytes, total_bytes: self.total_bytes });
                self.is_cancelled()?;
            }
        }
        self.done_bytes += segment.len;
        self.add(&to, copy.finish()?);
        let to = self.layout.index(of, segment.base);
        let mut copy = Copy::begin(&**self.disk(), &to)?;
        copy.write(&index)?;
        self.add(&to, copy.finish()?);
        let (done_bytes, total_bytes) = (self.done_bytes, self.total_bytes);
        progress(Progress { doing: "copying segments", done_bytes, total_bytes });
        self.is_cancelled()
    }

    fn add(&mut self, path: &Path, (bytes, crc32c): (u64, u32)) {
        let path = path.strip_prefix(self.layout.root()).unwrap_or(path).to_path_buf();
        self.manifest.files.push(Entry { path, bytes, crc32c });
    }

    /// Adds the small files, syncs all names, and writes the list.
    fn finish(mut self, instance: u128) -> Result<Manifest, BackupError> {
        let disk = Arc::clone(self.disk());
        let root = self.layout.root().to_path_buf();
        self.layout.sign(&*disk, instance).map_err(BackupError::io(&root))?;
        let mut small = vec![root.join("FORMAT"), self.layout.view()];
        let journal = self.layout.journal();
        let files = disk.list(&journal).map_err(BackupError::io(&journal))?;
        small.extend(files.into_iter().map(|name| journal.join(name)));
        if self.options.with_credentials {
            let (from, to) = (self.store.layout.root().join(CREDENTIALS), root.join(CREDENTIALS));
            match copy_file(&*disk, &from, &to) {
                // Nobody can sign in to a server without keys; then there are none to be copied.
                Err(BackupError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                copied => {
                    let copied = copied?;
                    self.add(&to, copied);
                }
            }
        }
        for path in small {
            let file = disk.open(&path, Open::Existing).map_err(BackupError::io(&path))?;
            file.sync_data().map_err(BackupError::io(&path))?;
            let sum = sum_of(&*file).map_err(BackupError::io(&path))?;
            self.add(&path, sum);
        }
        for dir in &self.dirs {
            disk.sync_dir(dir).map_err(BackupError::io(dir))?;
        }
        let list = self.manifest.encode().map_err(io::Error::other);
        let written = list.and_then(|list| write_atomically(&*disk, self.to, MANIFEST, list.as_bytes()));
        written.map_err(BackupError::io(&self.to.join(MANIFEST)))?;
        if let Some(above) = self.to.parent() {
            // Where it may be read; the backup is complete without.
            let _its_name = disk.sync_dir(above);
        }
        Ok(self.manifest)
    }
}

/// The file of access keys.
const CREDENTIALS: &str = "credentials.toml";

/// A file being written, with the sum of its bytes.
pub(super) struct Copy {
    path: PathBuf,
    file: Arc<dyn File>,
    buffer: Vec<u8>,
    len: u64,
    sum: Crc32c,
}

impl Copy {
    pub(super) fn begin(disk: &dyn Disk, path: &Path) -> Result<Self, BackupError> {
        let file = disk.open(path, Open::Empty).map_err(BackupError::io(path))?;
        Ok(Self { path: path.to_path_buf(), file, buffer: Vec::new(), len: 0, sum: Crc32c::default() })
    }

    /// Takes the next bytes; whether any were written.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<bool, BackupError> {
        self.buffer.extend_from_slice(bytes);
        let full = self.buffer.len() >= CHUNK_BYTES;
        if full {
            self.flush()?;
        }
        Ok(full)
    }

    fn flush(&mut self) -> Result<(), BackupError> {
        self.file.write_at(&self.buffer, self.len).map_err(BackupError::io(&self.path))?;
        self.sum.update(&self.buffer);
        self.len += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Makes it durable; returns its length and sum.
    pub(super) fn finish(mut self) -> Result<(u64, u32), BackupError> {
        self.flush()?;
        self.file.sync_data().map_err(BackupError::io(&self.path))?;
        Ok((self.len, self.sum.finish()))
    }
}

/// Copies a file; returns its length and sum.
pub(super) fn copy_file(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(u64, u32), BackupError> {
    let source = disk.open(from, Open::Reading).map_err(BackupError::io(from))?;
    let mut copy = Copy::begin(disk, to)?;
    each_chunk(&*source, |bytes| copy.write(bytes).map(drop)).map_err(BackupError::io(from))??;
    copy.finish()
}

/// Length and sum of a file.
pub(super) fn sum_of(file: &dyn File) -> io::Result<(u64, u32)> {
    let mut sum = Crc32c::default();
    let mut len = 0;
    let summed: Result<(), std::convert::Infallible> = each_chunk(file, |bytes| {
        sum.update(bytes);
        len += bytes.len() as u64;
        Ok(())
    })?;
    let Ok(()) = summed;
    Ok((len, sum.finish()))
}

fn each_chunk<E>(file: &dyn File, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> io::Result<Result<(), E>> {
    let len = file.len()?;
    let (mut at, mut buffer) = (0, vec![0; CHUNK_BYTES]);
    while at < len {
        let wanted = usize::try_from(len - at).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        let bytes = buffer.get_mut(..wanted).unwrap_or_default();
        file.read_exact_at(bytes, at)?;
        if let Err(e) = take(bytes) {
            return Ok(Err(e));
        }
        at += wanted as u64;
    }
    Ok(Ok(()))
}
