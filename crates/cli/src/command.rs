//! The commands, and running one.

use std::process::ExitCode;

use tokio::runtime::Builder;

use crate::{
    app::AppArgs,
    bench::BenchArgs,
    checkpoint::CheckpointArgs,
    exit::Exit,
    failure::{Failure, Outcome},
    get::GetArgs,
    global::GlobalArgs,
    output::{self, Output},
    put::PutArgs,
    session::{self, Session},
    settings::Environment,
    stream::StreamArgs,
    tail::TailArgs,
};

/// The commands that talk to a server.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Write records: arguments, lines of standard input or of a file.
    #[command(after_help = crate::put::HELP)]
    Put(Box<PutArgs>),
    /// Read records of one partition, then stop.
    #[command(after_help = crate::get::HELP)]
    Get(Box<GetArgs>),
    /// Read the last records of all partitions, and follow them.
    #[command(after_help = crate::tail::HELP)]
    Tail(Box<TailArgs>),
    /// Create, list, describe, scale, update and delete streams.
    #[command(visible_alias = "st", after_help = crate::stream::HELP)]
    Stream(Box<StreamArgs>),
    /// Create, list, describe and delete consumer apps; see how far they are.
    #[command(after_help = crate::app::HELP)]
    App(Box<AppArgs>),
    /// Commit, show and delete the positions of an app.
    #[command(visible_alias = "cp", after_help = crate::checkpoint::HELP)]
    Checkpoint(Box<CheckpointArgs>),
    /// Measure what this machine, or a server elsewhere, sustains.
    #[command(after_help = crate::bench::HELP)]
    Bench(Box<BenchArgs>),
}

impl Command {
    fn global(&self) -> &GlobalArgs {
        match self {
            Self::Put(args) => &args.global,
            Self::Get(args) => &args.global,
            Self::Tail(args) => &args.global,
            Self::Stream(args) => &args.global,
            Self::App(args) => &args.global,
            Self::Checkpoint(args) => &args.global,
            Self::Bench(args) => &args.global,
        }
    }
}

/// Runs a command to its end, on a runtime of its own.
pub fn run(command: Command) -> ExitCode {
    let environment = Environment::of_process();
    let global = command.global().clone();
    let asked = match environment.output() {
        Ok(named) => global.output.or(named),
        Err(failure) => {
            output::without_output(&failure);
            return failure.exit.into();
        }
    };
    let mut out = Output::new(asked, global.color, global.quiet);
    // Without this, an error before the first record would be a document and not a line.
    if matches!(command, Command::Get(_) | Command::Tail(_)) {
        out.prefer_lines();
    }
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            out.failure(&Failure::io("cannot start", &error));
            return Exit::Failure.into();
        }
    };
    let exit = runtime.block_on(execute(command, &global, &environment, out));
    // A thread may still wait for standard input: nobody waits for it.
    runtime.shutdown_background();
    exit.into()
}

async fn execute(command: Command, global: &GlobalArgs, environment: &Environment, mut out: Output) -> Exit {
    // It has a server of its own, for which the settings are not known yet.
    if let Command::Bench(args) = &command {
        let outcome = crate::bench::run(args, environment, &mut out).await;
        let outcome = outcome.and_then(|exit| out.flush().map(|()| exit));
        return outcome.unwrap_or_else(|failure| {
            out.failure(&failure);
            failure.exit
        });
    }
    let client = match session::client(global, environment, &out) {
        Ok(client) => client,
        Err(failure) => {
            out.failure(&failure);
            return failure.exit;
        }
    };
    let mut session = Session { client, out, yes: global.yes };
    let outcome = dispatch(command, &mut session).await;
    let outcome = outcome.and_then(|exit| session.out.flush().map(|()| exit));
    outcome.unwrap_or_else(|failure| {
        session.out.failure(&failure);
        failure.exit
    })
}

async fn dispatch(command: Command, session: &mut Session) -> Outcome {
    match command {
        Command::Put(args) => crate::put::run(*args, session).await,
        Command::Get(args) => crate::get::run(*args, session).await,
        Command::Tail(args) => crate::tail::run(*args, session).await,
        Command::Stream(args) => crate::stream::run(args.command, session).await,
        Command::App(args) => crate::app::run(args.command, session).await,
        Command::Checkpoint(args) => crate::checkpoint::run(args.command, session).await,
        Command::Bench(_) => unreachable!("it makes its own session"),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;
    use crate::testing::words;

    #[derive(Debug, Parser)]
    #[command(name = "millpond")]
    struct Program {
        #[command(subcommand)]
        command: Command,
    }

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Program::try_parse_from(words(line)).map(|program| program.command)
    }

    #[test]
    fn the_definition_is_consistent() {
        Program::command().debug_assert();
    }

    fn helps(command: &clap::Command, all: &mut Vec<String>) {
        all.extend(command.get_after_help().map(ToString::to_string));
        for command in command.get_subcommands() {
            helps(command, all);
        }
    }

    #[test]
    fn command_lines_of_the_help_texts_parse() {
        let mut all = Vec::new();
        helps(&Program::command(), &mut all);
        let mut lines = 0;
        for line in all.iter().flat_map(|help| help.lines()) {
            let Some(start) = line.find("millpond ").filter(|_| line.starts_with("  ")) else { continue };
            let command = line[start..].split("   ").next().unwrap().split(" | ").next().unwrap();
            let command = command.split(" > ").next().unwrap().split(" < ").next().unwrap().trim();
            parse(command).unwrap_or_else(|error| panic!("{command}: {error}"));
            lines += 1;
        }
        assert!(lines >= 30, "{lines} examples");
    }

    #[test]
    fn every_help_has_examples_and_exit_codes() {
        let program = Program::command();
        for command in program.get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Examples:\n"), "{}", command.get_name());
            assert!(help.ends_with(crate::EXIT_CODES), "{}", command.get_name());
        }
    }

    #[test]
    fn flags_stand_before_or_behind_the_verb() {
        for line in [
            "millpond stream list --endpoint http://h -o json",
            "millpond stream --endpoint http://h -o json ls",
            "millpond st ls --endpoint http://h -o json",
        ] {
            let command = parse(line).unwrap();
            let global = command.global();
            assert_eq!(global.endpoint.as_deref(), Some("http://h"), "{line}");
            assert_eq!(global.output, Some(crate::output::Format::Json), "{line}");
        }
    }

    #[test]
    fn misuse_is_refused() {
        for line in [
            "millpond stream create bad.name",
            "millpond stream scale orders 0",
            "millpond stream create orders --retention 9000h",
            "millpond put",
            "millpond put orders x --partition 0 --key k",
            "millpond put orders x --file f",
            "millpond get orders --from yesterday",
            "millpond tail orders --since 15m --at 2026-11-22",
            "millpond tail orders --app a -n 5",
            "millpond checkpoint commit billing -s orders -p 0",
            "millpond checkpoint commit billing -1 -s orders -p 0",
            "millpond app list --output xml",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let command = parse("millpond stream ls --access-key a --secret-key hush").unwrap();
        assert!(!format!("{command:?}").contains("hush"));
    }
}
