//! Where reading starts and ends in every partition.

use std::collections::BTreeMap;

use millpond_client::Client;
use millpond_model::{AppName, Bounds, PartitionId, SequenceNumber, StreamName};
use millpond_wire::v2::{cursors::CursorStart, streams::DescribeStreamResponse};

use super::{TailArgs, source::Source};
use crate::{failure::Failure, get::Place, session::Session, time};

/// Records before the end of every partition unless told otherwise.
const LINES_DEFAULT: u64 = 10;

/// Records that are buffered in all partitions together, about.
const BUFFERED_RECORDS: usize = 10_000;

/// The partitions to read, each with its start and the end that it has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan(Vec<Leg>);

/// One partition of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Leg {
    partition: PartitionId,
    start: CursorStart,
    end: SequenceNumber,
}

impl Plan {
    /// Asks the server for the partitions and, with `--app`, for the checkpoints.
    ///
    /// # Errors
    /// No such stream or partition; usage: a number and several partitions.
    pub(super) async fn make(args: &TailArgs, session: &Session) -> Result<Self, Failure> {
        let description = session.client.describe_stream(&args.stream).await?;
        let partitions = readable(&description, &args.partition)?;
        if matches!(args.from, Some(Place::Number(_))) && partitions.len() > 1 {
            return Err(Failure::usage("a sequence number needs one partition").hint("name it with -p"));
        }
        let checkpoints = match &args.app {
            Some(app) => Some(checkpoints(app, &args.stream, session).await?),
            None => None,
        };
        let leg = |(partition, bounds): (PartitionId, Bounds)| Leg {
            partition,
            start: match &checkpoints {
                Some(found) => found
                    .get(&partition)
                    .map_or(CursorStart::TrimHorizon, |&next| CursorStart::At(Some(next))),
                None => start(args, bounds),
            },
            end: bounds.high_water,
        };
        Ok(Self(partitions.into_iter().map(leg).collect()))
    }

    /// A reader for each partition.
    pub(super) fn sources(&self, client: &Client, stream: &StreamName) -> Vec<Source> {
        let limit = (BUFFERED_RECORDS / self.0.len().max(1)).clamp(10, 1000);
        let source = |leg: &Leg| {
            let Leg { partition, start, end } = *leg;
            Source::new(client, stream, partition, start, end, u32::try_from(limit).unwrap_or(10))
        };
        self.0.iter().map(source).collect()
    }
}

/// The readable partitions with their ranges: all of them, or those that were named.
fn readable(
    description: &DescribeStreamResponse,
    wanted: &[PartitionId],
) -> Result<Vec<(PartitionId, Bounds)>, Failure> {
    let all: BTreeMap<PartitionId, Bounds> = description
        .partitions
        .iter()
        .filter_map(|partition| Some((partition.partition_id.parse().ok()?, partition.bounds()?)))
        .collect();
    if wanted.is_empty() {
        return Ok(all.into_iter().collect());
    }
    let find = |partition: &PartitionId| {
        let bounds = all.get(partition).copied().ok_or_else(|| {
            let name = &description.stream_name;
            Failure::new(
                crate::Exit::NotFound,
                format!("{name} has no readable partition {}", partition.index()),
            )
            .hint(format!("`millpond stream describe {name}` shows those there are"))
        })?;
        Ok((*partition, bounds))
    };
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    wanted.iter().map(find).collect()
}

/// The start that the flags ask for in a partition with these bounds.
fn start(args: &TailArgs, bounds: Bounds) -> CursorStart {
    if let Some(when) = args.since.or(args.at) {
        return CursorStart::AtTimestamp(when.resolve(time::now()));
    }
    match args.from {
        Some(Place::Latest) => CursorStart::At(Some(bounds.high_water)),
        Some(place) => place.start(time::now()),
        None => CursorStart::At(Some(last(args.lines.unwrap_or(LINES_DEFAULT), bounds))),
    }
}

/// The first of the last `lines` numbers.
fn last(lines: u64, bounds: Bounds) -> SequenceNumber {
    let first = bounds.high_water.get().saturating_sub(lines);
    SequenceNumber::new(first).unwrap_or_default().max(bounds.oldest)
}

/// The checkpoints of an app, which is created when it does not exist.
async fn checkpoints(
    app: &AppName,
    stream: &StreamName,
    session: &Session,
) -> Result<BTreeMap<PartitionId, SequenceNumber>, Failure> {
    match session.client.create_app(app).await {
        Ok(()) => {
            session.out.note(format_args!("The app {app} was created; it starts at the oldest records."));
        }
        Err(error) if error.code() == Some("DIS.4330") => {}
        // Who may not create apps may still use one.
        Err(error) if error.class() == millpond_client::Class::Auth => {}
        Err(error) => return Err(error.into()),
    }
    let state = session.client.consuming_state(app, stream).await?;
    let states = state.partition_consuming_states.iter();
    // "-1" is no checkpoint (spec/06 §3); a number below the oldest record reads from there.
    Ok(states
        .filter_map(|state| {
            let oldest = SequenceNumber::new(state.earliest_offset).ok()?;
            let number: SequenceNumber = state.sequence_number.parse().ok()?;
            Some((state.partition_id.parse().ok()?, number.max(oldest)))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(n: u64) -> SequenceNumber {
        SequenceNumber::new(n).unwrap()
    }

    #[test]
    fn the_last_records_begin_no_earlier_than_what_is_kept() {
        let check = |lines: u64, oldest: u64, end: u64, expected: u64| {
            let bounds = Bounds { oldest: number(oldest), high_water: number(end) };
            assert_eq!(last(lines, bounds).get(), expected, "{lines} of {oldest}..{end}");
        };
        check(10, 0, 100, 90);
        check(10, 95, 100, 95);
        check(10, 0, 3, 0);
        check(0, 0, 100, 100);
        check(u64::MAX, 7, 100, 7);
    }

    #[test]
    fn only_readable_partitions_are_read() {
        let text = r#"{"stream_name":"s","partitions":[
            {"partition_id":"shardId-0000000000","sequence_number_range":"[3 : 7]"},
            {"partition_id":"shardId-0000000001"},
            {"partition_id":"shardId-0000000002","sequence_number_range":"[0 : 0]"}]}"#;
        let description: DescribeStreamResponse = serde_json::from_str(text).unwrap();
        let found = |wanted: &[u32]| {
            let wanted: Vec<PartitionId> = wanted.iter().map(|&index| PartitionId::new(index)).collect();
            let found = readable(&description, &wanted).map_err(|failure| failure.message);
            found.map(|all| all.into_iter().map(|(partition, _)| partition.index()).collect::<Vec<_>>())
        };
        assert_eq!(found(&[]), Ok(vec![0, 2]));
        assert_eq!(found(&[2, 0, 2]), Ok(vec![0, 2]));
        assert_eq!(found(&[1]), Err("s has no readable partition 1".to_owned()));
    }
}
