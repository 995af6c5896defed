//! Dialogues of the HTTP client commands on the simulated port (http-and-files reference 7).

use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::PortError;
use openzentri::port::sim::{Answer, Call, Peer, PeerListener, SimDevice, SimPort};

const SETTINGS: [(&str, &str); 5] = [
    ("wlan.ssid", "MyNet"),
    ("wlan.passkey", "mypassword"),
    ("wlan.auto_join.enabled", "1"),
    ("system.cmd.echo", "0"),
    ("system.cmd.timestamp", "none"),
];
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 9, 8, 7), 80);
const LONG: Duration = Duration::from_secs(600);

/// A device that has joined, and a web server on port 80 of `example.com`.
struct World {
    device: SimDevice,
    server: PeerListener,
}

impl World {
    fn new() -> Self {
        let port = SimPort::new();
        port.set_name("example.com", Duration::from_millis(3), Ok(*SERVER.ip()));
        let mut device = SimDevice::boot(port, &SETTINGS);
        device.expect("[Associated]\r\n", LONG);
        Self { server: port.listen(SERVER), device }
    }

    /// Types a command and waits until the device connects to the server.
    fn ask(&mut self, line: &str) -> Peer {
        self.device.type_line(line);
        self.connected()
    }

    fn connected(&mut self) -> Peer {
        let mut peer = None;
        let server = self.server;
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

    /// The device has taken and left nothing: no socket but those of open streams, no file, no call with an old socket.
    fn check_rest(&mut self, sockets: usize) {
        self.device.settle();
        let port = self.device.port();
        assert_eq!((port.open_sockets(), port.open_jobs(), port.stale_calls()), (sockets, 0, 0));
        assert_eq!(port.flash().open_files(), 0);
    }

    /// Types a download, answers it, and says what the device printed.
    fn download(&mut self, line: &str, response: &[u8]) -> String {
        let peer = self.ask(line);
        peer.send(response);
        peer.finish();
        self.answer()
    }

    fn content(&mut self, name: &str) -> String {
        let handle = self.command(&format!("file_open {name}"));
        let handle = handle.trim_end().rsplit("\r\n").next().unwrap().to_owned();
        let text = self.command(&format!("stream_read {handle} 60000"));
        // A file closes itself when its end was read.
        text.replace(&format!("[Closed: {handle}]\r\n"), "")
    }
}

fn head(peer: Peer) -> String {
    let text = peer.received_text();
    assert!(text.ends_with("\r\n\r\n"), "{text:?}");
    text
}

const AGENT: &str = concat!("User-Agent: OpenZentri/", env!("CARGO_PKG_VERSION"), "\r\n");
const OK: &str = "HTTP/1.1 200 OK\r\n";

/// The vendor's own transcript.
#[test]
fn a_queued_post() {
    let mut world = World::new();
    let peer = world.ask("http_post -o example.com/hello application/json");
    assert_eq!(
        world.answer(),
        "[Opening: example.com]\r\nRequest POST /hello\r\nConnecting (HTTP): example.com:80\r\n[Opened: 0]\r\n0\r\n"
    );
    assert_eq!(world.command("http_add_header 0 message-type image-bin"), "Success\r\n");
    assert_eq!(world.write(0, b"{\"a\":1}"), "Success\r\n");
    assert_eq!(peer.received_text(), "", "nothing is sent before the host says so");
    assert_eq!(world.command("poll 0"), "0\r\n");

    world.device.type_line("http_read 0");
    world.device.settle();
    assert_eq!(
        peer.received_text(),
        format!(
            "POST /hello HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n{AGENT}Content-Type: application/json\r\n\
             message-type: image-bin\r\nContent-Length: 7\r\n\r\n{{\"a\":1}}"
        )
    );
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{ ...\r\n2\r\n }\r\n0\r\n\r\n");
    assert_eq!(world.answer(), "HTTP response: 200\r\nChunked response\r\n200\r\n");
    assert_eq!(world.command("stream_read 0 1000"), "{ ... }\r\n");
    assert_eq!(world.command("poll 0"), "2\r\n");
    assert_eq!(world.command("http_read_status 0"), "200\r\n");
    assert!(world.command("list").contains("# 0 HTTP  example.com:80 ("));
    assert_eq!(world.command("stream_close 0"), "Closing: 0\r\n[Closed: 0]\r\nSuccess\r\n");
    world.check_rest(0);
}

#[test]
fn a_get_at_once() {
    let mut world = World::new();
    let peer = world.ask("http_get http://example.com/a?b");
    assert_eq!(head(peer), format!("GET /a?b HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n{AGENT}\r\n"));
    peer.send("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nsorry and more");
    assert_eq!(
        world.answer(),
        "[Opening: example.com]\r\nRequest GET /a?b\r\nConnecting (HTTP): example.com:80\r\n\
         HTTP response: 404\r\n[Opened: 0]\r\n0\r\n"
    );
    assert_eq!(world.command("http_read_status 0"), "404\r\n");
    assert_eq!(world.command("read 0 3"), "sor\r\n");
    assert_eq!(world.command("read 0 30"), "ry\r\n");
    assert_eq!(world.command("read 0 30"), "");
    assert_eq!(world.command("write 0 1"), "Command failed\r\n");
    assert_eq!(world.command("had 0 A b"), "Command failed\r\n");
    assert_eq!(world.command("close all"), "Closing: 0\r\n[Closed: 0]\r\nSuccess\r\n");
    assert_eq!(world.command("hre 0"), "Command failed\r\n");
    world.check_rest(0);
}

#[test]
fn a_head_has_no_body() {
    let mut world = World::new();
    let peer = world.ask("http_head example.com");
    assert!(head(peer).starts_with("HEAD / HTTP/1.1\r\n"));
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
    assert!(world.answer().ends_with("[Opened: 0]\r\n0\r\n"));
    assert_eq!(world.command("poll 0"), "2\r\n");
    assert_eq!(world.command("read 0 10"), "");
}

/// Reading sends what is queued and swallows the head; it waits a little for the first bytes.
#[test]
fn reading_sends_by_itself() {
    let mut world = World::new();
    let peer = world.ask("hge -o example.com");
    assert!(world.answer().ends_with("0\r\n"));
    world.device.type_line("read 0 100");
    world.device.settle();
    head(peer);
    peer.send(format!("{OK}\r\n"));
    world.device.advance(Duration::from_secs(2));
    peer.send("body");
    assert_eq!(world.answer(), "HTTP response: 200\r\nbody\r\n");
    // Nothing comes: the host is not kept waiting for long.
    let before = world.device.millis();
    assert_eq!(world.command("read 0 100"), "");
    assert!(world.device.millis() - before <= 5000);
    peer.close();
    assert_eq!(world.command("read 0 100"), "");
    assert_eq!(world.command("poll 0"), "2\r\n");
}

/// A WebSocket handshake by hand, as the audio board does it.
#[test]
fn after_status_101_bytes_go_both_ways() {
    let mut world = World::new();
    let peer = world.ask("http_get -o example.com/stream");
    world.answer();
    for header in
        ["Upgrade websocket", "Connection Upgrade", "Sec-WebSocket-Key \"dGhl c2Ft\"", "Sec-WebSocket-Version 13"]
    {
        assert_eq!(world.command(&format!("had 0 {header}")), "Success\r\n");
    }
    world.device.type_line("hre 0");
    world.device.settle();
    assert_eq!(
        head(peer),
        format!(
            "GET /stream HTTP/1.1\r\nHost: example.com\r\n{AGENT}Upgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhl c2Ft\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
    );
    peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x01first");
    assert_eq!(world.answer(), "HTTP response: 101\r\n101\r\n");
    assert_eq!(world.command("read 0 100"), "\x01first\r\n");
    assert_eq!(world.write(0, b"\x82\x00ping"), "Success\r\n");
    assert_eq!(peer.received(), b"\x82\x00ping");
    peer.send("pong");
    world.device.settle();
    assert_eq!(world.command("poll 0"), "1\r\n");
    assert_eq!(world.command("read 0 100"), "pong\r\n");
    // Nothing there: no waiting on such a stream.
    let before = world.device.millis();
    assert_eq!(world.command("read 0 100"), "");
    assert_eq!(world.device.millis(), before);
    world.write(0, &[7; 40_000]);
    world.command("close 0");
    world.device.settle();
    assert_eq!(peer.received().len(), 40_000);
    assert!(peer.is_device_gone());
    world.check_rest(0);
}

#[test]
fn a_body_of_a_given_length_is_streamed() {
    let mut world = World::new();
    let peer = world.ask("http_post -l 100000 example.com/up text/plain");
    peer.set_window(1000);
    assert!(world.answer().ends_with("[Opened: 0]\r\n0\r\n"));
    assert!(head(peer).ends_with("Content-Type: text/plain\r\nContent-Length: 100000\r\n\r\n"));
    peer.set_window(usize::MAX);
    assert_eq!(world.command("had 0 A b"), "Command failed\r\n");
    for part in 0..4u8 {
        assert_eq!(
            world.command("hre 0"),
            format!(
                "HTTP request body incomplete: {} bytes missing\r\nCommand failed\r\n",
                100_000 - 25_000 * usize::from(part)
            )
        );
        assert_eq!(world.write(0, &[part; 25_000]), "Success\r\n");
    }
    assert_eq!(world.command("write 0 1"), "Command failed\r\n");
    let received = peer.received();
    assert_eq!(received.len(), 100_000);
    assert!(received.chunks(25_000).zip(0..).all(|(chunk, part)| chunk.iter().all(|byte| *byte == part)));
    peer.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(world.command("hre 0"), "HTTP response: 201\r\n201\r\n");
}

/// With `-o` a length still lets headers be added; the first byte of the body sends the head.
#[test]
fn a_held_request_with_a_length_goes_out_with_its_first_byte() {
    let mut world = World::new();
    let peer = world.ask("http_put -o example.com/x -l 6");
    assert_eq!(world.answer().matches("[Opened: 0]").count(), 1);
    assert_eq!(world.command("had 0 X-A b"), "Success\r\n");
    assert_eq!(peer.received_text(), "");
    world.write(0, b"abc");
    assert!(peer.received_text().ends_with("X-A: b\r\nContent-Length: 6\r\n\r\nabc"));
    assert_eq!(world.command("had 0 X-C d"), "Command failed\r\n");
    assert_eq!(world.command("write 0 4"), "Bounds error\r\n");
}

#[test]
fn chunks_go_out_too() {
    let mut world = World::new();
    let peer = world.ask("http_post -o -l -1 example.com text/plain");
    world.answer();
    world.write(0, b"hello");
    assert!(peer.received_text().ends_with("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
    world.write(0, &[b'x'; 300]);
    assert_eq!(peer.received_text(), format!("12c\r\n{}\r\n", "x".repeat(300)));
    world.device.type_line("hre 0");
    world.device.settle();
    assert_eq!(peer.received_text(), "0\r\n\r\n");
    peer.send(format!("{OK}Content-Length: 2\r\n\r\nok"));
    assert_eq!(world.answer(), "HTTP response: 200\r\n200\r\n");
    assert_eq!(world.command("read 0 9"), "ok\r\n");
}

/// The host gives the length as a header, as it would to any other client.
#[test]
fn a_length_header_counts() {
    let mut world = World::new();
    let peer = world.ask("http_post -o example.com text/plain");
    world.answer();
    world.write(0, b"abc");
    assert_eq!(world.command("had 0 Content-Length 2"), "Invalid argument\r\n");
    assert_eq!(world.command("had 0 Content-Length 4"), "Success\r\n");
    world.device.settle();
    assert!(peer.received_text().ends_with("Content-Length: 4\r\n\r\nabc"));
    world.write(0, b"d");
    assert_eq!(peer.received_text(), "d");
}

#[test]
fn a_queued_body_is_bounded() {
    let mut world = World::new();
    world.ask("http_post -o example.com text/plain");
    world.answer();
    assert_eq!(world.write(0, &vec![b'x'; limits::STREAM_TX - 10]), "Success\r\n");
    world.device.type_line("stream_write 0 11");
    assert_eq!(world.answer(), "Bounds error\r\n");
    assert_eq!(world.write(0, &[b'x'; 10]), "Success\r\n");
    // Nobody takes it: a close does not wait for that.
    let before = world.device.millis();
    world.command("close 0");
    assert_eq!(world.device.millis(), before);
    world.check_rest(0);
}

/// The server answers before it has read the body, and closes: its answer counts.
#[test]
fn an_early_answer_ends_the_body() {
    let mut world = World::new();
    world.device.port().set_window(5000);
    let peer = world.ask("http_post -o example.com text/plain");
    world.answer();
    world.write(0, &[b'x'; 60_000]);
    world.device.type_line("hre 0");
    world.device.settle();
    peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!");
    assert_eq!(world.answer(), "HTTP response: 413\r\n413\r\n");
    assert_eq!(world.command("read 0 9"), "no!\r\n");
}

#[test]
fn interim_answers_are_skipped() {
    let mut world = World::new();
    let peer = world.ask("hge example.com");
    for byte in format!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{OK}Content-Length: 2\r\n\r\nok"
    )
    .bytes()
    {
        peer.send([byte]);
        world.device.settle();
    }
    assert!(world.answer().contains("HTTP response: 200\r\n[Opened: 0]"));
    assert_eq!(world.command("read 0 9"), "ok\r\n");
}

/// 1 MB through a buffer of 64 kB, while the host reads slowly: nothing is lost, and the server has to wait.
#[test]
fn a_large_body_is_streamed() {
    let mut world = World::new();
    let peer = world.ask("hge example.com");
    let body: Vec<u8> = (0..1_000_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    peer.send(format!("{OK}Transfer-Encoding: chunked\r\n\r\n"));
    for chunk in body.chunks(33_333) {
        peer.send(format!("{:x}\r\n", chunk.len()));
        peer.send(chunk);
        peer.send("\r\n");
    }
    peer.send("0\r\n\r\n");
    world.answer();
    assert!(peer.unread() > 900_000, "the device takes no more than it has room for");
    let mut received = Vec::new();
    while received.len() < body.len() {
        world.device.type_line("read 0 30000");
        let mut bytes = Vec::new();
        assert!(world.device.run_until(LONG, |device| {
            bytes.extend(device.take_bytes());
            bytes.ends_with(b"\r\n> ")
        }));
        bytes.truncate(bytes.len() - 4);
        assert!(!bytes.is_empty());
        received.extend(bytes);
    }
    assert!(received == body);
}

#[test]
fn servers_that_fail() {
    let cases: [(&[u8], &str); 6] = [
        (b"", "HTTP connection closed\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-", "HTTP connection closed\r\n"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "HTTP response not understood\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP response not understood\r\n"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "HTTP response not understood\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "HTTP connection closed\r\n"),
    ];
    let mut world = World::new();
    for (response, log) in cases {
        let peer = world.ask("hge example.com");
        peer.send(response);
        peer.finish();
        let answer = world.answer();
        assert!(answer.ends_with(&format!("{log}[Open failed]\r\nCommand failed\r\n")), "{response:?}: {answer}");
        world.check_rest(0);
    }
    // Queued: the handle stays for the host, and says that it is over.
    let peer = world.ask("hge -o example.com");
    world.answer();
    peer.reset();
    assert_eq!(world.command("hre 0"), "HTTP connection closed\r\nCommand failed\r\n");
    assert_eq!(world.command("hre 0"), "HTTP connection closed\r\nCommand failed\r\n");
    assert_eq!(world.command("poll 0"), "2\r\n");
    assert_eq!(world.command("read 0 9"), "HTTP connection closed\r\nCommand failed\r\n");
    world.command("close 0");
    world.check_rest(0);
}

#[test]
fn endless_heads_are_cut() {
    let mut world = World::new();
    for field in ["A: b\r\n".to_owned(), format!("Cookie: {}\r\n", "x".repeat(20_000)), "1\r\n".to_owned()] {
        let peer = world.ask("hge example.com");
        peer.send(OK);
        for _ in 0..20_000 / field.len() + 1 {
            peer.send(&field);
        }
        let answer = world.answer();
        assert!(answer.ends_with("[Open failed]\r\nCommand failed\r\n"), "{answer}");
        world.check_rest(0);
    }
    let peer = world.ask("hge example.com");
    for _ in 0..100 {
        peer.send("HTTP/1.1 100 Continue\r\n\r\n");
    }
    assert!(world.answer().ends_with("Command failed\r\n"));
    world.check_rest(0);
}

/// A server that is silent, or sends a byte now and then, keeps nobody for ever.
#[test]
fn slow_servers_time_out() {
    let mut world = World::new();
    let before = world.device.millis();
    let peer = world.ask("hge example.com");
    assert!(world.answer().ends_with("HTTP timeout\r\n[Open failed]\r\nCommand failed\r\n"));
    assert!(world.device.millis() - before <= 31_000);
    world.device.settle();
    assert!(peer.is_device_gone());

    let peer = world.ask("hge -o example.com");
    world.answer();
    world.device.type_line("hre 0");
    for byte in OK.bytes().chain(std::iter::repeat_n(b'x', 60)) {
        world.device.advance(Duration::from_secs(1));
        peer.send([byte]);
    }
    assert_eq!(world.answer(), "HTTP timeout\r\nCommand failed\r\n");
    assert_eq!(world.command("poll 0"), "2\r\n");
    world.command("close 0");

    // A server that takes the body byte by byte.
    world.device.port().set_window(0);
    let peer = world.ask("hpo -o example.com a/b");
    world.answer();
    world.write(0, &[0; 1000]);
    world.device.type_line("hre 0");
    for taken in 1..300 {
        world.device.advance(Duration::from_secs(1));
        peer.set_window(taken);
    }
    assert_eq!(world.answer(), "HTTP timeout\r\nCommand failed\r\n");
    world.command("close 0");
    world.check_rest(0);

    // A body that stops in the middle: what came can be read, the end is said.
    world.device.port().set_window(65_536);
    let peer = world.ask("hge example.com");
    peer.send(format!("{OK}Content-Length: 9\r\n\r\nhalf"));
    world.answer();
    world.device.advance(Duration::from_secs(299));
    assert_eq!(world.command("poll 0"), "1\r\n");
    world.device.advance(Duration::from_secs(2));
    assert_eq!(world.device.take_output(), "HTTP timeout\r\n");
    assert_eq!(world.command("poll 0"), "2\r\n");
    assert_eq!(world.command("read 0 9"), "half\r\n");
}

#[test]
fn connections_that_are_not_made() {
    let mut world = World::new();
    let opened = "[Opening: 10.9.8.7]\r\nRequest GET /\r\nConnecting (HTTP): 10.9.8.7:81\r\n";
    assert_eq!(world.command("hge 10.9.8.7:81"), format!("{opened}[Open failed]\r\nCommand failed\r\n"));
    world.device.port().set_answer(SocketAddrV4::new(*SERVER.ip(), 81), Duration::from_secs(0), Answer::Silence);
    assert_eq!(world.command("hge -o 10.9.8.7:81"), format!("{opened}[Open failed]\r\nCommand failed\r\n"));
    assert!(world.command("hge nobody.example").ends_with("nobody.example:80\r\n[Open failed]\r\nCommand failed\r\n"));
    world.device.port().fail(Call::TcpConnect, PortError::NoRoom);
    assert!(world.command("hge example.com").ends_with("[Open failed]\r\nCommand failed\r\n"));
    assert_eq!(
        world.command("http_get https://example.com"),
        "[Opening: example.com]\r\nRequest GET /\r\nConnecting (https): example.com:443\r\nStarting TLS\r\n\
         TLS is not available in this build\r\n[Open failed]\r\nCommand failed\r\n"
    );
    assert_eq!(world.command("list"), "! # Type  Info\r\n");
    world.check_rest(0);
}

#[test]
fn arguments() {
    let mut world = World::new();
    for (line, answer) in [
        ("hge", "Too few arguments"),
        ("hge -o", "Too few arguments"),
        ("hge a b", "Too many arguments"),
        ("hge -x a", "Unknown option"),
        ("hge -l 3 a", "Unknown option"),
        ("hge -i eth a", "Invalid argument"),
        ("hge a -i", "Too few arguments"),
        ("hge ftp://a", "Invalid argument"),
        ("hge a/\\x0d\\x0aX:y", "Invalid argument"),
        ("hpo a", "Too few arguments"),
        ("hpo a b c", "Too many arguments"),
        ("hpo a b -l -2", "Invalid argument"),
        ("hpo a \"b\\x0d\\x0aX: y\"", "Invalid argument"),
        ("had 0 a", "Too few arguments"),
        ("had 0 a b c", "Too many arguments"),
        ("had 0 a b", "Command failed"),
        ("hre", "Too few arguments"),
        ("hre 0", "Command failed"),
        ("hre 9", "Command failed"),
        ("hdo", "Too few arguments"),
        ("hdo -c xyz a/b", "Invalid argument"),
        ("hdo -x a/b", "Unknown option"),
        ("hdo a/b c 1", "Invalid argument"),
        ("hdo a/b c 1.0.0 0x100", "Invalid argument"),
        ("hdo a/b c 1.0.0 0xFE d", "Too many arguments"),
        ("hup a", "Too few arguments"),
        ("hup a b c d", "Too many arguments"),
        ("hup -o a b", "Unknown option"),
    ] {
        assert_eq!(world.command(line), format!("{answer}\r\n"), "{line}");
    }
    assert_eq!(world.command("hdo example.com/"), "Invalid file name\r\nCommand failed\r\n");
    assert_eq!(world.command("hup example.com none"), "File not found\r\nCommand failed\r\n");
    let long = "x".repeat(limits::COMMAND_LINE - 30);
    assert_eq!(world.command(&format!("hge -o a/{long}{long}")), "Command too long\r\n");
    // Requests that were given up while their line was read have left nothing behind.
    for _ in 0..2 * limits::HTTP_CLIENTS {
        world.command("hpo a \"b\\x0a\"");
    }
    world.ask("hge -o example.com");
    assert!(world.answer().ends_with("[Opened: 0]\r\n0\r\n"));
}

/// All eight handles can be requests, and a ninth is told so.
#[test]
fn all_streams_at_once() {
    let mut world = World::new();
    let peers: Vec<Peer> = (0..limits::STREAMS)
        .map(|handle| {
            let peer = world.ask("hge -o example.com");
            assert!(world.answer().ends_with(&format!("[Opened: {handle}]\r\n{handle}\r\n")));
            peer
        })
        .collect();
    assert_eq!(
        world.command("hge -o example.com"),
        "[Opening: example.com]\r\nNo more streams\r\n[Open failed]\r\nCommand failed\r\n"
    );
    for (handle, peer) in peers.iter().enumerate().rev() {
        world.device.type_line(&format!("hre {handle}"));
        world.device.settle();
        head(*peer);
        peer.send(format!("{OK}\r\nI am {handle}"));
        assert_eq!(world.answer(), "HTTP response: 200\r\n200\r\n");
    }
    // A transfer needs no stream.
    assert!(world.download("hdo example.com/x y", format!("{OK}\r\nfile").as_bytes()).ends_with("Success\r\n"));
    for handle in (0..limits::STREAMS).rev() {
        assert_eq!(world.command(&format!("read {handle} 20")), format!("I am {handle}\r\n"));
    }
    world.command("close all");
    world.check_rest(0);
}

#[test]
fn closing_in_the_middle() {
    let mut world = World::new();
    for step in 0..3 {
        let peer = world.ask("hpo -o -l 100 example.com a/b");
        world.answer();
        if step > 0 {
            world.write(0, b"abc");
        }
        if step > 1 {
            world.write(0, &[0; 97]);
            peer.send(format!("{OK}\r\nbody"));
            world.command("hre 0");
        }
        assert!(world.command("close 0").ends_with("Success\r\n"));
        world.device.settle();
        assert!(peer.is_device_gone());
        world.check_rest(0);
    }
    // The network goes away under it.
    world.ask("hge -o example.com");
    world.answer();
    assert!(world.command("network_down").contains("[Closed: 0]"));
    world.check_rest(0);
}

#[test]
fn auto_close() {
    let mut world = World::new();
    world.command("set stream.auto_close 1");
    let peer = world.ask("hge -o example.com");
    world.answer();
    world.device.type_line("hre 0");
    world.device.settle();
    peer.send(format!("{OK}Content-Length: 4\r\n\r\nbody"));
    assert_eq!(world.answer(), "HTTP response: 200\r\n200\r\n");
    assert_eq!(world.command("read 0 2"), "bo\r\n");
    assert_eq!(world.command("read 0 2"), "[Closed: 0]\r\ndy\r\n");
    let peer = world.ask("hge example.com");
    peer.send(format!("{OK}Content-Length: 0\r\n\r\n"));
    assert!(world.answer().contains("[Opened: 0]\r\n"));
    assert_eq!(world.device.take_output(), "[Closed: 0]\r\n");
    assert_eq!(world.command("list"), "! # Type  Info\r\n");
    world.check_rest(0);
}

// --- http_download ---------------------------------------------------------------------------------------------------

#[test]
fn a_file_is_fetched() {
    let mut world = World::new();
    let peer = world.ask("hdo -c 222F http://example.com/hello.txt hello.txt");
    assert!(head(peer).starts_with("GET /hello.txt HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n"));
    peer.send(format!("{OK}Content-Length: 12\r\n\r\nHello World!"));
    assert_eq!(
        world.answer(),
        "Request GET /hello.txt\r\nConnecting (HTTP): example.com:80\r\nHTTP response: 200\r\nFile created\r\nSuccess\r\n"
    );
    let listing = world.command("ls -v");
    assert!(listing.contains("e-FE   0001  222F      12     1.0.0.0  hello.txt\r\n"), "{listing}");
    world.check_rest(0);

    // In chunks, in place of the old one, with everything said.
    let body = "6\r\nHello \r\n6\r\nThere!\r\n0\r\n\r\n";
    let response = format!("{OK}Transfer-Encoding: chunked\r\n\r\n{body}");
    let answer = world.download("hdo -u -e example.com/hello.txt hello.txt 1.2.3 0x45", response.as_bytes());
    assert!(answer.ends_with("HTTP response: 200\r\nChunked response\r\nFile created\r\nSuccess\r\n"), "{answer}");
    let listing = world.command("ls -v");
    assert!(listing.contains("e-45   00C1") && listing.contains("12       1.2.3  hello.txt\r\n"), "{listing}");
    assert_eq!(world.content("hello.txt"), "Hello There!\r\n");

    // Up to the end of the connection; the name out of the URL; two blanks after the command.
    let answer = world.download("hdo  example.com/a/b.txt?c=d/e", format!("{OK}\r\nto the end").as_bytes());
    assert!(answer.ends_with("Success\r\n"), "{answer}");
    assert_eq!(world.content("b.txt"), "to the end\r\n");
    // The options of Gecko OS 4: CRC-32.
    let answer =
        world.download("hdo example.com/x -n nine -c CBF43926 -v 2.0.0 -t FE", format!("{OK}\r\n123456789").as_bytes());
    assert!(answer.ends_with("Success\r\n"), "{answer}");
    // Nothing in it.
    for body in ["Content-Length: 0\r\n\r\n", "\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"] {
        let answer = world.download("hdo -c FFFF example.com/x empty", format!("{OK}{body}").as_bytes());
        assert!(answer.ends_with("Success\r\n"), "{answer}");
        assert_eq!(world.content("empty"), "");
    }
    world.command("close all");
    world.check_rest(0);
}

/// Whatever goes wrong: the old file is there, nothing else is.
#[test]
fn failed_downloads_leave_the_old_file() {
    let mut world = World::new();
    assert!(world.download("hdo example.com/f f", format!("{OK}\r\nold").as_bytes()).ends_with("Success\r\n"));
    let names = world.device.port().flash().names();
    let sized = format!("{OK}Content-Length: 12\r\n\r\n");
    let chunked = format!("{OK}Transfer-Encoding: chunked\r\n\r\n");
    for (line, response, log) in [
        ("hdo -c 1 example.com/f f", format!("{sized}Hello World!"), "File CRC mismatch"),
        ("hdo -c 1 example.com/f f", format!("{OK}\r\nHello World!"), "File CRC mismatch"),
        ("hdo -c 12345678 example.com/f f", format!("{OK}\r\nHello World!"), "File CRC mismatch"),
        ("hdo example.com/f f", format!("{sized}Hello"), "HTTP response incomplete"),
        ("hdo example.com/f f", format!("{chunked}6\r\nHello"), "HTTP response incomplete"),
        ("hdo example.com/f f", format!("{chunked}6\r\nHello?no size"), "HTTP response not understood"),
        ("hdo example.com/f f", "HTTP/1.1 404 Not Found\r\n\r\nold".to_owned(), "HTTP status: 404"),
        ("hdo example.com/f f", "HTTP/1.1 206 Partial\r\n\r\nold".to_owned(), "HTTP status: 206"),
        ("hdo example.com/f f", "HTTP/1.1 302 Found\r\n\r\n".to_owned(), "HTTP status: 302"),
        ("hdo example.com/f f", format!("{OK}Content-Length: 5000000000\r\n\r\n"), "File too large"),
        ("hdo example.com/f f", format!("{OK}Content-Length: 4000000000\r\n\r\n"), "Not enough free space"),
        ("hdo example.com/f f", "".to_owned(), "HTTP connection closed"),
    ] {
        let answer = world.download(line, response.as_bytes());
        assert!(answer.ends_with(&format!("{log}\r\nCommand failed\r\n")), "{response}: {answer}");
        world.check_rest(0);
        assert_eq!(world.device.port().flash().names(), names, "{response}");
    }
    assert!(world.command("hdo https://example.com/f f").ends_with("[Open failed]\r\nCommand failed\r\n"));
    assert_eq!(world.content("f"), "old\r\n");
}

#[test]
fn silent_servers_do_not_hold_a_download() {
    let mut world = World::new();
    let peer = world.ask("hdo example.com/f f");
    peer.send(format!("{OK}\r\nhalf"));
    let before = world.device.millis();
    assert!(world.answer().ends_with("HTTP timeout\r\nCommand failed\r\n"));
    assert_eq!(world.device.millis() - before, 30_000);
    // A byte now and then.
    let peer = world.ask("hdo example.com/f f");
    peer.send(format!("{OK}\r\nhalf"));
    let before = world.device.millis();
    for _ in 0..50 {
        world.device.advance(Duration::from_secs(20));
        peer.send("x");
    }
    assert!(world.answer().ends_with("HTTP timeout\r\nCommand failed\r\n"));
    assert!(world.device.millis() - before >= 600_000);
    assert_eq!(world.command("ls").lines().count(), 1);
    world.check_rest(0);
}

#[test]
fn redirections_are_followed_so_far() {
    let mut world = World::new();
    let mut peer = world.ask("hdo example.com/a/b f");
    for (location, target) in
        [("c", "/a/c"), ("/d?e", "/d?e"), ("?g", "/d?g"), ("http://EXAMPLE.com/h#i", "/h"), ("//example.com", "/")]
    {
        peer.send(format!("HTTP/1.1 301 Moved\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\nbody"));
        peer = world.connected();
        assert!(peer.received_text().starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{location}");
    }
    peer.send(format!("{OK}Content-Length: 4\r\n\r\nhere"));
    assert!(world.answer().ends_with("Success\r\n"));
    assert_eq!(world.content("f"), "here\r\n");

    let mut peer = world.ask("hdo example.com/a f");
    for _ in 0..5 {
        peer.send("HTTP/1.1 302 Found\r\nLocation: /a\r\n\r\n");
        peer = world.connected();
    }
    peer.send("HTTP/1.1 302 Found\r\nLocation: /a\r\n\r\n");
    assert!(world.answer().ends_with("Too many HTTP redirections\r\nCommand failed\r\n"));

    for (location, log) in [
        ("https://example.com/x", "TLS is not available in this build\r\n[Open failed]"),
        ("ftp://a", "HTTP response not understood"),
        ("/\x01", "HTTP response not understood"),
    ] {
        let answer = world
            .download("hdo example.com/a f", format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n").as_bytes());
        assert!(answer.ends_with(&format!("{log}\r\nCommand failed\r\n")), "{answer}");
    }
    world.command("close all");
    world.check_rest(0);
}

/// The power goes at any write of the flash: after the next boot the file is the old or the new one, and whole.
#[test]
fn power_cuts_during_a_download() {
    for framing in ["Content-Length: 20000\r\n\r\n", "\r\n"] {
        let mut committed = 0;
        for cut in (0..20).map(|step| step * 1_111).chain(20_000..20_100) {
            let mut world = World::new();
            assert!(world.download("hdo example.com/f f", format!("{OK}\r\nold").as_bytes()).ends_with("Success\r\n"));
            world.device.port().flash().cut_after(cut);
            let peer = world.ask("hdo example.com/f f");
            peer.send(format!("{OK}{framing}{}", "n".repeat(20_000)));
            peer.finish();
            world.device.advance(Duration::from_millis(10));
            world.device.take_output();
            world.device.power_cycle();
            world.device.expect("[Associated]\r\n", LONG);
            let content = world.content("f");
            match content.trim_end() {
                "old" => {}
                new => {
                    assert!(new == "n".repeat(20_000), "after {cut} writes: {} bytes", new.len());
                    committed += 1;
                }
            }
            assert_eq!(world.command("ls").lines().count(), 2);
        }
        assert!(committed > 0, "no cut came after the file was complete");
    }
}

// --- http_upload -----------------------------------------------------------------------------------------------------

#[test]
fn a_file_is_sent_as_a_form() {
    let mut world = World::new();
    world.device.type_line("fcr \"a \\\"b\\\".bin\" 30000");
    world.device.port().type_bytes(&[0xA5; 30_000]);
    world.answer();
    let peer = world.ask("hup example.com/up \"a \\\"b\\\".bin\"");
    let request = peer.received();
    let end = request.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let (head, body) = (String::from_utf8(request[..end].to_vec()).unwrap(), &request[end..]);
    assert!(head.starts_with("POST /up HTTP/1.1\r\nHost: example.com\r\n"));
    let boundary = head.split("multipart/form-data; boundary=").nth(1).unwrap().split("\r\n").next().unwrap();
    assert!(boundary.len() >= 24 && boundary.len() <= 70);
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    let front = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a %22b%22.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let mut expected = front.into_bytes();
    expected.extend([0xA5; 30_000]);
    expected.extend(format!("\r\n--{boundary}--\r\n").bytes());
    assert!(body == expected);
    peer.send("HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(
        world.answer(),
        "Request POST /up\r\nConnecting (HTTP): example.com:80\r\nHTTP response: 204\r\nSuccess\r\n"
    );
    world.check_rest(0);

    // Another name, another boundary, an answer before the end.
    world.device.port().set_window(3000);
    let peer = world.ask("hup example.com/up \"a \\\"b\\\".bin\" other");
    let request = peer.received_text();
    assert!(request.contains("filename=\"other\"") && !request.contains(boundary));
    peer.send("HTTP/1.1 403 Forbidden\r\n\r\n");
    assert!(world.answer().ends_with("HTTP response: 403\r\nHTTP status: 403\r\nCommand failed\r\n"));
    world.check_rest(0);
    let peer = world.ask("hup example.com/up \"a \\\"b\\\".bin\"");
    peer.reset();
    assert!(world.answer().ends_with("HTTP connection closed\r\nCommand failed\r\n"));
    world.check_rest(0);
}
