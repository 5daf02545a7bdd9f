//! Commands applied a short while ago, so that a repeated one is recognised.

use std::{collections::BTreeMap, time::Duration};

use millpond_model::Timestamp;

use crate::{CommandId, LogPosition, Outcome};

/// How long a command is remembered, by the time of the log.
pub const RECENT_LIFE: Duration = Duration::from_mins(15);

/// How many commands are remembered at most; the oldest is forgotten first.
pub const RECENT_COMMANDS_MAX: usize = 32 * 1024;

/// The remembered commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recent {
    by_position: BTreeMap<LogPosition, RecentCommand>,
    by_id: BTreeMap<CommandId, LogPosition>,
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
        self.by_position.get(position).map(|command| &command.outcome)
    }

    pub(crate) fn remember(&mut self, position: LogPosition, command: RecentCommand) {
        self.forget(command.time.minus(RECENT_LIFE));
        self.insert(position, command);
    }

    pub(crate) fn insert(&mut self, position: LogPosition, command: RecentCommand) {
        self.by_id.insert(command.id, position);
        self.by_position.insert(position, command);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (LogPosition, &RecentCommand)> {
        self.by_position.iter().map(|(&position, command)| (position, command))
    }

    /// Makes room for one more and drops what is older than `cutoff`.
    fn forget(&mut self, cutoff: Timestamp) {
        while let Some(oldest) = self.by_position.first_entry() {
            let full = self.by_id.len() >= RECENT_COMMANDS_MAX;
            if !full && oldest.get().time >= cutoff {
                break;
            }
            self.by_id.remove(&oldest.remove().id);
        }
    }
}
