//! Compression of whole bodies (spec/00 §6).
//!
//! ```text
//! lz4     bare block    decoded length in x-dis-lz4-content-length
//! snappy  bare block    decoded length in front of it
//! zstd    frames        decoded length perhaps in x-dis-zstd-content-length
//! gzip    members       decoded length unknown
//! ```
//!
//! No size that a client claims is believed: it is held against the bound, against what so few bytes
//! can decode to, and in the end against what they did decode to. Where the size is not known before,
//! the buffer doubles as the body turns out to be longer. A body whose decoding is given up has taken
//! no more than the bound.

use std::{fmt::Display, io::Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use http::{HeaderMap, HeaderName, header};

use crate::Refusal;

const LZ4_LENGTH: HeaderName = HeaderName::from_static("x-dis-lz4-content-length");
const ZSTD_LENGTH: HeaderName = HeaderName::from_static("x-dis-zstd-content-length");

/// Most bytes that one byte of an LZ4 block decodes to: each one that extends the length of a match
/// adds up to 255.
const LZ4_RATIO_MAX: usize = 255;

/// Most bytes that one byte of a Snappy block decodes to: the best element is a copy of 64 bytes in
/// three.
const SNAPPY_RATIO_MAX: usize = 22;

/// First guess at the decoded size where nothing is known, in bytes of output for a byte of input.
const RATIO_GUESS: usize = 4;

/// Bounds of the largest zstd window, as powers of two. Every decoder is to support 8 MiB
/// (RFC 8878 §3.1.1.1.2), and encoders that do not know the length use windows far larger than the data;
/// a frame of known length has a window of that length, for which the library takes no more than 1 GiB.
const WINDOW_LOG_MAX: (u32, u32) = (23, 30);

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// One LZ4 block that decodes to exactly so many bytes.
    Lz4 {
        /// As the client claims.
        decoded_len: usize,
    },
    /// One Snappy block.
    Snappy,
    /// Zstandard frames.
    Zstd {
        /// As the client claims, if it does.
        decoded_len: Option<usize>,
    },
    /// Gzip members.
    Gzip,
}

/// Why a body is not decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It decodes to more than the bound, or claims to.
    #[error("the body decodes to more than {max} bytes")]
    TooLarge {
        /// The bound.
        max: usize,
    },
    /// The caller has no room for what it decodes to.
    #[error("there is no room for the decoded body")]
    NoRoom,
    /// It is not what its encoding asks for, or not as long as is claimed.
    #[error("the body is not valid {encoding}: {problem}")]
    Damaged {
        /// The encoding.
        encoding: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl Encoding {
    /// The encoding that the headers name; `None` for bodies that are not compressed.
    ///
    /// # Errors
    /// `DIS.4200` for an encoding that is none of these, or more than one, and for a decoded length
    /// that is missing or not a number.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let names: Vec<_> = headers.get_all(header::CONTENT_ENCODING).iter().map(text).collect();
        let names = names.join(", ");
        Ok(Some(match names.to_ascii_lowercase().as_str() {
            "" | "identity" => return Ok(None),
            "lz4" => {
                let decoded_len = length(headers, &LZ4_LENGTH)?;
                Self::Lz4 { decoded_len: decoded_len.ok_or_else(|| Refusal::missing(LZ4_LENGTH.as_str()))? }
            }
            "snappy" => Self::Snappy,
            "zstd" => Self::Zstd { decoded_len: length(headers, &ZSTD_LENGTH)? },
            "gzip" => Self::Gzip,
            _ => {
                let expected = "lz4, snappy, zstd, gzip, or none";
                return Err(Refusal::invalid_expecting("Content-Encoding", names, expected));
            }
        }))
    }

    /// Decodes to at most `max` bytes. Before memory for so many bytes in all is taken, `room` is asked
    /// for it; what it grants it grants once, the largest number counts.
    ///
    /// # Errors
    /// `TooLarge` above `max`; `NoRoom` when `room` says no; `Damaged` for anything else, also for bytes
    /// behind the end and for a length other than the one that is claimed.
    pub fn decode(
        self,
        body: &[u8],
        max: usize,
        mut room: impl FnMut(usize) -> bool,
    ) -> Result<Bytes, DecodeError> {
        let decoded = match self {
            Self::Lz4 { decoded_len } => self.lz4(body, decoded_len, max, &mut room),
            Self::Snappy => self.snappy(body, max, &mut room),
            Self::Zstd { decoded_len } => self.zstd(body, decoded_len, max, &mut room),
            Self::Gzip => {
                let guess = body.len().saturating_mul(RATIO_GUESS);
                self.stream(MultiGzDecoder::new(body), guess, max, &mut room)
            }
        };
        decoded.map(Bytes::from)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Lz4 { .. } => "lz4",
            Self::Snappy => "snappy",
            Self::Zstd { .. } => "zstd",
            Self::Gzip => "gzip",
        }
    }

    fn damaged(self, problem: &dyn Display) -> DecodeError {
        DecodeError::Damaged { encoding: self.name(), problem: problem.to_string() }
    }

    fn lz4(
        self,
        body: &[u8],
        decoded_len: usize,
        max: usize,
        room: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<u8>, DecodeError> {
        let mut decoded = self.buffer(body, decoded_len, LZ4_RATIO_MAX, max, room)?;
        let written = lz4_flex::block::decompress_into(body, &mut decoded);
        let written = written.map_err(|error| self.damaged(&error))?;
        self.check_len(written, decoded_len)?;
        Ok(decoded)
    }

    fn snappy(
        self,
        body: &[u8],
        max: usize,
        room: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<u8>, DecodeError> {
        let decoded_len = snap::raw::decompress_len(body).map_err(|error| self.damaged(&error))?;
        let mut decoded = self.buffer(body, decoded_len, SNAPPY_RATIO_MAX, max, room)?;
        let written = snap::raw::Decoder::new().decompress(body, &mut decoded);
        written.map_err(|error| self.damaged(&error))?;
        Ok(decoded)
    }

    fn zstd(
        self,
        body: &[u8],
        decoded_len: Option<usize>,
        max: usize,
        room: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<u8>, DecodeError> {
        let guess = decoded_len.unwrap_or_else(|| body.len().saturating_mul(RATIO_GUESS));
        if decoded_len.is_some_and(|claimed| claimed > max) {
            return Err(DecodeError::TooLarge { max });
        }
        // The window is memory of the library's own, as large as the frame demands, for as long as one
        // body is decoded.
        let window_log = max.next_power_of_two().ilog2().clamp(WINDOW_LOG_MAX.0, WINDOW_LOG_MAX.1);
        let reader = zstd::stream::read::Decoder::with_buffer(body).and_then(|mut reader| {
            reader.window_log_max(window_log)?;
            Ok(reader)
        });
        let reader = reader.map_err(|error| self.damaged(&error))?;
        let decoded = self.stream(reader, guess, max, room)?;
        self.check_len(decoded.len(), decoded_len.unwrap_or(decoded.len()))?;
        Ok(decoded)
    }

    /// A buffer for a body of known length, unless that cannot be.
    fn buffer(
        self,
        body: &[u8],
        decoded_len: usize,
        ratio_max: usize,
        max: usize,
        room: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<u8>, DecodeError> {
        if decoded_len > max {
            return Err(DecodeError::TooLarge { max });
        }
        if decoded_len > body.len().saturating_mul(ratio_max) {
            let problem = format!("{} bytes cannot decode to {decoded_len}", body.len());
            return Err(self.damaged(&problem));
        }
        if !room(decoded_len) {
            return Err(DecodeError::NoRoom);
        }
        Ok(vec![0; decoded_len])
    }

    /// Reads to the end, into a buffer that begins with `guess` bytes and doubles.
    fn stream(
        self,
        mut reader: impl Read,
        guess: usize,
        max: usize,
        room: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<u8>, DecodeError> {
        let mut decoded = Vec::new();
        let mut size = guess.max(1).min(max);
        loop {
            if !room(size) {
                return Err(DecodeError::NoRoom);
            }
            decoded.reserve_exact(size - decoded.len());
            let wanted = (size - decoded.len()) as u64;
            let read = reader.by_ref().take(wanted).read_to_end(&mut decoded);
            read.map_err(|error| self.damaged(&error))?;
            if decoded.len() < size {
                return Ok(decoded);
            }
            // Full: is this the end?
            let mut next = [0];
            let more = reader.by_ref().read(&mut next).map_err(|error| self.damaged(&error))?;
            if more == 0 {
                return Ok(decoded);
            }
            if size >= max {
                return Err(DecodeError::TooLarge { max });
            }
            size = size.saturating_mul(2).min(max);
            decoded.extend_from_slice(&next);
        }
    }

    fn check_len(self, decoded: usize, claimed: usize) -> Result<(), DecodeError> {
        if decoded == claimed {
            return Ok(());
        }
        Err(self.damaged(&format_args!("{decoded} bytes were decoded, not the {claimed} that are claimed")))
    }
}

fn text(value: &http::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes().trim_ascii()).into_owned()
}

/// The decoded length that a header claims.
fn length(headers: &HeaderMap, name: &HeaderName) -> Result<Option<usize>, Refusal> {
    let claimed = headers.get(name).map(text).filter(|text| !text.is_empty());
    let parse = |text: String| {
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        number.ok_or_else(|| Refusal::invalid_expecting(name.as_str(), text, "the decoded length in bytes"))
    };
    claimed.map(parse).transpose()
}

#[cfg(test)]
mod tests;
