//! Frames and groups of a journal file.
//!
//! ```text
//!    0  body length      8  position       24  kind     28  crc of the header
//!    4  crc             16  group          25  flags    32  body, filled up with zeroes to 8 bytes
//! ```
//!
//! Both checksums begin with the file's salt, so that frames of the file's earlier uses are not frames, and
//! no record's bytes can pass for one. The header has its own, so that a search for frames among other
//! bytes reads no body that a false length claims. All frames of a group are written at once; the group
//! begins on a block of 4 KiB and its last frame, a pad, fills it up to one, so that a torn write never
//! touches a block of an earlier group.

use bytes::Bytes;

use crate::codec::{crc32c, len_u32, len_usize, put, take, u32_at, u64_at};

/// Bytes of a frame's header.
pub(super) const FRAME_HEADER_LEN: usize = 32;

/// Groups begin and end on multiples of this.
pub(super) const BLOCK: usize = 4096;

/// What a frame is, as far as the journal itself is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The user's, with a kind of the user's own from 1 to 0x7f.
    User(u8),
    /// The last frame of a group.
    Pad,
    /// The last but one frame of a file: the journal goes on in another one.
    Roll,
}

const ZEROES: [u8; BLOCK] = [0; BLOCK];
const PAD: u8 = 0xf0;
const ROLL: u8 = 0xf1;
const LAST: u8 = 1;

/// A frame found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundFrame {
    pub(super) position: u64,
    pub(super) group: u64,
    pub(super) kind: Kind,
    pub(super) last: bool,
    pub(super) body: Bytes,
    /// Bytes it takes in the file.
    pub(super) byte_len: usize,
}

/// A group being put together.
pub(super) struct GroupBuilder {
    salt: u64,
    group: u64,
    next_position: u64,
    bytes: Vec<u8>,
}

impl GroupBuilder {
    pub(super) fn new(salt: u64, group: u64, next_position: u64, buffer: Vec<u8>) -> Self {
        Self { salt, group, next_position, bytes: buffer }
    }

    pub(super) fn push(&mut self, kind: Kind, body: &[u8]) {
        self.frame(kind, 0, body);
    }

    /// Closes the group with its pad; returns the bytes and the next position.
    pub(super) fn finish(mut self) -> (Vec<u8>, u64) {
        let filled = (self.bytes.len() + FRAME_HEADER_LEN) % BLOCK;
        let pad = if filled == 0 { 0 } else { BLOCK - filled };
        self.frame(Kind::Pad, LAST, ZEROES.get(..pad).unwrap_or_default());
        (self.bytes, self.next_position)
    }

    fn frame(&mut self, kind: Kind, flags: u8, body: &[u8]) {
        let start = self.bytes.len();
        let mut header = [0; FRAME_HEADER_LEN];
        put(&mut header, 0, len_u32(body.len()).to_le_bytes());
        put(&mut header, 8, self.next_position.to_le_bytes());
        put(&mut header, 16, self.group.to_le_bytes());
        put(&mut header, 24, [kind.byte(), flags]);
        let crc = header_crc(self.salt, &header);
        put(&mut header, 28, crc.to_le_bytes());
        let crc = frame_crc(self.salt, &header, body);
        put(&mut header, 4, crc.to_le_bytes());
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(body);
        self.bytes.resize(start + frame_len(body.len()), 0);
        self.next_position += 1;
    }
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::User(kind) => kind,
            Self::Pad => PAD,
            Self::Roll => ROLL,
        }
    }

    const fn of(byte: u8) -> Option<Self> {
        match byte {
            1..0x80 => Some(Self::User(byte)),
            PAD => Some(Self::Pad),
            ROLL => Some(Self::Roll),
            _ => None,
        }
    }
}

/// Bytes that a frame with such a body takes.
pub(super) const fn frame_len(body_len: usize) -> usize {
    (FRAME_HEADER_LEN + body_len).next_multiple_of(8)
}

fn header_crc(salt: u64, header: &[u8]) -> u32 {
    let (length, fields) = (header.get(..4).unwrap_or_default(), header.get(8..28).unwrap_or_default());
    crc32c(&[&salt.to_le_bytes(), length, fields])
}

fn frame_crc(salt: u64, header: &[u8], body: &[u8]) -> u32 {
    let fields = header.get(8..FRAME_HEADER_LEN).unwrap_or_default();
    crc32c(&[&salt.to_le_bytes(), header.get(..4).unwrap_or_default(), fields, body])
}

/// The frame that `file` has at `at`, if its checksum holds. `file` is all bytes of the file.
pub(super) fn frame_at(file: &Bytes, at: usize, salt: u64) -> Option<FoundFrame> {
    let bytes = file.get(at..)?;
    let header = bytes.get(..FRAME_HEADER_LEN)?;
    let [kind, flags] = take(header, 24)?;
    let kind = Kind::of(kind)?;
    (header_crc(salt, header) == u32_at(header, 28)?).then_some(())?;
    let body_len = len_usize(u32_at(header, 0)?);
    let body_end = FRAME_HEADER_LEN.checked_add(body_len)?;
    let body = bytes.get(FRAME_HEADER_LEN..body_end)?;
    (frame_crc(salt, header, body) == u32_at(header, 4)?).then_some(())?;
    Some(FoundFrame {
        position: u64_at(header, 8)?,
        group: u64_at(header, 16)?,
        kind,
        last: flags & LAST != 0,
        body: file.slice(at + FRAME_HEADER_LEN..at + body_end),
        byte_len: frame_len(body_len),
    })
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) position: u64,
    pub(super) group: u64,
    pub(super) kind: Kind,
    pub(super) body_len: usize,
}

/// The header of a frame that `bytes` begin with, whatever became of the body.
pub(super) fn head_of(bytes: &[u8], salt: u64) -> Option<FrameHead> {
    let header = bytes.get(..FRAME_HEADER_LEN)?;
    let [kind] = take(header, 24)?;
    let kind = Kind::of(kind)?;
    (header_crc(salt, header) == u32_at(header, 28)?).then_some(())?;
    Some(FrameHead {
        position: u64_at(header, 8)?,
        group: u64_at(header, 16)?,
        kind,
        body_len: len_usize(u32_at(header, 0)?),
    })
}

/// Whether `bytes` begin with the header of a frame, whatever became of its body.
pub(super) fn is_frame_header(bytes: &[u8], salt: u64) -> bool {
    head_of(bytes, salt).is_some()
}

/// What a roll frame says: number and salt of the file in which the journal goes on.
pub(super) fn encode_roll(file_no: u64, salt: u64) -> [u8; 16] {
    let mut body = [0; 16];
    put(&mut body, 0, file_no.to_le_bytes());
    put(&mut body, 8, salt.to_le_bytes());
    body
}

pub(super) fn decode_roll(body: &[u8]) -> Option<(u64, u64)> {
    Some((u64_at(body, 0)?, u64_at(body, 8)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_fill_whole_blocks() {
        for len in
            [0, 1, 100, BLOCK - 2 * FRAME_HEADER_LEN, BLOCK - 2 * FRAME_HEADER_LEN + 1, BLOCK, 3 * BLOCK + 5]
        {
            let mut group = GroupBuilder::new(9, 1, 5, Vec::new());
            group.push(Kind::User(1), &vec![7; len]);
            let (bytes, next) = group.finish();
            assert_eq!((bytes.len() % BLOCK, next), (0, 7), "body of {len}");
            let file = Bytes::from(bytes);
            let first = frame_at(&file, 0, 9).unwrap();
            assert_eq!(
                (first.position, first.kind, first.last, first.body.len()),
                (5, Kind::User(1), false, len)
            );
            let pad = frame_at(&file, first.byte_len, 9).unwrap();
            assert_eq!((pad.position, pad.kind, pad.last), (6, Kind::Pad, true));
            assert_eq!(first.byte_len + pad.byte_len, file.len());
            assert_eq!(frame_at(&file, 0, 8), None, "another use of the file");
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut group = GroupBuilder::new(1, 1, 0, Vec::new());
        group.push(Kind::User(1), b"some body");
        let (bytes, _) = group.finish();
        let len = FRAME_HEADER_LEN + 9;
        for bit in 0..len * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(frame_at(&bad.into(), 0, 1), None, "bit {bit}");
        }
    }
}
