//! Messages both ways, up to the end of a WebSocket.

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::Interface;
use openzentri::port::sim::Peer;

use super::{BYE, OPENED, answer, frames, plain};
use crate::{SETTINGS, World};

#[test]
fn messages_go_both_ways() {
    let mut world = World::new();
    let peer = world.ask("websocket_client ws://example.com/a?b");
    let request = peer.received_text();
    let (front, rest) = request.split_once("Sec-WebSocket-Key: ").unwrap();
    assert_eq!(
        front,
        "GET /a?b HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    );
    assert!(rest.ends_with(&format!("==\r\nUser-Agent: OpenZentri/{}\r\n\r\n", env!("CARGO_PKG_VERSION"))), "{rest}");
    peer.send(answer(&request, ""));
    assert_eq!(world.raw_answer(), OPENED);
    assert!(world.raw_command("list").contains("\r\n# 0 WEBC  example.com:80 ("));

    assert_eq!(world.write(0, b"one"), "Success\r\n");
    assert_eq!(world.write(0, b"two"), "Success\r\n");
    assert_eq!(world.write(0, b""), "Success\r\n");
    let sent = frames(peer);
    let expected: [&[u8]; 3] = [b"one", b"two", b""];
    assert!(sent.iter().all(|frame| frame.first == 0x82));
    assert!(sent.iter().map(|frame| &frame.payload[..]).eq(expected));
    assert!(sent[0].mask != sent[1].mask && sent[1].mask != sent[2].mask, "a mask is used once");

    assert_eq!(world.sent(peer, b"\x81\x05hello\x82\x02\xff\x00"), "");
    assert_eq!(world.raw_command("poll 0"), "1\r\n");
    assert_eq!(world.raw_command("read 0 5"), "hello\r\n");
    world.device.type_line("read 0 100");
    world.device.settle();
    assert!(world.device.take_bytes().starts_with(b"\xff\x00\r\n"));
    // The same key is never used again.
    world.close(peer);
    let again = world.ask("webc example.com");
    assert_ne!(again.received_text().split("Key: ").nth(1), Some(rest));
}

#[test]
fn a_message_in_pieces_with_a_ping_between_them() {
    for step in [1, 2, 5, 100] {
        let mut world = World::new();
        let peer = world.open("webc ws://example.com/");
        peer.limit_calls(step, step);
        world.sent(peer, b"\x01\x03gr\xc3\x89\x05there\x00\x00\x00\x02\xbc\xc3\x80\x02\x9fe\x8a\x00");
        assert_eq!(world.raw_command("read 0 100"), "gr\u{fc}\u{df}e\r\n");
        assert_eq!(plain(peer), [(0x8A, b"there".to_vec())], "{step}");
        world.close(peer);
    }
}

#[test]
fn long_messages_need_no_buffer_of_their_size() {
    let mut world = World::new();
    let peer = world.open("webc ws://example.com/");
    let length = 3 * limits::STREAM_RX + 5;
    let content: Vec<u8> = (0..length).map(|at| b'a' + (at % 23) as u8).collect();
    peer.send([b"\x82\x7f".as_slice(), &(length as u64).to_be_bytes(), &content].concat());
    let mut read = Vec::new();
    while read.len() < length {
        let text = world.raw_command("read 0 60000");
        read.extend_from_slice(text.trim_end().as_bytes());
    }
    assert!(read == content);

    peer.set_window(1 << 20);
    let most = limits::STREAM_TX.min(limits::DATAGRAM) - 4;
    assert_eq!(world.write(0, &content[..most]), "Success\r\n");
    assert!(plain(peer) == [(0x82, content[..most].to_vec())]);
    assert_eq!(world.write(0, &vec![b'x'; limits::DATAGRAM + 1]), "Bounds error\r\n");
    world.close(peer);
}

#[test]
fn text_must_be_text() {
    let mut world = World::new();
    let peer = world.open("webc -f text ws://example.com/");
    assert_eq!(world.write(0, "gr\u{fc}n".as_bytes()), "Success\r\n");
    assert_eq!(world.write(0, b"gr\xfcn"), "Not sent: the text is not UTF-8\r\nCommand failed\r\n");
    assert_eq!(plain(peer), [(0x81, "gr\u{fc}n".as_bytes().to_vec())]);
    assert!(world.raw_command("list").contains("# 0 WEBC  example.com:80 ("));
    world.close(peer);
}

/// Bytes that a server sends right after the head of its answer belong to the WebSocket.
#[test]
fn frames_behind_the_head() {
    let mut world = World::new();
    let peer = world.ask("webc -i wlan ws://example.com/a?b");
    let head = answer(&peer.received_text(), "X: y\r\n");
    peer.send(["HTTP/1.1 100 Continue\r\n\r\n".as_bytes(), head.as_bytes(), b"\x82\x03abc\x89\x01p\x82\x05d"].concat());
    assert_eq!(world.raw_answer(), OPENED);
    assert_eq!(world.raw_command("read 0 10"), "abcd\r\n");
    assert_eq!(plain(peer), [(0x8A, b"p".to_vec())]);
    world.sent(peer, "efgh");
    assert_eq!(world.raw_command("read 0 10"), "efgh\r\n");
    world.close(peer);
}

#[test]
fn a_server_that_breaks_the_protocol_is_closed() {
    let cases: [(&[u8], u16); 12] = [
        (b"\x82\x81\x01\x02\x03\x04x", 1002),  // masked
        (b"\xc2\x01x", 1002),                  // reserved bit 1: no extension was agreed on
        (b"\xa2\x01x", 1002),                  // reserved bit 2
        (b"\x92\x01x", 1002),                  // reserved bit 3
        (b"\x83\x01x", 1002),                  // reserved opcode
        (b"\x8b\x00", 1002),                   // reserved control opcode
        (b"\x89\x7e\x00\x7e", 1002),           // a ping of 126 bytes
        (b"\x08\x00", 1002),                   // a close frame in fragments
        (b"\x80\x01x", 1002),                  // nothing to continue
        (b"\x01\x01x\x81\x01y", 1002),         // a message within a message
        (b"\x82\x7f\x80\0\0\0\0\0\0\0", 1002), // longer than allowed
        (b"\x81\x01\xff", 1007),               // not text
    ];
    for (bytes, code) in cases {
        let mut world = World::new();
        let peer = world.open("webc ws://example.com/");
        let shown = world.sent(peer, bytes);
        assert_eq!(
            shown,
            format!("WebSocket closed: the server broke the protocol ({code})\r\n[Closed: 0]\r\n"),
            "{bytes:x?}"
        );
        assert_eq!(plain(peer), [(0x88, code.to_be_bytes().to_vec())], "{bytes:x?}");
        assert!(!peer.is_device_gone(), "the server may still answer");
        world.device.advance(Duration::from_secs(6));
        assert!(peer.is_device_gone(), "but not for ever");
        assert_eq!(world.write(0, b"x"), "Command failed\r\n");
        assert_eq!(world.raw_command("close 0"), "Closing: 0\r\nSuccess\r\n");
        world.check_rest(0);
    }
}

#[test]
fn the_server_says_good_bye() {
    for (frame, code, log) in [
        (&b"\x88\x00"[..], &b""[..], ""),
        (b"\x88\x02\x03\xe8", b"\x03\xe8", ""),
        (b"\x88\x05\x03\xf3bye", b"\x03\xf3", "WebSocket closed by the server: 1011\r\n"),
    ] {
        let mut world = World::new();
        let peer = world.open("webc ws://example.com/");
        let shown = world.sent(peer, [b"\x82\x04last", frame].concat());
        assert_eq!(shown, format!("{log}[Closed: 0]\r\n"));
        assert_eq!(plain(peer), [(0x88, code.to_vec())]);
        assert_eq!(world.raw_command("poll 0"), "1\r\n");
        assert_eq!(world.raw_command("read 0 10"), "last\r\n");
        assert_eq!(world.raw_command("poll 0"), "2\r\n");
        assert_eq!(world.raw_command("read 0 10"), "Command failed\r\n");
        peer.close();
        assert_eq!(world.raw_command("close 0"), "Closing: 0\r\nSuccess\r\n");
        world.check_rest(0);
    }
}

/// The default: the handle is gone with the last byte.
#[test]
fn a_stream_closes_itself_behind_its_last_byte() {
    let mut world = World::with(&SETTINGS[..4]);
    let peer = world.open("webc ws://example.com/");
    assert_eq!(world.sent(peer, b"\x82\x04last\x88\x00"), "");
    assert_eq!(world.raw_command("read 0 10"), "[Closed: 0]\r\nlast\r\n");
    assert_eq!(world.raw_command("list"), "! # Type  Info\r\n");
}

#[test]
fn a_connection_that_breaks() {
    for end in [Peer::close, Peer::reset, Peer::finish] {
        let mut world = World::new();
        let peer = world.open("webc ws://example.com/");
        peer.send(b"\x82\x04half");
        world.device.settle();
        end(&peer);
        world.device.settle();
        assert_eq!(world.device.take_output(), "[Closed: 0]\r\n");
        assert_eq!(world.raw_command("read 0 10"), "half\r\n");
        assert_eq!(world.write(0, b"x"), "Command failed\r\n");
        world.check_rest(0);
    }
}

#[test]
fn the_owner_closes() {
    // Written bytes go out first; bytes that still come are dropped.
    let mut world = World::new();
    let peer = world.open("webc ws://example.com/");
    peer.set_window(0);
    assert_eq!(world.write(0, b"last words"), "Success\r\n");
    world.device.type_line("close 0");
    world.device.settle();
    peer.set_window(10_000);
    assert!(world.raw_answer().ends_with("Success\r\n"));
    assert_eq!(plain(peer), [(0x82, b"last words".to_vec()), (0x88, b"\x03\xe8".to_vec())]);
    peer.send(b"\x82\x02to\x81\x06nobody");
    world.device.settle();
    assert!(!peer.is_device_gone());
    assert_eq!(world.sent(peer, BYE), "");
    assert!(!peer.is_device_gone(), "the server ends the connection");
    peer.close();
    world.check_rest(0);

    // A server that does not answer is left alone.
    let peer = world.open("webc ws://example.com/");
    assert!(world.raw_command("close 0").ends_with("Success\r\n"));
    world.device.advance(Duration::from_secs(6));
    assert!(peer.is_device_gone());
    world.check_rest(0);

    // So is a server that takes nothing.
    let peer = world.open("webc ws://example.com/");
    peer.set_window(0);
    world.write(0, b"x");
    assert!(world.raw_command("close 0").ends_with("Success\r\n"));
    world.device.advance(Duration::from_secs(60));
    assert!(peer.is_device_gone());
    world.check_rest(0);
}

#[test]
fn the_network_goes_down() {
    let mut world = World::new();
    let peer = world.open("webc ws://example.com/");
    let shown = world.raw_command("network_down");
    assert!(shown.contains("[Closed: 0]\r\n"), "{shown}");
    world.device.advance(Duration::from_secs(20));
    assert!(peer.is_device_gone());
    assert_eq!(world.device.port().open_sockets(), 0);
    assert_eq!(world.device.port().address(Interface::Wlan), None);
}

#[test]
fn a_silent_server_is_pinged() {
    let mut world = World::new();
    let peer = world.open("webc -p 10 ws://example.com/");
    world.device.advance(Duration::from_millis(9_900));
    assert_eq!(plain(peer), []);
    world.device.advance(Duration::from_millis(200));
    assert_eq!(plain(peer), [(0x89, Vec::new())]);
    peer.send(b"\x8a\x00");
    // A server that sends anything else needs no ping.
    for _ in 0..5 {
        world.device.advance(Duration::from_secs(9));
        world.sent(peer, b"\x82\x01x");
    }
    assert_eq!(world.raw_command("read 0 10"), "xxxxx\r\n");
    world.device.take_output();
    let pings = plain(peer).len();
    assert!(pings <= 1, "{pings}");
    // Silence for an interval after a ping is the end.
    world.device.advance(Duration::from_secs(21));
    assert_eq!(world.device.take_output(), "WebSocket: no answer to a ping\r\n[Closed: 0]\r\n");
    assert_eq!(plain(peer).last(), Some(&(0x89, Vec::new())));
    assert!(peer.is_device_gone());
    assert_eq!(world.raw_command("close 0"), "Closing: 0\r\nSuccess\r\n");
    world.check_rest(0);
}

/// A host that does not read keeps the device from reading from the server: that is not silence of the server.
#[test]
fn a_host_that_does_not_read_is_not_a_silent_server() {
    let mut world = World::new();
    let peer = world.open("webc -p 10 ws://example.com/");
    let length = 2 * limits::STREAM_RX;
    peer.send([b"\x82\x7f".as_slice(), &(length as u64).to_be_bytes(), &vec![b'x'; length]].concat());
    world.device.advance(Duration::from_secs(100));
    assert_eq!((world.device.take_output(), peer.is_device_gone()), (String::new(), false));
    let mut read = 0;
    while read < length {
        read += world.raw_command("read 0 60000").trim_end().len();
    }
    peer.send(b"\x8a\x00");
    world.device.advance(Duration::from_secs(9));
    assert_eq!((world.device.take_output(), peer.is_device_gone()), (String::new(), false));
}

/// However a server cuts its bytes and however slowly it takes ours, the messages are the same.
#[test]
fn slow_networks_change_nothing() {
    for (receive, send, stall) in [(1, 1, 0), (3, 2, 50), (1000, 7, 2000)] {
        let mut world = World::new();
        let peer = world.open("webc ws://example.com/");
        peer.limit_calls(receive, send);
        let mut expected = Vec::new();
        for number in 0..20u8 {
            let message = vec![b'a' + number; 100 + usize::from(number)];
            peer.stall(Duration::from_millis(stall));
            assert_eq!(world.write(0, &message), "Success\r\n");
            peer.send([b"\x82\x7e\x00".as_slice(), &[message.len() as u8], &message].concat());
            world.device.advance(Duration::from_millis(2 * stall + 10));
            expected.push((0x82, message));
        }
        assert!(plain(peer) == expected);
        let bytes: Vec<u8> = expected.into_iter().flat_map(|(_, message)| message).collect();
        assert_eq!(world.raw_command("read 0 10000").trim_end().as_bytes(), bytes);
        world.close(peer);
    }
}
