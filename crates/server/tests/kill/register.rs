//! The checker of registers finds what it is there to find.

use super::support::{
    history::Fate,
    register::{Act, Operation, Unordered, check_register},
};

const DONE: Fate<()> = Fate::Done(());

fn write(value: &str, fate: Fate<()>, begun_at: u64, ended_at: u64) -> Operation {
    Operation { act: Act::Write(value.to_owned(), fate), begun_at, ended_at }
}

fn read(value: &str, begun_at: u64, ended_at: u64) -> Operation {
    let value = (!value.is_empty()).then(|| value.to_owned());
    Operation { act: Act::Read(value), begun_at, ended_at }
}

#[test]
fn orders_that_exist_are_found() {
    let check = |operations: &[Operation]| assert_eq!(check_register(operations), Ok(()), "{operations:?}");
    check(&[]);
    check(&[read("", 1, 2)]);
    check(&[write("a", DONE, 1, 2), read("a", 3, 4), write("b", DONE, 5, 6), read("b", 7, 8)]);
    // Two writers at once, in either order; and readers in the middle of it.
    let both = [write("a", DONE, 1, 5), write("b", DONE, 2, 6)];
    for last in ["a", "b"] {
        check(&[&both[..], &[read(last, 7, 8)]].concat());
        check(&[&both[..], &[read("", 3, 4), read(last, 7, 8)]].concat());
    }
    check(&[&both[..], &[read("b", 3, 4), read("a", 7, 8)]].concat());
    // Nobody knows of a write: it took effect, then or later, or it did not.
    let doubt = [write("a", DONE, 1, 2), write("b", Fate::Unknown, 3, 10)];
    check(&[&doubt[..], &[read("a", 11, 12)]].concat());
    check(&[&doubt[..], &[read("b", 11, 12)]].concat());
    check(&[&doubt[..], &[read("a", 4, 5), read("b", 11, 12)]].concat());
    check(&[&doubt[..], &[write("c", DONE, 4, 5), read("b", 11, 12)]].concat());
    check(&[&doubt[..], &[write("c", DONE, 4, 5), read("c", 11, 12)]].concat());
    check(&[write("a", Fate::Refused, 1, 2), read("", 3, 4)]);
}

#[test]
fn orders_that_do_not_exist_are_not_found() {
    let check = |operations: &[Operation], expected: fn(&Unordered) -> bool| {
        let found = check_register(operations).expect_err("there is no such order");
        assert!(expected(&found), "{found:?} in {operations:?}");
    };
    let torn: fn(&Unordered) -> bool = |found| matches!(found, Unordered::Torn { .. });
    let never: fn(&Unordered) -> bool = |found| matches!(found, Unordered::NeverWritten { .. });
    // Lost, alone and behind another.
    check(&[write("a", DONE, 1, 2), read("", 3, 4)], torn);
    check(&[write("a", DONE, 1, 2), write("b", DONE, 3, 4), read("a", 5, 6)], torn);
    // Seen once and then no longer.
    check(&[write("a", Fate::Unknown, 1, 9), read("a", 2, 3), read("", 10, 11)], torn);
    check(
        &[write("a", DONE, 1, 2), write("b", Fate::Unknown, 3, 9), read("b", 4, 5), read("a", 10, 11)],
        torn,
    );
    // Two readers that saw two writes in two orders.
    let both = [write("a", DONE, 1, 5), write("b", DONE, 2, 6)];
    check(&[&both[..], &[read("a", 3, 4), read("b", 7, 8), read("a", 9, 10)]].concat(), torn);
    check(&[&both[..], &[read("b", 7, 8), read("a", 9, 10)]].concat(), torn);
    // In doubt when the process ended, and it came after all.
    check(
        &[write("a", DONE, 1, 2), write("b", Fate::Unknown, 3, 5), write("c", DONE, 6, 7), read("b", 8, 9)],
        torn,
    );
    // Replaced while it was certainly there.
    check(&[write("a", DONE, 1, 2), write("b", DONE, 4, 5), read("a", 3, 8), read("a", 6, 7)], torn);
    // Out of nothing, after a refusal, before its time.
    check(&[read("a", 1, 2)], never);
    check(&[write("a", DONE, 1, 2), read("b", 3, 4)], never);
    check(&[write("a", Fate::Refused, 1, 2), read("a", 3, 4)], never);
    check(&[read("a", 1, 2), write("a", DONE, 3, 4)], |found| matches!(found, Unordered::Early { .. }));
}
