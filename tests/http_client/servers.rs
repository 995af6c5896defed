//! Servers that are not there, fail, or take their time.

use core::net::SocketAddrV4;

use embassy_time::Duration;
use openzentri::port::PortError;
use openzentri::port::sim::{Answer, Call};

use crate::{OK, SERVER, World};

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
