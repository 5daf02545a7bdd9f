//! What becomes of requests when the engine fails or others come in between.

use millpond_engine::{AdminError, AppendError, ProposeError, ReadError, StateLog as _};
use millpond_model::StreamUpdate;

use crate::{Class, StorageFailure};

use super::{faulty::Faulty, *};

async fn world() -> (World, Arc<Faulty>) {
    let clock = Arc::new(ManualClock::new(START));
    let (faulty, engine) = Faulty::new(clock.clone());
    (World::on(engine, clock, Settings::default()).await, faulty)
}

fn failure(class: Class) -> StorageFailure {
    StorageFailure::new(class, "the disk is on fire")
}

#[tokio::test]
async fn a_failed_batch_concerns_its_own_records() {
    let (world, faulty) = world().await;
    world.create("s", 4).await;
    faulty.append.lock().extend([
        Some(AppendError::Overloaded),
        None,
        Some(AppendError::Storage(failure(Class::Unknown))),
    ]);
    let records = [0, 1, 2, 0, 1, 9].map(|partition| into_partition(partition, "x")).to_vec();
    let placed = world.put("s", records).await.unwrap();
    let shown: Vec<_> = placed
        .iter()
        .map(|result| match result {
            Ok(placed) => format!("{}", placed.sequence_number),
            Err(RecordError::Storage(failure)) => format!("{:?}", failure.class()),
            Err(error) => format!("{error:?}"),
        })
        .collect();
    let missing = "PartitionNotFound(PartitionId(9))";
    assert_eq!(shown, ["Overloaded", "0", "Unknown", "Overloaded", "1", missing]);
}

#[tokio::test]
async fn a_stream_deleted_under_a_put_is_not_found() {
    let (world, faulty) = world().await;
    world.create("s", 1).await;
    faulty.append_gate.forget_permits(1000);
    let (service, project) = (world.service.clone(), world.project.clone());
    let put = async move { service.put_records(&project, &stream("s"), vec![into_partition(0, "x")]).await };
    let put = tokio::spawn(put);
    tokio::task::yield_now().await;
    world.service.delete_stream(&world.project, &stream("s")).await.unwrap();
    faulty.append_gate.add_permits(1000);
    assert_eq!(variant(&put.await.unwrap()), "StreamNotFound");
}

#[tokio::test]
async fn a_log_that_lacks_a_partition_is_a_failure_of_the_storage() {
    let (world, faulty) = world().await;
    let id = world.create("s", 2).await;
    let of = PartitionRef { stream: id, partition: PartitionId::new(0) };
    faulty.append.lock().push_back(Some(AppendError::UnknownPartition(of)));
    let placed = world.put("s", vec![into_partition(0, "x"), into_partition(1, "x")]).await.unwrap();
    assert!(matches!(placed[0], Err(RecordError::Storage(_))), "{placed:?}");
    assert!(placed[1].is_ok(), "{placed:?}");

    faulty.bounds.lock().push_back(Some(ReadError::UnknownPartition(of)));
    assert_eq!(variant(&world.open("s", 0, CursorStart::Latest).await), "Storage");
    faulty.bounds.lock().push_back(Some(ReadError::Storage(failure(Class::Corrupt))));
    let described = world.service.describe_stream(&world.project, &stream("s"), ALL).await;
    assert_eq!(variant(&described), "Storage");
}

#[tokio::test]
async fn a_creation_that_surely_failed_leaves_no_log_and_one_in_doubt_keeps_it() {
    let (world, faulty) = world().await;
    let check = async |error: ProposeError, outcome: &str, logs: usize| {
        faulty.propose.lock().push_back(Some(error));
        let created = world.service.create_stream(&world.project, spec("s", 1)).await;
        assert_eq!(variant(&created), outcome);
        world.service.housekeep().await;
        assert_eq!(world.logs().await.len(), logs, "{outcome}");
    };
    check(ProposeError::Overloaded, "Overloaded", 0).await;
    check(ProposeError::Storage(failure(Class::Refused)), "Storage", 0).await;
    check(ProposeError::Storage(failure(Class::Unknown)), "Storage", 1).await;
    // The next start knows what became of it.
    assert_eq!(world.reopened().await.logs().await.len(), 0);
}

#[tokio::test]
async fn a_stream_is_deleted_even_when_its_records_cannot_be_dropped_yet() {
    let (world, faulty) = world().await;
    world.create("s", 1).await;
    let failed = || Some(AdminError::Storage(failure(Class::Refused)));
    faulty.drop.lock().extend([failed(), failed()]);
    world.service.delete_stream(&world.project, &stream("s")).await.unwrap();
    assert_eq!(variant(&world.open("s", 0, CursorStart::Latest).await), "StreamNotFound");
    assert_eq!(world.service.housekeep().await.failures, 1);
    assert_eq!(world.service.housekeep().await.logs_dropped, 1);
    assert_eq!(world.logs().await, []);
}

/// The records go after the stream, never before it: a deletion that failed has taken nothing away.
#[tokio::test]
async fn a_deletion_that_failed_leaves_the_records() {
    let (world, faulty) = world().await;
    let id = world.create("s", 1).await;
    world.fill("s", 0, 3).await;
    for class in [Class::Refused, Class::Unknown] {
        faulty.propose.lock().push_back(Some(ProposeError::Storage(failure(class))));
        let deleted = world.service.delete_stream(&world.project, &stream("s")).await;
        assert_eq!(variant(&deleted), "Storage");
        assert_eq!(world.logs().await, [id]);
        assert_eq!(world.open("s", 0, CursorStart::Latest).await.unwrap().position, number(3));
    }
}

#[tokio::test]
async fn housekeeping_leaves_a_stream_alone_that_is_being_created() {
    let (world, faulty) = world().await;
    faulty.gate.forget_permits(1000);
    let (service, project) = (world.service.clone(), world.project.clone());
    let creation = tokio::spawn(async move { service.create_stream(&project, spec("s", 1)).await });
    until(async || !world.logs().await.is_empty()).await;
    assert_eq!(world.service.housekeep().await.logs_dropped, 0);
    faulty.gate.add_permits(1000);
    creation.await.unwrap().unwrap();
    world.fill("s", 0, 1).await;
    assert_eq!(world.service.housekeep().await.logs_dropped, 0);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_a_change_half_way() {
    let (world, faulty) = world().await;
    world.create("t", 1).await;
    world.fill("t", 0, 1).await;
    faulty.gate.forget_permits(1000);
    let (service, project) = (world.service.clone(), world.project.clone());
    let creation = tokio::spawn(async move { service.create_stream(&project, spec("s", 1)).await });
    let (service, project) = (world.service.clone(), world.project.clone());
    let retention = Some(millpond_model::RetentionHours::new(1).unwrap());
    let update = StreamUpdate { retention, ..StreamUpdate::default() };
    let change = tokio::spawn(async move { service.update_stream(&project, &stream("t"), update).await });
    until(async || world.logs().await.len() == 2).await;
    creation.abort();
    change.abort();
    assert!(creation.await.unwrap_err().is_cancelled());
    assert!(change.await.unwrap_err().is_cancelled());
    faulty.gate.add_permits(1000);
    world.clock.advance(2 * HOUR);
    until(async || {
        let created = faulty.view().stream_named(&world.project, "s").is_some();
        let log = world.open("t", 0, CursorStart::TrimHorizon).await.unwrap();
        created && log.position == number(1)
    })
    .await;
    world.fill("s", 0, 1).await;
}

#[tokio::test]
async fn too_much_waiting_is_said_so() {
    let (world, faulty) = world().await;
    world.create("s", 1).await;
    world.create_app("a").await;
    let overload = || faulty.propose.lock().push_back(Some(ProposeError::Overloaded));
    overload();
    assert_eq!(variant(&world.commit("s", "a", 0, 0).await), "Overloaded");
    overload();
    assert_eq!(variant(&world.scale("s", 2).await), "Overloaded");
    overload();
    assert_eq!(variant(&world.service.delete_app(&world.project, &app_selector("a")).await), "Overloaded");
    overload();
    assert_eq!(variant(&world.service.delete_stream(&world.project, &stream("s")).await), "Overloaded");
    world.commit("s", "a", 0, 0).await.unwrap();
}
