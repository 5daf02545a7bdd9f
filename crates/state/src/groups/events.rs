//! What happens to a group: the event table of spec/07 §4.

use std::collections::BTreeMap;

use millpond_model::{ClientId, PartitionId, RebalanceTimeout, StreamId};

use super::{Group, Member, Phase, Subscription};
use crate::{LogPosition, Stream};

/// What an event may look at beside the group: its place in the log, and the streams as they are there.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) at: LogPosition,
    pub(crate) streams: &'a BTreeMap<StreamId, Stream>,
}

impl Scene<'_> {
    /// The partitions of a stream that can be read, in index order; a drained one is among them, so
    /// that it is read to its end (spec/07 §2). None when there is no such stream.
    pub(crate) fn readable(&self, stream: StreamId) -> impl Iterator<Item = PartitionId> {
        let stream = self.streams.get(&stream);
        let partitions = stream.into_iter().flat_map(Stream::partitions);
        partitions.filter(|partition| partition.status.is_readable()).map(|partition| partition.id)
    }
}

/// What can happen to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    /// A client joins: a new member, or a known one.
    Join {
        /// Who.
        client: ClientId,
        /// What it reads.
        subscription: Subscription,
        /// How long it wants the others to wait for it.
        rebalance_timeout: RebalanceTimeout,
        /// Whether a group that was empty starts at once.
        accelerate: bool,
    },
    /// A member fetches its share.
    Sync {
        /// Who.
        client: ClientId,
    },
    /// A member leaves.
    Leave {
        /// Who.
        client: ClientId,
    },
    /// The time of a phase is up. A phase that is over by now is left alone.
    EndPhase {
        /// Where in the log the phase began.
        phase_since: LogPosition,
    },
    /// A pattern matches other streams than when the partitions were shared out.
    ShareAnew {
        /// Where in the log the phase began that is to end.
        phase_since: LogPosition,
    },
    /// Members were silent for too long.
    RemoveSilent {
        /// Who, each with the place at which it joined; one that has joined again since stays.
        silent: Vec<(ClientId, LogPosition)>,
    },
}

impl Group {
    /// Lets something happen; returns how much it changed, 0 when it came too late.
    pub(crate) fn fold(&mut self, event: GroupEvent, scene: Scene<'_>) -> u32 {
        match event {
            GroupEvent::Join { client, subscription, rebalance_timeout, accelerate } => {
                self.join(client, subscription, rebalance_timeout, accelerate, scene);
                1
            }
            GroupEvent::Sync { client } => self.sync(client.as_str(), scene).into(),
            GroupEvent::Leave { client } => self.leave(client.as_str(), scene).into(),
            GroupEvent::EndPhase { phase_since } => self.end_phase(phase_since, scene).into(),
            GroupEvent::ShareAnew { phase_since } => self.share_anew(phase_since, scene).into(),
            GroupEvent::RemoveSilent { silent } => self.remove_silent(&silent, scene),
        }
    }

    /// A client joins: a new member, or a known one that wants a new round or takes part in this one.
    fn join(
        &mut self,
        client: ClientId,
        subscription: Subscription,
        rebalance_timeout: RebalanceTimeout,
        accelerate: bool,
        scene: Scene<'_>,
    ) {
        match self.phase {
            Phase::Empty => self.enter(Phase::Joining { delayed: !accelerate }, scene),
            Phase::Joining { delayed: true } if accelerate => {
                self.enter(Phase::Joining { delayed: false }, scene);
            }
            Phase::Joining { .. } => {}
            Phase::Syncing | Phase::Stable => self.begin_round(scene),
        }
        // What it had is kept until the round is complete, so that it can be given the same again.
        let assignment = self.members.remove(&client).map(|before| before.assignment).unwrap_or_default();
        let joined_at = scene.at;
        let member =
            Member { subscription, rebalance_timeout, joined_at, joined: true, synced: false, assignment };
        self.members.insert(client, member);
        self.complete_if_all_joined(scene);
    }

    /// A member fetches its share. False when it has none of this round.
    fn sync(&mut self, client: &str, scene: Scene<'_>) -> bool {
        if !matches!(self.phase, Phase::Syncing | Phase::Stable) {
            return false;
        }
        let Some(member) = self.members.get_mut(client).filter(|member| member.joined) else { return false };
        member.synced = true;
        if self.phase == Phase::Syncing && self.all().all(|member| member.synced) {
            self.enter(Phase::Stable, scene);
        }
        true
    }

    /// A member leaves. False when there is no such member.
    fn leave(&mut self, client: &str, scene: Scene<'_>) -> bool {
        let left = self.members.remove(client).is_some();
        if left {
            self.go_on_with_fewer(scene);
        }
        left
    }

    /// Members were silent for too long; one that has joined again since it was last heard of stays.
    /// Returns how many are gone.
    fn remove_silent(&mut self, silent: &[(ClientId, LogPosition)], scene: Scene<'_>) -> u32 {
        let mut gone = 0;
        for (client, joined_at) in silent {
            if self.members.get(client).is_some_and(|member| member.joined_at == *joined_at) {
                self.members.remove(client);
                gone += 1;
            }
        }
        if gone > 0 {
            self.go_on_with_fewer(scene);
        }
        gone
    }

    /// The time of the phase that began at `phase_since` is up. False when that phase is over.
    fn end_phase(&mut self, phase_since: LogPosition, scene: Scene<'_>) -> bool {
        if phase_since != self.phase_since {
            return false;
        }
        match self.phase {
            Phase::Empty | Phase::Stable => return false,
            Phase::Joining { delayed: true } => {
                self.enter(Phase::Joining { delayed: false }, scene);
                self.complete_if_all_joined(scene);
            }
            Phase::Joining { delayed: false } => self.complete(scene),
            Phase::Syncing => self.enter(Phase::Stable, scene),
        }
        true
    }

    /// The shares of the phase that began at `phase_since` are not right any more: a pattern matches
    /// other streams. False when that phase is over, or nothing is shared out in it.
    fn share_anew(&mut self, phase_since: LogPosition, scene: Scene<'_>) -> bool {
        let shared = matches!(self.phase, Phase::Syncing | Phase::Stable);
        let anew = shared && phase_since == self.phase_since;
        if anew {
            self.begin_round(scene);
        }
        anew
    }

    /// A stream has other readable partitions than before, or none. False when nobody minds.
    pub(crate) fn partitions_changed(&mut self, stream: StreamId, scene: Scene<'_>) -> bool {
        let wanted = self.all().any(|member| member.subscription.wants(stream));
        wanted && self.share_anew(self.phase_since, scene)
    }

    fn enter(&mut self, phase: Phase, scene: Scene<'_>) {
        (self.phase, self.phase_since) = (phase, scene.at);
    }

    fn begin_round(&mut self, scene: Scene<'_>) {
        self.enter(Phase::Joining { delayed: false }, scene);
        for member in self.members.values_mut() {
            (member.joined, member.synced) = (false, false);
        }
    }

    fn go_on_with_fewer(&mut self, scene: Scene<'_>) {
        match self.phase {
            _ if self.members.is_empty() => self.enter(Phase::Empty, scene),
            Phase::Empty | Phase::Joining { .. } => self.complete_if_all_joined(scene),
            Phase::Syncing | Phase::Stable => self.begin_round(scene),
        }
    }

    fn complete_if_all_joined(&mut self, scene: Scene<'_>) {
        if self.phase == (Phase::Joining { delayed: false }) && self.all().all(|member| member.joined) {
            self.complete(scene);
        }
    }

    /// Ends the joining: who has not joined is out, the others get their shares.
    fn complete(&mut self, scene: Scene<'_>) {
        self.members.retain(|_, member| member.joined);
        if self.members.is_empty() {
            self.enter(Phase::Empty, scene);
            return;
        }
        self.generation += 1;
        self.assign(scene);
        self.enter(Phase::Syncing, scene);
    }
}
