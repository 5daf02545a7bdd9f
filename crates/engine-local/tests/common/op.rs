//! Operations, as data: small numbers that a strategy or a seed can draw.

use std::time::Duration;

use millpond_model::{HashKey, NewRecord, PartitionKey, Timestamp};
use proptest::prelude::*;

use super::{Dice, START};

/// Streams and apps are few, so that operations meet.
pub const STREAMS: u8 = 3;
pub const PARTITIONS: u8 = 4;

/// A partition of a stream by the number of its name; it need not exist.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub stream: u8,
    pub partition: u8,
}

/// A record in short.
#[derive(Clone, Debug)]
pub struct Short {
    pub len: u16,
    /// Minutes from the start; producers' times come in any order.
    pub time: Option<i16>,
    pub key: bool,
    pub hash: bool,
}

impl Short {
    pub fn record(&self, mark: u64) -> NewRecord {
        let mut data = mark.to_le_bytes().to_vec();
        data.resize(usize::from(self.len), u8::try_from(mark % 251).unwrap());
        NewRecord {
            data: data.into(),
            partition_key: if self.key { PartitionKey::parse(&format!("key {mark}")).unwrap() } else { None },
            explicit_hash_key: self.hash.then(|| HashKey::new(mark % 1000).unwrap()),
            timestamp: self.time.map(minute),
        }
    }
}

pub fn minute(minute: i16) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + i64::from(minute) * 60_000)
}

/// A command in short.
#[derive(Clone, Debug)]
pub enum Order {
    CreateStream {
        stream: u8,
    },
    DeleteStream {
        stream: u8,
    },
    Scale {
        stream: u8,
        target: u8,
    },
    CreateApp {
        app: u8,
    },
    DeleteApp {
        app: u8,
    },
    /// `expected`: anything, absent, or a version.
    Commit {
        app: u8,
        to: Vec<Target>,
        position: u8,
        expected: u8,
    },
    DeleteCheckpoints {
        app: u8,
        stream: u8,
        partition: Option<u8>,
    },
    InitDeployment,
    /// The last command once more, under its own id.
    Again,
}

/// What can be asked of an engine, and what can happen to it.
#[derive(Clone, Debug)]
pub enum Op {
    Append(Vec<(Target, Vec<Short>)>),
    Propose(Order),
    Create {
        stream: u8,
        partitions: u8,
        hours: u8,
    },
    AddPartitions {
        stream: u8,
        total: u8,
    },
    Configure {
        stream: u8,
        hours: u8,
    },
    Trim {
        of: Target,
        before: u8,
    },
    Drop {
        stream: u8,
    },
    Advance {
        minutes: u16,
    },
    Mark,
    Retain,
    /// Close, or the death of the process, or a power cut.
    Close,
    Kill,
    Cut(u64),
}

fn any_target() -> impl Strategy<Value = Target> {
    (0..STREAMS, 0..PARTITIONS).prop_map(|(stream, partition)| Target { stream, partition })
}

fn any_short() -> impl Strategy<Value = Short> {
    let len = prop_oneof![6 => 0..60u16, 2 => 60..900u16, 1 => 900..5000u16];
    let time = prop::option::of(-3000..6000i16);
    (len, time, any::<bool>(), any::<bool>()).prop_map(|(len, time, key, hash)| Short {
        len,
        time,
        key,
        hash,
    })
}

fn any_order() -> impl Strategy<Value = Order> {
    prop_oneof![
        2 => (0..STREAMS).prop_map(|stream| Order::CreateStream { stream }),
        1 => (0..STREAMS).prop_map(|stream| Order::DeleteStream { stream }),
        1 => (0..STREAMS, 1..PARTITIONS).prop_map(|(stream, target)| Order::Scale { stream, target }),
        2 => (0..2u8).prop_map(|app| Order::CreateApp { app }),
        1 => (0..2u8).prop_map(|app| Order::DeleteApp { app }),
        8 => (0..2u8, prop::collection::vec(any_target(), 1..3), any::<u8>(), 0..5u8)
            .prop_map(|(app, to, position, expected)| Order::Commit { app, to, position, expected }),
        1 => (0..2u8, 0..STREAMS, prop::option::of(0..PARTITIONS))
            .prop_map(|(app, stream, partition)| Order::DeleteCheckpoints { app, stream, partition }),
        1 => Just(Order::InitDeployment),
        1 => Just(Order::Again),
    ]
}

pub fn any_op() -> impl Strategy<Value = Op> {
    let batch = (any_target(), prop::collection::vec(any_short(), 1..6));
    prop_oneof![
        16 => prop::collection::vec(batch, 1..4).prop_map(Op::Append),
        6 => any_order().prop_map(Op::Propose),
        3 => (0..STREAMS, 1..PARTITIONS, 1..30u8)
            .prop_map(|(stream, partitions, hours)| Op::Create { stream, partitions, hours }),
        1 => (0..STREAMS, 1..=PARTITIONS).prop_map(|(stream, total)| Op::AddPartitions { stream, total }),
        2 => (0..STREAMS, 1..60u8).prop_map(|(stream, hours)| Op::Configure { stream, hours }),
        2 => (any_target(), any::<u8>()).prop_map(|(of, before)| Op::Trim { of, before }),
        1 => (0..STREAMS).prop_map(|stream| Op::Drop { stream }),
        4 => (1..600u16).prop_map(|minutes| Op::Advance { minutes }),
        3 => Just(Op::Mark),
        3 => Just(Op::Retain),
        1 => Just(Op::Close),
        1 => Just(Op::Kill),
        2 => any::<u64>().prop_map(Op::Cut),
    ]
}

/// The operations of a seed, without any that ends a life.
pub fn workload(seed: u64, len: usize) -> Vec<Op> {
    let mut dice = Dice(seed);
    let mut ops = vec![
        Op::Create { stream: 0, partitions: 3, hours: 24 },
        Op::Create { stream: 1, partitions: 1, hours: 2 },
        Op::Propose(Order::CreateStream { stream: 0 }),
        Op::Propose(Order::CreateApp { app: 0 }),
    ];
    ops.extend((0..len).map(|_| drawn(&mut dice)));
    ops
}

fn drawn(dice: &mut Dice) -> Op {
    let small = |dice: &mut Dice, end: u64| u8::try_from(dice.below(end)).unwrap();
    let target = |dice: &mut Dice| Target { stream: small(dice, 2), partition: small(dice, 3) };
    match dice.below(20) {
        0..9 => {
            let batches = 1 + dice.below(3);
            let batch = |dice: &mut Dice| {
                let records = 1 + dice.below(4);
                (target(dice), (0..records).map(|_| short(dice)).collect())
            };
            Op::Append((0..batches).map(|_| batch(dice)).collect())
        }
        9..13 => {
            let to = vec![Target { stream: 0, partition: small(dice, 3) }];
            Op::Propose(Order::Commit { app: 0, to, position: small(dice, 200), expected: 0 })
        }
        13 => Op::Trim { of: target(dice), before: small(dice, 10) },
        14 => Op::Advance { minutes: u16::try_from(dice.below(90)).unwrap() },
        15 => Op::Retain,
        16 => Op::Drop { stream: 1 },
        17 => Op::Create { stream: 1, partitions: 2, hours: 3 },
        18 => Op::AddPartitions { stream: 1, total: 3 },
        _ => Op::Mark,
    }
}

fn short(dice: &mut Dice) -> Short {
    let len = if dice.below(6) == 0 { dice.below(4000) } else { dice.below(300) };
    let time = dice.flip().then(|| i16::try_from(dice.below(3000)).unwrap());
    Short { len: u16::try_from(len).unwrap(), time, key: dice.flip(), hash: dice.flip() }
}

pub fn minutes(minutes: u16) -> Duration {
    Duration::from_mins(u64::from(minutes))
}
