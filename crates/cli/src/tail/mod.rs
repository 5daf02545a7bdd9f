//! `millpond tail`.
//!
//! ```text
//! flags ─▶ Plan ─▶ Source for each partition ─▶ merged by time up to the end that was seen
//!                                          └──▶ followed from there (-f)
//!               both ─▶ Delivery: print, flush, then (--app) commit the numbers to go on with
//! ```

mod commit;
mod delivery;
mod follow;
mod merge;
mod plan;
mod source;

use millpond_client::Client;
use millpond_model::{AppName, PartitionId, SequenceNumber, StreamName};

use self::{commit::Committer, delivery::Delivery, plan::Plan};
use crate::{
    exit::{Exit, exit_codes, help},
    failure::{Failure, Outcome},
    get::Place,
    global::GlobalArgs,
    interrupt::Interrupt,
    record::{Printer, ShowArgs},
    session::Session,
    time::When,
};

pub(crate) const HELP: &str = help!(
    "\
Examples:
  millpond tail orders                         the last ten records of every partition
  millpond tail orders -f                      and all that come
  millpond tail orders -n 100 -p 0,3
  millpond tail orders --since 15m
  millpond tail orders --at 2026-11-22T10:00+01:00 --count 50
  millpond tail orders --from earliest -f
  millpond tail orders --from 1842 -p 0
  millpond tail orders --app billing           what billing has not handled yet
  millpond tail orders --app billing -f --format raw | handle

Up to the end of the partitions as it is at the start, records are merged by their time;
with -f they then come as they arrive, in order within each partition.

With --app reading starts at the app's checkpoints, and at the oldest record where there is
none. The app is created if it does not exist. The position that is committed is the number of
the next record to read. It is committed every second and at the end, and only for records that
were written to standard output and flushed: after a crash some records may come twice, none is
left out. While others read for the same app, the last commit counts."
);

/// `millpond tail`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("start").args(["lines", "since", "at", "from", "app"]))]
pub struct TailArgs {
    /// The stream's name or id.
    stream: StreamName,
    /// Wait for more records until Ctrl-C.
    #[arg(short, long)]
    follow: bool,
    /// Start so many records before the end of every partition [default: 10].
    #[arg(short = 'n', long, value_name = "COUNT")]
    lines: Option<u64>,
    /// Start so long ago: 30s, 15m, 2h.
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Start at this time: 2026-11-22T10:00+01:00, or without an offset in this machine's zone.
    #[arg(long, value_name = "TIME")]
    at: Option<When>,
    /// Start at earliest, latest, or, with one partition, this sequence number.
    #[arg(long, value_name = "PLACE")]
    from: Option<Place>,
    /// Start where this app is, and commit for it what was read.
    #[arg(short, long)]
    app: Option<AppName>,
    /// Only these partitions.
    #[arg(short, long, value_name = "PARTITION", value_delimiter = ',')]
    partition: Vec<PartitionId>,
    /// Stop after so many records.
    #[arg(long, value_name = "COUNT")]
    count: Option<u64>,
    #[command(flatten)]
    show: ShowArgs,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// Why reading came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Everything was read, or as much as was asked for.
    Done,
    /// Ctrl-C.
    Interrupted,
}

/// Reads, prints, commits.
pub(crate) async fn run(args: TailArgs, session: &mut Session) -> Outcome {
    let printer = Printer::new(args.show.clone(), &session.out, args.follow && args.count.is_none())?;
    let mut interrupt = Interrupt::take_over()?;
    let plan = Plan::make(&args, session).await?;
    let committer =
        args.app.clone().map(|app| Committer::new(session.client.clone(), app, args.stream.clone()));
    let mut delivery = Delivery::new(&mut session.out, printer, committer, args.count);
    let ended = read(&args, &plan, &session.client, &mut delivery, &mut interrupt).await;
    let finished = delivery.finish().await;
    let positions = delivery.positions();
    match (ended, finished) {
        (Err(failure), _) | (Ok(_), Err(failure)) => Err(failure),
        (Ok(End::Done), Ok(())) => Ok(Exit::Ok),
        (Ok(End::Interrupted), Ok(())) => {
            session.out.note(farewell(&args, &positions));
            Ok(Exit::Interrupted)
        }
    }
}

async fn read(
    args: &TailArgs,
    plan: &Plan,
    client: &Client,
    delivery: &mut Delivery<'_>,
    interrupt: &mut Interrupt,
) -> Result<End, Failure> {
    let mut sources = plan.sources(client, &args.stream);
    let end = merge::run(&mut sources, delivery, interrupt).await?;
    if end == Some(End::Interrupted) || !args.follow || delivery.is_full() {
        return Ok(end.unwrap_or(End::Done));
    }
    let watch = args.partition.is_empty();
    follow::run(sources, watch, client, &args.stream, delivery, interrupt).await
}

/// Where it stopped and how to go on.
fn farewell(args: &TailArgs, positions: &[(PartitionId, SequenceNumber)]) -> String {
    let stream = &args.stream;
    let places: Vec<String> =
        positions.iter().map(|(partition, next)| format!("p{}:{next}", partition.index())).collect();
    let follow = if args.follow { " -f" } else { "" };
    let command = match (&args.app, positions) {
        (Some(app), _) => format!("millpond tail {stream}{follow} --app {app}"),
        (None, [(partition, next)]) => {
            format!("millpond tail {stream}{follow} -p {} --from {next}", partition.index())
        }
        (None, []) => format!("millpond tail {stream}{follow}"),
        (None, _) => format!("millpond tail {stream}{follow} -p PARTITION --from NUMBER"),
    };
    let at = if places.is_empty() { String::new() } else { format!(" at {}", places.join(" ")) };
    format!("stopped{at} — continue with: {command}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        args: TailArgs,
    }

    #[test]
    fn the_farewell_says_how_to_go_on() {
        let check = |line: &str, positions: &[(u32, u64)], expected: &str| {
            let args = Program::parse_from(crate::testing::words(line)).args;
            let positions: Vec<_> = positions
                .iter()
                .map(|&(partition, n)| (PartitionId::new(partition), SequenceNumber::new(n).unwrap()))
                .collect();
            assert_eq!(farewell(&args, &positions), expected, "{line}");
        };
        check("tail s -f", &[], "stopped — continue with: millpond tail s -f");
        check("tail s -f", &[(1, 7)], "stopped at p1:7 — continue with: millpond tail s -f -p 1 --from 7");
        check(
            "tail s -f --app a",
            &[(0, 5), (1, 7)],
            "stopped at p0:5 p1:7 — continue with: millpond tail s -f --app a",
        );
        check(
            "tail s",
            &[(0, 5), (1, 7)],
            "stopped at p0:5 p1:7 — continue with: millpond tail s -p PARTITION --from NUMBER",
        );
    }
}
