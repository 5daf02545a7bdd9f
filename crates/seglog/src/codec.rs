//! Little-endian numbers at fixed places, and the checksum.

use crc_fast::{CrcAlgorithm, Digest};

/// Whose data this is: 24 bytes that mean nothing here and are bound into every checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(pub [u8; 24]);

/// CRC-32C of the parts, one behind the other.
pub fn crc32c(parts: &[&[u8]]) -> u32 {
    let mut sum = Crc32c::default();
    for part in parts {
        sum.update(part);
    }
    sum.finish()
}

/// CRC-32C of bytes that come one after the other.
pub struct Crc32c(Digest);

impl Default for Crc32c {
    fn default() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc32Iscsi))
    }
}

impl Crc32c {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The sum of all bytes so far.
    pub fn finish(&self) -> u32 {
        u32::try_from(self.0.finalize()).expect("a CRC-32 has 32 bits")
    }
}

/// Writes `value` at `at`; the place must lie within `bytes`.
pub(crate) fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    let place = bytes.get_mut(at..at + N).expect("the field lies within the header");
    place.copy_from_slice(&value);
}

/// Reads the field at `at`; `None` when it does not lie within `bytes`.
pub(crate) fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    take(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    take(bytes, at).map(u64::from_le_bytes)
}

pub(crate) fn i64_at(bytes: &[u8], at: usize) -> Option<i64> {
    take(bytes, at).map(i64::from_le_bytes)
}

/// A length as it is written.
pub(crate) fn len_u32(len: usize) -> u32 {
    u32::try_from(len).expect("what is written at once is far below 4 GiB")
}

/// A length as it is used.
pub(crate) fn len_usize(len: u32) -> usize {
    usize::try_from(len).expect("a 32-bit length fits the address space")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_crc32c() {
        // The check value of the CRC catalogue, and the vectors of RFC 3720 B.4.
        assert_eq!(crc32c(&[b"123456789"]), 0xe306_9283);
        assert_eq!(crc32c(&[&[0; 32]]), 0x8a91_36aa);
        assert_eq!(crc32c(&[&[0xff; 32]]), 0x62a8_ab43);
        assert_eq!(crc32c(&[b"1234", b"56789"]), 0xe306_9283);
    }
}
