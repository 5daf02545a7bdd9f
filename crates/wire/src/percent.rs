//! Percent-encoding as the signers of the API use it (spec/01 §3).

/// Characters that are never encoded: `A-Z a-z 0-9 - _ . ~`.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

const HEX_UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// Undoes the encoding once; an escape that is not `%` and two hexadecimal digits stays as it is.
/// `+` becomes a space when asked for.
pub(crate) fn decode(text: &[u8], plus_is_space: bool) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (hex_value(*high), hex_value(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    rest = after;
                }
                _ => decoded.push(first),
            },
            (b'+', _) if plus_is_space => decoded.push(b' '),
            _ => decoded.push(first),
        }
    }
    decoded
}

/// Appends `bytes`, every one outside the unreserved set as `%XX` in upper case.
pub(crate) fn encode_into(target: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        if is_unreserved(byte) {
            target.push(char::from(byte));
        } else {
            let digit = |nibble: u8| HEX_UPPER.get(usize::from(nibble)).copied().unwrap_or(b'0');
            target.push('%');
            target.push(char::from(digit(byte >> 4)));
            target.push(char::from(digit(byte & 0x0f)));
        }
    }
}

/// The value of a hexadecimal digit of either case.
pub(crate) const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_escapes_stay() {
        let check = |text: &str, plus_is_space: bool, decoded: &[u8]| {
            assert_eq!(decode(text.as_bytes(), plus_is_space), decoded, "{text:?}");
        };
        check("a%20b", false, b"a b");
        check("a+b", false, b"a+b");
        check("a+b", true, b"a b");
        check("%2B+", true, b"+ ");
        check("%", false, b"%");
        check("%4", false, b"%4");
        check("%zz%41", false, b"%zzA");
        check("%c3%BC", false, "ü".as_bytes());
        check("%2541", false, b"%41");
    }

    #[test]
    fn only_the_unreserved_stay() {
        let mut text = String::new();
        encode_into(&mut text, "aZ09-_.~ +/=%ü".as_bytes());
        assert_eq!(text, "aZ09-_.~%20%2B%2F%3D%25%C3%BC");
    }
}
