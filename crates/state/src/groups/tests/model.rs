//! Stock clients under random misfortune: never two owners of a partition in one generation, and a
//! stable group once they are left in peace.

use std::collections::{BTreeMap, btree_map::Entry};

use super::*;

const SCHEDULES: u64 = 10_000;
/// How long misfortunes happen.
const TROUBLE: Duration = Duration::from_secs(40);
/// Within this time a group without misfortunes is stable: silence 30 s, a heartbeat later the round
/// begins, 20 s of joining, 20 s of syncing.
const RECOVERY: Duration = Duration::from_mins(2);

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What a client is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Beat,
    Join,
    Sync,
}

#[derive(Debug)]
struct Client {
    name: String,
    wants: Subscription,
    next: Next,
    at: Duration,
    generation: i64,
    stable: bool,
}

struct Model {
    seed: u64,
    dice: Dice,
    world: World,
    clients: Vec<Client>,
    born: u32,
    owners: BTreeMap<(u32, StreamId, PartitionId), String>,
    generation: u32,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let world = World::new(&[2 + u32::try_from(dice.below(4)).unwrap(), 3]);
        let mut model =
            Self { seed, dice, world, clients: Vec::new(), born: 0, owners: BTreeMap::new(), generation: 0 };
        for _ in 0..=model.dice.below(3) {
            model.start_client();
        }
        model
    }

    fn start_client(&mut self) {
        self.born += 1;
        let wants = match self.dice.below(4) {
            0 => streams(&[2]),
            1 => pattern(&[1, 2]),
            2 => streams(&[1, 2]),
            _ => streams(&[1]),
        };
        let (name, at) = (format!("c{}", self.born), self.world.now);
        self.clients.push(Client { name, wants, next: Next::Beat, at, generation: -1, stable: false });
    }

    fn pick(&mut self) -> Option<usize> {
        let bound = u64::try_from(self.clients.len()).unwrap();
        (bound > 0).then(|| usize::try_from(self.dice.below(bound)).unwrap())
    }

    fn misfortune(&mut self) {
        match self.dice.below(9) {
            0 | 1 if self.clients.len() < 4 => self.start_client(),
            2 => drop(self.pick().map(|crashed| self.clients.swap_remove(crashed))),
            3 => {
                let Some(leaving) = self.pick() else { return };
                let name = self.clients.swap_remove(leaving).name;
                self.world.leave(&name);
            }
            4 => {
                let stall = SECOND * u32::try_from(self.dice.below(60)).unwrap();
                if let Some(stalled) = self.pick() {
                    self.clients[stalled].at += stall;
                }
            }
            5 => {
                let target = 1 + u32::try_from(self.dice.below(5)).unwrap();
                let number = 1 + u128::from(self.dice.below(2));
                self.world.scale(number, target);
            }
            6 => self.world.restart(),
            7 => {
                // After trouble with its partitions a client joins without a heartbeat.
                if let Some(troubled) = self.pick() {
                    let client = &mut self.clients[troubled];
                    (client.generation, client.stable, client.next) = (-1, false, Next::Join);
                }
            }
            _ => self.stray_commit(),
        }
    }

    /// A commit succeeds exactly in the generation that is stable and for a partition of its own.
    fn stray_commit(&mut self) {
        let Some(client) = self.pick() else { return };
        let (name, own) = (self.clients[client].name.clone(), self.clients[client].generation);
        let generation = own - i64::from(self.dice.below(4) == 0);
        self.world.settle();
        let partition = PartitionId::new(0);
        let owner = u32::try_from(generation).ok().and_then(|g| self.owners.get(&(g, stream(1), partition)));
        let is_own = owner.is_some_and(|owner| *owner == name);
        let group = self.world.state.group(app());
        let current = group.is_some_and(|group| {
            group.phase() == Phase::Stable && i64::from(group.generation()) == generation
        });
        let committed = self.world.commit(&name, generation, 1, 0);
        // One that has not synced has its share too, and might know the generation from elsewhere.
        let member = self.world.state.group(app()).and_then(|group| group.member(&name));
        let share =
            member.is_some_and(|m| m.assignment().get(&stream(1)).is_some_and(|s| s.contains(&partition)));
        assert!(committed.is_err() || (current && share), "seed {}: {committed:?}", self.seed);
        assert!(committed.is_ok() || !(current && is_own && share), "seed {}: {committed:?}", self.seed);
    }

    /// The next thing any client does; false when nobody does anything before `until`.
    fn step(&mut self, until: Duration) -> bool {
        let due = (0..self.clients.len()).min_by_key(|&place| self.clients[place].at);
        let Some(place) = due.filter(|&place| self.clients[place].at < until) else { return false };
        self.world.now = self.world.now.max(self.clients[place].at);
        match self.clients[place].next {
            Next::Beat => self.beat(place),
            Next::Join => self.join(place),
            Next::Sync => self.sync(place),
        }
        let generation = self.world.state.group(app()).map_or(0, Group::generation);
        assert!(generation >= self.generation, "seed {}: generations only grow", self.seed);
        self.generation = generation;
        true
    }

    fn beat(&mut self, place: usize) {
        let client = &mut self.clients[place];
        let answer = self.world.heartbeat(&client.name, client.generation);
        client.stable = answer == Heartbeat::Stable;
        (client.next, client.at) = match answer {
            Heartbeat::Joining => (Next::Join, self.world.now),
            Heartbeat::Syncing => (Next::Sync, self.world.now),
            Heartbeat::Stable => (Next::Beat, self.world.now + 10 * SECOND),
        };
    }

    fn join(&mut self, place: usize) {
        let client = &mut self.clients[place];
        match self.world.join(&client.name, client.wants.clone()) {
            Ok(delay) => (client.next, client.at) = (Next::Sync, self.world.now + delay),
            Err(Rejected::QuotaExceeded { .. }) => drop(self.clients.swap_remove(place)),
            Err(rejected) => panic!("seed {}: {rejected}", self.seed),
        }
    }

    fn sync(&mut self, place: usize) {
        let client = &mut self.clients[place];
        match self.world.sync(&client.name) {
            Sync::Rejoin => (client.next, client.at) = (Next::Join, self.world.now),
            Sync::Wait => client.at = self.world.now + SECOND,
            Sync::Share(generation, assignment) => {
                client.generation = generation.into();
                // A client that waits for the others beats every 50 ms; less often serves the model.
                (client.next, client.at) = (Next::Beat, self.world.now + SECOND);
                for (stream, partitions) in assignment {
                    for partition in partitions {
                        match self.owners.entry((generation, stream, partition)) {
                            Entry::Vacant(free) => drop(free.insert(client.name.clone())),
                            Entry::Occupied(taken) => {
                                assert_eq!(taken.get(), &client.name, "seed {}: two owners", self.seed);
                            }
                        }
                    }
                }
            }
        }
    }

    fn is_settled(&self) -> bool {
        let Some(group) = self.world.state.group(app()) else { return self.clients.is_empty() };
        let stable = |client: &Client| client.stable && client.generation == i64::from(group.generation());
        matches!(group.phase(), Phase::Empty | Phase::Stable)
            && group.members.len() == self.clients.len()
            && self.clients.iter().all(stable)
    }

    /// Every partition that somebody wants has exactly one owner, and no member has two more than another.
    fn check_shares(&self) {
        let Some(group) = self.world.state.group(app()) else { return };
        for number in [1, 2] {
            let wanting: Vec<_> =
                group.members().filter(|(_, m)| m.subscription().wants(stream(number))).collect();
            let share = |m: &Member| m.assignment().get(&stream(number)).cloned().unwrap_or_default();
            let mut owned: Vec<_> = wanting.iter().flat_map(|(_, m)| share(m)).collect();
            owned.sort_unstable();
            let readable = self.world.state.stream(stream(number)).unwrap().partitions().iter();
            let readable: Vec<_> = readable.filter(|p| p.status.is_readable()).map(|p| p.id).collect();
            if wanting.is_empty() {
                continue;
            }
            assert_eq!(owned, readable, "seed {}", self.seed);
            let sizes = || wanting.iter().map(|(_, m)| share(m).len());
            assert!(sizes().max() <= sizes().min().map(|least| least + 1), "seed {}: uneven", self.seed);
        }
    }

    /// Only when no client is left may nothing happen for a while: a server ticks until the silent
    /// members are gone.
    fn check_patience(&self, end: Duration) {
        let (seed, clients, group) = (self.seed, &self.clients, self.world.state.group(app()));
        let patient = clients.is_empty() && self.world.now < end;
        assert!(patient, "seed {seed}: not stable after {RECOVERY:?}: {clients:?} {group:?}");
    }

    fn run(mut self) {
        while self.world.now < TROUBLE {
            let until = self.world.now + SECOND * u32::try_from(1 + self.dice.below(8)).unwrap();
            while self.step(until) {}
            self.world.now = until;
            self.misfortune();
        }
        let peace = self.world.now;
        let end = peace + RECOVERY;
        // Who stalls longer than that is not behaving.
        for client in &mut self.clients {
            client.at = client.at.min(peace + 10 * SECOND);
        }
        while !self.is_settled() {
            if !self.step(end) {
                self.check_patience(end);
                self.world.now += SECOND;
                self.world.settle();
            }
        }
        self.check_shares();
    }
}

#[test]
fn random_schedules_never_share_a_partition_twice_and_always_settle() {
    for seed in 0..SCHEDULES {
        Model::new(seed).run();
    }
}
