//! The machine, without names and places.

use std::{fs, path::Path, thread};

/// What a reader needs to compare numbers with their own.
pub(crate) fn describe(scratch: &Path) -> String {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let after_colon = |line: &str| line.split_once(':').map(|(_, value)| value.trim().to_owned());
    let processor =
        text("/proc/cpuinfo").lines().find(|line| line.starts_with("model name")).and_then(after_colon);
    let memory =
        text("/proc/meminfo").lines().find(|line| line.starts_with("MemTotal")).and_then(after_colon);
    let kib: u64 = memory.and_then(|memory| memory.trim_end_matches(" kB").parse().ok()).unwrap_or(0);
    let kernel = text("/proc/sys/kernel/osrelease");
    format!(
        "{} × {}, {} GiB of memory, Linux {}, {}",
        thread::available_parallelism().map_or(1, std::num::NonZero::get),
        processor.unwrap_or_else(|| "unknown processor".to_owned()),
        kib.div_ceil(1 << 20),
        kernel.trim(),
        file_system(&text("/proc/mounts"), scratch),
    )
}

/// Kind of the file system that a directory is on: that of the longest mount point above it.
fn file_system(mounts: &str, dir: &Path) -> String {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (_, place, kind) = (words.next()?, words.next()?, words.next()?);
        dir.starts_with(place).then_some((place.len(), kind))
    });
    mounts
        .max_by_key(|(len, _)| *len)
        .map_or_else(|| "unknown file system".to_owned(), |(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mount_point_counts() {
        let mounts = "a / ext4 rw 0 0\nb /data xfs rw 0 0\nc /data/x tmpfs rw 0 0\n";
        let check = |dir: &str, kind: &str| assert_eq!(file_system(mounts, Path::new(dir)), kind, "{dir}");
        check("/data/y", "xfs");
        check("/data/x/1", "tmpfs");
        check("/home", "ext4");
    }
}
