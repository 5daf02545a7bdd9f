//! What a group answers: the heartbeat, sync and commit rows of spec/07 §4 and spec/06 §6.

use millpond_model::PartitionRef;

use super::{Group, Member, Phase};
use crate::Rejected;

/// What a member is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeat {
    /// Join.
    Joining,
    /// Fetch its share.
    Syncing,
    /// Go on.
    Stable,
}

/// What a member that asks for its share gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncStep<'a> {
    /// The round goes on without it: it has to join.
    Rejoin,
    /// Others still have to join.
    Wait,
    /// Its share is there; that it fetches it has to be recorded first.
    Record,
    /// Its share, which it fetched before.
    Share(&'a Member),
}

impl Group {
    /// What a member with that generation is to do. A client that nobody knows has to join.
    pub fn heartbeat(&self, client: &str, generation: i64) -> Heartbeat {
        let Some(member) = self.members.get(client).filter(|member| member.joined) else {
            return Heartbeat::Joining;
        };
        let current = member.synced && generation == i64::from(self.generation);
        match self.phase {
            Phase::Empty => Heartbeat::Joining,
            Phase::Stable if current => Heartbeat::Stable,
            Phase::Joining { .. } | Phase::Syncing | Phase::Stable => Heartbeat::Syncing,
        }
    }

    /// What a member gets that asks for its share. The generation it speaks of does not count: in a new
    /// round it still speaks of the one before.
    pub fn sync_step(&self, client: &str) -> SyncStep<'_> {
        let Some(member) = self.members.get(client).filter(|member| member.joined) else {
            return SyncStep::Rejoin;
        };
        match self.phase {
            Phase::Empty => SyncStep::Rejoin,
            Phase::Joining { .. } => SyncStep::Wait,
            Phase::Syncing | Phase::Stable if member.synced => SyncStep::Share(member),
            Phase::Syncing | Phase::Stable => SyncStep::Record,
        }
    }

    /// Whether a member may commit in these partitions.
    ///
    /// # Errors
    /// `GroupRebalancing`, `MemberUnknown`, `IllegalGeneration`, in this order.
    pub fn check_commit(
        &self,
        client: &str,
        generation: i64,
        mut partitions: impl Iterator<Item = PartitionRef>,
    ) -> Result<(), Rejected> {
        match self.phase {
            Phase::Joining { .. } | Phase::Syncing => return Err(Rejected::GroupRebalancing),
            Phase::Empty | Phase::Stable => {}
        }
        let member = self.members.get(client).ok_or(Rejected::MemberUnknown)?;
        let current = generation == i64::from(self.generation);
        if current && partitions.all(|partition| member.owns(partition)) {
            Ok(())
        } else {
            Err(Rejected::IllegalGeneration)
        }
    }
}

impl Member {
    fn owns(&self, of: PartitionRef) -> bool {
        self.assignment.get(&of.stream).is_some_and(|owned| owned.binary_search(&of.partition).is_ok())
    }
}
