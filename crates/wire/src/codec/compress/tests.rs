use std::io::Write as _;

use proptest::prelude::*;

use super::*;

const MAX: usize = 1 << 20;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A frame that does not say how long it is.
fn zstd_streamed(data: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// What every encoding makes of the data.
fn encodings(data: &[u8]) -> [(Encoding, Vec<u8>); 6] {
    let decoded_len = data.len();
    let zstd = zstd::bulk::compress(data, 3).unwrap();
    [
        (Encoding::Lz4 { decoded_len }, lz4_flex::block::compress(data)),
        (Encoding::Snappy, snap::raw::Encoder::new().compress_vec(data).unwrap()),
        (Encoding::Zstd { decoded_len: None }, zstd.clone()),
        (Encoding::Zstd { decoded_len: Some(decoded_len) }, zstd),
        (Encoding::Zstd { decoded_len: None }, zstd_streamed(data)),
        (Encoding::Gzip, gzip(data)),
    ]
}

fn decode(encoding: Encoding, body: &[u8]) -> Result<Bytes, DecodeError> {
    encoding.decode(body, MAX, |_| true)
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().fold(HeaderMap::new(), |mut headers, (name, value)| {
        headers.append(*name, value.parse().unwrap());
        headers
    })
}

#[test]
fn headers_name_the_encoding() {
    let check = |pairs: &[(&'static str, &str)], expected: Result<Option<Encoding>, &str>| {
        let got = Encoding::of(&headers(pairs));
        assert_eq!(
            got.as_ref().map_err(Refusal::message),
            expected.as_ref().map_err(|text| *text),
            "{pairs:?}"
        );
    };
    let lz4_length = "x-dis-lz4-content-length";
    let zstd_length = "x-dis-zstd-content-length";
    check(&[], Ok(None));
    check(&[("content-encoding", " Identity ")], Ok(None));
    check(&[("content-encoding", "")], Ok(None));
    check(&[("content-encoding", "lz4"), (lz4_length, "114")], Ok(Some(Encoding::Lz4 { decoded_len: 114 })));
    check(&[("content-encoding", "SNAPPY"), (lz4_length, "x")], Ok(Some(Encoding::Snappy)));
    check(&[("content-encoding", "zstd")], Ok(Some(Encoding::Zstd { decoded_len: None })));
    check(
        &[("content-encoding", "zstd"), (zstd_length, "0")],
        Ok(Some(Encoding::Zstd { decoded_len: Some(0) })),
    );
    check(&[("content-encoding", "gzip")], Ok(Some(Encoding::Gzip)));
    let missing = "Invalid request. [Invalid x-dis-lz4-content-length null.]";
    check(&[("content-encoding", "lz4")], Err(missing));
    check(&[("content-encoding", "lz4"), (lz4_length, "")], Err(missing));
    for text in ["-1", "+1", "1.5", "x", "99999999999999999999"] {
        let message = format!(
            "Invalid request. [Invalid x-dis-lz4-content-length {text}. Expected: the decoded length in bytes.]"
        );
        check(&[("content-encoding", "lz4"), (lz4_length, text)], Err(&message));
    }
    for text in ["br", "gzip, lz4", "x"] {
        let message = format!(
            "Invalid request. [Invalid Content-Encoding {text}. Expected: lz4, snappy, zstd, gzip, or none.]"
        );
        check(&[("content-encoding", text)], Err(&message));
    }
    let twice =
        "Invalid request. [Invalid Content-Encoding gzip, gzip. Expected: lz4, snappy, zstd, gzip, or none.]";
    check(&[("content-encoding", "gzip"), ("content-encoding", "gzip")], Err(twice));
}

#[test]
fn lengths_around_the_bound() {
    for len in [0, 1, MAX - 1, MAX, MAX + 1] {
        // Varied enough not to be taken for a lie, and yet compressed well.
        let data: Vec<u8> = (0..=250).flat_map(|byte| [byte; 16]).cycle().take(len).collect();
        for (encoding, body) in encodings(&data) {
            let got = decode(encoding, &body);
            if len > MAX {
                assert_eq!(got, Err(DecodeError::TooLarge { max: MAX }), "{encoding:?}");
            } else {
                assert_eq!(got.unwrap(), data, "{encoding:?} of {len}");
            }
        }
    }
}

#[test]
fn lies_about_the_length_are_found() {
    let data = b"hello, hello, hello, hello";
    let lz4 = lz4_flex::block::compress(data);
    let zstd = zstd::bulk::compress(data, 3).unwrap();
    for claimed in [0, 1, data.len() - 1, data.len() + 1, 500, 6_000] {
        for (encoding, body) in [
            (Encoding::Lz4 { decoded_len: claimed }, &lz4),
            (Encoding::Zstd { decoded_len: Some(claimed) }, &zstd),
        ] {
            let got = decode(encoding, body);
            assert!(matches!(got, Err(DecodeError::Damaged { .. })), "{encoding:?}: {got:?}");
        }
    }
    let snappy = snap::raw::Encoder::new().compress_vec(data).unwrap();
    for claimed in [0, 1, 25, 27, 100] {
        let body = [&[claimed], &snappy[1..]].concat();
        let got = decode(Encoding::Snappy, &body);
        assert!(matches!(got, Err(DecodeError::Damaged { .. })), "{claimed}: {got:?}");
    }
}

#[test]
fn truncated_bodies_and_surplus_bytes_are_refused() {
    let data: Vec<u8> = (0..5_000_u32).flat_map(|i| (i * i / 7).to_string().into_bytes()).collect();
    for (encoding, body) in encodings(&data) {
        let mut cuts: Vec<usize> = (0..body.len()).step_by(97).collect();
        cuts.push(body.len() - 1);
        for cut in cuts {
            let got = decode(encoding, &body[..cut]);
            let refused = matches!(got, Err(DecodeError::Damaged { .. }));
            // No frame at all is no data, which the caller never asks about.
            let nothing = cut == 0 && got.as_ref().is_ok_and(Bytes::is_empty);
            assert!(refused || nothing, "{encoding:?} cut at {cut}: {:?}", got.map(|data| data.len()));
        }
        for surplus in [&[0_u8][..], b"x", b"\x00\x00\x00\x00", b"surplus of some length"] {
            let got = decode(encoding, &[&body, surplus].concat());
            let got = got.map(|data| data.len());
            assert!(
                matches!(got, Err(DecodeError::Damaged { .. })),
                "{encoding:?} with {surplus:?}: {got:?}"
            );
        }
    }
}

#[test]
fn several_frames_are_one_body() {
    let check = |encoding, body: &[u8]| assert_eq!(decode(encoding, body).unwrap(), &b"onetwo"[..]);
    check(Encoding::Gzip, &[gzip(b"one"), gzip(b""), gzip(b"two")].concat());
    let zstd = [zstd_streamed(b"one"), zstd::bulk::compress(b"two", 3).unwrap()].concat();
    check(Encoding::Zstd { decoded_len: Some(6) }, &zstd);
}

/// Nothing is allocated for what is refused, and never more than the bound.
#[test]
fn bombs_are_not_worth_their_while() {
    let check = |encoding: Encoding, body: &[u8], asked_max: usize, too_large: bool| {
        let mut asked = 0;
        let got = encoding.decode(body, MAX, |size| {
            asked = asked.max(size);
            true
        });
        match got {
            Err(DecodeError::TooLarge { .. }) => assert!(too_large, "{encoding:?}"),
            Err(DecodeError::Damaged { .. }) => assert!(!too_large, "{encoding:?}"),
            other => panic!("{encoding:?}: {other:?}"),
        }
        assert!(asked <= asked_max, "{encoding:?} asked for {asked}");
    };
    let bomb = vec![0; 64 << 20];
    let zstd = zstd::bulk::compress(&bomb, 3).unwrap();
    check(Encoding::Gzip, &gzip(&bomb), MAX, true);
    check(Encoding::Zstd { decoded_len: None }, &zstd, MAX, true);
    check(Encoding::Zstd { decoded_len: Some(bomb.len()) }, &zstd, 0, true);
    check(Encoding::Zstd { decoded_len: None }, &zstd_streamed(&bomb), MAX, true);
    check(Encoding::Lz4 { decoded_len: bomb.len() }, &lz4_flex::block::compress(&bomb), 0, true);
    check(Encoding::Snappy, &snap::raw::Encoder::new().compress_vec(&bomb).unwrap(), 0, true);
    // A few bytes that claim to be as long as is allowed.
    check(Encoding::Lz4 { decoded_len: MAX }, b"\x1fa\x01\x00", 0, false);
    check(Encoding::Lz4 { decoded_len: usize::MAX }, b"\x1fa\x01\x00", 0, true);
    check(Encoding::Snappy, b"\x80\x80\x40\x00a", 0, false);
    check(Encoding::Snappy, b"\xff\xff\xff\xff\x0f\x00a", 0, true);
    check(Encoding::Snappy, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0, false);
    // A frame that demands a window of 128 MiB for a handful of bytes.
    let mut wide = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    wide.window_log(27).unwrap();
    wide.write_all(b"hello").unwrap();
    check(Encoding::Zstd { decoded_len: None }, &wide.finish().unwrap(), 256, false);
}

#[test]
fn room_is_asked_for_before_it_is_taken() {
    let data = vec![7; 10_000];
    for (encoding, body) in encodings(&data) {
        assert_eq!(encoding.decode(&body, MAX, |_| false), Err(DecodeError::NoRoom), "{encoding:?}");
        let mut asked = Vec::new();
        let got = encoding.decode(&body, MAX, |size| {
            asked.push(size);
            true
        });
        assert_eq!(got.unwrap(), data);
        assert!(
            asked.is_sorted() && asked.last().is_some_and(|&size| size < 20_000),
            "{encoding:?}: {asked:?}"
        );
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        pieces in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..20), 1..200_usize), 0..10),
    ) {
        let data: Vec<u8> = pieces.into_iter().flat_map(|(piece, times)| piece.repeat(times)).collect();
        for (encoding, body) in encodings(&data) {
            prop_assert_eq!(decode(encoding, &body).unwrap(), data.clone(), "{:?}", encoding);
        }
    }

    #[test]
    fn any_body_is_decoded_without_panic(body in prop::collection::vec(any::<u8>(), 0..200), len in 0..2_000_usize) {
        for encoding in [
            Encoding::Lz4 { decoded_len: len },
            Encoding::Snappy,
            Encoding::Zstd { decoded_len: None },
            Encoding::Zstd { decoded_len: Some(len) },
            Encoding::Gzip,
        ] {
            if let Ok(data) = decode(encoding, &body) {
                prop_assert!(data.len() <= MAX);
            }
        }
    }

    #[test]
    fn damaged_bodies_are_decoded_without_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for (encoding, mut body) in encodings(b"hello, hello, hello, hello, hello") {
            let at = at.index(body.len());
            body[at] = byte;
            let _ = decode(encoding, &body);
        }
    }
}
