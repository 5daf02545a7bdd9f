//! From what a client names to what it reads (spec/07 §5).

use millpond_model::{PolicyAction, ProjectId, StreamId, StreamSelector};
use millpond_state::{State, StreamPattern, Subscription};

use super::{JoinGroup, NamePattern};
use crate::resolve;

/// The subscription, and the streams as the client is told of them. `None` when there is a stream that
/// the project does not have or may not read, when one is given both ways, when none is given at all,
/// and when the pattern could not be read.
pub(super) fn resolve(
    state: &State,
    project: &ProjectId,
    join: &JoinGroup,
    pattern: Option<NamePattern>,
) -> Option<(Subscription, Vec<Box<str>>)> {
    let by_name = join.streams.iter().map(|name| Some(state.stream_named(project, name)?.id));
    let by_name: Vec<StreamId> = by_name.collect::<Option<_>>()?;
    let by_id = join.stream_ids.iter().map(|id| {
        let selector = StreamSelector::new(None, Some(id))?;
        Some(resolve::stream_for(state, project, &selector, PolicyAction::GetRecords).ok()?.id)
    });
    let by_id: Vec<StreamId> = by_id.collect::<Option<_>>()?;
    if join.pattern.is_some() && pattern.is_none() {
        return None;
    }
    let pattern = pattern.map(|pattern| StreamPattern {
        matched: pattern.matched(state, project),
        text: pattern.text().into(),
    });
    let subscription = Subscription::new(by_name, by_id, pattern).ok()?;
    let shown = shown(state, &subscription);
    Some((subscription, shown))
}

fn shown(state: &State, subscription: &Subscription) -> Vec<Box<str>> {
    let text = |id: StreamId| match state.stream(id) {
        Some(stream) if !subscription.is_by_id(id) => stream.spec.name.as_str().into(),
        _ => id.as_str().into(),
    };
    let mut shown: Vec<Box<str>> = subscription.streams().map(text).collect();
    shown.sort_unstable();
    shown.dedup();
    shown
}
