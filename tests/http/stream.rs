//! `/stream`: WebSockets and uploads (interface, http 3.2).

use embassy_time::Duration;
use openzentri::port::sim::{End, Peer, SimDevice};

use super::{Answer, LONG, all, ask, create, device, device_with, get};

const UPGRADE: &str = "GET /stream HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const MASK: [u8; 4] = [1, 2, 3, 4];

/// Opens a WebSocket.
fn open(device: &mut SimDevice) -> Peer {
    let peer = device.port().connect(80).unwrap();
    peer.send(UPGRADE);
    device.settle();
    assert_eq!(
        peer.received_text(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    );
    peer
}

/// A frame of a client; `first` is FIN, RSV and opcode.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn silent(device: &mut SimDevice) {
    device.command("set system.print_level 0");
    device.take_output();
}

#[test]
fn a_browser_and_a_host_talk() {
    let mut device = device();
    let peer = open(&mut device);
    let address = peer.address();
    assert!(device.take_output().contains("Opened: 0]"));
    silent(&mut device);
    let list = format!("! # Type  Info\r\n# 0 WEBS  10.5.6.108:80 {address}\r\n");
    assert_eq!(device.command("list"), list);
    peer.send(frame(0x81, b"I am a teapot."));
    assert_eq!(device.command("poll 0"), "1\r\n");
    assert_eq!(device.command("read 0 14"), "I am a teapot.\r\n");
    assert_eq!(device.command("poll 0"), "0\r\n");
    assert_eq!(device.command_with_data("write 0 5", b"Hello"), "Success\r\n");
    assert_eq!(device.command_with_data("write 0 3", b"\xff\0\n"), "Success\r\n");
    device.settle();
    assert_eq!(peer.received(), b"\x82\x05Hello\x82\x03\xff\0\n");
}

/// The status that a page loaded from `origin` gets for its upgrade.
fn knock(device: &mut SimDevice, host: &str, origin: &str) -> u16 {
    let peer = device.port().connect(80).unwrap();
    peer.send(UPGRADE.replace("Host: a\r\n", &format!("Host: {host}\r\nOrigin: {origin}\r\n")));
    device.settle();
    let status = peer.received_text().get(9..12).unwrap().parse().unwrap();
    peer.close();
    device.command("close all");
    status
}

#[test]
fn pages_from_elsewhere_open_no_web_socket() {
    let mut device = device();
    assert_eq!(knock(&mut device, "10.5.6.108", "http://evil.example"), 403);
    assert!(!device.command("list").contains("WEBS"));
    for (host, origin, status) in [
        ("10.5.6.108", "http://10.5.6.108", 101),
        ("lamp.local", "http://lamp.local", 101),
        ("lamp.local", "http://10.5.6.108", 101),
        ("10.5.6.108", "http://lamp.local", 403),
        ("10.5.6.108", "http://10.5.6.108:8080", 403),
        ("10.5.6.108", "null", 403),
        ("evil.example", "http://10.5.6.1080", 403),
    ] {
        assert_eq!(knock(&mut device, host, origin), status, "{origin} at {host}");
    }
}

#[test]
fn pages_of_the_allowed_origin_open_web_sockets() {
    for (allowed, origin, status) in [
        ("*", "http://maker.example", 101),
        ("*", "null", 101),
        ("http://maker.example", "http://maker.example", 101),
        ("http://maker.example", "http://maker.example:8080", 403),
        ("http://maker.example", "http://10.5.6.108", 101),
    ] {
        let mut device = device_with(&[("http.server.cors_origin", allowed)]);
        assert_eq!(knock(&mut device, "10.5.6.108", origin), status, "{origin} where {allowed} is allowed");
    }
}

#[test]
fn fragments_pings_and_pieces() {
    let mut device = device();
    silent(&mut device);
    let peer = open(&mut device);
    let mut bytes = frame(0x01, b"frag");
    bytes.extend(frame(0x89, b"ping"));
    bytes.extend(frame(0x80, b"ments"));
    bytes.extend(frame(0x8A, b"unasked"));
    bytes.extend(frame(0x82, &[7; 300]));
    for byte in bytes {
        peer.send([byte]);
        device.settle();
    }
    assert_eq!(peer.received(), b"\x8a\x04ping");
    assert_eq!(device.command("read 0 9"), "fragments\r\n");
    assert_eq!(device.command("read 0 1000").len(), 302);
}

#[test]
fn every_ping_is_answered() {
    let mut device = device();
    silent(&mut device);
    let peer = open(&mut device);
    let mut pings = Vec::new();
    let mut pongs = Vec::new();
    for number in 0..10 {
        pings.extend(frame(0x89, &[number]));
        pongs.extend([0x8A, 1, number]);
    }
    // All at once; the last frame ends the conversation.
    pings.extend(frame(0x88, b"\x03\xe8"));
    pongs.extend(b"\x88\x02\x03\xe8");
    peer.send(&pings);
    device.settle();
    assert_eq!(peer.received(), pongs);
}

#[test]
fn a_client_that_does_not_read_its_pongs_can_still_send() {
    let mut device = device();
    silent(&mut device);
    let peer = open(&mut device);
    peer.set_window(0);
    for number in 0..4 {
        peer.send(frame(0x89, &[number]));
    }
    peer.send(frame(0x82, b"data"));
    device.settle();
    assert_eq!(device.command("poll 0"), "0\r\n");
    // The first pong is on its way, the two after it are given up.
    device.advance(Duration::from_secs(3));
    assert_eq!(device.command("read 0 9"), "data\r\n");
    peer.set_window(1000);
    device.settle();
    assert_eq!(peer.received(), b"\x8a\x01\x00\x8a\x01\x03");
}

#[test]
fn pings_after_the_end_have_no_answer() {
    let mut device = device();
    silent(&mut device);
    let peer = open(&mut device);
    device.command("close 0");
    device.settle();
    assert_eq!(peer.received(), b"\x88\x02\x03\xe8");
    for _ in 0..10 {
        peer.send(frame(0x89, b"?"));
    }
    peer.send(frame(0x88, b"\x03\xe8"));
    device.settle();
    assert_eq!((peer.received(), peer.end()), (Vec::new(), Some(End::Finished)));
}

#[test]
fn a_client_that_closes_leaves_its_data() {
    let mut device = device();
    silent(&mut device);
    let peer = open(&mut device);
    peer.send(frame(0x81, b"last words"));
    peer.send(frame(0x88, b"\x03\xe8bye"));
    device.settle();
    assert_eq!(peer.received(), b"\x88\x02\x03\xe8");
    assert_eq!(peer.end(), Some(End::Finished));
    peer.close();
    assert_eq!(device.command("poll 0"), "1\r\n");
    assert_eq!(device.command_with_data("write 0 1", b"x"), "Command failed\r\n");
    assert_eq!(device.command("read 0 20"), "last words\r\n");
    assert_eq!(device.command("read 0 20"), "Command failed\r\n");
    assert_eq!(device.command("poll all"), "None\r\n");
    device.settle();
    assert!(peer.is_device_gone());
}

#[test]
fn a_client_that_vanishes_leaves_its_data() {
    let mut device = device();
    silent(&mut device);
    for reset in [false, true] {
        let peer = open(&mut device);
        peer.send(frame(0x82, b"data"));
        device.settle();
        if reset {
            peer.reset()
        } else {
            peer.close()
        }
        assert_eq!(device.command("poll 0"), "1\r\n");
        assert_eq!(device.command("read 0 20"), "data\r\n");
        assert_eq!(device.command("poll all"), "None\r\n");
        assert!(peer.is_device_gone());
    }
    assert_eq!(device.port().stale_calls(), 0);
}

#[test]
fn the_host_closes_in_order() {
    let mut device = device();
    silent(&mut device);
    let peer = open(&mut device);
    device.command_with_data("write 0 3", b"end");
    assert_eq!(device.command("close 0"), "Success\r\n");
    device.settle();
    assert_eq!(peer.received(), b"\x82\x03end\x88\x02\x03\xe8");
    assert!(!peer.is_device_gone());
    // The handle is free at once; what the old client still sends does not get into a new stream.
    let other = open(&mut device);
    peer.send(frame(0x82, b"late"));
    peer.send(frame(0x88, b"\x03\xe8"));
    device.settle();
    assert_eq!(device.command("poll 0"), "0\r\n");
    assert_eq!(peer.end(), Some(End::Finished));
    // A client that does not answer is not waited for.
    device.command("close 0");
    device.advance(Duration::from_secs(11));
    assert!(other.is_device_gone());
}

#[test]
fn a_broken_protocol_is_told_with_its_code() {
    let mut device = device();
    silent(&mut device);
    for (bytes, code) in [
        (vec![0x81, 0x01, b'x'], 1002_u16),
        (frame(0x83, b""), 1002),
        (frame(0x80, b""), 1002),
        (frame(0x09, b""), 1002),
        (frame(0x81, b"\xff"), 1007),
        (frame(0x88, b"\x00\x00"), 1002),
    ] {
        let peer = open(&mut device);
        peer.send(&bytes);
        device.settle();
        assert_eq!(peer.received(), [&[0x88, 2][..], &code.to_be_bytes()].concat(), "{bytes:x?}");
        device.command("close all");
        assert!(device.run_until(LONG, |_| peer.is_device_gone()));
    }
}

#[test]
fn a_host_that_does_not_read_slows_the_client_down() {
    let mut device = device();
    silent(&mut device);
    let peer = open(&mut device);
    let message: Vec<u8> = (0..60_000u32).map(|number| b'a' + (number / 7 % 26) as u8).collect();
    for _ in 0..5 {
        peer.send(frame(0x82, &message));
    }
    device.settle();
    assert!(peer.unread() > 150_000, "{}", peer.unread());
    // Others are served meanwhile, and this one gets what the host writes.
    assert_eq!(get(&mut device, "/log").status, 200);
    device.command_with_data("write 0 2", b"ok");
    assert_eq!(peer.received(), b"\x82\x02ok");
    let mut text = String::new();
    while text.len() < 5 * message.len() {
        let answer = get(&mut device, "/command/read%200%2030000");
        text += answer.text().split('"').nth_back(1).unwrap().trim_end_matches("\\r\\n");
    }
    assert!(text.as_bytes() == message.repeat(5));
    device.settle();
    assert_eq!((peer.unread(), device.command("poll 0")), (0, "0\r\n".to_string()));
}

#[test]
fn a_client_that_does_not_read_slows_the_host_down_and_is_given_up() {
    let mut device = device();
    silent(&mut device);
    device.port().set_window(10);
    let peer = device.port().connect(80).unwrap();
    peer.set_window(1000);
    peer.send(UPGRADE);
    device.settle();
    peer.received();
    assert_eq!(device.command_with_data("write 0 30000", &[b'x'; 30_000]), "Success\r\n");
    device.advance(Duration::from_secs(29));
    assert!(!peer.is_device_gone());
    device.advance(Duration::from_secs(2));
    assert!(peer.is_device_gone());
    assert_eq!(device.command("poll all"), "None\r\n");
}

#[test]
fn without_auto_close_a_web_socket_stays_for_its_host() {
    let mut device = device();
    device.command("set stream.auto_close 0");
    let peer = open(&mut device);
    peer.send(frame(0x82, b"data"));
    peer.send(frame(0x88, b""));
    device.settle();
    assert!(device.take_output().contains("[Closed: 0]"));
    silent(&mut device);
    assert_eq!(device.command("poll 0"), "1\r\n");
    assert_eq!(device.command("read 0 20"), "data\r\n");
    assert_eq!(device.command("poll 0"), "2\r\n");
    assert_eq!(device.command("read 0 20"), "Command failed\r\n");
    assert_eq!(device.command("close 0"), "Success\r\n");
}

#[test]
fn as_many_clients_as_there_are_streams() {
    let mut device = device();
    silent(&mut device);
    let peers: Vec<Peer> = (0..8).map(|_| open(&mut device)).collect();
    assert_eq!(ask(&mut device, UPGRADE).status, 503);
    for (handle, peer) in peers.iter().enumerate() {
        device.command_with_data(&format!("write {handle} 1"), b"1");
        device.settle();
        assert_eq!(peer.received(), b"\x82\x011");
    }
    assert_eq!(get(&mut device, "/command/ver").status, 200);
    for peer in &peers {
        peer.send(frame(0x88, b""));
    }
    device.settle();
    assert!(peers.iter().all(|peer| peer.received() == b"\x88\0"));
    device.command("close all");
    assert!(device.run_until(LONG, |_| peers.iter().all(Peer::is_device_gone)));
    open(&mut device);
}

#[test]
fn a_handle_closed_before_it_is_open_is_another_ones_then() {
    let mut device = device();
    silent(&mut device);
    let slow = device.port().connect(80).unwrap();
    slow.set_window(10);
    slow.send(UPGRADE);
    device.settle();
    // It has a handle, but not its whole answer yet.
    assert!(device.command("list").contains("# 0 WEBS"));
    device.command("close all");
    let other = open(&mut device);
    slow.set_window(10_000);
    device.settle();
    slow.send(frame(0x82, b"from a stranger"));
    device.settle();
    assert!(device.run_until(LONG, |_| slow.is_device_gone()));
    assert_eq!(device.command("list").matches("WEBS").count(), 1);
    assert_eq!(device.command("poll 0"), "0\r\n");
    device.command_with_data("write 0 5", b"Hello");
    device.settle();
    assert_eq!(other.received(), b"\x82\x05Hello");
}

#[test]
fn the_end_of_the_network_is_told() {
    let mut device = device();
    silent(&mut device);
    let peer = open(&mut device);
    device.command("network_restart");
    device.advance(Duration::from_secs(1));
    assert_eq!(peer.received(), b"\x88\x02\x03\xe9");
    assert_eq!(device.command("poll all"), "None\r\n");
}

#[test]
fn a_bad_handshake_is_refused() {
    let mut device = device();
    for (from, to, status) in [
        ("Connection: Upgrade", "Connection: close", 426),
        ("Upgrade: websocket", "Upgrade: h2c", 426),
        ("Version: 13", "Version: 8", 426),
        ("HTTP/1.1", "HTTP/1.0", 426),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ==", 400),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400),
        ("\r\n\r\n", "\r\nContent-Length: 1\r\n\r\nx", 400),
        ("\r\n\r\n", "\r\n\r\nearly", 400),
    ] {
        let answer = ask(&mut device, UPGRADE.replace(from, to));
        assert_eq!(answer.status, status, "{to}");
        if status == 426 {
            assert_eq!(
                (answer.field("Upgrade"), answer.field("Sec-WebSocket-Version")),
                (Some("websocket"), Some("13"))
            );
        }
    }
    assert_eq!(device.command("poll all"), "None\r\n");
    assert_eq!(ask(&mut device, "HEAD /stream HTTP/1.1\r\n\r\n").status, 405);
    let answer = ask(&mut device, UPGRADE.replace("/stream", "/zapstreams"));
    assert_eq!(answer.status, 501);
    let mut device = device_with(&[("http.server.api_enabled", "0")]);
    assert_eq!(ask(&mut device, UPGRADE).status, 404);
}

#[test]
fn an_upload_is_read_and_answered_by_the_host() {
    let mut device = device();
    silent(&mut device);
    let bodies = [
        "Content-Length: 11\r\n\r\nHello World",
        "Transfer-Encoding: chunked\r\n\r\n6\r\nHello \r\n5\r\nWorld\r\n0\r\n\r\n",
    ];
    for body in bodies {
        let peer = device.port().connect(80).unwrap();
        peer.send(format!("POST /stream HTTP/1.1\r\n{body}"));
        device.settle();
        assert!(device.command("list").contains("# 0 HTTP  10.5.6.108:80 "));
        assert_eq!(device.command("read 0 100"), "Hello World\r\n");
        assert_eq!(device.command_with_data("write 0 5", b"first"), "Success\r\n");
        assert_eq!(device.command_with_data("write 0 6", b"second"), "Success\r\n");
        device.command("close 0");
        let answer = Answer::parse(&all(&mut device, peer));
        assert_eq!(answer.field("Transfer-Encoding"), Some("chunked"));
        assert_eq!(answer.text(), "000005\r\nfirst\r\n000006\r\nsecond\r\n0\r\n\r\n");
        assert_eq!(device.command("poll all"), "None\r\n");
    }
}

#[test]
fn an_upload_may_be_long_and_its_answer_empty() {
    let mut device = device();
    silent(&mut device);
    let peer = device.port().connect(80).unwrap();
    let size = 200_000;
    peer.send(format!("POST /stream HTTP/1.0\r\nContent-Length: {size}\r\n\r\n"));
    peer.send(vec![b'x'; size]);
    device.settle();
    assert!(peer.unread() > 50_000);
    let mut read = 0;
    while read < size {
        read += get(&mut device, "/command/read%200%2050000").text().matches('x').count();
    }
    device.command("close 0");
    let answer = Answer::parse(&all(&mut device, peer));
    assert_eq!((answer.status, answer.field("Content-Length")), (200, Some("0")));
}

#[test]
fn an_upload_that_nobody_reads_or_answers_is_given_up() {
    let mut device = device();
    silent(&mut device);
    let peer = device.port().connect(80).unwrap();
    peer.send("POST /stream HTTP/1.1\r\nContent-Length: 1\r\n\r\nx");
    let answer = Answer::parse(&all(&mut device, peer));
    assert_eq!(answer.status, 504);
    assert_eq!(device.command("poll all"), "None\r\n", "nobody is left who could be answered");
    let gone = device.port().connect(80).unwrap();
    gone.send("POST /stream HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
    device.settle();
    gone.close();
    device.settle();
    assert!(gone.is_device_gone());
    assert_eq!(device.command("poll all"), "None\r\n");
    create(&mut device, "a", b"a");
}

/// With `stream.auto_close` 0, too: the streams of clients that have gone must not take all handles.
#[test]
fn dropped_uploads_leave_no_streams() {
    for auto_close in ["0", "1"] {
        let mut device = device();
        silent(&mut device);
        device.command(&format!("set stream.auto_close {auto_close}"));
        for reset in [false, true] {
            for body in ["", "ab", "abcde"] {
                let peers: Vec<_> = (0..8).map(|_| device.port().connect(80).unwrap()).collect();
                for peer in &peers {
                    peer.send(format!("POST /stream HTTP/1.1\r\nContent-Length: 5\r\n\r\n{body}"));
                }
                device.settle();
                for peer in &peers {
                    if reset { peer.reset() } else { peer.close() }
                }
                // A complete body may wait for its answer as long as a host may take.
                device.advance(Duration::from_secs(60));
                assert_eq!(device.command("poll all"), "None\r\n", "{reset} {body:?}");
            }
        }
        assert_eq!(device.port().stale_calls(), 0);
    }
}

#[test]
fn an_upload_that_is_finished_gets_its_answer() {
    let mut device = device();
    let peer = device.port().connect(80).unwrap();
    peer.send("POST /stream HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
    peer.finish();
    device.advance(Duration::from_millis(500));
    silent(&mut device);
    assert_eq!(device.command("read 0 5"), "hello\r\n");
    assert_eq!(device.command_with_data("write 0 2", b"ok"), "Success\r\n");
    device.command("close 0");
    let bytes = all(&mut device, peer);
    let text = String::from_utf8(bytes).unwrap();
    let text = text.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&text);
    assert!(text.starts_with("HTTP/1.1 200 ") && text.ends_with("2\r\nok\r\n0\r\n\r\n"), "{text}");
}

#[test]
fn an_upload_of_another_origin_is_refused() {
    let mut device = device();
    let upload = |device: &mut SimDevice, origin: &str| {
        let peer = device.port().connect(80).unwrap();
        peer.send(format!("POST /stream HTTP/1.1\r\nHost: a\r\n{origin}Content-Length: 1\r\n\r\nx"));
        device.settle();
        peer
    };
    for origin in ["Origin: http://evil\r\n", "Origin: null\r\n", "Origin: http://a:8080\r\n"] {
        let peer = upload(&mut device, origin);
        assert_eq!(Answer::parse(&all(&mut device, peer)).status, 403, "{origin}");
    }
    for origin in ["", "Origin: http://a\r\n", "Origin: http://A:80\r\n"] {
        let peer = upload(&mut device, origin);
        assert!(peer.received().is_empty(), "{origin}");
        device.command("close all");
        assert_eq!(Answer::parse(&all(&mut device, peer)).status, 200, "{origin}");
    }
}
