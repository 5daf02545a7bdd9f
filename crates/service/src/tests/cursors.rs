use super::*;

use CursorStart::{AfterSequenceNumber as After, AtSequenceNumber as At, AtTimestamp, Latest, TrimHorizon};

#[derive(Debug, PartialEq)]
enum Answer {
    Position(u64),
    /// Given, E, N.
    OutOfRange(u64, u64, u64),
    TooOld(i64),
}

use Answer::{OutOfRange, Position, TooOld};

async fn answer(world: &World, start: CursorStart) -> Answer {
    match world.open("s", 0, start).await {
        Ok(cursor) => {
            assert_eq!(cursor.kind, start.kind());
            Position(cursor.position.get())
        }
        Err(Error::SequenceNumberOutOfRange { given, bounds }) => {
            OutOfRange(given.get(), bounds.oldest.get(), bounds.high_water.get())
        }
        Err(Error::TimestampExpired { limit }) => TooOld(limit.as_millis()),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_new_partition_has_one_position() {
    let world = World::new().await;
    world.create("s", 1).await;
    for start in [At(None), At(Some(number(0))), After(None), TrimHorizon, Latest, AtTimestamp(START)] {
        assert_eq!(answer(&world, start).await, Position(0), "{start:?}");
    }
    assert_eq!(answer(&world, At(Some(number(1)))).await, OutOfRange(1, 0, 0));
    assert_eq!(answer(&world, After(Some(number(0)))).await, OutOfRange(0, 0, 0));
}

#[tokio::test]
async fn numbers_are_taken_within_the_readable_range() {
    let world = World::new().await;
    let id = world.create("s", 1).await;
    world.fill("s", 0, 8).await;
    let of = PartitionRef { stream: id, partition: PartitionId::new(0) };
    world.engine.records.trim(of, number(3)).await.unwrap();
    let check = async |start: CursorStart, expected: Answer| {
        assert_eq!(answer(&world, start).await, expected, "{start:?}");
    };
    let last = i64::MAX as u64;
    check(At(None), Position(3)).await;
    check(At(Some(number(2))), OutOfRange(2, 3, 8)).await;
    check(At(Some(number(3))), Position(3)).await;
    check(At(Some(number(7))), Position(7)).await;
    check(At(Some(number(8))), Position(8)).await;
    check(At(Some(number(9))), OutOfRange(9, 3, 8)).await;
    check(At(Some(number(last))), OutOfRange(last, 3, 8)).await;
    check(After(None), Position(3)).await;
    check(After(Some(number(1))), OutOfRange(1, 3, 8)).await;
    check(After(Some(number(2))), Position(3)).await;
    check(After(Some(number(7))), Position(8)).await;
    check(After(Some(number(8))), OutOfRange(8, 3, 8)).await;
    check(After(Some(number(last))), OutOfRange(last, 3, 8)).await;
    check(TrimHorizon, Position(3)).await;
    check(Latest, Position(8)).await;
}

#[tokio::test]
async fn times_find_the_first_record_as_late_and_not_too_old_ones_the_oldest() {
    let world = World::new().await;
    world.create("s", 1).await;
    let day = 24 * HOUR;
    world.fill("s", 0, 2).await; // at START
    world.clock.advance(HOUR);
    world.fill("s", 0, 2).await; // an hour later
    world.clock.advance(HOUR);
    let check = async |at: Timestamp, expected: Answer| {
        assert_eq!(answer(&world, AtTimestamp(at)).await, expected, "{at}");
    };
    check(START, Position(0)).await;
    check(START.plus(Duration::from_millis(1)), Position(2)).await;
    check(START.plus(HOUR), Position(2)).await;
    check(START.plus(2 * HOUR), Position(4)).await;
    check(START.plus(9 * day), Position(4)).await;

    let limit = START.plus(2 * HOUR).minus(day);
    let too_old = TooOld(limit.as_millis());
    check(limit, Position(0)).await;
    check(limit.minus(5 * MINUTE), Position(0)).await;
    check(limit.minus(5 * MINUTE).minus(Duration::from_millis(1)), too_old).await;

    // The oldest records have left retention; a time before the limit yields the oldest one left.
    world.clock.advance(22 * HOUR + MINUTE);
    check(START, Position(2)).await;
    // One client repeats with exactly the number it was told, a moment later.
    world.clock.advance(day);
    let TooOld(told) = answer(&world, AtTimestamp(START)).await else { panic!("not refused") };
    world.clock.advance(MINUTE);
    check(Timestamp::from_millis(told), Position(4)).await;
}

#[tokio::test]
async fn producers_times_are_searched_in_the_order_of_the_partition() {
    let world = World::new().await;
    world.create("s", 1).await;
    let timed = |seconds: u64| {
        let mut record = into_partition(0, "x");
        record.record.timestamp = Some(START.plus(Duration::from_secs(seconds)));
        record
    };
    world.put("s", [50, 10, 70, 20].map(timed).to_vec()).await.unwrap();
    let check = async |seconds: u64, position: u64| {
        let at = AtTimestamp(START.plus(Duration::from_secs(seconds)));
        assert_eq!(answer(&world, at).await, Position(position), "{seconds}");
    };
    check(0, 0).await;
    check(20, 0).await;
    check(60, 2).await;
    check(71, 4).await;
}

#[tokio::test]
async fn what_cannot_be_opened() {
    let world = World::new().await;
    world.create("s", 2).await;
    world.scale("s", 1).await.unwrap();
    let check = async |name: &str, partition: u32, outcome: &str| {
        let opened = world.open(name, partition, CursorStart::TrimHorizon).await;
        assert_eq!(variant(&opened), outcome, "{name} {partition}");
    };
    check("s", 0, "Ok").await;
    check("s", 1, "Ok").await;
    check("s", 2, "PartitionNotFound").await;
    check("t", 0, "StreamNotFound").await;
    world.clock.advance(25 * HOUR);
    world.service.housekeep().await;
    check("s", 1, "PartitionExpired").await;
}

#[tokio::test]
async fn an_opened_cursor_says_where_it_stands() {
    let world = World::new().await;
    let id = world.create("s", 1).await;
    let by_id = StreamSelector::new(None, Some(id.as_str())).unwrap();
    world.clock.advance(HOUR);
    let cursor =
        world.service.open_cursor(&world.project, &by_id, PartitionId::new(0), Latest).await.unwrap();
    assert_eq!(cursor.stream_id, id);
    assert_eq!(cursor.stream_name.as_str(), "s");
    assert_eq!(cursor.opened, START.plus(HOUR));
}
