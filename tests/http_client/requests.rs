//! Requests as streams (interface, http 7.1, 7.3).

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::sim::Peer;

use crate::{AGENT, LONG, OK, World, head};

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
    assert_eq!(world.command("stream_close 0"), "Closing: 0\r\nSuccess\r\n");
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
    assert_eq!(world.command("read 0 30"), "Command failed\r\n");
    assert_eq!(world.command("write 0 1"), "Command failed\r\n");
    assert_eq!(world.command("had 0 A b"), "Command failed\r\n");
    assert_eq!(world.command("close all"), "Closing: 0\r\nSuccess\r\n");
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
    assert_eq!(world.command("read 0 10"), "Command failed\r\n");
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
    assert_eq!(world.command("read 0 100"), "Command failed\r\n");
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
    // Without data, a read on such a stream does not wait.
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
    // The server takes nothing: a close does not wait for it.
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
    world.command("set stream.auto_close 1");
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
    let mut received: Vec<u8> = Vec::new();
    while received.len() < body.len() {
        world.device.type_line("read 0 30000");
        let mut bytes = Vec::new();
        assert!(world.device.run_until(LONG, |device| {
            bytes.extend(device.take_bytes());
            bytes.ends_with(b"\r\n> ")
        }));
        bytes.truncate(bytes.len() - 4);
        assert!(!bytes.is_empty());
        received.extend(bytes.strip_prefix(b"[Closed: 0]\r\n".as_slice()).unwrap_or(&bytes));
    }
    assert!(received == body);
}

#[test]
fn arguments() {
    let mut world = World::new();
    for (line, answer) in [
        ("hge", "Too few arguments"),
        ("hge -o", "Too few arguments"),
        ("hge a b", "Too many arguments"),
        ("hge -q a", "Unknown option"),
        ("hge -x a", "Too few arguments"),
        ("hge -l 3 a", "Unknown option"),
        ("hge -i eth a", "Invalid argument"),
        ("hge a -i", "Too few arguments"),
        ("hge ftp://a", "Invalid argument"),
        ("hge a/\\x0d\\x0aX:y", "Invalid argument"),
        ("hpo", "Too few arguments"),
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
        ("hdo -q a/b", "Unknown option"),
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

/// All eight handles can be requests, and a ninth request is refused with a reason.
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
    // The network goes down during a request.
    world.ask("hge -o example.com");
    world.answer();
    world.device.type_line("network_down");
    assert!(world.raw_answer().contains("[Closed: 0]"));
    world.check_rest(0);
}

#[test]
fn answers_of_later_minor_versions_are_understood() {
    for version in ["1.2", "1.9"] {
        let mut world = World::new();
        let peer = world.ask("http_get example.com/a");
        head(peer);
        peer.send(format!(
            "HTTP/{version} 103 Early Hints\r\n\r\nHTTP/{version} 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        ));
        assert!(world.answer().ends_with("HTTP response: 200\r\n[Opened: 0]\r\n0\r\n"), "{version}");
        assert_eq!(world.command("read 0 9"), "hello\r\n");
    }
}
