use millpond_model::{HashKey, InvalidRecord, limits::RECORD_DATA_BYTES_MAX};

use super::*;

fn places(placed: &[Result<Placed, RecordError>]) -> Vec<(u32, u64)> {
    let place = |placed: &Placed| (placed.partition.index(), placed.sequence_number.get());
    placed.iter().map(|result| place(result.as_ref().unwrap())).collect()
}

#[tokio::test]
async fn answers_come_in_the_order_asked_and_numbers_in_the_order_of_the_partition() {
    let world = World::new().await;
    world.create("s", 2).await;
    let records = [(1, "a"), (0, "b"), (1, "c"), (1, "d"), (0, "e")];
    let records = || records.iter().map(|&(partition, text)| into_partition(partition, text)).collect();
    let placed = world.put("s", records()).await.unwrap();
    assert_eq!(places(&placed), [(1, 0), (0, 0), (1, 1), (1, 2), (0, 1)]);
    let placed = world.put("s", records()).await.unwrap();
    assert_eq!(places(&placed), [(1, 3), (0, 2), (1, 4), (1, 5), (0, 3)]);

    let cursor = world.open("s", 1, CursorStart::TrimHorizon).await.unwrap();
    assert_eq!(world.get(&cursor).await.unwrap().0, ["a", "c", "d", "a", "c", "d"]);
    assert_eq!(places(&world.put("s", Vec::new()).await.unwrap()), []);
}

#[tokio::test]
async fn a_record_goes_where_it_asks_to() {
    let world = World::new().await;
    world.create("s", 4).await;
    world.scale("s", 2).await.unwrap();
    let check = async |placement: Placement, expected: Result<u32, &str>| {
        let placed = world.put("s", vec![record("x", placement)]).await.unwrap();
        let found = match &placed[0] {
            Ok(placed) => Ok(placed.partition.index()),
            Err(RecordError::PartitionNotFound(_)) => Err("PartitionNotFound"),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(found, expected, "{placement:?}");
    };
    let partition = |index| Placement::Partition(PartitionId::new(index));
    let key = |key| Placement::Key(HashKey::new(key).unwrap());
    check(partition(0), Ok(0)).await;
    check(partition(1), Ok(1)).await;
    check(partition(2), Err("PartitionNotFound")).await;
    check(partition(4), Err("PartitionNotFound")).await;
    check(partition(u32::MAX), Err("PartitionNotFound")).await;
    check(key(0), Ok(0)).await;
    check(key(4_611_686_018_427_387_902), Ok(0)).await;
    check(key(4_611_686_018_427_387_903), Ok(1)).await;
    check(key(9_223_372_036_854_775_807), Ok(1)).await;
    check(Placement::Key(HashKey::of_partition_key("k1")), Ok(0)).await;
    check(Placement::Key(HashKey::of_partition_key("hello")), Ok(1)).await;
}

#[tokio::test]
async fn records_without_a_place_spread_evenly_over_requests_of_any_size() {
    let world = World::new().await;
    world.create("s", 4).await;
    world.scale("s", 3).await.unwrap();
    let mut counts = [0; 4];
    for size in [1, 1, 1, 7, 2, 3] {
        let placed = world.put("s", vec![record("x", Placement::Anywhere); size]).await.unwrap();
        for (partition, _) in places(&placed) {
            counts[partition as usize] += 1;
        }
    }
    assert_eq!(counts, [5, 5, 5, 0]);
}

#[tokio::test]
async fn a_record_that_is_too_large_concerns_itself_only() {
    let world = World::new().await;
    world.create("s", 1).await;
    let sized = |size: usize| PlacedRecord {
        record: NewRecord::of(vec![0; size]),
        placement: Placement::Partition(PartitionId::new(0)),
    };
    let records = vec![sized(1), sized(RECORD_DATA_BYTES_MAX + 1), sized(RECORD_DATA_BYTES_MAX), sized(0)];
    let placed = world.put("s", records).await.unwrap();
    let numbers: Vec<_> = placed
        .iter()
        .map(|result| match result {
            Ok(placed) => Some(placed.sequence_number.get()),
            Err(RecordError::Invalid(InvalidRecord::DataTooLarge { .. })) => None,
            Err(other) => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(numbers, [Some(0), None, Some(1), Some(2)]);
}

#[tokio::test]
async fn a_reader_goes_from_page_to_page_and_stays_at_the_end() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.fill("s", 0, 5).await;
    let mut cursor = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();
    let mut pages = Vec::new();
    for turn in 1..=4 {
        world.clock.advance(4 * MINUTE);
        let page = world.service.get_records(&world.project, &cursor, ReadLimit::records(2)).await.unwrap();
        let numbers: Vec<_> = page.records.iter().map(|record| record.sequence_number.get()).collect();
        assert_eq!(page.next.opened, START.plus(turn * 4 * MINUTE));
        pages.push((numbers, page.next.position.get()));
        cursor = page.next;
    }
    assert_eq!(pages, [(vec![0, 1], 2), (vec![2, 3], 4), (vec![4], 5), (vec![], 5)]);
}

#[tokio::test]
async fn a_limit_below_the_next_record_moves_nothing() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.put("s", vec![into_partition(0, "0123456789")]).await.unwrap();
    let cursor = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();
    let check = async |limit: ReadLimit, count: usize| {
        let page = world.service.get_records(&world.project, &cursor, limit).await.unwrap();
        assert_eq!((page.records.len(), page.next.position.get()), (count, count as u64), "{limit:?}");
    };
    check(ReadLimit { records: 10, bytes: 9, at_least_one: false }, 0).await;
    check(ReadLimit { records: 10, bytes: 9, at_least_one: true }, 1).await;
    check(ReadLimit { records: 10, bytes: 10, at_least_one: false }, 1).await;
}

#[tokio::test]
async fn what_a_cursor_meets_on_its_way() {
    let world = World::new().await;
    let id = world.create("s", 1).await;
    world.fill("s", 0, 3).await;
    let base = world.open("s", 0, CursorStart::TrimHorizon).await.unwrap();
    let check = async |cursor: CursorPosition, outcome: &str| {
        assert_eq!(variant(&world.get(&cursor).await), outcome, "{cursor:?}");
    };
    let at = |position: u64| CursorPosition { position: number(position), ..base.clone() };
    check(at(3), "Ok").await;
    check(at(4), "InvalidCursor").await;
    check(CursorPosition { partition: PartitionId::new(1), ..base.clone() }, "PartitionNotFound").await;
    let other = StreamId::from_random(99);
    check(CursorPosition { stream_id: other, ..base.clone() }, "StreamNotFound").await;

    // Used any number of times within five minutes, both ends included.
    world.clock.advance(5 * MINUTE);
    check(base.clone(), "Ok").await;
    check(base.clone(), "Ok").await;
    world.clock.advance(Duration::from_millis(1));
    check(base.clone(), "CursorExpired").await;
    // From the clock of another node that is ahead.
    check(CursorPosition { opened: START.plus(HOUR), ..base.clone() }, "Ok").await;

    let of = PartitionRef { stream: id, partition: PartitionId::new(0) };
    world.engine.records.trim(of, number(2)).await.unwrap();
    let opened = START.plus(5 * MINUTE);
    check(CursorPosition { opened, ..at(1) }, "PositionExpired").await;
    check(CursorPosition { opened, ..at(2) }, "Ok").await;
}
