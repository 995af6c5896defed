use proptest::prelude::*;
use std::vec::Vec;

use super::*;

const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A frame of a client; `first` is FIN, RSV and opcode.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = std::vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..65536 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    data: Vec<u8>,
    pings: Vec<Vec<u8>>,
    closed: Option<Option<u16>>,
}

/// Reads the bytes of a client in pieces: what was received, or the code to close with.
fn read(bytes: &[u8], piece: usize) -> Result<Seen, u16> {
    read_from(Sender::Client, bytes, piece)
}

fn read_from(sender: Sender, bytes: &[u8], piece: usize) -> Result<Seen, u16> {
    let mut reader = Reader::new(sender);
    let mut seen = Seen::default();
    for piece in bytes.chunks(piece) {
        let mut piece = piece.to_vec();
        let mut rest = &mut piece[..];
        while !rest.is_empty() && seen.closed.is_none() {
            let (taken, step) = reader.read(rest)?;
            assert!(taken > 0);
            match step {
                Step::More => {}
                Step::Data => seen.data.extend_from_slice(&rest[..taken]),
                Step::Ping(payload) => seen.pings.push(payload.to_vec()),
                Step::Close(code) => seen.closed = Some(code),
            }
            rest = &mut rest[taken..];
        }
    }
    Ok(seen)
}

#[test]
fn the_examples_of_the_rfc() {
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(frame(0x81, b"Hello"), hello);
    assert_eq!(read(&hello, 100).unwrap().data, b"Hello");
    let (header, length) = message(false, 256, None);
    assert_eq!(&header[..length], [0x82, 0x7E, 0x01, 0x00]);
    let (header, length) = message(false, 65536, None);
    assert_eq!(&header[..length], [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]);
    let payload = Payload::from_slice(b"Hello").unwrap();
    assert_eq!(pong(&payload, None).as_slice(), b"\x8a\x05Hello");
    assert_eq!(pong(&payload, Some(MASK)).as_slice(), b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    assert_eq!(close(Some(1000), None).as_slice(), [0x88, 2, 0x03, 0xE8]);
    assert_eq!(close(None, None).as_slice(), [0x88, 0]);
    assert_eq!(ping(None).as_slice(), [0x89, 0]);
}

#[test]
fn fragments_with_a_ping_between_them_are_joined() {
    let mut bytes = frame(0x01, "gr\u{fc}".as_bytes());
    bytes.pop();
    bytes[1] -= 1;
    bytes.extend(frame(0x89, b"still there?"));
    bytes.extend(frame(0x00, b"\xbc\xc3"));
    bytes.extend(frame(0x00, b""));
    bytes.extend(frame(0x80, b"\x9fe"));
    bytes.extend(frame(0x82, &[0xFF; 200]));
    bytes.extend(frame(0x88, b"\x03\xe8bye"));
    for piece in [1, 2, 3, 7, bytes.len()] {
        let seen = read(&bytes, piece).unwrap();
        assert_eq!(seen.data, ["grüße".as_bytes(), &[0xFF; 200]].concat(), "{piece}");
        assert_eq!((seen.pings, seen.closed), (std::vec![b"still there?".to_vec()], Some(Some(1000))));
    }
}

#[test]
fn the_longest_control_frame_fits() {
    let payload = Payload::from_slice(&[0x55; CONTROL]).unwrap();
    assert_eq!(pong(&payload, Some(MASK)).as_slice(), frame(0x8A, &[0x55; CONTROL]));
}

/// A server can read what the device sends as a client; a client must reject it.
#[test]
fn what_a_client_sends_a_server_reads() {
    for length in [0usize, 1, 125, 126, 65535, 65536] {
        let payload: Vec<u8> = (0..length).map(|index| index as u8).collect();
        for (is_text, text) in [(false, &payload), (true, &std::vec![b'x'; length])] {
            let (header, used) = message(is_text, length, Some(MASK));
            let (front, back) = text.split_at(length / 3);
            let (mut front, mut back) = (front.to_vec(), back.to_vec());
            mask(&mut front, Some(MASK), 0);
            mask(&mut back, Some(MASK), length / 3);
            let bytes = [&header[..used], &front, &back].concat();
            assert_eq!(bytes, frame(if is_text { 0x81 } else { 0x82 }, text));
            assert_eq!(&read(&bytes, 1000).unwrap().data, text);
            assert_eq!(read_from(Sender::Server, &bytes, 1000), Err(code::PROTOCOL_ERROR), "masked");
        }
    }
}

#[test]
fn what_a_server_sends_comes_unmasked() {
    let bytes = b"\x01\x03Hel\x89\x02hi\x80\x02lo\x82\x7e\x00\x01x\x88\x02\x03\xe9";
    for piece in [1, 3, bytes.len()] {
        let seen = read_from(Sender::Server, bytes, piece).unwrap();
        assert_eq!(
            (&seen.data[..], seen.pings, seen.closed),
            (&b"Hellox"[..], std::vec![b"hi".to_vec()], Some(Some(1001)))
        );
    }
    let broken: [&[u8]; 5] = [b"\xc1\x01x", b"\x83\x00", b"\x89\x7e\x00\x7e", b"\x09\x00", b"\x80\x00"];
    for bytes in broken {
        assert_eq!(read_from(Sender::Server, bytes, 1), Err(code::PROTOCOL_ERROR), "{bytes:x?}");
    }
    assert_eq!(read_from(Sender::Server, b"\x81\x01\xff", 1), Err(code::INVALID_PAYLOAD));
}

#[test]
fn all_lengths_are_read() {
    for length in [0, 1, 125, 126, 127, 65535, 65536, 100_000] {
        let payload: Vec<u8> = (0..length).map(|index| index as u8).collect();
        for piece in [1000, 1 << 20] {
            assert_eq!(read(&frame(0x82, &payload), piece).unwrap().data, payload);
        }
    }
}

#[test]
fn what_breaks_the_protocol_is_closed_with_1002() {
    let mut unmasked = frame(0x81, b"");
    unmasked.truncate(2);
    unmasked[1] = 0;
    let mut endless = frame(0x82, &[0; 65536]);
    endless[2] = 0x80;
    let broken = [
        unmasked,
        endless,
        frame(0xC1, b"rsv"),
        frame(0x83, b"opcode"),
        frame(0x8B, b"opcode"),
        frame(0x80, b"nothing to continue"),
        [frame(0x01, b"open"), frame(0x81, b"new")].concat(),
        frame(0x09, b"ping in fragments"),
        frame(0x89, &[0; 126]),
        frame(0x88, &[0; 126]),
        frame(0x88, b"\x03"),
        frame(0x88, b"\x03\xed"),
        frame(0x88, b"\x00\x00"),
        frame(0x88, b"\x13\x88"),
    ];
    for bytes in broken {
        for piece in [1, bytes.len()] {
            assert_eq!(read(&bytes, piece), Err(code::PROTOCOL_ERROR), "{:x?}", &bytes[..bytes.len().min(20)]);
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_closed_with_1007() {
    let broken: [&[u8]; 6] = [b"\xff", b"a\xc3", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"];
    for text in broken {
        for piece in [1, 100] {
            assert_eq!(read(&frame(0x81, text), piece), Err(code::INVALID_PAYLOAD), "{text:x?}");
        }
        assert_eq!(read(&frame(0x82, text), 1).unwrap().data, text);
    }
    assert_eq!(read(&frame(0x88, b"\x03\xe8\xff"), 1), Err(code::INVALID_PAYLOAD));
    // It fails as soon as it cannot become valid.
    assert_eq!(read(&frame(0x01, b"\xf4\x90"), 1), Err(code::INVALID_PAYLOAD));
    assert!(read(&frame(0x01, b"\xf4\x8f"), 1).is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1usize..50) {
        let _ = (read(&bytes, piece), read_from(Sender::Server, &bytes, piece));
    }

    #[test]
    fn pieces_of_text_are_checked_like_the_whole(text in prop::collection::vec(any::<u8>(), 0..20), piece in 1usize..6) {
        let mut utf8 = Utf8::default();
        let valid = text.chunks(piece).all(|piece| utf8.push(piece)) && utf8.end();
        prop_assert_eq!(valid, core::str::from_utf8(&text).is_ok());
    }

    #[test]
    fn text_comes_through(text in ".{0,60}", cut in 1usize..20, piece in 1usize..30) {
        let cuts: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
        let mut bytes = Vec::new();
        for (place, part) in cuts.iter().enumerate() {
            let first = u8::from(place == 0) | if place + 1 == cuts.len() { 0x80 } else { 0 };
            bytes.extend(frame(first, part));
        }
        prop_assert_eq!(read(&bytes, piece).unwrap().data, text.as_bytes());
    }
}
