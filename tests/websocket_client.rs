//! Dialogues of `websocket_client` on the simulated port (http-and-files reference 8, RFC 6455). What is only a matter of
//! frames is tested beside `src/wire/websocket.rs`; servers of others are in `tests/blackbox/test_websocket_client.py`.

use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::Interface;
use openzentri::port::sim::{Peer, PeerListener, SimDevice, SimPort};
use openzentri::wire::websocket::handshake::accept;

/// A peer that is gone leaves its stream to the host, so that its end can be looked at.
const SETTINGS: [(&str, &str); 5] = [
    ("wlan.ssid", "MyNet"),
    ("wlan.passkey", "mypassword"),
    ("wlan.auto_join.enabled", "1"),
    ("system.cmd.echo", "0"),
    ("stream.auto_close", "0"),
];
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 9, 8, 7), 80);
const LONG: Duration = Duration::from_secs(600);
const OPENED: &str = "[Opening: example.com]\r\nRequest GET /a?b\r\nConnecting (ws): example.com:80\r\n\
                      HTTP response: 101\r\n[Opened: 0]\r\n0\r\n";
const BYE: &[u8] = b"\x88\x02\x03\xe8";

/// A device that has joined, and a web server on port 80 of `example.com`.
struct World {
    device: SimDevice,
    server: PeerListener,
}

/// One frame of the device, unmasked.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    first: u8,
    payload: Vec<u8>,
    mask: [u8; 4],
}

/// The frames that a peer has received, which must be whole and masked.
fn frames(peer: Peer) -> Vec<Frame> {
    let received = peer.received();
    let (mut rest, mut frames) = (&received[..], Vec::new());
    while let [first, length, tail @ ..] = rest {
        assert!(length & 0x80 != 0, "a client masks its frames");
        let (length, tail) = match length & 0x7F {
            126 => (u16::from_be_bytes(*tail.first_chunk().unwrap()) as usize, &tail[2..]),
            127 => (u64::from_be_bytes(*tail.first_chunk().unwrap()) as usize, &tail[8..]),
            length => (length as usize, tail),
        };
        let mask = *tail.first_chunk().unwrap();
        let payload = tail[4..][..length].iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        frames.push(Frame { first: *first, payload, mask });
        rest = &tail[4 + length..];
    }
    assert!(rest.is_empty(), "half a frame");
    frames
}

/// [`frames`] without their masks.
fn plain(peer: Peer) -> Vec<(u8, Vec<u8>)> {
    frames(peer).into_iter().map(|frame| (frame.first, frame.payload)).collect()
}

/// An answer that opens the WebSocket of a request, with more fields.
fn answer(request: &str, more: &str) -> String {
    let key = request.split("Sec-WebSocket-Key: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
    let accept = accept(key.as_bytes()).unwrap();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
}

impl World {
    fn new() -> Self {
        Self::with(&SETTINGS)
    }

    fn with(settings: &'static [(&'static str, &'static str)]) -> Self {
        let port = SimPort::new();
        port.set_name("example.com", Duration::from_millis(3), Ok(*SERVER.ip()));
        let mut device = SimDevice::boot(port, settings);
        device.expect("[Associated]\r\n", LONG);
        Self { server: port.listen(SERVER), device }
    }

    /// Types a command and waits until the device connects to the server.
    fn ask(&mut self, line: &str) -> Peer {
        self.device.type_line(line);
        let (mut peer, server) = (None, self.server);
        assert!(self.device.run_until(LONG, |_| {
            peer = peer.or_else(|| server.accept());
            peer.is_some()
        }));
        self.device.settle();
        peer.unwrap()
    }

    /// What is printed up to the next prompt.
    fn answer(&mut self) -> String {
        let mut text = self.device.expect("> ", LONG);
        text.truncate(text.len() - 2);
        text
    }

    fn command(&mut self, line: &str) -> String {
        self.device.type_line(line);
        self.answer()
    }

    fn write(&mut self, handle: u8, data: &[u8]) -> String {
        self.device.type_line(&format!("stream_write {handle} {}", data.len()));
        self.device.port().type_bytes(data);
        self.answer()
    }

    /// An open WebSocket with the handle 0.
    fn open(&mut self, line: &str) -> Peer {
        let peer = self.ask(line);
        peer.send(answer(&peer.received_text(), ""));
        let shown = self.answer();
        assert!(shown.ends_with("HTTP response: 101\r\n[Opened: 0]\r\n0\r\n"), "{shown}");
        peer
    }

    /// What comes at once when a server sends these bytes.
    fn sent(&mut self, peer: Peer, bytes: impl AsRef<[u8]>) -> String {
        peer.send(bytes);
        self.device.settle();
        self.device.take_output()
    }

    /// Closes the stream 0 as both sides want it.
    fn close(&mut self, peer: Peer) {
        assert_eq!(self.command("close 0"), "Closing: 0\r\n[Closed: 0]\r\nSuccess\r\n");
        assert_eq!(plain(peer), [(0x88, b"\x03\xe8".to_vec())]);
        peer.send(BYE);
        peer.close();
        self.rests();
    }

    /// The device has left nothing: no socket, no call with an old one.
    fn rests(&mut self) {
        self.device.settle();
        let port = self.device.port();
        assert_eq!((port.open_sockets(), port.open_jobs(), port.stale_calls()), (0, 0, 0));
    }
}

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
    assert_eq!(world.answer(), OPENED);
    assert!(world.command("list").contains("\r\n# 0 WEBC  example.com:80 ("));

    assert_eq!(world.write(0, b"one"), "Success\r\n");
    assert_eq!(world.write(0, b"two"), "Success\r\n");
    assert_eq!(world.write(0, b""), "Success\r\n");
    let sent = frames(peer);
    let expected: [&[u8]; 3] = [b"one", b"two", b""];
    assert!(sent.iter().all(|frame| frame.first == 0x82));
    assert!(sent.iter().map(|frame| &frame.payload[..]).eq(expected));
    assert!(sent[0].mask != sent[1].mask && sent[1].mask != sent[2].mask, "a mask is used once");

    assert_eq!(world.sent(peer, b"\x81\x05hello\x82\x02\xff\x00"), "");
    assert_eq!(world.command("poll 0"), "1\r\n");
    assert_eq!(world.command("read 0 5"), "hello\r\n");
    world.device.type_line("read 0 100");
    world.device.settle();
    assert!(world.device.take_bytes().starts_with(b"\xff\x00\r\n"));
    // The same key is never asked with again.
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
        assert_eq!(world.command("read 0 100"), "gr\u{fc}\u{df}e\r\n");
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
        let text = world.command("read 0 60000");
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
    assert!(world.command("list").contains("# 0 WEBC  example.com:80 ("));
    world.close(peer);
}

/// What a server sends right behind the head of its answer belongs to the WebSocket.
#[test]
fn frames_behind_the_head() {
    let mut world = World::new();
    let peer = world.ask("webc -i wlan ws://example.com/a?b");
    let head = answer(&peer.received_text(), "X: y\r\n");
    peer.send(["HTTP/1.1 100 Continue\r\n\r\n".as_bytes(), head.as_bytes(), b"\x82\x03abc\x89\x01p\x82\x05d"].concat());
    assert_eq!(world.answer(), OPENED);
    assert_eq!(world.command("read 0 10"), "abcd\r\n");
    assert_eq!(plain(peer), [(0x8A, b"p".to_vec())]);
    world.sent(peer, "efgh");
    assert_eq!(world.command("read 0 10"), "efgh\r\n");
    world.close(peer);
}

#[test]
fn handshakes_that_open_nothing() {
    let right = |request: &str| answer(request, "");
    let cut = |from: &'static str, to: &'static str| move |request: &str| right(request).replace(from, to);
    let handshake = |field: &str| format!("WebSocket handshake failed: {field} is missing, wrong or not asked for");
    type Case = (Box<dyn Fn(&str) -> String>, u16, String);
    let cases: Vec<Case> = vec![
        (Box::new(cut("Upgrade: websocket\r\n", "")), 101, handshake("Upgrade")),
        (Box::new(cut("Connection: Upgrade", "Connection: close")), 101, handshake("Connection")),
        (Box::new(cut("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x")), 101, handshake("Sec-WebSocket-Accept")),
        (Box::new(cut("Sec-WebSocket-Accept", "X")), 101, handshake("Sec-WebSocket-Accept")),
        (
            Box::new(|request| answer(request, "Sec-WebSocket-Extensions: permessage-deflate\r\n")),
            101,
            handshake("Sec-WebSocket-Extensions"),
        ),
        (
            Box::new(|request| answer(request, "Sec-WebSocket-Protocol: chat\r\n")),
            101,
            handshake("Sec-WebSocket-Protocol"),
        ),
        (Box::new(cut("101 Switching", "200")), 200, "HTTP status: 200".into()),
        (Box::new(|_| "HTTP/1.1 403 No\r\n\r\n".into()), 403, "HTTP status: 403".into()),
        (
            Box::new(|_| "HTTP/1.1 301 Moved\r\nLocation: ws://example.com/b\r\n\r\n".into()),
            301,
            "HTTP status: 301, redirections of a WebSocket are not followed".into(),
        ),
        (Box::new(|_| "RFB 003.008\n".into()), 0, "HTTP response not understood".into()),
        (Box::new(|request| request.into()), 0, "HTTP response not understood".into()),
        (
            Box::new(|_| format!("HTTP/1.1 101 X\r\nX: {}", "x".repeat(limits::HTTP_CLIENT_BUFFER))),
            0,
            "HTTP response header too long".into(),
        ),
    ];
    let mut world = World::new();
    for (make, status, log) in cases {
        let peer = world.ask("webc ws://example.com/a?b");
        peer.send(make(&peer.received_text()));
        let status = if status == 0 { String::new() } else { format!("HTTP response: {status}\r\n") };
        let front = OPENED.split("HTTP response").next().unwrap();
        assert_eq!(world.answer(), format!("{front}{status}{log}\r\n[Open failed]\r\nCommand failed\r\n"));
        world.rests();
        assert_eq!(world.command("list"), "! # Type  Info\r\n");
        assert!(world.server.accept().is_none(), "nothing else is tried");
    }
}

#[test]
fn servers_that_do_not_answer() {
    let mut world = World::new();
    let before = world.device.millis();
    world.ask("webc ws://example.com/");
    assert!(world.answer().ends_with("HTTP timeout\r\n[Open failed]\r\nCommand failed\r\n"));
    assert!(world.device.millis() - before <= 31_000);
    // One that drips has no more time.
    let peer = world.ask("webc ws://example.com/");
    let before = world.device.millis();
    for _ in 0..29 {
        peer.send("H");
        world.device.advance(Duration::from_secs(1));
    }
    assert!(world.answer().contains("[Open failed]\r\n"));
    assert!(world.device.millis() - before <= 31_000);
    for end in [Peer::close, Peer::reset] {
        let peer = world.ask("webc ws://example.com/");
        end(&peer);
        assert!(world.answer().ends_with("HTTP connection closed\r\n[Open failed]\r\nCommand failed\r\n"));
    }
    world.server.close();
    let shown = world.command("webc ws://example.com/");
    assert!(shown.ends_with("Connecting (ws): example.com:80\r\n[Open failed]\r\nCommand failed\r\n"), "{shown}");
    let shown = world.command("webc ws://nobody.example/");
    assert!(shown.ends_with("[Open failed]\r\nCommand failed\r\n"), "{shown}");
    world.rests();
}

#[test]
fn a_server_that_breaks_the_protocol_is_closed() {
    let cases: [(&[u8], u16); 12] = [
        (b"\x82\x81\x01\x02\x03\x04x", 1002),  // masked
        (b"\xc2\x01x", 1002),                  // reserved bit 1: nothing was agreed on
        (b"\xa2\x01x", 1002),                  // reserved bit 2
        (b"\x92\x01x", 1002),                  // reserved bit 3
        (b"\x83\x01x", 1002),                  // reserved opcode
        (b"\x8b\x00", 1002),                   // reserved control opcode
        (b"\x89\x7e\x00\x7e", 1002),           // a ping of 126 bytes
        (b"\x08\x00", 1002),                   // a close frame in fragments
        (b"\x80\x01x", 1002),                  // nothing to continue
        (b"\x01\x01x\x81\x01y", 1002),         // a message within a message
        (b"\x82\x7f\x80\0\0\0\0\0\0\0", 1002), // longer than may be
        (b"\x81\x01\xff", 1007),               // no text
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
        assert_eq!(world.command("close 0"), "Closing: 0\r\nSuccess\r\n");
        world.rests();
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
        assert_eq!(world.command("poll 0"), "1\r\n");
        assert_eq!(world.command("read 0 10"), "last\r\n");
        assert_eq!(world.command("poll 0"), "2\r\n");
        assert_eq!(world.command("read 0 10"), "Command failed\r\n");
        peer.close();
        assert_eq!(world.command("close 0"), "Closing: 0\r\nSuccess\r\n");
        world.rests();
    }
}

/// The default: the handle is gone with the last byte.
#[test]
fn a_stream_closes_itself_behind_its_last_byte() {
    let mut world = World::with(&SETTINGS[..4]);
    let peer = world.open("webc ws://example.com/");
    assert_eq!(world.sent(peer, b"\x82\x04last\x88\x00"), "");
    assert_eq!(world.command("read 0 10"), "[Closed: 0]\r\nlast\r\n");
    assert_eq!(world.command("list"), "! # Type  Info\r\n");
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
        assert_eq!(world.command("read 0 10"), "half\r\n");
        assert_eq!(world.write(0, b"x"), "Command failed\r\n");
        world.rests();
    }
}

#[test]
fn the_owner_closes() {
    // What was written goes out before, and what still comes is for nobody.
    let mut world = World::new();
    let peer = world.open("webc ws://example.com/");
    peer.set_window(0);
    assert_eq!(world.write(0, b"last words"), "Success\r\n");
    world.device.type_line("close 0");
    world.device.settle();
    peer.set_window(10_000);
    assert!(world.answer().ends_with("Success\r\n"));
    assert_eq!(plain(peer), [(0x82, b"last words".to_vec()), (0x88, b"\x03\xe8".to_vec())]);
    peer.send(b"\x82\x02to\x81\x06nobody");
    world.device.settle();
    assert!(!peer.is_device_gone());
    assert_eq!(world.sent(peer, BYE), "");
    assert!(!peer.is_device_gone(), "the server ends the connection");
    peer.close();
    world.rests();

    // A server that does not answer is left alone.
    let peer = world.open("webc ws://example.com/");
    assert!(world.command("close 0").ends_with("Success\r\n"));
    world.device.advance(Duration::from_secs(6));
    assert!(peer.is_device_gone());
    world.rests();

    // A server that takes nothing, neither.
    let peer = world.open("webc ws://example.com/");
    peer.set_window(0);
    world.write(0, b"x");
    assert!(world.command("close 0").ends_with("Success\r\n"));
    world.device.advance(Duration::from_secs(60));
    assert!(peer.is_device_gone());
    world.rests();
}

#[test]
fn the_network_goes_down() {
    let mut world = World::new();
    let peer = world.open("webc ws://example.com/");
    let shown = world.command("network_down");
    assert!(shown.contains("[Closed: 0]\r\n"), "{shown}");
    world.device.advance(Duration::from_secs(20));
    assert!(peer.is_device_gone());
    assert_eq!(world.device.port().open_sockets(), 0);
    assert_eq!(world.device.port().address(Interface::Wlan), None);
}

#[test]
fn the_host_gives_up_while_it_opens() {
    let mut world = World::new();
    let peer = world.ask("webc ws://example.com/");
    world.device.port().type_bytes(b"\x03");
    world.device.settle();
    assert!(peer.is_device_gone());
    world.rests();
    world.device.take_output();
    assert!(world.command("list").ends_with("! # Type  Info\r\n"));
    // The task serves the next one.
    let peer = world.open("webc ws://example.com/");
    world.close(peer);
}

#[test]
fn a_host_adds_headers() {
    let mut world = World::new();
    let peer = world.ask("webc -o -f text ws://example.com/a?b");
    assert_eq!(world.answer(), OPENED.replace("HTTP response: 101\r\n", ""));
    for (name, value) in [("Authorization", "\"Bearer abc\""), ("Sec-WebSocket-Protocol", "\"chat, mqtt\"")] {
        assert_eq!(world.command(&format!("http_add_header 0 {name} {value}")), "Success\r\n");
    }
    for name in ["Upgrade", "Connection", "Sec-WebSocket-Key", "sec-websocket-extensions", "Content-Length"] {
        assert_eq!(world.command(&format!("http_add_header 0 {name} 1")), "Invalid argument\r\n", "{name}");
    }
    assert_eq!(world.write(0, b"early"), "Command failed\r\n");
    assert_eq!((peer.received_text().as_str(), world.command("poll 0").as_str()), ("", "0\r\n"));
    world.device.type_line("http_read_status 0");
    world.device.settle();
    let request = peer.received_text();
    assert!(
        request.ends_with("\r\nAuthorization: Bearer abc\r\nSec-WebSocket-Protocol: chat, mqtt\r\n\r\n"),
        "{request}"
    );
    peer.send(answer(&request, "Sec-WebSocket-Protocol: mqtt\r\n"));
    assert_eq!(world.answer(), "HTTP response: 101\r\n101\r\n");
    assert_eq!(world.command("hre 0"), "101\r\n");
    assert_eq!(world.command("http_add_header 0 X y"), "Command failed\r\n");
    assert_eq!(world.write(0, b"now"), "Success\r\n");
    assert_eq!(plain(peer), [(0x81, b"now".to_vec())]);
    world.close(peer);

    // A read opens it as well; and a failure is told to who asks.
    let peer = world.ask("webc -o ws://example.com/");
    world.answer();
    world.device.type_line("read 0 10");
    world.device.settle();
    peer.send(answer(&peer.received_text(), ""));
    assert_eq!(world.answer(), "HTTP response: 101\r\n");
    world.close(peer);
    let peer = world.ask("webc -o ws://example.com/");
    world.answer();
    world.device.type_line("hre 0");
    world.device.settle();
    peer.send("HTTP/1.1 401 No\r\n\r\n");
    let shown = world.answer();
    assert!(shown.starts_with("HTTP response: 401\r\n") && shown.contains("HTTP status: 401\r\n"), "{shown}");
    assert!(shown.ends_with("Command failed\r\n"), "{shown}");
    assert_eq!(world.write(0, b"x"), "Command failed\r\n");
    assert!(world.command("close 0").ends_with("Success\r\n"));
    world.rests();
    // The owner closes before it is opened.
    let peer = world.ask("webc -o ws://example.com/");
    world.answer();
    assert!(world.command("close 0").ends_with("Success\r\n"));
    assert_eq!((peer.received_text().as_str(), peer.is_device_gone()), ("", true));
    world.rests();
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
    // Whoever says anything else needs no ping.
    for _ in 0..5 {
        world.device.advance(Duration::from_secs(9));
        world.sent(peer, b"\x82\x01x");
    }
    assert_eq!(world.command("read 0 10"), "xxxxx\r\n");
    world.device.take_output();
    let pings = plain(peer).len();
    assert!(pings <= 1, "{pings}");
    // Silence for an interval after a ping is the end.
    world.device.advance(Duration::from_secs(21));
    assert_eq!(world.device.take_output(), "WebSocket: no answer to a ping\r\n[Closed: 0]\r\n");
    assert_eq!(plain(peer).last(), Some(&(0x89, Vec::new())));
    assert!(peer.is_device_gone());
    assert_eq!(world.command("close 0"), "Closing: 0\r\nSuccess\r\n");
    world.rests();
}

/// A host that does not read keeps the device from hearing the server: that is not the server's silence.
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
        read += world.command("read 0 60000").trim_end().len();
    }
    peer.send(b"\x8a\x00");
    world.device.advance(Duration::from_secs(9));
    assert_eq!((world.device.take_output(), peer.is_device_gone()), (String::new(), false));
}

#[test]
fn words_of_the_command() {
    let mut world = World::new();
    for (line, answer) in [
        ("webc", "Too few arguments\r\n"),
        ("webc a b c d e", "Too many arguments\r\n"),
        ("webc -q ws://example.com/", "Unknown option\r\n"),
        ("webc http://example.com/", "Invalid argument\r\n"),
        ("webc ws:///", "Invalid argument\r\n"),
        ("webc ws://example.com:0/", "Invalid argument\r\n"),
        ("webc -f hex ws://example.com/", "Invalid argument\r\n"),
        ("webc -p x ws://example.com/", "Invalid argument\r\n"),
        ("webc -p 65536 ws://example.com/", "Invalid argument\r\n"),
        ("webc -i ethernet9 ws://example.com/", "Invalid argument\r\n"),
    ] {
        assert_eq!(world.command(line), answer, "{line}");
    }
    // Each of these refusals has given its place back.
    for handle in 0..limits::STREAMS {
        let peer = world.ask("webc example.com");
        peer.send(answer(&peer.received_text(), ""));
        assert!(world.answer().ends_with(&format!("\r\n{handle}\r\n")));
    }
    assert!(world.command("webc example.com").ends_with("No more streams\r\n[Open failed]\r\nCommand failed\r\n"));
}

/// A host that closes and opens again need not wait until a server has said good-bye.
#[test]
fn who_says_good_bye_makes_room() {
    let mut world = World::new();
    for _ in 0..3 {
        let mut peers = Vec::new();
        for handle in 0..limits::STREAMS {
            let peer = world.ask("webc example.com");
            peer.send(answer(&peer.received_text(), ""));
            assert!(world.answer().ends_with(&format!("\r\n{handle}\r\n")));
            peers.push(peer);
        }
        let closed = world.command("close all");
        assert_eq!(closed.matches("[Closed: ").count(), limits::STREAMS, "{closed}");
        assert!(peers.into_iter().all(|peer| plain(peer) == [(0x88, b"\x03\xe8".to_vec())]));
    }
    // The command is given up before the task has heard of it.
    world.device.port().type_bytes(b"webc example.com\r\n\x03");
    world.device.advance(Duration::from_secs(11));
    world.rests();
    world.device.take_output();
    let peer = world.open("webc example.com");
    world.close(peer);
}

/// The device does not command itself.
#[test]
fn its_own_server_is_out_of_reach() {
    let mut world = World::new();
    world.command("set http.server.enabled 1");
    world.command("network_restart");
    let shown = world.command("webc ws://127.0.0.1/stream");
    assert!(shown.contains("Not connected: the device does not send itself requests\r\n"), "{shown}");
    assert_eq!(world.command("list"), "! # Type  Info\r\n");
}

/// However a server cuts its bytes and however slow it takes ours, the messages are the same.
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
        assert_eq!(world.command("read 0 10000").trim_end().as_bytes(), bytes);
        world.close(peer);
    }
}
