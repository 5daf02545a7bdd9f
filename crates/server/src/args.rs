//! The command line.

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::{
    config::{FlagValue, Sources},
    exit::EXIT_CODES,
    operate::{
        BACKUP_EXAMPLES, BackupArgs, CHECK_EXAMPLES, CheckArgs, REPAIR_EXAMPLES, RESTORE_EXAMPLES,
        RepairArgs, RestoreArgs,
    },
};

/// A self-hosted stream server for the clients of the DIS API.
#[derive(Debug, Parser)]
#[command(name = "millpond", version, after_help = exit_codes(), after_long_help = exit_codes())]
#[command(arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Run a server for development: data in ./.millpond, no signatures needed, snippets to paste.
    #[command(after_help = DEV_EXAMPLES)]
    Dev(DevArgs),
    /// Everything that talks to a server.
    #[command(flatten)]
    Client(millpond_cli::Command),
    /// Create, list and revoke access keys, with or without a running server.
    #[command(after_help = KEY_EXAMPLES)]
    Key(KeyArgs),
    /// Verify everything in a data directory; changes nothing.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Give up what cannot be read in a data directory, so that the rest can go on.
    #[command(after_help = REPAIR_EXAMPLES)]
    Repair(RepairArgs),
    /// Copy everything, with or without a running server.
    #[command(after_help = BACKUP_EXAMPLES)]
    Backup(BackupArgs),
    /// Make a data directory of a backup.
    #[command(after_help = RESTORE_EXAMPLES)]
    Restore(RestoreArgs),
    /// Check, show and begin a configuration.
    #[command(after_help = CONFIG_EXAMPLES)]
    Config(ConfigArgs),
    /// Print the completion script of a shell.
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Both tables: the commands that run or prepare a server end in other ways than those that talk to one.
fn exit_codes() -> String {
    let of =
        |table: &str, commands: &str| table.replacen("Exit codes", &format!("Exit codes of {commands}"), 1);
    let server = of(EXIT_CODES, "serve, dev, key, check, repair, backup, restore, config");
    format!("{server}\n\n{}", of(millpond_cli::EXIT_CODES, "all others"))
}

const SERVE_EXAMPLES: &str = "\
Examples:
  millpond serve --data-dir /var/lib/millpond
      The first start creates an access key in /var/lib/millpond/credentials.toml.
  millpond serve --data-dir ./data --listen 127.0.0.1:0 --port-file ./port
      A free port, written to ./port once the server is ready. For tests.
  millpond serve --config /etc/millpond/config.toml --set server.drain_timeout=20s
      Any setting can be given with --set; `millpond config reference` lists them.

Signals:
  SIGTERM, SIGINT  stop accepting, finish open requests, exit 0; a second one forces
  SIGHUP           read keys, certificates and the log level again";

const DEV_EXAMPLES: &str = "\
Examples:
  millpond dev                        start here and now, and print what to paste
  millpond dev --listen 127.0.0.1:0   on a free port
  millpond dev --require-signature    refuse unsigned requests, as `serve` does
  rm -r .millpond                     forget everything";

const KEY_EXAMPLES: &str = "\
Examples:
  millpond key create --data-dir /var/lib/millpond
      Prints the new key with its secret, once.
  millpond key create --project-id analytics
      A key for another project, which has streams of its own.
  millpond key list --output json
  millpond key revoke AKEXAMPLE

The keys are in credentials.toml in the data directory. A server that runs there reads them again
at once.";

const CONFIG_EXAMPLES: &str = "\
Examples:
  millpond config init > config.toml              a commented file to begin with
  millpond config check --config config.toml      all problems at once; exit code 2 if there are any
  millpond config print --origin                  every value and where it comes from
  millpond config reference                       all settings, in Markdown";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  millpond completions bash > /etc/bash_completion.d/millpond
  millpond completions zsh > \"${fpath[1]}/_millpond\"
  millpond completions fish > ~/.config/fish/completions/millpond.fish";

/// `millpond serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub sources: SourceArgs,
}

/// `millpond dev`.
#[derive(Debug, clap::Args)]
pub struct DevArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// Refuse unsigned requests.
    #[arg(long, conflicts_with = "allow_anonymous")]
    pub require_signature: bool,
}

/// The flags that set configuration values.
#[derive(Debug, Default, clap::Args)]
pub struct SourceArgs {
    /// Directory that holds everything [default: see `millpond config print --origin`].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Address of the API; port 0 takes a free one [default: 127.0.0.1:7347].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Write the port number to this file once the server is ready.
    #[arg(long, value_name = "FILE")]
    port_file: Option<String>,
    /// TOML file with further [[key]] entries; read again on SIGHUP.
    #[arg(long, value_name = "FILE")]
    keys_file: Option<String>,
    /// Accept unsigned requests; only possible on a loopback address.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    allow_anonymous: Option<String>,
    /// default, or cloud: with the limits and quotas of the cloud service.
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// Configuration file, above /etc/millpond/config.toml and below the environment.
    #[arg(long, value_name = "FILE")]
    config: Option<std::path::PathBuf>,
    /// error, warn, info, debug, trace, or a list of target=level.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// auto, human or json.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Set any value, as section.key=value; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
}

impl SourceArgs {
    /// Those that lead to a data directory and to nothing else.
    pub fn of_directory(data_dir: Option<String>, config: Option<std::path::PathBuf>) -> Self {
        Self { data_dir, config, ..Self::default() }
    }

    /// All sources of configuration, these flags on top.
    pub fn sources(&self) -> Sources {
        let named = [
            ("storage.data_dir", "--data-dir", &self.data_dir),
            ("server.listen", "--listen", &self.listen),
            ("server.port_file", "--port-file", &self.port_file),
            ("auth.keys_file", "--keys-file", &self.keys_file),
            ("auth.allow_anonymous", "--allow-anonymous", &self.allow_anonymous),
            ("limits.profile", "--profile", &self.profile),
            ("log.level", "--log-level", &self.log_level),
            ("log.format", "--log-format", &self.log_format),
        ];
        let set = self.set.iter().map(|(key, text)| FlagValue {
            key: key.clone(),
            text: text.clone(),
            flag: "--set",
        });
        let named = named.into_iter().filter_map(|(key, flag, text)| {
            text.as_ref().map(|text| FlagValue { key: key.to_owned(), text: text.clone(), flag })
        });
        Sources::of_process(self.config.clone(), set.chain(named).collect())
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected section.key=value")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// `millpond key`.
#[derive(Debug, clap::Args)]
pub struct KeyArgs {
    /// What to do with keys.
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// The verbs of `millpond key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Create a key and print it with its secret.
    Create {
        /// The project it reaches [default: that of the first key, else a new one].
        #[arg(long, value_name = "ID")]
        project_id: Option<String>,
        /// Its name [default: random].
        #[arg(long, value_name = "AK")]
        ak: Option<String>,
        /// Where and how.
        #[command(flatten)]
        common: KeyCommon,
    },
    /// List the keys, without their secrets.
    #[command(visible_alias = "ls")]
    List {
        /// Where and how.
        #[command(flatten)]
        common: KeyCommon,
    },
    /// Remove a key; requests signed with it are refused from now on.
    #[command(visible_alias = "rm")]
    Revoke {
        /// The access key.
        ak: String,
        /// Where and how.
        #[command(flatten)]
        common: KeyCommon,
    },
}

/// What all verbs of `millpond key` take.
#[derive(Debug, clap::Args)]
pub struct KeyCommon {
    /// The data directory [default: as for `serve`].
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Configuration file that names the data directory.
    #[arg(long, value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,
    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub output: Output,
}

impl KeyCommon {
    /// The sources that lead to the data directory.
    pub fn sources(&self) -> Sources {
        SourceArgs::of_directory(self.data_dir.clone(), self.config.clone()).sources()
    }
}

/// Form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// One JSON document.
    Json,
}

/// `millpond config`.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    /// What to do with the configuration.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// The verbs of `millpond config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the values in force, without secrets.
    Print {
        /// Where the configuration comes from.
        #[command(flatten)]
        sources: Box<SourceArgs>,
        /// Show for every value, also for the defaults, where it comes from.
        #[arg(long)]
        origin: bool,
        /// Form of the output.
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Check the configuration and say all that is wrong.
    Check {
        /// Where the configuration comes from.
        #[command(flatten)]
        sources: Box<SourceArgs>,
    },
    /// Print a commented file with what people usually change.
    Init,
    /// Print all settings with defaults and reasons, in Markdown.
    Reference,
}

/// The completion script of `shell`.
pub fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "millpond", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Args as _;

    use super::*;
    use crate::config::defaults::SETTINGS;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn flags_of_the_table_are_those_of_serve() {
        let command = SourceArgs::augment_args(clap::Command::new("x"));
        let flags: BTreeSet<_> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
        let mut listed: BTreeSet<_> =
            SETTINGS.iter().filter_map(|s| s.flag).map(|flag| flag.trim_start_matches('-')).collect();
        listed.extend(["config", "set"]);
        assert_eq!(flags, listed);
    }

    #[test]
    fn flags_become_values_with_their_origin() {
        let args =
            parse("millpond serve --data-dir d --listen 127.0.0.1:0 --allow-anonymous --set log.level=debug");
        let Command::Serve(serve) = args.unwrap().command else { panic!("not serve") };
        let mut flags: Vec<_> =
            serve.sources.sources().flags.into_iter().map(|f| (f.key, f.text, f.flag)).collect();
        flags.sort();
        let expected = [
            ("auth.allow_anonymous", "true", "--allow-anonymous"),
            ("log.level", "debug", "--set"),
            ("server.listen", "127.0.0.1:0", "--listen"),
            ("storage.data_dir", "d", "--data-dir"),
        ];
        assert_eq!(flags, expected.map(|(key, text, flag)| (key.to_owned(), text.to_owned(), flag)));
    }

    #[test]
    fn command_lines_of_the_help_texts_parse() {
        for help in [
            SERVE_EXAMPLES,
            DEV_EXAMPLES,
            KEY_EXAMPLES,
            CHECK_EXAMPLES,
            REPAIR_EXAMPLES,
            BACKUP_EXAMPLES,
            RESTORE_EXAMPLES,
            CONFIG_EXAMPLES,
        ] {
            for line in help.lines().filter_map(|line| line.trim().strip_prefix("millpond ")) {
                let line = line.split("  ").next().unwrap().split(" > ").next().unwrap();
                parse(&format!("millpond {line}")).unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }

    #[test]
    fn misuse_is_refused() {
        for line in [
            "millpond serve --lisen x",
            "millpond",
            "millpond dev --require-signature --allow-anonymous",
            "millpond serve --set x",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn completions_exist_for_every_shell() {
        for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
            assert!(completions(shell).contains("millpond"));
        }
    }
}
