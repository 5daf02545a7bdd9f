//! What is kept of a repair: the originals, and a record of what was given up.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use millpond_seglog::disk::Open;
use serde_json::{Value, json};

use super::{Repaired, plan::copy_file};
use crate::check::{Checker, DAMAGED};

/// One JSON object per line, appended by each repair.
const LOSSES: &str = "losses.jsonl";

/// Copies what is damaged to a directory of its own, durably; returns that directory.
pub(super) fn copy(checker: &Checker<'_>, stamp: &str, damaged: &[PathBuf]) -> io::Result<PathBuf> {
    let (disk, root) = (checker.disk, checker.layout.root());
    let taken: BTreeSet<String> = disk.list(root)?.into_iter().collect();
    let names = (1..).map(|n| match n {
        1 => format!("{DAMAGED}{stamp}"),
        n => format!("{DAMAGED}{stamp}-{n}"),
    });
    let name = names.into_iter().find(|name| !taken.contains(name)).unwrap_or_default();
    let dir = root.join(name);
    disk.create_dir(&dir)?;
    let mut dirs = BTreeSet::from([dir.clone(), root.to_path_buf()]);
    for from in damaged {
        let to = dir.join(from.strip_prefix(root).unwrap_or(from));
        if let Some(above) = to.parent() {
            disk.create_dir(above)?;
            dirs.extend(above.ancestors().take_while(|a| *a != root).map(Path::to_path_buf));
        }
        match copy_file(&**disk, from, &to) {
            // There is nothing to be kept of a file that is missing.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            copied => copied?,
        }
    }
    dirs.iter().try_for_each(|dir| disk.sync_dir(dir))?;
    Ok(dir)
}

/// Records what is about to be given up.
pub(super) fn record(
    checker: &Checker<'_>,
    stamp: &str,
    repaired: &Repaired,
    originals: &Path,
) -> io::Result<()> {
    let mut lines = vec![json!({
        "repair": stamp,
        "what": "begun",
        "originals": originals.file_name().map(|name| name.to_string_lossy()),
        "damaged": repaired.damaged.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
    })];
    lines.extend(repaired.lost.iter().map(|lost| {
        json!({
            "repair": stamp,
            "what": "records",
            "stream_id": lost.concern.partition.stream.as_str(),
            "stream_name": lost.concern.stream_name,
            "partition": lost.concern.partition.partition.index(),
            "first": lost.concern.first,
            "last": lost.concern.end.saturating_sub(1),
            "certain": lost.is_certain,
        })
    }));
    lines.extend(
        repaired.changes.iter().map(|change| json!({ "repair": stamp, "what": "change", "change": change })),
    );
    append(checker, &lines)
}

/// Records that a repair came to its end.
pub(super) fn record_end(checker: &Checker<'_>, stamp: &str) -> io::Result<()> {
    append(checker, &[json!({ "repair": stamp, "what": "done" })])
}

fn append(checker: &Checker<'_>, lines: &[Value]) -> io::Result<()> {
    let root = checker.layout.root();
    let file = checker.disk.open(&root.join(LOSSES), Open::OrCreate)?;
    let len = file.len()?;
    let mut last = [b'\n'];
    if let Some(at) = len.checked_sub(1) {
        file.read_exact_at(&mut last, at)?;
    }
    // A line that a crash cut short stays by itself.
    let mut text = if last == [b'\n'] { String::new() } else { "\n".to_owned() };
    for line in lines {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    file.write_at(text.as_bytes(), len)?;
    file.sync_data()?;
    checker.disk.sync_dir(root)
}
