//! Groups without an engine: a state, a watch, and a time that moves when told to.

mod assignment;
mod clients;
mod model;
mod table;

use std::{sync::LazyLock, time::Duration};

use millpond_model::*;

use crate::*;

const SECOND: Duration = Duration::from_secs(1);

/// What a service does with a state and a watch.
struct World {
    state: State,
    watch: Watch,
    now: Duration,
    position: u64,
}

/// A sync as the client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sync {
    Rejoin,
    Wait,
    Share(u32, Assignment),
}

impl World {
    /// An app, and streams 1, 2, … with these numbers of partitions.
    fn new(partitions: &[u32]) -> Self {
        let mut world =
            Self { state: State::default(), watch: Watch::default(), now: Duration::ZERO, position: 0 };
        let (id, name) = (app(), "app".parse().unwrap());
        world.propose(Command::CreateApp { id, project: project(), name, app_quota: None }).unwrap();
        for (number, &partitions) in (1..).zip(partitions) {
            let name = format!("s{number}").parse().unwrap();
            let spec = StreamSpec::new(name, PartitionCount::new(partitions).unwrap());
            let (id, project) = (stream(number), project());
            world
                .propose(Command::CreateStream {
                    id,
                    project,
                    spec,
                    partition_quota: None,
                    stream_quota: None,
                })
                .unwrap();
        }
        world
    }

    fn propose(&mut self, command: Command) -> Outcome {
        self.position += 1;
        let proposal = Proposal { id: CommandId::from_random(self.position.into()), command };
        let applied = self.state.apply(proposal, LogPosition::new(self.position), Timestamp::default());
        applied.outcome
    }

    fn event(&mut self, event: GroupEvent) -> Outcome {
        self.propose(Command::Group { app: app(), event })
    }

    /// The state as read back from its rows; who was heard of when is forgotten.
    fn restart(&mut self) {
        let rows = self.state.row_keys().map(|key| (key.encode(), self.state.row(&key).unwrap()));
        let read = State::from_rows(rows.map(Ok::<_, DecodeError>)).unwrap();
        assert_eq!(read, self.state);
        (self.state, self.watch) = (read, Watch::default());
    }

    fn group(&self) -> &Group {
        self.state.group(app()).unwrap()
    }

    /// Ends what is overdue.
    fn settle(&mut self) {
        while let Some(overdue) =
            self.state.group(app()).and_then(|group| self.watch.overdue(group, self.now))
        {
            let event = match overdue {
                Overdue::Phase(phase_since) => GroupEvent::EndPhase { phase_since },
                Overdue::Members(silent) => GroupEvent::RemoveSilent { silent },
            };
            let ended = self.event(event);
            assert_ne!(ended, Ok(Done::Count(0)), "nobody else could have ended it");
        }
    }

    /// A client was heard of; what is overdue ends.
    fn hear(&mut self, client: &str) {
        if let Some(group) = self.state.group(app()) {
            self.watch.hear(group, client, self.now);
        }
        self.settle();
    }

    /// Joins; returns how long to wait before the sync.
    fn join(&mut self, client: &str, subscription: Subscription) -> Result<Duration, Rejected> {
        self.hear(client);
        self.event(join(client, subscription))?;
        self.hear(client);
        Ok(self.watch.initial_delay(self.state.group(app()).unwrap(), self.now))
    }

    fn heartbeat(&mut self, client: &str, generation: i64) -> Heartbeat {
        self.hear(client);
        self.state.group(app()).map_or(Heartbeat::Joining, |group| group.heartbeat(client, generation))
    }

    fn sync(&mut self, client: &str) -> Sync {
        self.hear(client);
        let Some(group) = self.state.group(app()) else { return Sync::Rejoin };
        match group.sync_step(client) {
            SyncStep::Rejoin => Sync::Rejoin,
            SyncStep::Wait => Sync::Wait,
            SyncStep::Share(member) => Sync::Share(group.generation(), member.assignment().clone()),
            SyncStep::Record => {
                self.event(GroupEvent::Sync { client: id(client) }).unwrap();
                let SyncStep::Share(member) = self.group().sync_step(client) else { panic!("not recorded") };
                Sync::Share(self.group().generation(), member.assignment().clone())
            }
        }
    }

    fn leave(&mut self, client: &str) {
        self.event(GroupEvent::Leave { client: id(client) }).unwrap();
        self.settle();
    }

    fn commit(
        &mut self,
        client: &str,
        generation: i64,
        number: u128,
        partition: u32,
    ) -> Result<(), Rejected> {
        self.hear(client);
        let commit = CheckpointCommit {
            stream: stream(number),
            partition: PartitionId::new(partition),
            kind: CheckpointType::LastRead,
            sequence_number: SequenceNumber::ZERO,
            metadata: Metadata::default(),
            expected: Expected::Anything,
        };
        let member = Some(GroupMember { client: id(client), generation });
        let (commits, actor) = (vec![commit], Actor::new("k"));
        self.propose(Command::CommitCheckpoints { app: app(), commits, member, actor })?;
        Ok(())
    }

    fn scale(&mut self, number: u128, target: u32) {
        let target = PartitionCount::new(target).unwrap();
        let (id, prepared) = (stream(number), 100);
        let (partition_quota, automatic, expected_active) = (None, false, None);
        let scale =
            Command::SetPartitions { id, target, prepared, partition_quota, automatic, expected_active };
        self.propose(scale).unwrap();
    }

    /// All members join and sync, until the group is stable.
    fn settle_down(&mut self, clients: &[&str]) {
        for client in clients {
            self.join(client, streams(&[1])).unwrap();
        }
        self.now += 3 * SECOND;
        for client in clients {
            assert!(matches!(self.sync(client), Sync::Share(..)), "{client}");
        }
        assert_eq!(self.group().phase(), Phase::Stable);
    }
}

fn app() -> AppId {
    static APP: LazyLock<AppId> = LazyLock::new(|| AppId::from_random(1));
    *APP
}

fn project() -> ProjectId {
    "p".parse().unwrap()
}

fn stream(number: u128) -> StreamId {
    static STREAMS: LazyLock<Vec<StreamId>> =
        LazyLock::new(|| (0..2000).map(StreamId::from_random).collect());
    STREAMS[usize::try_from(number).unwrap()]
}

fn id(client: &str) -> ClientId {
    client.parse().unwrap()
}

fn streams(numbers: &[u128]) -> Subscription {
    Subscription::new(numbers.iter().map(|&n| stream(n)).collect(), Vec::new(), None).unwrap()
}

fn pattern(numbers: &[u128]) -> Subscription {
    let matched = numbers.iter().map(|&n| stream(n)).collect();
    let pattern = StreamPattern { text: "s.*".into(), matched };
    Subscription::new(Vec::new(), Vec::new(), Some(pattern)).unwrap()
}

fn join(client: &str, subscription: Subscription) -> GroupEvent {
    let rebalance_timeout = RebalanceTimeout::default();
    GroupEvent::Join { client: id(client), subscription, rebalance_timeout, accelerate: false }
}
