//! How the partitions are shared out (spec/07 §5).
//!
//! Stream by stream, in the order of the ids. Of `p` readable partitions each of the `m` members that
//! want the stream gets `p / m`, and `p % m` members get one more: those that have the fewest of the
//! streams before, then those that had the most of this stream, then by client id. Each keeps what it
//! had up to its number, lowest index first; the rest goes in index order to those with room.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    mem,
};

use millpond_model::{ClientId, PartitionId, StreamId};

use super::{Assignment, Group, Scene};

/// A member that wants a stream.
struct Taker {
    client: ClientId,
    /// What it had of the stream, as far as it can still be read.
    had: Vec<PartitionId>,
    /// How many partitions of other streams it has got so far.
    load: usize,
    /// How many it gets of this one.
    number: usize,
}

impl Group {
    /// Gives every member its share.
    pub(super) fn assign(&mut self, scene: Scene<'_>) {
        let mut had: BTreeMap<ClientId, Assignment> = self
            .members
            .iter_mut()
            .map(|(client, member)| (client.clone(), mem::take(&mut member.assignment)))
            .collect();
        for (stream, clients) in self.takers() {
            let readable: BTreeSet<PartitionId> = scene.readable(stream).collect();
            let takers = clients.into_iter().map(|client| {
                let before = had.get_mut(&client).and_then(|all| all.remove(&stream)).unwrap_or_default();
                let had = before.into_iter().filter(|id| readable.contains(id)).collect();
                let load = self.load(&client);
                Taker { client, had, load, number: 0 }
            });
            for (client, share) in share_out(readable.clone(), takers.collect()) {
                if let Some(member) = self.members.get_mut(&client) {
                    member.assignment.insert(stream, share);
                }
            }
        }
    }

    /// Every stream that is wanted, with those who want it in the order of their ids.
    fn takers(&self) -> BTreeMap<StreamId, BTreeSet<ClientId>> {
        let mut takers: BTreeMap<StreamId, BTreeSet<ClientId>> = BTreeMap::new();
        for (client, member) in &self.members {
            for stream in member.subscription.streams() {
                takers.entry(stream).or_default().insert(client.clone());
            }
        }
        takers
    }

    fn load(&self, client: &ClientId) -> usize {
        self.members.get(client).map_or(0, |member| member.assignment.values().map(Vec::len).sum())
    }
}

/// Shares of one stream; who gets nothing is left out.
fn share_out(
    mut free: BTreeSet<PartitionId>,
    mut takers: Vec<Taker>,
) -> impl Iterator<Item = (ClientId, Vec<PartitionId>)> {
    let (base, more) = (free.len() / takers.len().max(1), free.len() % takers.len().max(1));
    takers.sort_by_key(|taker| (taker.load, Reverse(taker.had.len())));
    for (place, taker) in takers.iter_mut().enumerate() {
        taker.number = base + usize::from(place < more);
        taker.had.truncate(taker.number);
        for kept in &taker.had {
            free.remove(kept);
        }
    }
    takers.sort_by(|a, b| a.client.cmp(&b.client));
    let mut rest = free.into_iter();
    takers.into_iter().filter(|taker| taker.number > 0).map(move |taker| {
        let mut share = taker.had;
        share.extend(rest.by_ref().take(taker.number - share.len()));
        share.sort_unstable();
        (taker.client, share)
    })
}
