//! Runs operations on an engine, whichever it is.

use std::collections::BTreeMap;

use millpond_engine::{AdminError, Append, AppendError, Class, Engine, LogConfig, ManualClock, ProposeError};
use millpond_model::{
    AppId, CheckpointType, Metadata, PartitionCount, PartitionId, PartitionRef, RetentionHours,
    SequenceNumber, StreamId, StreamSpec,
};
use millpond_state::{Actor, CheckpointCommit, Command, CommandId, Expected, Proposal};

use super::{
    on,
    op::{Op, Order, Target, minutes},
};

/// What the short names of operations mean at the moment. It depends on the operations alone, never on how
/// they ended, so that one list of operations means the same to every engine.
#[derive(Clone, Default)]
pub struct Names {
    incarnations: BTreeMap<u8, u32>,
    records: u64,
    commands: u128,
    last: Option<Proposal>,
}

/// The storage failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed(pub Class);

impl Names {
    pub fn stream(&self, stream: u8) -> StreamId {
        let incarnation = self.incarnations.get(&stream).copied().unwrap_or_default();
        StreamId::from_random(u128::from(stream) + 100 * u128::from(incarnation))
    }

    pub fn partition(&self, target: Target) -> PartitionRef {
        let partition = PartitionId::new(u32::from(target.partition));
        PartitionRef { stream: self.stream(target.stream), partition }
    }

    /// What the names would be if the operation had been run.
    pub fn skip(&mut self, op: &Op) {
        match op {
            Op::Append(wanted) => {
                self.records += wanted.iter().map(|(_, records)| records.len() as u64).sum::<u64>();
            }
            Op::Propose(order) => drop(self.proposal(order)),
            Op::Drop { stream } => *self.incarnations.entry(*stream).or_default() += 1,
            _ => {}
        }
    }

    fn app(app: u8) -> AppId {
        AppId::from_random(u128::from(app))
    }

    fn command(&self, order: &Order) -> Command {
        let project = "p".parse().unwrap();
        match order {
            Order::CreateStream { stream } => {
                let name = format!("s{stream}").parse().unwrap();
                let spec = StreamSpec::new(name, PartitionCount::new(2).unwrap());
                let id = self.stream(*stream);
                Command::CreateStream { id, project, spec, partition_quota: Some(7), stream_quota: None }
            }
            Order::DeleteStream { stream } => Command::DeleteStream { id: self.stream(*stream) },
            Order::Scale { stream, target } => Command::SetPartitions {
                id: self.stream(*stream),
                target: PartitionCount::new(u32::from(*target)).unwrap(),
                prepared: 3,
                partition_quota: None,
                automatic: false,
                expected_active: None,
            },
            Order::CreateApp { app } => {
                let name = format!("a{app}").parse().unwrap();
                Command::CreateApp { id: Self::app(*app), project, name, app_quota: None }
            }
            Order::DeleteApp { app } => Command::DeleteApp { id: Self::app(*app) },
            Order::Commit { app, to, position, expected } => {
                let commit = |to: &Target| CheckpointCommit {
                    stream: self.stream(to.stream),
                    partition: PartitionId::new(u32::from(to.partition)),
                    kind: CheckpointType::LastRead,
                    sequence_number: SequenceNumber::new(u64::from(*position)).unwrap(),
                    metadata: Metadata::default(),
                    expected: match expected {
                        0 => Expected::Anything,
                        1 => Expected::Absent,
                        version => Expected::Version(u64::from(*version) - 1),
                    },
                };
                let commits = to.iter().map(commit).collect();
                Command::CommitCheckpoints {
                    app: Self::app(*app),
                    commits,
                    member: None,
                    actor: Actor::new("test"),
                }
            }
            Order::DeleteCheckpoints { app, stream, partition } => Command::DeleteCheckpoints {
                app: Self::app(*app),
                stream: self.stream(*stream),
                partition: partition.map(|p| PartitionId::new(u32::from(p))),
                kind: CheckpointType::LastRead,
            },
            Order::InitDeployment | Order::Again => Command::InitDeployment { secret: [7; 32] },
        }
    }

    fn proposal(&mut self, order: &Order) -> Proposal {
        if let (Order::Again, Some(last)) = (order, &self.last) {
            return last.clone();
        }
        self.commands += 1;
        let proposal = Proposal { id: CommandId::from_random(self.commands), command: self.command(order) };
        self.last = Some(proposal.clone());
        proposal
    }
}

/// Runs one operation; returns what it answered. `batches` limits an append to its first batches: a group
/// that a crash cut short may leave so many.
pub fn run(
    engine: &Engine,
    clock: &ManualClock,
    names: &mut Names,
    op: &Op,
    batches: usize,
) -> Result<String, Failed> {
    match op {
        Op::Append(wanted) => append(engine, names, wanted, batches),
        Op::Propose(order) => match on(engine.state.propose(names.proposal(order))) {
            Err(ProposeError::Storage(e)) => Err(Failed(e.class())),
            answer => Ok(format!("{answer:?}")),
        },
        Op::Create { stream, partitions, hours } => {
            admin(on(engine.records.create(names.stream(*stream), u32::from(*partitions), config(*hours))))
        }
        Op::AddPartitions { stream, total } => {
            admin(on(engine.records.add_partitions(names.stream(*stream), u32::from(*total))))
        }
        Op::Configure { stream, hours } => {
            admin(on(engine.records.configure(names.stream(*stream), config(*hours))))
        }
        Op::Trim { of, before } => {
            let before = SequenceNumber::new(u64::from(*before)).unwrap();
            admin(on(engine.records.trim(names.partition(*of), before)))
        }
        Op::Drop { stream } => {
            let id = names.stream(*stream);
            names.skip(op);
            admin(on(engine.records.drop_stream(id)))
        }
        Op::Advance { minutes: by } => {
            clock.advance(minutes(*by));
            Ok(String::new())
        }
        Op::Mark | Op::Retain | Op::Close | Op::Kill | Op::Cut(_) => Ok(String::new()),
    }
}

fn append(
    engine: &Engine,
    names: &mut Names,
    wanted: &[(Target, Vec<super::op::Short>)],
    batches: usize,
) -> Result<String, Failed> {
    let mut batch = |(to, records): &(Target, Vec<super::op::Short>)| {
        let mut record = |short: &super::op::Short| {
            names.records += 1;
            short.record(names.records)
        };
        let records = records.iter().map(&mut record).collect();
        Append { partition: names.partition(*to), records }
    };
    let mut all: Vec<Append> = wanted.iter().map(&mut batch).collect();
    all.truncate(batches);
    let results = on(engine.records.append(all));
    let failed = results.iter().find_map(|result| match result {
        Err(AppendError::Storage(e)) => Some(Failed(e.class())),
        _ => None,
    });
    failed.map_or_else(|| Ok(format!("{results:?}")), Err)
}

fn admin(answer: Result<(), AdminError>) -> Result<String, Failed> {
    match answer {
        Err(AdminError::Storage(e)) => Err(Failed(e.class())),
        answer => Ok(format!("{answer:?}")),
    }
}

fn config(hours: u8) -> LogConfig {
    LogConfig { retention: RetentionHours::new(u32::from(hours)).unwrap() }
}
