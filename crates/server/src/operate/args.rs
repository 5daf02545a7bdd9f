//! What the commands on a data directory take.

use std::path::PathBuf;

use crate::{
    args::{Output, SourceArgs},
    config::Sources,
};

/// `millpond check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The data directory.
    pub data_dir: PathBuf,
    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// `millpond repair`.
#[derive(Debug, clap::Args)]
pub struct RepairArgs {
    /// The data directory.
    pub data_dir: PathBuf,
    /// Give up what cannot be read; without, only tell what would be given up.
    #[arg(long)]
    pub accept_loss: bool,
    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// `millpond backup`.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// Where to: a directory that is empty, or not there yet.
    #[arg(value_name = "BACKUP")]
    pub to: PathBuf,
    /// The data directory [default: as for `serve`].
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Configuration file that names the data directory.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Copy the access keys too; whoever has the backup has them then.
    #[arg(long)]
    pub with_credentials: bool,
    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

impl BackupArgs {
    /// The sources that lead to the data directory.
    pub fn sources(&self) -> Sources {
        SourceArgs::of_directory(self.data_dir.clone(), self.config.clone()).sources()
    }
}

/// `millpond restore`.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The backup.
    pub backup: PathBuf,
    /// Where to: a directory that is empty, or not there yet.
    pub data_dir: PathBuf,
    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

/// Examples for `millpond check`.
pub const CHECK_EXAMPLES: &str = "\
Examples:
  millpond check /var/lib/millpond
      Reads everything, changes nothing. Exit code 0 when all is good, 3 when something is damaged.
  millpond check /var/lib/millpond --output json

The server must not be running on the directory.";

/// Examples for `millpond repair`.
pub const REPAIR_EXAMPLES: &str = "\
Examples:
  millpond repair /var/lib/millpond
      Tells what would be given up, and changes nothing. Exit code 3 if that is anything.
  millpond repair /var/lib/millpond --accept-loss
      Gives it up, for good. The damaged files are copied to damaged-<time>/ in the data directory
      first, and what was lost is recorded in losses.jsonl there.

Restoring a backup loses nothing that is in it: try that first.";

/// Examples for `millpond backup`.
pub const BACKUP_EXAMPLES: &str = "\
Examples:
  millpond backup --data-dir /var/lib/millpond /backups/monday
      With or without a running server; one that runs goes on, and makes the copy itself: the
      place must be one that it may write to.
  millpond backup --with-credentials /backups/tuesday
      With the access keys. Without, a restored server makes a new one.

Everything that was acknowledged before the backup began is in it. Every checksum is verified on the
way; damage ends it.";

/// Examples for `millpond restore`.
pub const RESTORE_EXAMPLES: &str = "\
Examples:
  millpond restore /backups/monday /var/lib/millpond
      Verifies all of the backup, copies it to an empty directory, and checks the result.

Records and checkpoints that came after the backup are gone, and their numbers are given again: let
consumers that are ahead begin anew.";
