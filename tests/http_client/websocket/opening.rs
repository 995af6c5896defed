//! How a WebSocket is opened, and how not.

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::sim::Peer;

use super::{OPENED, answer, plain};
use crate::World;

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
        assert_eq!(world.raw_answer(), format!("{front}{status}{log}\r\n[Open failed]\r\nCommand failed\r\n"));
        world.check_rest(0);
        assert_eq!(world.raw_command("list"), "! # Type  Info\r\n");
        assert!(world.server.accept().is_none(), "nothing else is tried");
    }
}

#[test]
fn servers_that_do_not_answer() {
    let mut world = World::new();
    let before = world.device.millis();
    world.ask("webc ws://example.com/");
    assert!(world.raw_answer().ends_with("HTTP timeout\r\n[Open failed]\r\nCommand failed\r\n"));
    assert!(world.device.millis() - before <= 31_000);
    // A server that drips gets no more time.
    let peer = world.ask("webc ws://example.com/");
    let before = world.device.millis();
    for _ in 0..29 {
        peer.send("H");
        world.device.advance(Duration::from_secs(1));
    }
    assert!(world.raw_answer().contains("[Open failed]\r\n"));
    assert!(world.device.millis() - before <= 31_000);
    for end in [Peer::close, Peer::reset] {
        let peer = world.ask("webc ws://example.com/");
        end(&peer);
        assert!(world.raw_answer().ends_with("HTTP connection closed\r\n[Open failed]\r\nCommand failed\r\n"));
    }
    world.server.close();
    let shown = world.raw_command("webc ws://example.com/");
    assert!(shown.ends_with("Connecting (ws): example.com:80\r\n[Open failed]\r\nCommand failed\r\n"), "{shown}");
    let shown = world.raw_command("webc ws://nobody.example/");
    assert!(shown.ends_with("[Open failed]\r\nCommand failed\r\n"), "{shown}");
    world.check_rest(0);
}

#[test]
fn the_host_gives_up_while_it_opens() {
    let mut world = World::new();
    let peer = world.ask("webc ws://example.com/");
    world.device.port().type_bytes(b"\x03");
    world.device.settle();
    assert!(peer.is_device_gone());
    world.check_rest(0);
    world.device.take_output();
    assert!(world.raw_command("list").ends_with("! # Type  Info\r\n"));
    // The task serves the next WebSocket.
    let peer = world.open("webc ws://example.com/");
    world.close(peer);
}

#[test]
fn a_host_adds_headers() {
    let mut world = World::new();
    let peer = world.ask("webc -o -f text ws://example.com/a?b");
    assert_eq!(world.raw_answer(), OPENED.replace("HTTP response: 101\r\n", ""));
    for (name, value) in [("Authorization", "\"Bearer abc\""), ("Sec-WebSocket-Protocol", "\"chat, mqtt\"")] {
        assert_eq!(world.raw_command(&format!("http_add_header 0 {name} {value}")), "Success\r\n");
    }
    for name in ["Upgrade", "Connection", "Sec-WebSocket-Key", "sec-websocket-extensions", "Content-Length"] {
        assert_eq!(world.raw_command(&format!("http_add_header 0 {name} 1")), "Invalid argument\r\n", "{name}");
    }
    assert_eq!(world.write(0, b"early"), "Command failed\r\n");
    assert_eq!((peer.received_text().as_str(), world.raw_command("poll 0").as_str()), ("", "0\r\n"));
    world.device.type_line("http_read_status 0");
    world.device.settle();
    let request = peer.received_text();
    assert!(
        request.ends_with("\r\nAuthorization: Bearer abc\r\nSec-WebSocket-Protocol: chat, mqtt\r\n\r\n"),
        "{request}"
    );
    peer.send(answer(&request, "Sec-WebSocket-Protocol: mqtt\r\n"));
    assert_eq!(world.raw_answer(), "HTTP response: 101\r\n101\r\n");
    assert_eq!(world.raw_command("hre 0"), "101\r\n");
    assert_eq!(world.raw_command("http_add_header 0 X y"), "Command failed\r\n");
    assert_eq!(world.write(0, b"now"), "Success\r\n");
    assert_eq!(plain(peer), [(0x81, b"now".to_vec())]);
    world.close(peer);

    // A read also opens the WebSocket; a failure is told to the command that asks.
    let peer = world.ask("webc -o ws://example.com/");
    world.raw_answer();
    world.device.type_line("read 0 10");
    world.device.settle();
    peer.send(answer(&peer.received_text(), ""));
    assert_eq!(world.raw_answer(), "HTTP response: 101\r\n");
    world.close(peer);
    let peer = world.ask("webc -o ws://example.com/");
    world.raw_answer();
    world.device.type_line("hre 0");
    world.device.settle();
    peer.send("HTTP/1.1 401 No\r\n\r\n");
    let shown = world.raw_answer();
    assert!(shown.starts_with("HTTP response: 401\r\n") && shown.contains("HTTP status: 401\r\n"), "{shown}");
    assert!(shown.ends_with("Command failed\r\n"), "{shown}");
    assert_eq!(world.write(0, b"x"), "Command failed\r\n");
    assert!(world.raw_command("close 0").ends_with("Success\r\n"));
    world.check_rest(0);
    // The owner closes before it is opened.
    let peer = world.ask("webc -o ws://example.com/");
    world.raw_answer();
    assert!(world.raw_command("close 0").ends_with("Success\r\n"));
    assert_eq!((peer.received_text().as_str(), peer.is_device_gone()), ("", true));
    world.check_rest(0);
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
        assert_eq!(world.raw_command(line), answer, "{line}");
    }
    // Each of these refusals has given its place back.
    for handle in 0..limits::STREAMS {
        let peer = world.ask("webc example.com");
        peer.send(answer(&peer.received_text(), ""));
        assert!(world.raw_answer().ends_with(&format!("\r\n{handle}\r\n")));
    }
    assert!(world.raw_command("webc example.com").ends_with("No more streams\r\n[Open failed]\r\nCommand failed\r\n"));
}

/// A host that closes and opens again need not wait for the server's close frame.
#[test]
fn who_says_good_bye_makes_room() {
    let mut world = World::new();
    for _ in 0..3 {
        let mut peers = Vec::new();
        for handle in 0..limits::STREAMS {
            let peer = world.ask("webc example.com");
            peer.send(answer(&peer.received_text(), ""));
            assert!(world.raw_answer().ends_with(&format!("\r\n{handle}\r\n")));
            peers.push(peer);
        }
        let closed = world.raw_command("close all");
        assert_eq!(closed.matches("[Closed: ").count(), limits::STREAMS, "{closed}");
        assert!(peers.into_iter().all(|peer| plain(peer) == [(0x88, b"\x03\xe8".to_vec())]));
    }
    // The command is given up before the task has seen it.
    world.device.port().type_bytes(b"webc example.com\r\n\x03");
    world.device.advance(Duration::from_secs(11));
    world.check_rest(0);
    world.device.take_output();
    let peer = world.open("webc example.com");
    world.close(peer);
}

/// The device does not command itself.
#[test]
fn its_own_server_is_out_of_reach() {
    let mut world = World::new();
    world.raw_command("set http.server.enabled 1");
    world.raw_command("network_restart");
    let shown = world.raw_command("webc ws://127.0.0.1/stream");
    assert!(shown.contains("Not connected: the device does not send itself requests\r\n"), "{shown}");
    assert_eq!(world.raw_command("list"), "! # Type  Info\r\n");
}
