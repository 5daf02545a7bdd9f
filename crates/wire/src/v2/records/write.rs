//! Pieces of JSON written straight into a buffer.

/// Most digits of a 64-bit number, with the sign.
const DIGITS_MAX: usize = 20;

/// Appends a decimal number.
pub(super) fn push_number(target: &mut Vec<u8>, number: i64) {
    if number < 0 {
        target.push(b'-');
    }
    let mut digits = [0; DIGITS_MAX];
    let mut rest = number.unsigned_abs();
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    target.extend_from_slice(digits.get(DIGITS_MAX - used..).unwrap_or_default());
}

/// Appends a number of a partition or a sequence, which never exceeds 63 bits.
pub(in crate::v2) fn push_count(target: &mut Vec<u8>, count: u64) {
    push_number(target, i64::try_from(count).unwrap_or(i64::MAX));
}

/// Appends `shardId-` and ten digits.
pub(in crate::v2) fn push_partition(target: &mut Vec<u8>, index: u32) {
    target.extend_from_slice(b"shardId-");
    let mut divisor = 1_000_000_000;
    while divisor > 0 {
        target.push(b'0' + u8::try_from(index / divisor % 10).unwrap_or(0));
        divisor /= 10;
    }
}

/// Appends a JSON string with its quotes.
pub(super) fn push_string(target: &mut Vec<u8>, text: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        target.push(b'"');
        target.extend_from_slice(text.as_bytes());
        target.push(b'"');
    } else {
        serde_json::to_writer(target, text).expect("writing a string to a buffer cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use millpond_model::PartitionId;
    use proptest::prelude::*;

    use super::*;

    fn pushed(push: impl Fn(&mut Vec<u8>)) -> String {
        let mut target = Vec::new();
        push(&mut target);
        String::from_utf8(target).unwrap()
    }

    #[test]
    fn extremes() {
        for number in [0, 9, 10, -1, i64::MAX, i64::MIN] {
            assert_eq!(pushed(|target| push_number(target, number)), number.to_string());
        }
        for index in [0, 7, 4_294_967_295] {
            let expected = PartitionId::new(index).to_string();
            assert_eq!(pushed(|target| push_partition(target, index)), expected);
        }
    }

    proptest! {
        #[test]
        fn strings_are_written_as_serde_writes_them(text in any::<String>()) {
            let written = pushed(|target| push_string(target, &text));
            prop_assert_eq!(written, serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn numbers_are_written_as_the_library_writes_them(number in any::<i64>()) {
            prop_assert_eq!(pushed(|target| push_number(target, number)), number.to_string());
        }
    }
}
