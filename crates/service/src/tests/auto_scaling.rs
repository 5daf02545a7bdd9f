//! Streams that scale by themselves (spec/13 §7.3, §10).

use millpond_engine::ProposeError;
use millpond_model::{AutoScale, RetentionHours, StreamUpdate};

use crate::{FlowSettings, Housekeeping, ScalingRate, Throughput};

use super::{faulty::Faulty, *};

const SECOND: Duration = Duration::from_secs(1);
const MIB: usize = 1024 * 1024;

/// Settings under which partitions take 1000 bytes a second and give 2000, saved up for ten seconds.
fn slow() -> Settings {
    let common =
        Throughput { put_bytes: Some(1000), get_bytes: Some(2000), put_records: None, request_bytes: None };
    let flow = FlowSettings { common, burst: 10 * SECOND, ..FlowSettings::default() };
    Settings { flow, ..Settings::default() }
}

impl World {
    async fn create_scaling(&self, name: &str, partitions: u32, min: u32, max: u32) {
        let auto_scale = AutoScale { enabled: true, min, max };
        let spec = StreamSpec { auto_scale, ..spec(name, partitions) };
        self.service.create_stream(&self.project, spec).await.unwrap();
    }

    /// Puts so much into each of the first partitions.
    async fn load(&self, name: &str, partitions: u32, records: usize, bytes: usize) {
        let record = NewRecord::of(vec![b'x'; bytes]);
        for partition in 0..partitions {
            let placement = Placement::Partition(PartitionId::new(partition));
            let record = PlacedRecord { record: record.clone(), placement };
            self.put(name, vec![record; records]).await.unwrap();
        }
    }

    /// Reads so many records of each of the first partitions; a refusal is none of ours here.
    async fn read(&self, name: &str, partitions: u32, records: u32) {
        for partition in 0..partitions {
            let cursor = self.open(name, partition, CursorStart::TrimHorizon).await.unwrap();
            let page = self.service.get_records(&self.project, &cursor, ReadLimit::records(records)).await;
            assert!(matches!(page, Ok(_) | Err(Error::TrafficLimit)), "{page:?}");
        }
    }

    async fn update(&self, name: &str, update: StreamUpdate) -> Result<(), Error> {
        self.service.update_stream(&self.project, &stream(name), update).await.map(|_| ())
    }

    /// The log: seconds since the start, the counts before and after, and whether nobody asked.
    async fn scalings(&self, name: &str) -> Vec<(i64, u32, u32, bool)> {
        let log = self.service.scaling_log(&self.project, &stream(name)).await.unwrap();
        assert_eq!((log.id, log.name.as_str()), (self.id(name), name));
        let seconds = |time: Timestamp| (time.as_millis() - START.as_millis()) / 1000;
        let entry = |change: &crate::ScalingChange| {
            (seconds(change.time), change.before, change.after, change.automatic)
        };
        log.changes.iter().map(entry).collect()
    }
}

fn scaled(streams_scaled: u32) -> Housekeeping {
    Housekeeping { streams_scaled, ..Housekeeping::default() }
}

fn bounds(enabled: Option<bool>, min: Option<u32>, max: Option<u32>) -> StreamUpdate {
    StreamUpdate {
        auto_scale_enabled: enabled,
        auto_scale_min: min,
        auto_scale_max: max,
        ..StreamUpdate::default()
    }
}

#[tokio::test]
async fn without_flow_control_the_rate_alone_decides() {
    let check = async |records: usize, counts: &[(i64, u32, u32, bool)]| {
        let world = World::new().await;
        world.create_scaling("s", 5, 1, 20).await;
        world.create("other", 5).await;
        world.clock.advance(30 * SECOND);
        world.load("s", 5, records, MIB).await;
        world.clock.advance(30 * SECOND);
        assert_eq!(world.service.housekeep().await, scaled(u32::from(!counts.is_empty())));
        // Deciding again at once changes nothing.
        assert_eq!(world.service.housekeep().await, scaled(0));
        assert_eq!(world.scalings("s").await, counts, "{records} MiB a partition");
        assert_eq!(world.scalings("other").await, []);
    };
    check(49, &[(60, 5, 9, true)]).await;
    check(47, &[]).await;
    check(19, &[]).await;
    check(17, &[(60, 5, 2, true)]).await;
    check(0, &[(60, 5, 2, true)]).await;
}

#[tokio::test]
async fn hours_of_load_are_followed() {
    let world = World::with(slow()).await;
    world.create_scaling("s", 1, 1, 20).await;
    // From which minute on, how many bytes a second are offered, and whether they are read.
    let phases = [(0, 500, false), (60, 5000, false), (120, 100, true), (180, 0, false), (480, 900, false)];
    let mut sum = Housekeeping::default();
    for second in (0..10 * 3600).step_by(10) {
        let (_, offered, reads) = *phases.iter().rfind(|(minute, ..)| minute * 60 <= second).unwrap();
        let active = world.engine.state.view().stream(world.id("s")).unwrap().active_count();
        let each = usize::try_from(offered * 10 / i64::from(active) / 100).unwrap();
        world.load("s", active, each, 100).await;
        if reads {
            world.read("s", active, 100).await;
        }
        world.clock.advance(10 * SECOND);
        if second % 60 == 50 {
            sum.streams_scaled += world.service.housekeep().await.streams_scaled;
        }
    }
    let log = world.scalings("s").await;
    let minutes = log.iter().map(|&(second, before, after, auto)| (second / 60, before, after, auto));
    let minutes: Vec<_> = minutes.collect();
    assert_eq!(
        minutes,
        [
            // Five times what a partition takes: up until nothing is refused any more.
            (61, 1, 2, true),
            (63, 2, 4, true),
            (65, 4, 7, true),
            // Reads keep what writes do not need; then it goes down once an hour.
            (181, 7, 3, true),
            (241, 3, 1, true),
        ],
    );
    assert_eq!(sum.streams_scaled, 5);
    assert_eq!(world.statuses("s").await, "ADDDDDD");
}

#[tokio::test]
async fn a_stream_that_is_not_measured_for_a_minute_yet_keeps_its_partitions() {
    let world = World::new().await;
    world.create_scaling("s", 4, 1, 8).await;
    world.clock.advance(59 * SECOND);
    assert_eq!(world.service.housekeep().await, scaled(0));
    // The next process has seen nothing either.
    let world = world.reopened().await;
    world.clock.advance(59 * SECOND);
    assert_eq!(world.service.housekeep().await, scaled(0));
    // Nor does one that was told to scale only now.
    world.create("later", 4).await;
    world.clock.advance(SECOND);
    world.update("later", bounds(Some(true), Some(1), Some(8))).await.unwrap();
    assert_eq!(world.service.housekeep().await, scaled(1));
    assert_eq!(world.scalings("later").await, []);
    assert_eq!(world.scalings("s").await, [(119, 4, 2, true)]);
    world.clock.advance(MINUTE);
    assert_eq!(world.service.housekeep().await, scaled(1));
    assert_eq!(world.scalings("later").await, [(179, 4, 2, true)]);
}

#[tokio::test]
async fn a_quota_and_a_failing_storage_are_waited_for() {
    let clock = Arc::new(ManualClock::new(START));
    let (faulty, engine) = Faulty::new(clock.clone());
    let quota = Settings { partition_quota_common: Some(8), ..Settings::default() };
    let world = World::on(engine, clock, quota).await;
    world.create_scaling("s", 5, 1, 20).await;
    let busy = async || {
        world.clock.advance(30 * SECOND);
        world.load("s", 5, 60, MIB).await;
        world.clock.advance(30 * SECOND);
        // Stored before, so that the next command is the one to scale.
        world.service.flush_metrics().await.unwrap();
    };
    busy().await;
    assert_eq!(world.service.housekeep().await, scaled(0));
    world.update("s", bounds(None, None, Some(8))).await.unwrap();
    busy().await;
    faulty.propose.lock().push_back(Some(ProposeError::Overloaded));
    let failed = world.service.housekeep().await;
    assert_eq!((failed.failures, failed.streams_scaled), (1, 0));
    assert_eq!(world.service.housekeep().await, scaled(1));
    assert_eq!(world.scalings("s").await, [(120, 5, 8, true)]);
}

#[tokio::test]
async fn groups_share_out_anew() {
    let world = World::new().await;
    world.create_scaling("s", 4, 1, 8).await;
    world.create_app("g").await;
    world.join(groups::joining("c", &["s"])).await.unwrap();
    assert_eq!(world.sync("c").await, "1 s:0,1,2,3");
    for _ in 0..6 {
        world.clock.advance(10 * SECOND);
        assert_eq!(world.beat("c", 1).await, crate::HeartbeatAnswer::Stable);
    }
    assert_eq!(world.service.housekeep().await, scaled(1));
    assert_eq!(world.beat("c", 1).await, crate::HeartbeatAnswer::Joining);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let world = World::new().await;
    world.create("s", 1).await;
    let check = async |enabled, min, max, outcome: &str| {
        let updated = world.update("s", bounds(enabled, min, max)).await;
        assert_eq!(variant(&updated), outcome, "{enabled:?} {min:?} {max:?}");
    };
    check(Some(true), None, None, "AutoScaleBounds").await;
    check(Some(true), Some(3), None, "AutoScaleBounds").await;
    check(Some(true), Some(3), Some(2), "AutoScaleBounds").await;
    check(None, Some(5), None, "Ok").await;
    check(Some(true), None, Some(4), "AutoScaleBounds").await;
    check(Some(true), None, Some(5), "Ok").await;
    check(None, Some(6), None, "AutoScaleBounds").await;
    check(None, None, Some(4), "AutoScaleBounds").await;
    check(Some(false), None, Some(4), "Ok").await;
    let retention =
        StreamUpdate { retention: Some(RetentionHours::new(48).unwrap()), ..StreamUpdate::default() };
    world.update("s", retention).await.unwrap();
}

#[tokio::test]
async fn people_may_be_limited_in_how_often_they_scale() {
    let rate = ScalingRate { ups_per_hour: Some(2), downs_per_hour: Some(1) };
    let world = World::with(Settings { scaling_rate: rate, ..Settings::default() }).await;
    world.create("s", 1).await;
    let check = async |after: Duration, target: u32, outcome: &str| {
        world.clock.advance(after);
        assert_eq!(variant(&world.scale("s", target).await), outcome, "{target}");
    };
    check(Duration::ZERO, 2, "Ok").await;
    check(30 * MINUTE, 3, "Ok").await;
    check(Duration::ZERO, 4, "ScaledTooOften").await;
    check(Duration::ZERO, 3, "Ok").await;
    check(Duration::ZERO, 2, "Ok").await;
    check(Duration::ZERO, 1, "ScaledTooOften").await;
    check(29 * MINUTE, 3, "ScaledTooOften").await;
    check(MINUTE, 3, "Ok").await;
    check(Duration::ZERO, 4, "ScaledTooOften").await;
    check(30 * MINUTE, 1, "Ok").await;
}
