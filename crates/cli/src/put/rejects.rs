//! A file of the records that were refused.

use std::{
    fs::OpenOptions,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use millpond_client::RecordError;
use millpond_model::{PartitionKey, PlacedRecord, Placement};
use millpond_wire::codec::b64;
use serde_json::json;

use crate::failure::Failure;

/// Refused records as JSON lines: the members of a put request, and why.
#[derive(Debug)]
pub(super) struct Rejects {
    path: PathBuf,
    file: BufWriter<std::fs::File>,
}

impl Rejects {
    /// Creates the file.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| Self::cannot(path, &error))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    fn cannot(path: &Path, error: &std::io::Error) -> Failure {
        Failure::io(format_args!("cannot write the rejects to {}", path.display()), error)
    }

    /// Adds a record.
    ///
    /// # Errors
    /// The file takes no more.
    pub(super) fn keep(&mut self, record: &PlacedRecord, error: &RecordError) -> Result<(), Failure> {
        let line = line(record, error);
        self.file.write_all(line.as_bytes()).map_err(|error| Self::cannot(&self.path, &error))
    }

    /// Ends the file; one without records goes away.
    ///
    /// # Errors
    /// The file takes no more.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let cannot = |error| Self::cannot(&self.path, &error);
        self.file.flush().map_err(cannot)?;
        if self.file.get_ref().metadata().map_err(cannot)?.len() == 0 {
            std::fs::remove_file(&self.path).map_err(cannot)?;
        }
        Ok(())
    }
}

fn line(record: &PlacedRecord, error: &RecordError) -> String {
    let PlacedRecord { record, placement } = record;
    let partition = match placement {
        Placement::Partition(partition) => Some(partition.to_string()),
        Placement::Key(_) | Placement::Anywhere => None,
    };
    let entry = json!({
        "data": b64::encode(&record.data),
        "partition_id": partition,
        "partition_key": record.partition_key.as_ref().map(PartitionKey::as_str),
        "explicit_hash_key": record.explicit_hash_key.map(|key| key.to_string()),
        "error_code": error.code,
        "error_message": error.message,
    });
    format!("{entry}\n")
}

#[cfg(test)]
mod tests {
    use millpond_model::{NewRecord, PartitionId};

    use super::*;

    #[test]
    fn rejects_are_kept_and_an_empty_file_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rejects");
        Rejects::create(&path).unwrap().finish().unwrap();
        assert!(!path.try_exists().unwrap());
        let mut rejects = Rejects::create(&path).unwrap();
        let placement = Placement::Partition(PartitionId::new(3));
        let record = PlacedRecord { record: NewRecord::of("hi"), placement };
        let error = RecordError { code: Some("DIS.4302".into()), message: "no".into() };
        rejects.keep(&record, &error).unwrap();
        rejects.finish().unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            concat!(
                r#"{"data":"aGk=","error_code":"DIS.4302","error_message":"no","explicit_hash_key":null,"#,
                r#""partition_id":"shardId-0000000003","partition_key":null}"#,
                "\n"
            )
        );
        assert!(Rejects::create(&path).is_err());
    }
}
