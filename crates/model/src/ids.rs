//! Ids that the service hands out.

use std::{fmt, str::FromStr};

use crate::limits::{ID_LEN, TASK_ID_LEN};

/// The text is not an id: not 20 of `A-Z a-z 0-9`, or 19 for that of a transfer task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 20 of A-Z a-z 0-9 are expected, or 19 for a transfer task")]
pub struct InvalidId;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn from_random<const LEN: usize>(random: u128) -> [u8; LEN] {
    let mut rest = random;
    [(); LEN].map(|()| {
        let digit = usize::try_from(rest % 62).unwrap_or(0);
        rest /= 62;
        ALPHABET.get(digit).copied().unwrap_or(b'0')
    })
}

fn parse<const LEN: usize>(text: &[u8]) -> Result<[u8; LEN], InvalidId> {
    let id: [u8; LEN] = text.try_into().map_err(|_| InvalidId)?;
    id.iter().all(u8::is_ascii_alphanumeric).then_some(id).ok_or(InvalidId)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// An id spelled from 128 random bits, of which it keeps 119, or 113 for a transfer task.
            pub fn from_random(random: u128) -> Self {
                Self(from_random(random))
            }

            /// Reads the bytes of an id.
            ///
            /// # Errors
            /// `InvalidId` when they are not as many ASCII letters and digits as the id has.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidId> {
                parse(bytes).map(Self)
            }

            /// The ASCII bytes.
            pub fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).expect("an id is ASCII by construction")
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::from_bytes(text.as_bytes())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.as_str())
            }
        }
    };
}

id! {
    /// Immutable id of one incarnation of a stream: a name that is deleted and created again gets a
    /// new one, so old positions never come back (spec/02 §8).
    StreamId, ID_LEN
}
id! {
    /// Immutable id of one incarnation of a consumer app.
    AppId, ID_LEN
}
id! {
    /// Immutable id of one incarnation of a transfer task (spec/09 §4.1).
    TaskId, TASK_ID_LEN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_as_text() {
        for random in [0, 1, 61, 62, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let id = StreamId::from_random(random);
            assert_eq!(id.to_string().parse::<StreamId>(), Ok(id));
        }
        assert_ne!(StreamId::from_random(1), StreamId::from_random(2));
    }

    #[test]
    fn other_text_is_no_id() {
        for text in ["", "short", "0123456789012345678-", "012345678901234567890", "0123456789012345678ü"] {
            assert_eq!(text.parse::<StreamId>(), Err(InvalidId), "{text:?}");
        }
    }
}
