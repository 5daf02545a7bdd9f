//! Commands applied a short while ago, so that a repeated one is recognised.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasherDefault, DefaultHasher},
    time::Duration,
};

use millpond_model::Timestamp;

use crate::{CommandId, LogPosition, Outcome};

/// How long a command is remembered, by the time of the log.
pub const RECENT_LIFE: Duration = Duration::from_mins(15);

/// How many commands are remembered at most; the oldest is forgotten first.
pub const RECENT_COMMANDS_MAX: usize = 32 * 1024;

/// The remembered commands.
///
/// Every command comes in here and leaves again, so both are cheap: the oldest is at the front, and ids are
/// looked up and never walked through, so that no order of a hash map is seen. The hash has a fixed key: ids
/// are drawn by the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recent {
    /// Positions ascend.
    commands: VecDeque<(LogPosition, RecentCommand)>,
    by_id: HashMap<CommandId, LogPosition, BuildHasherDefault<DefaultHasher>>,
}

/// A remembered command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecentCommand {
    pub(crate) id: CommandId,
    pub(crate) time: Timestamp,
    pub(crate) outcome: Outcome,
}

impl Recent {
    pub(crate) fn outcome(&self, id: CommandId) -> Option<&Outcome> {
        let position = self.by_id.get(&id)?;
        let found = self.commands.binary_search_by_key(position, |(position, _)| *position).ok()?;
        self.commands.get(found).map(|(_, command)| &command.outcome)
    }

    /// # Panics
    /// When the position is not behind all others.
    pub(crate) fn remember(&mut self, position: LogPosition, command: RecentCommand) {
        self.forget(command.time.minus(RECENT_LIFE));
        assert!(self.insert(position, command), "commands are applied in the order of the log");
    }

    /// Takes the command in; `false`, and nothing is done, when its position is not behind all others.
    #[must_use]
    pub(crate) fn insert(&mut self, position: LogPosition, command: RecentCommand) -> bool {
        let is_next = self.commands.back().is_none_or(|(last, _)| *last < position);
        if is_next {
            self.by_id.insert(command.id, position);
            self.commands.push_back((position, command));
        }
        is_next
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (LogPosition, &RecentCommand)> {
        self.commands.iter().map(|(position, command)| (*position, command))
    }

    /// Makes room for one more and drops what is older than `cutoff`.
    fn forget(&mut self, cutoff: Timestamp) {
        while let Some((_, oldest)) = self.commands.front() {
            let full = self.by_id.len() >= RECENT_COMMANDS_MAX;
            if !full && oldest.time >= cutoff {
                break;
            }
            self.by_id.remove(&oldest.id);
            self.commands.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Done;

    fn command(id: u128, minute: i64) -> RecentCommand {
        RecentCommand {
            id: CommandId::from_random(id),
            time: Timestamp::from_millis(minute * 60_000),
            outcome: Ok(Done::Deployment([7; 32])),
        }
    }

    #[test]
    fn commands_come_in_the_order_of_the_log_and_leave_by_age_and_number() {
        let mut recent = Recent::default();
        assert!(recent.insert(LogPosition::new(5), command(1, 0)));
        for position in [5, 4, 0] {
            assert!(!recent.insert(LogPosition::new(position), command(2, 0)), "{position}");
        }
        assert!(recent.outcome(CommandId::from_random(2)).is_none());
        recent.remember(LogPosition::new(9), command(2, 15));
        assert!(recent.outcome(CommandId::from_random(1)).is_some());
        recent.remember(LogPosition::new(10), command(3, 16));
        let kept = [1, 2, 3].map(|id| recent.outcome(CommandId::from_random(id)).is_some());
        assert_eq!(kept, [false, true, true]);
        for id in 0..RECENT_COMMANDS_MAX as u64 {
            recent.remember(LogPosition::new(11 + id), command(u128::from(id) + 10, 16));
        }
        assert_eq!(recent.iter().count(), RECENT_COMMANDS_MAX);
        assert!(recent.outcome(CommandId::from_random(3)).is_none());
    }
}
