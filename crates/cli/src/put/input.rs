//! Where records come from.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, IsTerminal as _, Read as _},
    path::Path,
    thread, vec,
};

use bytes::Bytes;
use millpond_model::limits::RECORD_DATA_BYTES_MAX;
use tokio::sync::mpsc;

use super::PutArgs;
use crate::failure::Failure;

/// Lines that wait between the thread that reads them and the one that sends. With the largest lines
/// they take 16 MiB.
const LINES_WAITING_MAX: usize = 16;

/// What the input brings.
#[derive(Debug)]
pub(super) enum Item {
    /// A record.
    Record(Bytes),
    /// A line that no record can hold; it was skipped.
    TooLong {
        /// Counted from 1.
        line: u64,
    },
    /// The input cannot be read further.
    Failed(io::Error),
}

/// The input of one command.
#[derive(Debug)]
pub(super) enum Input {
    /// Records that are all there.
    Given(vec::IntoIter<Bytes>),
    /// Lines that a thread reads.
    Lines {
        lines: mpsc::Receiver<Item>,
        /// Length of the file, when it is one.
        bytes: Option<u64>,
    },
}

impl Input {
    /// Opens what the flags name; without any, standard input unless a person sits before it.
    ///
    /// # Errors
    /// Usage: there is nothing to put. A file cannot be read, or is too large for a record.
    pub(super) fn open(args: &PutArgs) -> Result<Self, Failure> {
        if !(args.data.is_empty() && args.items.is_empty()) {
            let mut records: Vec<Bytes> = args.data.iter().map(|text| text.clone().into()).collect();
            for item in &args.items {
                records.push(record(item)?);
            }
            return Ok(Self::Given(records.into_iter()));
        }
        match args.file.as_deref().filter(|path| *path != Path::new("-")) {
            Some(path) => {
                let cannot = |error| Failure::io(format_args!("cannot read {}", path.display()), &error);
                let file = File::open(path).map_err(cannot)?;
                let bytes = file.metadata().ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len());
                Ok(Self::lines(BufReader::new(file), bytes))
            }
            None if args.lines || args.file.is_some() || !io::stdin().is_terminal() => {
                Ok(Self::lines(BufReader::new(io::stdin()), None))
            }
            None => Err(Failure::usage("there is nothing to put").hint(
                "give DATA, -d @FILE for a file as one record, --file FILE for its lines, or --lines to type them",
            )),
        }
    }

    fn lines(source: impl BufRead + Send + 'static, bytes: Option<u64>) -> Self {
        let (sender, lines) = mpsc::channel(LINES_WAITING_MAX);
        // A thread of its own: a read from a terminal or a pipe cannot be given up.
        thread::spawn(move || read_lines(source, &sender));
        Self::Lines { lines, bytes }
    }

    /// How many bytes there are to read, when that is known.
    pub(super) fn bytes(&self) -> Option<u64> {
        if let Self::Lines { bytes, .. } = self { *bytes } else { None }
    }

    /// The next record; `None` behind the last one. Nothing is lost when the wait is given up.
    pub(super) async fn next(&mut self) -> Option<Item> {
        match self {
            Self::Given(records) => records.next().map(Item::Record),
            Self::Lines { lines, .. } => lines.recv().await,
        }
    }
}

/// The record of one `-d`.
fn record(item: &str) -> Result<Bytes, Failure> {
    let Some(path) = item.strip_prefix('@') else { return Ok(item.to_owned().into()) };
    let cannot = |error| Failure::io(format_args!("cannot read {path}"), &error);
    let max = RECORD_DATA_BYTES_MAX as u64;
    let mut data = Vec::new();
    if path == "-" {
        io::stdin().take(max + 1).read_to_end(&mut data).map_err(cannot)?;
    } else {
        File::open(path).and_then(|file| file.take(max + 1).read_to_end(&mut data)).map_err(cannot)?;
    }
    if data.len() as u64 > max {
        return Err(Failure::usage(format!("{path} is larger than a record may be, {max} bytes"))
            .hint("with --file each line becomes a record of its own"));
    }
    Ok(data.into())
}

fn read_lines(mut source: impl BufRead, lines: &mpsc::Sender<Item>) {
    let mut number = 0;
    loop {
        number += 1;
        let item = match read_line(&mut source) {
            Ok(None) => return,
            Ok(Some(Line::Whole(data))) => Item::Record(data),
            Ok(Some(Line::TooLong)) => Item::TooLong { line: number },
            Err(error) => Item::Failed(error),
        };
        let last = matches!(item, Item::Failed(_));
        if lines.blocking_send(item).is_err() || last {
            return;
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// Without its end.
    Whole(Bytes),
    /// More than a record may hold.
    TooLong,
}

/// The next line; `None` at the end. The last one needs no line end. Empty lines are empty records, and
/// a carriage return before the end belongs to the end.
fn read_line(source: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    // Room for the largest record, a carriage return, and the end itself.
    let limit = RECORD_DATA_BYTES_MAX as u64 + 2;
    if source.take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let ended = line.pop_if(|last| *last == b'\n').is_some();
    line.pop_if(|last| ended && *last == b'\r');
    if line.len() <= RECORD_DATA_BYTES_MAX {
        return Ok(Some(Line::Whole(line.into())));
    }
    if !ended {
        skip_line(source)?;
    }
    Ok(Some(Line::TooLong))
}

fn skip_line(source: &mut impl BufRead) -> io::Result<()> {
    loop {
        let seen = source.fill_buf()?;
        let end = seen.iter().position(|&byte| byte == b'\n');
        let (used, done) = end.map_or((seen.len(), seen.is_empty()), |end| (end + 1, true));
        source.consume(used);
        if done {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<Line> {
        let mut source = BufReader::with_capacity(7, text);
        std::iter::from_fn(|| read_line(&mut source).unwrap()).collect()
    }

    #[test]
    fn lines_are_records() {
        let check = |text: &str, expected: &[&str]| {
            let expected: Vec<Line> =
                expected.iter().map(|line| Line::Whole(Bytes::copy_from_slice(line.as_bytes()))).collect();
            assert_eq!(lines(text.as_bytes()), expected, "{text:?}");
        };
        check("", &[]);
        check("a\nb\n", &["a", "b"]);
        check("a\nb", &["a", "b"]);
        check("a\r\n\r\nb\r", &["a", "", "b\r"]);
        check("\n", &[""]);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_alone() {
        let longest = "x".repeat(RECORD_DATA_BYTES_MAX);
        let text = format!("{longest}\r\n{longest}x\nb\n{longest}xyz\nc\n{longest}xyz");
        let kinds: Vec<Option<usize>> = lines(text.as_bytes())
            .into_iter()
            .map(|line| if let Line::Whole(data) = line { Some(data.len()) } else { None })
            .collect();
        assert_eq!(kinds, [Some(RECORD_DATA_BYTES_MAX), None, Some(1), None, Some(1), None]);
    }

    #[test]
    fn a_file_is_one_record() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "a\nb\n").unwrap();
        let path = file.path().display();
        assert_eq!(record(&format!("@{path}")).unwrap(), "a\nb\n");
        assert_eq!(record("a@b").unwrap(), "a@b");
        fs::write(file.path(), vec![0; RECORD_DATA_BYTES_MAX + 1]).unwrap();
        assert!(record(&format!("@{path}")).is_err());
        assert!(record("@/no/such/file").is_err());
    }
}
