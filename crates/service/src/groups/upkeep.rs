//! What happens to groups although nobody asks for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use millpond_model::{AppId, ProjectId, StreamId};
use millpond_state::{Group, GroupEvent, LogPosition, Overdue, Phase, Rejected, State, Watch};
use parking_lot::Mutex;

use super::NamePattern;
use crate::{Error, Service};

/// What this process knows of the groups beside the state: who was heard of when.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    by_app: Mutex<BTreeMap<AppId, Watch>>,
    /// The patterns of the last look at them, compiled.
    patterns: Mutex<BTreeMap<Box<str>, Option<NamePattern>>>,
}

impl Service {
    /// Ends the rounds of all groups whose time is up, removes members that were silent for too long, and
    /// shares out anew where a pattern matches other streams than before. Called from time to time, best
    /// once a second; harmless at any moment. Failures are logged, and the next call tries again.
    pub async fn tick_groups(&self) {
        let live: BTreeSet<AppId> = {
            let state = self.engine.state.view();
            state.groups().filter(|(_, group)| group.is_live()).map(|(app, _)| app).collect()
        };
        self.watches.by_app.lock().retain(|app, _| live.contains(app));
        for app in live {
            if let Err(error) = self.settle_group(app, None).await {
                failed(app, &error);
            }
        }
        for (app, phase_since) in self.outdated_patterns() {
            match self.change_group(app, GroupEvent::ShareAnew { phase_since }).await {
                Ok(Ok(_) | Err(Rejected::AppNotFound)) => {}
                Ok(Err(rejected)) => failed(app, &Error::rejected(&rejected, &"", &"")),
                Err(error) => failed(app, &error),
            }
        }
    }

    /// Notes that a client was heard of, and ends what is overdue.
    pub(crate) async fn settle_group(&self, app: AppId, heard: Option<&str>) -> Result<(), Error> {
        while let Some(event) = self.overdue(app, heard) {
            match self.change_group(app, event).await? {
                Ok(_) | Err(Rejected::AppNotFound) => {}
                Err(rejected) => return Err(Error::rejected(&rejected, &"", &"")),
            }
        }
        Ok(())
    }

    /// How long the members of a group that was empty have to wait yet.
    pub(super) fn initial_delay(&self, app: AppId) -> Duration {
        let now = self.clock.monotonic();
        let state = self.engine.state.view();
        let Some(group) = state.group(app) else { return Duration::ZERO };
        self.watches.by_app.lock().entry(app).or_default().initial_delay(group, now)
    }

    fn overdue(&self, app: AppId, heard: Option<&str>) -> Option<GroupEvent> {
        let now = self.clock.monotonic();
        let state = self.engine.state.view();
        let group = state.group(app)?;
        let mut watches = self.watches.by_app.lock();
        if !group.is_live() {
            watches.remove(&app);
            return None;
        }
        let watch = watches.entry(app).or_default();
        if let Some(client) = heard {
            watch.hear(group, client, now);
        }
        Some(match watch.overdue(group, now)? {
            Overdue::Phase(phase_since) => GroupEvent::EndPhase { phase_since },
            Overdue::Members(silent) => {
                tracing::info!(%app, members = silent.len(), "removing group members that fell silent");
                GroupEvent::RemoveSilent { silent }
            }
        })
    }

    /// The groups with a pattern that matches other streams than when the partitions were shared out,
    /// each with the phase this was seen in.
    fn outdated_patterns(&self) -> Vec<(AppId, LogPosition)> {
        let state = self.engine.state.view();
        let mut known = self.watches.patterns.lock();
        let mut looked = Looked {
            state: &state,
            known: std::mem::take(&mut *known),
            used: BTreeMap::new(),
            matched: BTreeMap::new(),
        };
        let shared = |group: &Group| matches!(group.phase(), Phase::Syncing | Phase::Stable);
        let groups = state.groups().filter(|(_, group)| shared(group));
        let outdated = groups.filter(|(app, group)| {
            state.app(*app).is_some_and(|app| looked.is_outdated(&app.project, group))
        });
        let outdated = outdated.map(|(app, group)| (app, group.phase_since())).collect();
        *known = looked.used;
        outdated
    }
}

/// One look at all patterns. Those that nobody uses any more are forgotten with it.
struct Looked<'a> {
    state: &'a State,
    known: BTreeMap<Box<str>, Option<NamePattern>>,
    used: BTreeMap<Box<str>, Option<NamePattern>>,
    matched: BTreeMap<(ProjectId, Box<str>), Vec<StreamId>>,
}

impl Looked<'_> {
    fn is_outdated(&mut self, project: &ProjectId, group: &Group) -> bool {
        let mut patterns = group.members().filter_map(|(_, member)| member.subscription().pattern());
        patterns.any(|pattern| *self.matched(project, &pattern.text) != pattern.matched)
    }

    fn matched(&mut self, project: &ProjectId, text: &str) -> &Vec<StreamId> {
        let (state, known, used) = (self.state, &mut self.known, &mut self.used);
        self.matched.entry((project.clone(), text.into())).or_insert_with(|| {
            let pattern = used
                .entry(text.into())
                .or_insert_with(|| known.remove(text).unwrap_or_else(|| NamePattern::parse(text)));
            pattern.as_ref().map(|pattern| pattern.matched(state, project)).unwrap_or_default()
        })
    }
}

fn failed(app: AppId, error: &Error) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(%app, error, "a group could not be kept up; it is tried again");
}
