use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::disk::{Fault, FaultDisk};

const DIR: &str = "/journal";
const INSTANCE: u128 = 77;
const SMALL: JournalSettings =
    JournalSettings { file_bytes_first: 16 << 10, file_bytes_max: 64 << 10, total_bytes_max: 256 << 10 };

fn stamp(salt: u64) -> Stamp {
    Stamp { salt: salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, now_ms: 0 }
}

fn dynamic(disk: &FaultDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

/// A journal on a disk, with what a user would keep beside it.
struct User {
    disk: FaultDisk,
    journal: Journal,
    /// What was put elsewhere, and the mark kept with it.
    kept: Mark,
    stamps: u64,
}

impl User {
    fn create(settings: JournalSettings) -> Self {
        let disk = FaultDisk::default();
        disk.create_dir(Path::new(DIR)).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let journal = Journal::create(&dynamic(&disk), Path::new(DIR), INSTANCE, settings, stamp(1)).unwrap();
        let kept = journal.mark();
        Self { disk, journal, kept, stamps: 1 }
    }

    fn stamp(&mut self) -> Stamp {
        self.stamps += 1;
        stamp(self.stamps)
    }

    fn append(&mut self, bodies: &[Vec<u8>]) -> Result<(), AppendError> {
        let stamp = self.stamp();
        let frames: Vec<_> = bodies.iter().map(|body| (1, body.as_slice())).collect();
        self.journal.append(&frames, stamp)
    }

    fn keep(&mut self) {
        self.kept = self.journal.mark();
        self.journal.release(&self.kept);
    }

    /// Opens what a crash left; returns the bodies told.
    fn recover(
        disk: &FaultDisk,
        kept: &Mark,
        salt: u64,
    ) -> Result<(Journal, Vec<Vec<u8>>, Recovered), RecoverError> {
        let mut told = Vec::new();
        let tell = |frame: Frame| {
            told.push(frame.body.to_vec());
            Ok(())
        };
        let (journal, recovered) =
            Journal::recover(&dynamic(disk), Path::new(DIR), INSTANCE, SMALL, stamp(salt), kept, tell)?;
        Ok((journal, told, recovered))
    }

    /// What a copy of the disk tells; the journal itself goes on undisturbed.
    fn recovered(&self) -> Vec<Vec<u8>> {
        Self::recover(&self.disk.crash(|| true), &self.kept, 1 << 40).unwrap().1
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.disk.paths().into_iter().filter(|path| path.starts_with(DIR)).collect()
    }
}

fn body(n: usize, len: usize) -> Vec<u8> {
    let mut body = n.to_le_bytes().to_vec();
    body.resize(len.max(8), u8::try_from(n % 251).unwrap());
    body
}

#[test]
fn a_group_costs_one_sync_and_is_told_again() {
    let mut user = User::create(SMALL);
    let syncs = user.disk.syncs();
    let group: Vec<_> = (0..5).map(|n| body(n, 100)).collect();
    user.append(&group).unwrap();
    assert_eq!(user.disk.syncs(), syncs + 1);
    assert_eq!(user.recovered(), group);
    user.append(&[body(9, 3000)]).unwrap();
    assert_eq!(user.recovered().len(), 6);
    user.keep();
    assert_eq!(user.recovered(), Vec::<Vec<u8>>::new());
}

/// Lives that could keep no mark are tied one to the next: the first mark leads through all of them.
#[test]
fn tied_journals_tell_everything_from_the_mark_on() {
    let mut user = User::create(SMALL);
    let mut expected = Vec::new();
    for life in 0..3 {
        for n in 0..3 * life {
            let body = body(100 * life + n, 300 * n);
            user.append(std::slice::from_ref(&body)).unwrap();
            expected.push(body);
        }
        let left = user.disk.crash(|| life % 2 == 0);
        let (mut journal, told, recovered) = User::recover(&left, &user.kept, 99 + life as u64).unwrap();
        assert_eq!((told.len(), recovered.torn), (expected.len(), false), "life {life}");
        assert!(told == expected, "life {life}");
        journal.tie().unwrap();
        assert!(journal.tie().is_err(), "there is one end to tie to");
        (user.disk, user.journal) = (left, journal);
    }
}

/// Without room for another file a life goes on in the one in which the last one ended.
#[test]
fn without_room_the_journal_goes_on_where_it_ended() {
    let mut user = User::create(JournalSettings { file_bytes_first: 64 << 10, ..SMALL });
    let mut expected = Vec::new();
    for life in 0..3 {
        let body = body(life, 100);
        user.append(std::slice::from_ref(&body)).unwrap();
        expected.push(body);
        let left = user.disk.crash(|| life % 2 == 0);
        // What was made ready ahead of need is taken by others, and all that is free.
        for path in user.paths() {
            if path != file::path(Path::new(DIR), user.journal.current.slot) {
                left.lose(&path);
            }
        }
        left.set_capacity(Some(left.used_bytes()));
        let (mut journal, told, recovered) = User::recover(&left, &user.kept, 7 + life as u64).unwrap();
        assert_eq!((told.len(), recovered.torn), (expected.len(), false), "life {life}");
        assert!(told == expected && journal.next_position() > expected.len() as u64, "life {life}");
        journal.tie().unwrap();
        (user.disk, user.journal) = (left, journal);
    }
    user.disk.set_capacity(None);
    for n in 10..20 {
        user.append(&[body(n, 2000)]).unwrap();
        expected.push(body(n, 2000));
    }
    assert!(user.recovered() == expected, "and in further files once there is room");
}

/// What stands behind a torn end is no place to tie anything to.
#[test]
fn a_torn_journal_is_not_tied() {
    let mut user = User::create(SMALL);
    user.append(&[body(1, 100)]).unwrap();
    user.append(&[body(2, 100), body(3, 5000)]).unwrap();
    let path = file::path(Path::new(DIR), user.journal.current.slot);
    // The last block of the last group is lost.
    let kept = usize::try_from(user.journal.offset).unwrap() - BLOCK;
    user.disk.tamper(&path, |bytes| bytes[kept..].fill(0));
    let (mut journal, told, recovered) = User::recover(&user.disk, &user.kept, 5).unwrap();
    assert_eq!((told.len(), recovered.torn), (2, true));
    assert!(matches!(journal.tie(), Err(AppendError::Failed(_))));
}

#[test]
fn positions_go_on_over_files_and_recovery() {
    let mut user = User::create(SMALL);
    for n in 0..40 {
        user.append(&[body(n, 2000)]).unwrap();
        assert!(user.journal.next_position() > 2 * n as u64);
        if n % 10 == 9 {
            user.keep();
        }
    }
    user.append(&[body(40, 10)]).unwrap();
    let before = user.journal.next_position();
    let (journal, told, _) = User::recover(&user.disk, &user.kept, 1 << 41).unwrap();
    assert_eq!(told, [body(40, 10)]);
    assert_eq!(journal.next_position(), before);
}

#[test]
fn files_grow_are_used_again_and_stay_within_the_total() {
    let mut user = User::create(SMALL);
    for n in 0..600 {
        user.append(&[body(n, 3000)]).unwrap();
        if n % 8 == 0 {
            user.keep();
        }
        if let Some(preparation) = {
            let s = user.stamp();
            user.journal.prepare(s)
        } {
            let prepared = preparation.run().unwrap();
            user.journal.add(prepared);
        }
    }
    let lengths: Vec<u64> =
        user.paths().iter().map(|path| user.disk.read(path).unwrap().len() as u64).collect();
    assert!(lengths.iter().sum::<u64>() <= SMALL.total_bytes_max, "{lengths:?}");
    assert!(lengths.contains(&SMALL.file_bytes_max), "{lengths:?}");
}

#[test]
fn a_full_journal_waits_for_a_release() {
    let mut user = User::create(SMALL);
    let mut n = 0;
    let full = loop {
        match user.append(&[body(n, 3000)]) {
            Ok(()) => n += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(full, AppendError::Full), "{full}");
    assert_eq!(user.recovered().len(), n, "what was appended before is whole");
    user.keep();
    user.append(&[body(n, 3000)]).unwrap();
    assert_eq!(user.recovered(), [body(n, 3000)]);
}

#[test]
fn a_group_larger_than_any_file_gets_a_file_of_its_own() {
    let mut user = User::create(SMALL);
    user.append(&[body(1, 100)]).unwrap();
    user.append(&[body(2, 200_000)]).unwrap();
    assert_eq!(user.recovered(), [body(1, 100), body(2, 200_000)]);
    assert!(matches!(user.append(&[body(3, 100)]), Err(AppendError::Full)));
    user.keep();
    user.append(&[body(3, 100)]).unwrap();
    assert_eq!(user.recovered(), [body(3, 100)]);
}

#[test]
fn after_a_failed_sync_nothing_is_taken() {
    let mut user = User::create(SMALL);
    user.append(&[body(1, 10)]).unwrap();
    let operation = user.disk.operations() + 1;
    user.disk.set_fault(Some(Fault { operation, sticky: false, error: io::ErrorKind::Other }));
    assert!(matches!(user.append(&[body(2, 10)]), Err(AppendError::Failed(_))));
    assert!(matches!(user.append(&[body(3, 10)]), Err(AppendError::Poisoned)));
    let told = user.recovered();
    assert!(told.starts_with(&[body(1, 10)]) && told.len() <= 2, "{told:?}");
}

#[test]
fn damage_before_the_last_group_is_refused_and_the_last_group_is_cut() {
    let mut user = User::create(JournalSettings { file_bytes_first: 64 << 10, ..SMALL });
    for n in 0..3 {
        user.append(&[body(n, 50)]).unwrap();
    }
    let path = user.paths()[0].clone();
    let check = |block: usize, damaged: bool| {
        let disk = user.disk.crash(|| true);
        disk.tamper(&path, |bytes| bytes[block * 4096 + 40] ^= 1);
        match User::recover(&disk, &user.kept, 1 << 42) {
            Err(RecoverError::Damaged { offset, .. }) => {
                assert!(damaged, "block {block}");
                assert_eq!(offset, block as u64 * 4096);
            }
            Ok((_, told, recovered)) => {
                assert!(!damaged && recovered.torn, "block {block}");
                assert_eq!(told, [body(0, 50), body(1, 50)]);
            }
            Err(e) => panic!("block {block}: {e}"),
        }
    };
    check(1, true);
    check(2, true);
    check(3, false);
}

#[test]
fn an_empty_group_protects_the_last_one() {
    let mut user = User::create(SMALL);
    user.append(&[body(0, 50)]).unwrap();
    user.append(&[]).unwrap();
    let path = user.paths()[0].clone();
    user.disk.tamper(&path, |bytes| bytes[4096 + 40] ^= 1);
    assert!(matches!(User::recover(&user.disk, &user.kept, 1 << 42), Err(RecoverError::Damaged { .. })));
}

#[test]
fn a_damaged_way_to_the_next_file_is_noticed_by_what_is_there() {
    let mut user = User::create(SMALL);
    let mut n = 0;
    while user.journal.mark().file_no == user.kept.file_no {
        n += 1;
        user.append(&[body(n, 3000)]).unwrap();
    }
    let first = user.paths()[0].clone();
    user.disk.tamper(&first, |bytes| {
        let roll = bytes.iter().rposition(|byte| *byte != 0).unwrap() / BLOCK * BLOCK;
        bytes[roll + 40] ^= 1;
    });
    let result = User::recover(&user.disk, &user.kept, 1 << 42);
    assert!(matches!(result, Err(RecoverError::Damaged { .. })), "{:?}", result.err());
}

#[test]
fn a_lost_file_in_the_middle_is_refused() {
    let mut user = User::create(SMALL);
    for n in 0..30 {
        user.append(&[body(n, 3000)]).unwrap();
    }
    for path in user.paths() {
        let disk = user.disk.crash(|| true);
        disk.tamper(&path, |bytes| bytes[10] ^= 1);
        let last = path == *user.paths().last().unwrap();
        let result = User::recover(&disk, &user.kept, 1 << 42);
        assert!(
            matches!(result, Err(RecoverError::FileMissing { .. })),
            "{}, the last: {last}",
            path.display()
        );
    }
}

#[test]
fn another_directorys_file_is_not_taken() {
    let mut user = User::create(SMALL);
    user.append(&[body(0, 10)]).unwrap();
    let result = Journal::recover(
        &dynamic(&user.disk),
        Path::new(DIR),
        INSTANCE + 1,
        SMALL,
        stamp(9),
        &user.kept,
        |_| Ok(()),
    );
    assert!(matches!(result, Err(RecoverError::FileMissing { .. })));
}

/// What a power cut keeps of unsynced work, from a seed.
fn coin(seed: u64) -> impl FnMut() -> bool {
    let mut random = seed | 1;
    move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 62 != 0
    }
}

#[test]
fn a_recovery_that_is_cut_off_anywhere_starts_anew() {
    let mut user = User::create(SMALL);
    let bodies: Vec<_> = (0..12).map(|n| body(n, 3000)).collect();
    for body in &bodies {
        user.append(std::slice::from_ref(body)).unwrap();
    }
    for (operation, seed) in (0..40).flat_map(|operation| (0..4).map(move |seed| (operation, seed))) {
        let mut disk = user.disk.crash(|| true);
        for _ in 0..2 {
            let operation = disk.operations() + operation;
            disk.set_fault(Some(Fault { operation, sticky: true, error: io::ErrorKind::Other }));
            let _cut_off = User::recover(&disk, &user.kept, 1 << 43);
            disk = disk.crash(coin(seed * 77 + operation));
        }
        let context = format!("cut off at {operation}, seed {seed}");
        let (mut journal, told, _) = User::recover(&disk, &user.kept, 1 << 44).expect(&context);
        assert_eq!(told, bodies, "{context}");
        // Leftovers of the recoveries that were cut off are used again.
        let kept = journal.mark();
        journal.release(&kept);
        let frames: Vec<_> = bodies.iter().map(|body| (1, body.as_slice())).collect();
        for (i, frame) in frames.iter().enumerate() {
            journal.append(&[*frame], stamp((1 << 45) + i as u64)).unwrap();
        }
        let (_, told, _) = User::recover(&disk, &kept, 1 << 46).expect(&context);
        assert_eq!(told, bodies, "{context}");
    }
}

#[test]
fn a_full_disk_is_not_filled_further_by_trying_again() {
    let mut user = User::create(SMALL);
    while user.journal.offset + 8192 <= user.journal.room_end() {
        user.append(&[body(0, 3000)]).unwrap();
    }
    let files = user.paths().len();
    let full = Fault { operation: 0, sticky: true, error: io::ErrorKind::StorageFull };
    for n in 0..20 {
        // Creating and growing a file works for a while; its sync does not.
        user.disk.set_fault(Some(Fault { operation: user.disk.operations() + n % 3, ..full }));
        assert!(matches!(user.append(&[body(1, 6000)]), Err(AppendError::Prepare(_))), "try {n}");
        let stamp = user.stamp();
        if let Some(preparation) = user.journal.prepare(stamp) {
            let slot = preparation.slot();
            assert!(preparation.run().is_err());
            user.journal.preparation_failed(slot);
        }
    }
    assert!(user.paths().len() <= files + 1, "{:?}", user.paths());
    user.disk.set_fault(None);
    user.append(&[body(2, 6000)]).unwrap();
    assert_eq!(user.recovered().last(), Some(&body(2, 6000)));
}

#[test]
fn opening_again_and_again_takes_no_more_files() {
    let mut user = User::create(SMALL);
    for n in 0..20 {
        user.append(&[body(n, 3000)]).unwrap();
        let (journal, told, _) = User::recover(&user.disk, &user.kept, (1 << 40) + n as u64).unwrap();
        assert_eq!(told, [body(n, 3000)]);
        user.journal = journal;
        user.keep();
    }
    assert!(user.paths().len() <= 3, "{:?}", user.paths());
}

/// The journal rolled into a file it made itself while one made ahead was still under way: that one's number
/// is in the past when it comes.
#[test]
fn a_file_made_ready_too_late_is_not_used_under_its_old_number() {
    let mut user = User::create(SMALL);
    let stamp = user.stamp();
    let late = user.journal.prepare(stamp).unwrap();
    let mut bodies = Vec::new();
    let fill = |user: &mut User, bodies: &mut Vec<Vec<u8>>| {
        let file_no = user.journal.mark().file_no;
        while user.journal.mark().file_no == file_no {
            bodies.push(body(bodies.len(), 3000));
            user.append(&[bodies.last().unwrap().clone()]).unwrap();
        }
    };
    fill(&mut user, &mut bodies);
    user.journal.add(late.run().unwrap());
    fill(&mut user, &mut bodies);
    assert_eq!(user.recovered(), bodies);
}

#[test]
fn two_files_with_one_number_are_refused() {
    let mut user = User::create(SMALL);
    user.append(&[body(0, 50)]).unwrap();
    let stale = user.disk.read(&user.paths()[0]).unwrap();
    user.append(&[body(1, 50)]).unwrap();
    let copy = user.disk.open(&Path::new(DIR).join("J00000009"), crate::disk::Open::Empty).unwrap();
    copy.write_at(&stale, 0).unwrap();
    let result = User::recover(&user.disk, &user.kept, 1 << 42);
    assert!(matches!(result, Err(RecoverError::FileTwice { .. })), "{:?}", result.err());
}

#[test]
fn nothing_is_told_before_all_of_it_was_checked() {
    let mut user = User::create(SMALL);
    for n in 0..3 {
        user.append(&[body(n, 50)]).unwrap();
    }
    user.disk.tamper(&user.paths()[0], |bytes| bytes[2 * 4096 + 40] ^= 1);
    let mut told = 0;
    let tell = |_| {
        told += 1;
        Ok(())
    };
    let disk = dynamic(&user.disk);
    let result = Journal::recover(&disk, Path::new(DIR), INSTANCE, SMALL, stamp(9), &user.kept, tell);
    assert!(matches!(result, Err(RecoverError::Damaged { .. })));
    assert_eq!(told, 0);
}

#[derive(Clone, Debug)]
enum Op {
    Append(Vec<usize>),
    Keep,
    Prepare,
}

fn any_op() -> impl Strategy<Value = Op> {
    let len = prop_oneof![4 => 8..200usize, 2 => 200..6000usize, 1 => 6000..20_000usize];
    prop_oneof![
        6 => prop::collection::vec(len, 0..5).prop_map(Op::Append),
        1 => Just(Op::Keep),
        1 => Just(Op::Prepare),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// After a power cut, and another during recovery, the journal tells in order all that was
    /// acknowledged and nothing that was never appended; damage is never seen where there was none.
    #[test]
    fn a_crash_keeps_a_prefix_no_shorter_than_the_acknowledged_one(
        ops in prop::collection::vec(any_op(), 1..40),
        fail_at in 0..400u64,
        seed in any::<u64>(),
    ) {
        let mut user = User::create(SMALL);
        let operation = user.disk.operations() + fail_at;
        user.disk.set_fault(Some(Fault { operation, sticky: true, error: io::ErrorKind::Other }));
        let (mut acked, mut maybe, mut n) = (Vec::new(), Vec::new(), 0);
        for op in ops {
            match op {
                Op::Append(lens) => {
                    let bodies: Vec<_> = lens.iter().map(|len| { n += 1; body(n, *len) }).collect();
                    match user.append(&bodies) {
                        Ok(()) => acked.extend(bodies),
                        Err(AppendError::Failed(_)) => { maybe = bodies; break }
                        Err(AppendError::Full) => user.keep(),
                        Err(_) => break,
                    }
                }
                Op::Keep => { user.keep(); acked.clear(); }
                Op::Prepare => {
                    let stamp = user.stamp();
                    let Some(preparation) = user.journal.prepare(stamp) else { continue };
                    let slot = preparation.slot();
                    match preparation.run() {
                        Ok(prepared) => user.journal.add(prepared),
                        Err(_) => user.journal.preparation_failed(slot),
                    }
                }
            }
            if matches!(user.kept, mark if mark == user.journal.mark()) { acked.clear(); }
        }
        let mut keep = coin(seed);
        let crashed = user.disk.crash(&mut keep);
        let all: Vec<_> = acked.iter().chain(&maybe).cloned().collect();
        let before = crashed.operations();
        crashed.set_fault(Some(Fault { operation: before + 9, sticky: true, error: io::ErrorKind::Other }));
        let _interrupted = User::recover(&crashed, &user.kept, 1 << 43);
        crashed.set_fault(None);
        let crashed = crashed.crash(&mut keep);
        let (mut journal, told, _) = User::recover(&crashed, &user.kept, 1 << 44)
            .map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert!(all.starts_with(&told));
        prop_assert!(told.len() >= acked.len());
        let kept = journal.mark();
        journal.append(&[(2, b"after")], stamp(1 << 45)).unwrap();
        let (_, told, _) = User::recover(&crashed, &kept, 1 << 46).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(told, vec![b"after".to_vec()]);
    }
}

/// Of a later group the header of one frame is proof enough that the group before it was durable.
#[test]
fn the_header_of_a_later_group_proves_damage() {
    let mut user = User::create(JournalSettings { file_bytes_first: 64 << 10, ..SMALL });
    for n in 0..3 {
        user.append(&[body(n, 50)]).unwrap();
    }
    let path = user.paths()[0].clone();
    // The bodies of both frames of the last group.
    user.disk.tamper(&path, |bytes| {
        for at in [40, 32 + 56 + 40] {
            bytes[3 * BLOCK + at] ^= 1;
        }
        bytes[2 * BLOCK + 40] ^= 1;
    });
    let result = User::recover(&user.disk, &user.kept, 1 << 42);
    assert!(matches!(result, Err(RecoverError::Damaged { .. })), "{:?}", result.err());
}

/// What a salvage tells of a journal with five groups, of two frames each, after `damage`: the frames told,
/// those found behind the damage, those of which there is a header, and how many are missing altogether.
fn salvaged(damage: impl FnOnce(&mut Vec<u8>)) -> (usize, usize, usize, Option<u64>) {
    let mut user = User::create(JournalSettings { file_bytes_first: 64 << 10, ..SMALL });
    for n in 0..5 {
        user.append(&[body(2 * n, 50), body(2 * n + 1, 50)]).unwrap();
    }
    let path = user.paths()[0].clone();
    let disk = user.disk.crash(|| true);
    disk.tamper(&path, damage);
    let before = disk.read(&path);
    let mut told = 0;
    let count = |_| {
        told += 1;
        Ok(())
    };
    let found = salvage(&disk, Path::new(DIR), INSTANCE, &user.kept, count).unwrap();
    assert_eq!(disk.read(&path), before, "nothing is changed");
    assert!(found.later.is_sorted_by_key(|frame| frame.position));
    (told, found.later.len(), found.heads.len(), found.unknown_frames)
}

#[test]
fn a_salvage_finds_what_is_intact_behind_damage() {
    let at = |group: usize, byte: usize| (1 + group) * BLOCK + byte;
    assert_eq!(salvaged(|_| {}), (10, 0, 0, Some(0)));
    assert_eq!(salvaged(|bytes| bytes[at(2, 40)] ^= 1), (4, 5, 1, Some(0)), "a body");
    assert_eq!(salvaged(|bytes| bytes[at(2, 10)] ^= 1), (4, 5, 0, Some(1)), "a header");
    assert_eq!(
        salvaged(|bytes| bytes[at(2, 0)..at(3, 0)].fill(0)),
        (4, 4, 0, Some(3)),
        "a group, with its pad"
    );
    assert_eq!(salvaged(|bytes| bytes[20] ^= 1), (10, 0, 0, Some(0)), "the header of the file");
    assert_eq!(salvaged(|bytes| bytes.truncate(at(2, 5))), (0, 4, 0, None), "cut off");
}
