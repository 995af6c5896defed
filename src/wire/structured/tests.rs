use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::frame::{self, Bad, Collector, Full, encoded};
use super::message::{Message, OVERHEAD};

const N: usize = encoded(512);

fn framed(message: &Message<'_>) -> Vec<u8> {
    let mut out = [0; N];
    let length = frame::write(message, &mut out).unwrap();
    out[..length].to_vec()
}

/// The payloads of the frames in `bytes`.
fn payloads(bytes: &[u8]) -> Vec<Result<Vec<u8>, Bad>> {
    let mut collector = Collector::<N>::new();
    bytes.iter().filter_map(|byte| collector.push(*byte).map(|frame| frame.map(<[u8]>::to_vec))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| std::format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The payload and the frame, in hex, that the document shows after the name of each example.
fn documented(name: &str) -> (String, String) {
    let document = include_str!("../../../docs/structured-protocol.md");
    let mut lines = document.lines().skip_while(|line| *line != std::format!("{name}:"));
    let mut next = |mark: &str| {
        let line = lines.find(|line| line.starts_with(mark)).unwrap_or_else(|| panic!("{name} is not in the document"));
        line.trim_start_matches(mark).trim().to_owned()
    };
    (next("    payload"), next("    frame"))
}

fn examples() -> Vec<(&'static str, Message<'static>)> {
    std::vec![
        ("Hello", Message::Hello { restart: true, frame: 512 }),
        ("Request", Message::Request { id: 1, base: 1, offset: 0, line: b"tcpc 10.0.0.1 7", data: b"" }),
        ("Response", Message::Response { id: 1, code: 0, total: 3, offset: 0, text: b"0\r\n" }),
        ("Stream", Message::Stream { event: 1, stream: 1, handle: 0, state: 0, end: 0, kind: "TCPC" }),
        ("Seen", Message::Seen { event: 1 }),
        ("Credit", Message::Credit { stream: 1, received: 0, limit: 2048, flags: 0 }),
        ("Data", Message::Data { stream: 1, offset: 0, last: true, bytes: b"hello\0" }),
        ("Gap", Message::Credit { stream: 1, received: 6, limit: 2054, flags: 1 }),
        ("Log", Message::Log { number: 12, level: 1, text: b"[Opened: 0]" }),
        ("Stop", Message::Stop {}),
        ("Bye", Message::Bye {}),
    ]
}

#[test]
fn the_examples_of_the_document_are_what_is_sent() {
    for (name, message) in examples() {
        let bytes = framed(&message);
        let payload = payloads(&bytes).pop().unwrap().unwrap();
        assert_eq!((hex(&payload), hex(&bytes)), documented(name), "{name}");
        assert_eq!(Message::read(&payload), Some(message), "{name}");
    }
}

#[test]
fn every_message_is_in_the_description() {
    let cddl = include_str!("../../../docs/structured-protocol.cddl");
    for (number, name, elements) in Message::ALL {
        let rule = std::format!("{} = [{number}", name.to_lowercase());
        let line = cddl.lines().find(|line| line.starts_with(&rule)).unwrap_or_else(|| panic!("{rule}"));
        let mut rest = line;
        for element in *elements {
            let (_, behind) =
                rest.split_once(&std::format!("{element}: ")).unwrap_or_else(|| panic!("{line}: {element}"));
            rest = behind;
        }
    }
}

#[test]
fn what_is_not_known_is_left_alone() {
    // One more element than today.
    assert_eq!(Message::read(&[0x83, 0x02, 0x05, 0xF6]), Some(Message::Done { base: 5 }));
    for payload in
        [&b""[..], &[0x80], &[0x81, 0x02], &[0x81, 0x18, 0x63], &[0x9F, 0x08, 0xFF], &[0x82, 0x02, 0x20], &[0x01]]
    {
        assert_eq!(Message::read(payload), None, "{payload:x?}");
    }
}

#[test]
fn the_next_frame_is_found_behind_any_bytes() {
    let good = framed(&Message::Seen { event: 7 });
    let mut bytes = b"\r\nstructured_start\r\n\0\0".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 2 * N));
    bytes.push(0);
    bytes.extend(&good);
    let frames = payloads(&bytes);
    assert_eq!(frames[..2], [Err(Bad::Framing), Err(Bad::TooLong)]);
    assert_eq!(Message::read(frames[2].as_ref().unwrap()), Some(Message::Seen { event: 7 }));
}

#[test]
fn a_frame_needs_room() {
    let message = Message::Data { stream: 1, offset: 0, last: false, bytes: &[1; 300] };
    let length = framed(&message).len();
    for room in 0..length {
        assert_eq!(frame::write(&message, &mut [0; N][..room]), Err(Full), "{room}");
    }
    assert_eq!(frame::write(&message, &mut [0; N][..length]), Ok(length));
}

#[test]
fn the_longest_numbers_fit_beside_the_bytes() {
    let bytes = [0xAA; 512 - OVERHEAD];
    let (most, text) = (u32::MAX, core::str::from_utf8(&[b'k'; 16]).unwrap());
    for message in [
        Message::Data { stream: most, offset: u64::MAX, last: true, bytes: &bytes },
        Message::Response { id: most, code: 9, total: most, offset: most, text: &bytes },
        Message::Request { id: most, base: most, offset: most, line: &bytes, data: b"" },
        Message::Stream { event: most, stream: most, handle: 7, state: 2, end: u64::MAX, kind: text },
    ] {
        assert!(framed(&message).len() <= N);
    }
}

proptest! {
    #[test]
    fn what_is_sent_comes_back(
        id: u32, stream: u32, offset: u64, last: bool, line in proptest::collection::vec(any::<u8>(), 0..200),
        data in proptest::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..256),
    ) {
        for message in [
            Message::Request { id, base: id, offset: stream, line: &line, data: &data },
            Message::Data { stream, offset, last, bytes: &data },
        ] {
            let bytes = framed(&message);
            prop_assert!(bytes[..bytes.len() - 1].iter().all(|byte| *byte != 0));
            let payload = payloads(&bytes).pop().unwrap().unwrap();
            prop_assert_eq!(bytes.len() <= encoded(payload.len()), true);
            prop_assert_eq!(Message::read(&payload), Some(message));
        }
    }

    /// A frame with up to three flipped bits is never mistaken for another one.
    #[test]
    fn flipped_bits_are_noticed(
        data in proptest::collection::vec(any::<u8>(), 0..200),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0..8u8), 1..4),
    ) {
        let message = Message::Data { stream: 3, offset: 70_000, last: true, bytes: &data };
        let good = framed(&message);
        let mut bytes = good.clone();
        for (at, bit) in flips {
            *at.get_mut(&mut bytes) ^= 1 << bit;
        }
        let spoiled = bytes != good;
        bytes.push(0);
        for payload in payloads(&bytes).into_iter().flatten() {
            prop_assert!(!spoiled || Message::read(&payload) == Some(message));
        }
    }
}
