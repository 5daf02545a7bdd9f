//! Groups as part of the state.

use std::collections::BTreeSet;

use millpond_model::{AppId, ClientId, PartitionRef, StreamId, limits::GROUP_MEMBERS_MAX};

use super::{Group, GroupEvent, Scene, Subscription};
use crate::{Done, GroupMember, LogPosition, Outcome, Rejected, RowKey, State};

impl State {
    /// Something happens to the group of an app; answers how much it changed. Events that come too late
    /// change nothing, and an app without a group has an empty one.
    pub(crate) fn change_group(&mut self, app: AppId, event: GroupEvent, at: LogPosition) -> Outcome {
        if !self.apps.contains_key(&app) {
            return Err(Rejected::AppNotFound);
        }
        let scene = Scene { at, streams: &self.streams };
        let group = match &event {
            GroupEvent::Join { client, subscription, .. } => {
                let group = self.groups.get(&app);
                group.map_or(Ok(()), |group| check_room(group, client, subscription, scene))?;
                Some(self.groups.entry(app).or_default())
            }
            _ => self.groups.get_mut(&app),
        };
        Ok(Done::Count(group.map_or(0, |group| group.fold(event, scene))))
    }

    /// A stream has other readable partitions than before, or is gone: its groups share out anew.
    pub(crate) fn tell_groups(&mut self, stream: StreamId, at: LogPosition, changed: &mut Vec<RowKey>) {
        let scene = Scene { at, streams: &self.streams };
        for (app, group) in &mut self.groups {
            if group.partitions_changed(stream, scene) {
                changed.push(RowKey::Group(*app));
            }
        }
    }

    /// Invariant I11: a member commits in its own partitions and in its own generation, or not at all.
    pub(crate) fn check_member(
        &self,
        app: AppId,
        member: &GroupMember,
        partitions: impl Iterator<Item = PartitionRef>,
    ) -> Result<(), Rejected> {
        let group = self.groups.get(&app).ok_or(Rejected::MemberUnknown)?;
        group.check_commit(member.client.as_str(), member.generation, partitions)
    }

    /// The group of an app; `None` when it never had a member.
    pub fn group(&self, app: AppId) -> Option<&Group> {
        self.groups.get(&app)
    }

    /// All groups there are, the empty ones too, in the order of their apps' ids.
    pub fn groups(&self) -> impl Iterator<Item = (AppId, &Group)> {
        self.groups.iter().map(|(&app, group)| (app, group))
    }
}

/// A new member is refused when the group has a member for each partition already (spec/13 §8). Members
/// that have no streams, as with a pattern that matches none, do not count.
fn check_room(
    group: &Group,
    client: &ClientId,
    subscription: &Subscription,
    scene: Scene<'_>,
) -> Result<(), Rejected> {
    if group.members.contains_key(client) {
        return Ok(());
    }
    if group.members.len() >= GROUP_MEMBERS_MAX {
        return Err(Rejected::QuotaExceeded { quota: u32::try_from(GROUP_MEMBERS_MAX).unwrap_or(u32::MAX) });
    }
    let streams_of = |subscription: &Subscription| -> BTreeSet<StreamId> {
        subscription.streams().filter(|stream| scene.streams.contains_key(stream)).collect()
    };
    let mut streams = streams_of(subscription);
    if streams.is_empty() {
        return Ok(());
    }
    let mut consumers: u32 = 1;
    for member in group.all() {
        let mut wanted = streams_of(&member.subscription);
        consumers += u32::from(!wanted.is_empty());
        streams.append(&mut wanted);
    }
    let quota: u32 =
        streams.iter().filter_map(|id| scene.streams.get(id)).map(crate::Stream::readable_count).sum();
    if consumers > quota { Err(Rejected::QuotaExceeded { quota }) } else { Ok(()) }
}
