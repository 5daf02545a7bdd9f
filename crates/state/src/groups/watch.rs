//! Who was heard of when, and how long a phase has lasted: what one process keeps in memory of a group.

use std::{collections::BTreeMap, time::Duration};

use millpond_model::ClientId;

use super::{Group, Phase};
use crate::LogPosition;

/// After how long the same thing is reported as overdue again: what was proposed may have failed.
const PATIENCE: Duration = Duration::from_secs(1);

/// Keeps the time of one group.
///
/// Times are those of a clock that never goes back, so that a wrong time of day neither ends a round
/// nor removes a member. A new watch, as after a restart, has heard of every member just now and takes
/// the phase as just begun.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    phase: Option<(LogPosition, Duration)>,
    heard: BTreeMap<ClientId, Duration>,
    reported: Option<(LogPosition, Duration)>,
}

/// What a group has waited for long enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// The phase that began there has to end.
    Phase(LogPosition),
    /// These members were silent for too long; each with the place at which it joined.
    Members(Vec<(ClientId, LogPosition)>),
}

impl Watch {
    /// A member was heard of. Those that `group` does not know are not remembered.
    pub fn hear(&mut self, group: &Group, client: &str, now: Duration) {
        if let Some((client, _)) = group.members.get_key_value(client) {
            self.heard.insert(client.clone(), now);
        }
    }

    /// What is overdue. It is named once a second at most, so that not every request proposes it.
    pub fn overdue(&mut self, group: &Group, now: Duration) -> Option<Overdue> {
        let since = self.observe(group, now);
        if self.reported.is_some_and(|(phase, at)| phase == group.phase_since && now < at + PATIENCE) {
            return None;
        }
        let over = |length| now.saturating_sub(since) >= length;
        let overdue = match group.timer().filter(|timer| over(timer.length)) {
            Some(timer) => Overdue::Phase(timer.phase_since),
            None => Overdue::Members(self.silent(group, now)?),
        };
        self.reported = Some((group.phase_since, now));
        Some(overdue)
    }

    /// How long the members of a group that was empty have to wait yet.
    pub fn initial_delay(&mut self, group: &Group, now: Duration) -> Duration {
        let since = self.observe(group, now);
        let timer = group.timer().filter(|_| group.phase == Phase::Joining { delayed: true });
        timer.map_or(Duration::ZERO, |timer| (since + timer.length).saturating_sub(now))
    }

    /// Takes note of a new phase and of new members, and forgets those who are gone. Returns when the
    /// phase was first seen.
    fn observe(&mut self, group: &Group, now: Duration) -> Duration {
        self.heard.retain(|client, _| group.members.contains_key(client));
        if self.heard.len() < group.members.len() {
            for client in group.members.keys() {
                self.heard.entry(client.clone()).or_insert(now);
            }
        }
        match self.phase {
            Some((phase, since)) if phase == group.phase_since => since,
            _ => {
                self.phase = Some((group.phase_since, now));
                now
            }
        }
    }

    fn silent(&self, group: &Group, now: Duration) -> Option<Vec<(ClientId, LogPosition)>> {
        let silent: Vec<_> = group
            .members()
            .filter(|(client, member)| {
                let heard = self.heard.get(*client).copied().unwrap_or(now);
                now.saturating_sub(heard) > member.silence_max()
            })
            .map(|(client, member)| (client.clone(), member.joined_at))
            .collect();
        (!silent.is_empty()).then_some(silent)
    }
}
