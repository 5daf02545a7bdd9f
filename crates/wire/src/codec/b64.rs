//! Base64 of record data: vectorised, because this is half the work of a put or a get.
//!
//! The crate behind it is compared with another one in the tests, so that it can be exchanged.

use base64_simd::STANDARD_NO_PAD;
use bytes::Bytes;

/// Why text is not taken as base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It would decode to more than the bound.
    #[error("the data decodes to more than {max} bytes")]
    TooLarge {
        /// The bound.
        max: usize,
    },
    /// It is not base64.
    #[error("not base64: A-Z a-z 0-9 + / with = at the end are expected")]
    Invalid,
}

/// Length of the standard form, padding included, of `len` bytes.
pub const fn encoded_len(len: usize) -> usize {
    len.div_ceil(3) * 4
}

/// The standard form with padding.
pub fn encode(data: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(data)
}

/// Appends the standard form with padding. Reserves no more than it needs: give the vector its size
/// beforehand.
pub fn encode_append(data: &[u8], target: &mut Vec<u8>) {
    base64_simd::STANDARD.encode_append(data, target);
}

/// Decodes to at most `max` bytes.
///
/// Missing padding and the URL alphabet are accepted (spec/03 §1); line breaks, surplus padding and
/// bits behind the last byte are not. The length is judged before anything is allocated.
///
/// # Errors
/// `TooLarge` above `max`; `Invalid` for other text.
pub fn decode(text: &str, max: usize) -> Result<Bytes, DecodeError> {
    let digits = strip_padding(text.as_bytes())?;
    if digits.len() / 4 * 3 + (digits.len() % 4).saturating_sub(1) > max {
        return Err(DecodeError::TooLarge { max });
    }
    let plain = |digits: &[u8]| STANDARD_NO_PAD.decode_type::<Box<[u8]>>(digits);
    let decoded = plain(digits).or_else(|error| {
        if !digits.iter().any(|digit| matches!(digit, b'-' | b'_')) {
            return Err(error);
        }
        plain(&digits.iter().map(|&digit| standard_digit(digit)).collect::<Vec<u8>>())
    });
    decoded.map(Bytes::from).map_err(|_| DecodeError::Invalid)
}

/// The text without the `=` at its end, of which there may be as many as the length asks for, or
/// fewer.
fn strip_padding(text: &[u8]) -> Result<&[u8], DecodeError> {
    let end = text.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
    let padding = text.len() - end;
    let padding_max = match end % 4 {
        2 => 2,
        3 => 1,
        _ => 0,
    };
    if padding > padding_max {
        return Err(DecodeError::Invalid);
    }
    text.get(..end).ok_or(DecodeError::Invalid)
}

const fn standard_digit(digit: u8) -> u8 {
    match digit {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose as oracle};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_real_clients_send_is_decoded() {
        let check = |text: &str, expected: Result<&[u8], DecodeError>| {
            assert_eq!(decode(text, 16).as_deref(), expected.as_ref().map(|data| *data), "{text:?}");
        };
        check("", Ok(b""));
        check("aGVsbG8=", Ok(b"hello"));
        check("aGVsbG8", Ok(b"hello"));
        check("eA==", Ok(b"x"));
        check("eA=", Ok(b"x"));
        check("eA", Ok(b"x"));
        check("+/+/", Ok(&[0xfb, 0xff, 0xbf]));
        check("-_-_", Ok(&[0xfb, 0xff, 0xbf]));
        check("-/+_", Ok(&[0xfb, 0xff, 0xbf]));
        check("eA===", Err(DecodeError::Invalid));
        check("aGVs=", Err(DecodeError::Invalid));
        check("=", Err(DecodeError::Invalid));
        check("e", Err(DecodeError::Invalid));
        check("eB==", Err(DecodeError::Invalid));
        check("aGVs\nbG8=", Err(DecodeError::Invalid));
        check("hällo", Err(DecodeError::Invalid));
        check(&"AAAA".repeat(5), Ok(&[0; 15]));
        check(&format!("{}AA==", "AAAA".repeat(5)), Ok(&[0; 16]));
        check(&"AAAA".repeat(6), Err(DecodeError::TooLarge { max: 16 }));
    }

    proptest! {
        #[test]
        fn both_crates_encode_alike(data in prop::collection::vec(any::<u8>(), 0..300)) {
            let text = encode(&data);
            prop_assert_eq!(&text, &oracle::STANDARD.encode(&data));
            prop_assert_eq!(text.len(), encoded_len(data.len()));
            let mut appended = b"x".to_vec();
            encode_append(&data, &mut appended);
            prop_assert_eq!(&appended[1..], text.as_bytes());
            prop_assert_eq!(decode(&text, data.len()).unwrap(), data.clone());
            prop_assert_eq!(decode(&oracle::URL_SAFE_NO_PAD.encode(&data), data.len()).unwrap(), data);
        }

        #[test]
        fn both_crates_decode_alike(text in "[A-D+/]{0,40}[A-Q]{0,4}[!é]?={0,3}") {
            let digits = text.trim_end_matches('=');
            let expected = oracle::STANDARD_NO_PAD.decode(digits).ok();
            let padding_fits = (text.len() - digits.len()) <= (4 - digits.len() % 4) % 4;
            prop_assert_eq!(decode(&text, 100).ok().map(Vec::from), expected.filter(|_| padding_fits));
        }
    }
}
