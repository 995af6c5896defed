//! `http_…` with `https`: requests, and files in both directions.

use embassy_time::Duration;
use openzentri::port::sim::SimDevice;

use crate::peers::*;
use crate::streams::{CA, device, run, store, with_server};

/// A device that trusts the server.
fn trusting(world: &World) -> SimDevice {
    let mut device = device(&[(CA, &world.authority.pem())]);
    device.port().set_name(NAME, Duration::from_millis(1), Ok(*SERVER.ip()));
    device.command("set time.rtc 1780272000");
    device.command("set system.cmd.timestamp none");
    device
}

/// Runs a command, lets a server take its connections, and answers each request with the next of `answers`.
fn answered(device: &mut SimDevice, world: &World, line: &str, answers: &[&str]) -> (String, Vec<String>) {
    let listener = device.port().listen(SERVER);
    let (mut others, mut requests): (Vec<Other>, Vec<String>) = Default::default();
    let mut meanwhile = |_: &mut SimDevice| {
        others.extend(listener.accept().map(|peer| Other::server(world, peer, false, &[])));
        for (number, other) in others.iter_mut().enumerate() {
            other.pump();
            if requests.len() == number && other.received.windows(4).any(|end| end == b"\r\n\r\n") {
                requests.push(String::from_utf8_lossy(&other.received).into_owned());
                other.send(answers.get(number).map_or(b"" as &[u8], |answer| answer.as_bytes()));
                other.close();
            }
        }
    };
    let shown = run(device, line, &mut meanwhile);
    for _ in 0..20 {
        device.advance(Duration::from_millis(1));
        meanwhile(device);
    }
    listener.close();
    (shown, requests)
}

#[test]
fn a_request_is_a_stream_of_its_own_kind() {
    let world = World::new();
    let mut device = trusting(&world);
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let (shown, requests) = answered(&mut device, &world, "http_get https://server.example/a", &[answer]);
    assert_eq!(
        shown,
        "[Opening: server.example]\r\nRequest GET /a\r\nConnecting (https): server.example:443\r\nStarting TLS\r\n\
         HTTP response: 200\r\n[Opened: 0]\r\n0\r\n"
    );
    assert!(requests[0].starts_with("GET /a HTTP/1.1\r\nHost: server.example\r\n"), "{}", requests[0]);
    let list = device.command("list");
    assert!(list.contains("# 0 HTTPS server.example:443"), "{list}");
    assert!(device.command("read 0 100").ends_with("hello\r\n"));
}

/// The example of a failure in the reference (interface, http 7.2), except for its number: 5003 is out of memory.
#[test]
fn a_failure_is_printed_as_documented() {
    let world = World::new();
    let mut device = trusting(&world);
    device.port().limit_sessions(0);
    let (shown, _) = with_server(&mut device, &world, false, "http_get https://server.example/");
    assert_eq!(
        shown,
        "[Opening: server.example]\r\nRequest GET /\r\nConnecting (https): server.example:443\r\nStarting TLS\r\n\
         TLS malloc failed\r\nError with TLS handshake: 5003\r\n[Open failed]\r\nCommand failed\r\n"
    );
    device.port().limit_sessions(9);
    device.port().set_name("other.example", Duration::from_millis(1), Ok(*SERVER.ip()));
    for (line, error) in [
        ("http_get https://other.example/", "5037 (state: 3, code: 0)"),
        ("http_get -c absent.pem https://server.example/", "5016"),
        ("http_download https://other.example/f f", "5037 (state: 3, code: 0)"),
        ("http_upload https://other.example/f geotrust_ca.pem", "5037 (state: 3, code: 0)"),
    ] {
        let (shown, _) = with_server(&mut device, &world, false, line);
        let end = format!("Starting TLS\r\nError with TLS handshake: {error}\r\n[Open failed]\r\nCommand failed\r\n");
        assert!(shown.ends_with(&end), "{line}: {shown}");
        device.settle();
        assert_eq!((device.port().open_sessions(), device.port().open_sockets()), (0, 0), "{line}");
    }
}

#[test]
fn files_come_and_go_with_the_files_that_options_name() {
    let world = World::new();
    let mut device = trusting(&world);
    device.command("fde geotrust_ca.pem");
    store(&mut device, "ca.pem", &world.authority.pem(), "");
    let first = "HTTP/1.1 302 Found\r\nLocation: https://server.example/g\r\nContent-Length: 0\r\n\r\n";
    let second = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfile";
    let line = "http_download -a ca.pem https://server.example/f f";
    let (shown, requests) = answered(&mut device, &world, line, &[first, second]);
    assert!(shown.ends_with("File created\r\nSuccess\r\n"), "{shown}");
    assert!(requests[1].starts_with("GET /g "), "{requests:?}");
    let line = "http_upload -a ca.pem https://server.example/up f";
    let (shown, requests) = answered(&mut device, &world, line, &["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]);
    assert!(shown.ends_with("Success\r\n") && requests[0].contains("POST /up "), "{shown} {requests:?}");
    // A key is not sent to anybody.
    store(&mut device, "key.pem", "secret", " 1.0.0 4B");
    let refused = "Not readable: key.pem is a key\r\nCommand failed\r\n";
    assert_eq!(device.command("http_upload https://server.example/up key.pem"), refused);
}

/// A server that ends the connection without the end of the session may have been cut off by an attacker.
#[test]
fn a_body_that_only_the_end_delimits_must_end_in_order() {
    let world = World::new();
    for (in_order, whole) in [(true, true), (false, false)] {
        let mut device = trusting(&world);
        let listener = device.port().listen(SERVER);
        let mut other: Option<Other> = None;
        let mut sent = false;
        let shown = run(&mut device, "http_download https://server.example/f f", |_| {
            if other.is_none() {
                other = listener.accept().map(|peer| Other::server(&world, peer, false, &[]));
            }
            let Some(other) = &mut other else { return };
            other.pump();
            if !sent && !other.received.is_empty() {
                sent = true;
                other.send(b"HTTP/1.1 200 OK\r\n\r\npart");
                if in_order { other.close() } else { other.peer.close() }
            }
        });
        assert_eq!(shown.ends_with("File created\r\nSuccess\r\n"), whole, "{shown}");
        assert_eq!(shown.contains("HTTP response incomplete"), !whole, "{shown}");
    }
}
