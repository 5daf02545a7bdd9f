//! How many requests a project may make in a second (spec/13 §4: account-wide API rate).

use std::{collections::HashMap, time::Duration};

use millpond_model::ProjectId;
use millpond_service::flow::Bucket;
use parking_lot::Mutex;

/// How often the projects are looked through for those that are idle.
const SWEEP: Duration = Duration::from_secs(1);

/// What the projects have used of their rate. Idle ones are forgotten: they have all of it.
#[derive(Debug)]
pub(crate) struct ProjectRates {
    per_second: u64,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    buckets: HashMap<ProjectId, Bucket>,
    swept: Duration,
}

impl ProjectRates {
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second: per_second.into(), used: Mutex::default() }
    }

    /// One request more.
    ///
    /// # Errors
    /// How long it takes until there may be one.
    pub(crate) fn take(&self, project: &ProjectId, now: Duration) -> Result<(), Duration> {
        let rate = self.per_second;
        let mut used = self.used.lock();
        if now.saturating_sub(used.swept) >= SWEEP {
            used.buckets.retain(|_, bucket| !bucket.is_full(rate, now));
            used.swept = now;
        }
        match used.buckets.get_mut(project) {
            Some(bucket) => bucket.take(rate, rate, 1, now),
            None => used.buckets.entry(project.clone()).or_default().take(rate, rate, 1, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_project_has_its_rate() {
        let rates = ProjectRates::new(2);
        let at = Duration::from_millis;
        let take = |project: &str, millis| rates.take(&project.parse().unwrap(), at(millis));
        for project in ["p", "q"] {
            assert_eq!((take(project, 0), take(project, 0)), (Ok(()), Ok(())));
            assert_eq!(take(project, 0), Err(at(500)));
            assert_eq!(take(project, 400), Err(at(100)));
        }
        assert_eq!((take("p", 500), take("p", 500)), (Ok(()), Err(at(500))));
        assert_eq!(rates.used.lock().buckets.len(), 2);
        assert_eq!(take("r", 2000), Ok(()));
        assert_eq!(rates.used.lock().buckets.len(), 1, "who is idle is forgotten");
    }
}
