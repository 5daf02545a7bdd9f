//! Shares: complete, never double, even, and kept where possible (spec/07 §5).

use std::collections::BTreeMap;

use super::*;

/// What a group has after its members joined; `wants` names the streams of each.
struct Shares(World);

impl Shares {
    fn of(partitions: &[u32]) -> Self {
        Self(World::new(partitions))
    }

    /// Exactly these members share out anew.
    fn round(&mut self, wants: &[(&str, &[u128])]) -> BTreeMap<String, String> {
        let known: Vec<String> = match self.0.state.group(app()) {
            Some(group) => group.members().map(|(client, _)| client.to_string()).collect(),
            None => Vec::new(),
        };
        for gone in known.iter().filter(|name| wants.iter().all(|(client, _)| client != name)) {
            self.0.leave(gone);
        }
        for again in [false, true] {
            for (client, numbers) in wants {
                let member = self.0.state.group(app()).and_then(|group| group.member(client));
                if !(again && member.is_some_and(Member::has_joined)) {
                    let subscription = if numbers.is_empty() { pattern(&[]) } else { streams(numbers) };
                    self.0.join(client, subscription).unwrap();
                }
            }
        }
        if self.0.group().phase() == (Phase::Joining { delayed: true }) {
            self.0.now += 3 * SECOND;
            self.0.settle();
        }
        let group = self.0.group();
        assert_eq!(group.phase(), Phase::Syncing);
        group.members().map(|(client, member)| (client.to_string(), shown(member.assignment()))).collect()
    }

    fn check(&mut self, wants: &[(&str, &[u128])], expected: &[(&str, &str)]) {
        let got = self.round(wants);
        let expected = expected.iter().map(|(client, share)| ((*client).into(), (*share).into())).collect();
        assert_eq!(got, expected, "{wants:?}");
    }
}

/// `1:0,1 2:0` for partitions 0 and 1 of stream 1 and partition 0 of stream 2.
fn shown(assignment: &Assignment) -> String {
    let number = |id: &StreamId| (1..9).find(|&number| stream(number) == *id).unwrap();
    let share = |(id, partitions): (&StreamId, &Vec<PartitionId>)| {
        let indices: Vec<_> = partitions.iter().map(|partition| partition.index().to_string()).collect();
        format!("{}:{}", number(id), indices.join(","))
    };
    assignment.iter().map(share).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_stream_is_shared_out_evenly_in_index_order() {
    let both: &[(&str, &[u128])] = &[("c1", &[1]), ("c2", &[1])];
    Shares::of(&[1]).check(&[("c1", &[1])], &[("c1", "1:0")]);
    Shares::of(&[2]).check(both, &[("c1", "1:0"), ("c2", "1:1")]);
    Shares::of(&[5]).check(both, &[("c1", "1:0,1,2"), ("c2", "1:3,4")]);
}

#[test]
fn members_keep_what_they_had() {
    let mut shares = Shares::of(&[6]);
    shares.check(&[("c2", &[1])], &[("c2", "1:0,1,2,3,4,5")]);
    shares.check(&[("c1", &[1]), ("c2", &[1])], &[("c1", "1:3,4,5"), ("c2", "1:0,1,2")]);
    let three: &[(&str, &[u128])] = &[("c1", &[1]), ("c2", &[1]), ("c3", &[1])];
    shares.check(three, &[("c1", "1:3,4"), ("c2", "1:0,1"), ("c3", "1:2,5")]);
    shares.check(three, &[("c1", "1:3,4"), ("c2", "1:0,1"), ("c3", "1:2,5")]);
    shares.check(&[("c1", &[1]), ("c3", &[1])], &[("c1", "1:0,3,4"), ("c3", "1:1,2,5")]);
    shares.0.scale(1, 8);
    shares.check(&[("c1", &[1]), ("c3", &[1])], &[("c1", "1:0,3,4,6"), ("c3", "1:1,2,5,7")]);
}

#[test]
fn many_small_streams_do_not_all_go_to_the_first_member() {
    let all: &[u128] = &[1, 2, 3, 4];
    let mut shares = Shares::of(&[1, 1, 1, 1]);
    shares.check(&[("c1", all)], &[("c1", "1:0 2:0 3:0 4:0")]);
    let two: &[(&str, &[u128])] = &[("c1", all), ("c2", all)];
    shares.check(two, &[("c1", "1:0 3:0"), ("c2", "2:0 4:0")]);
    shares.check(two, &[("c1", "1:0 3:0"), ("c2", "2:0 4:0")]);
}

#[test]
fn members_share_only_what_they_want() {
    Shares::of(&[2, 2]).check(&[("c1", &[1]), ("c2", &[1, 2])], &[("c1", "1:0"), ("c2", "1:1 2:0,1")]);
    Shares::of(&[1]).check(&[("c1", &[1]), ("c2", &[])], &[("c1", "1:0"), ("c2", "")]);
    let mut shares = Shares::of(&[1, 1]);
    shares.check(&[("c1", &[1])], &[("c1", "1:0")]);
    shares.check(&[("c1", &[2])], &[("c1", "2:0")]);
    shares.0.propose(Command::DeleteStream { id: stream(2) }).unwrap();
    shares.check(&[("c1", &[2])], &[("c1", "")]);
}

#[test]
fn subscriptions_that_cannot_be() {
    let check = |names: &[u128], ids: &[u128], expected: Option<InvalidSubscription>| {
        let list = |numbers: &[u128]| numbers.iter().map(|&n| stream(n)).collect();
        let got = Subscription::new(list(names), list(ids), None).err();
        assert_eq!(got, expected, "{} names, {} ids", names.len(), ids.len());
    };
    let many: Vec<u128> = (0..1001).collect();
    check(&[], &[], Some(InvalidSubscription::Empty));
    check(&[1], &[2], None);
    check(&[1, 1], &[], None);
    check(&[3, 1], &[2, 1], Some(InvalidSubscription::NamedTwice));
    check(&many, &[], Some(InvalidSubscription::TooLarge));
    check(&many[..500], &many[500..1000], None);
    let text = "x".repeat(1025).into();
    let pattern = StreamPattern { text, matched: Vec::new() };
    let got = Subscription::new(Vec::new(), Vec::new(), Some(pattern));
    assert_eq!(got, Err(InvalidSubscription::TooLarge));
}
