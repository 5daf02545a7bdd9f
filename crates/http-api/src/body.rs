//! Request bodies: read whole, decompressed, bounded, and paid for.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use millpond_wire::{
    Code, Refusal,
    codec::compress::{DecodeError, Encoding},
};

use crate::{
    admission::{Budget, Reservation},
    error::ApiError,
    metrics::Throttled,
};

/// How long a refused body is taken off the wire.
const LINGER_TIME: Duration = Duration::from_secs(10);

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// It is larger than one request may be.
    TooLarge,
    /// All requests together hold too much.
    Busy,
    /// The client or the connection failed.
    Broken(axum::Error),
}

/// A body in one piece, and what it takes of the budget.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) bytes: Bytes,
    pub(crate) _reservation: Reservation,
}

/// The length that the client announced; 0 for chunked bodies.
pub(crate) fn announced(body: &Body) -> usize {
    usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)
}

/// Reads a body of at most `max` bytes. What is announced is reserved before the first byte is read; a
/// body of unknown length reserves as it comes.
pub(crate) async fn read(body: &mut Body, max: usize, budget: &Arc<Budget>) -> Result<Whole, BodyError> {
    let announced = announced(body);
    if announced > max {
        return Err(BodyError::TooLarge);
    }
    let mut reservation = budget.try_reserve(announced).ok_or(BodyError::Busy)?;
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Trailers are of no interest.
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
        let total = first.len().max(joined.len()) + data.len();
        if total > max {
            return Err(BodyError::TooLarge);
        }
        if !reservation.extend_to(total) {
            return Err(BodyError::Busy);
        }
        if first.is_empty() {
            first = data;
            continue;
        }
        if joined.is_empty() {
            joined.reserve(announced.max(total));
            joined.extend_from_slice(&first);
        }
        joined.extend_from_slice(&data);
    }
    let bytes = if joined.is_empty() { first } else { joined.freeze() };
    Ok(Whole { bytes, _reservation: reservation })
}

/// The body as it was before it was compressed (spec/00 §6), at most `max` bytes of it; what was
/// received is let go. Decoded bytes are reserved before they are there.
pub(crate) fn decompress(
    headers: &HeaderMap,
    received: Whole,
    max: usize,
    budget: &Arc<Budget>,
) -> Result<Whole, ApiError> {
    if received.bytes.is_empty() {
        return Ok(received);
    }
    let Some(encoding) = Encoding::of(headers)? else { return Ok(received) };
    let busy = || ApiError::Busy(Throttled::Bytes);
    let mut reservation = budget.try_reserve(0).ok_or_else(busy)?;
    let decoded = encoding.decode(&received.bytes, max, |size| reservation.extend_to(size));
    match decoded {
        Ok(bytes) => Ok(Whole { bytes, _reservation: reservation }),
        Err(DecodeError::NoRoom) => Err(busy()),
        Err(DecodeError::TooLarge { max }) => Err(Refusal::body_too_large(max as u64).into()),
        Err(DecodeError::Damaged { encoding, problem }) => {
            let detail = format_args!("Invalid {encoding} body: {problem}.");
            Err(Code::InvalidRequest.about(detail).into())
        }
    }
}

/// Takes the rest of a refused body off the wire, in the background and keeping none of it: were the
/// connection closed at once, the client would see a reset in place of its answer.
pub(crate) fn linger(headers: &HeaderMap, mut body: Body, max: usize) {
    // Who waits for a `100 Continue` has sent nothing yet, and now will not.
    if body.is_end_stream() || headers.contains_key(header::EXPECT) {
        return;
    }
    let discard = async move {
        // The answer should arrive also when the client sends far too much.
        let mut left = max.saturating_mul(4);
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            let Some(rest) = left.checked_sub(length) else { return };
            left = rest;
        }
    };
    tokio::spawn(async move {
        // When the time is up the body is dropped, and the connection with it.
        let _ = tokio::time::timeout(LINGER_TIME, discard).await;
    });
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    fn chunked(chunks: &[&'static str]) -> Body {
        let frames: Vec<_> =
            chunks.iter().map(|&chunk| Ok::<_, Infallible>(Frame::data(Bytes::from(chunk)))).collect();
        Body::new(StreamBody::new(futures::stream::iter(frames)))
    }

    async fn check(mut body: Body, max: usize, budget: usize, expected: Result<&str, &str>) {
        let got = read(&mut body, max, &Budget::new(budget)).await;
        let got =
            got.as_ref().map(|whole| str::from_utf8(&whole.bytes).unwrap()).map_err(|error| match error {
                BodyError::TooLarge => "too large",
                BodyError::Busy => "busy",
                BodyError::Broken(_) => "broken",
            });
        assert_eq!(got, expected);
    }

    #[tokio::test]
    async fn bodies_are_joined_and_bounded() {
        check(Body::empty(), 0, 0, Ok("")).await;
        check(Body::from("12345"), 5, 5, Ok("12345")).await;
        check(Body::from("12345"), 4, 5, Err("too large")).await;
        check(Body::from("12345"), 5, 4, Err("busy")).await;
        check(chunked(&["12", "", "345"]), 5, 5, Ok("12345")).await;
        check(chunked(&["", "12", "34", "5"]), 5, 5, Ok("12345")).await;
        check(chunked(&["12", "345"]), 4, 9, Err("too large")).await;
        check(chunked(&["12", "345"]), 9, 4, Err("busy")).await;
    }
}
