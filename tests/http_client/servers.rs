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
    // A queued request: its handle stays for the host, and says that the request is over.
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

/// A server that is silent, or sends a byte now and then, keeps no command for ever.
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

    // A body that stops in the middle: the bytes that came can be read, then the end is reported.
    world.device.port().set_window(65_536);
    let peer = world.ask("hge example.com");
    peer.send(format!("{OK}Content-Length: 9\r\n\r\nhalf"));
    world.answer();
    world.device.advance(Duration::from_secs(299));
    assert_eq!(world.command("poll 0"), "1\r\n");
    world.device.advance(Duration::from_secs(2));
    assert_eq!(world.device.take_output(), "HTTP timeout\r\n[Closed: 0]\r\n");
    assert_eq!(world.command("poll 0"), "1\r\n");
    assert_eq!(world.command("read 0 9"), "half\r\n");
    assert_eq!(world.command("poll 0"), "2\r\n");
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
        "[Opening: example.com]\r\nRequest GET /\r\nConnecting (https): example.com:443\r\n\
         [Open failed]\r\nCommand failed\r\n",
        "nobody listens there; tests/tls has the others"
    );
    assert_eq!(world.command("list"), "! # Type  Info\r\n");
    world.check_rest(0);
}

/// Interim heads do not end a body that is still being sent.
#[test]
fn interim_answers_leave_the_body_going() {
    let size = 60_000;
    for head in ["100 Continue", "102 Processing", "103 Early Hints\r\nLink: </a>"] {
        for mode in ["-l 60000", "-l -1"] {
            let mut world = World::new();
            world.device.port().set_window(1000);
            let peer = world.ask(&format!("http_post -o {mode} example.com a/b"));
            world.answer();
            world.write(0, &vec![b'x'; size]);
            world.device.type_line("http_read_status 0");
            let mut sent = Vec::new();
            for _ in 0..3 {
                world.device.settle();
                sent.extend(peer.received());
                // In two pieces, so that half a head does not end it either.
                let interim = format!("HTTP/1.1 {head}\r\n\r\n");
                let (first, second) = interim.split_at(interim.len() / 2);
                peer.send(first);
                world.device.settle();
                peer.send(second);
            }
            peer.set_window(1_000_000);
            world.device.settle();
            sent.extend(peer.received());
            assert_eq!(
                sent.iter().filter(|byte| **byte == b'x').count(),
                size + 1,
                "{head} {mode}: the x of example too"
            );
            peer.send(format!("{OK}Content-Length: 2\r\n\r\nok"));
            assert!(world.answer().ends_with("200\r\n"), "{head} {mode}");
            assert_eq!(world.command("read 0 9"), "ok\r\n");
            world.command("close 0");
            world.check_rest(0);
        }
    }
}

#[test]
fn interim_answers_do_not_end_an_upload_but_a_final_one_does() {
    let mut world = World::new();
    let content = "~".repeat(50_000);
    let created = world.device.command_with_data("file_create f 50000", content.as_bytes());
    assert!(created.contains("Success"), "{created}");
    world.device.take_output();
    world.device.port().set_window(1000);
    let peer = world.ask("http_upload example.com f");
    world.device.settle();
    peer.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    world.device.settle();
    peer.set_window(1_000_000);
    world.device.settle();
    assert_eq!(peer.received_text().matches('~').count(), 50_000);
    peer.send(format!("{OK}Content-Length: 0\r\n\r\n"));
    assert!(world.answer().ends_with("Success\r\n"));
    world.device.port().set_window(1000);
    let peer = world.ask("http_upload example.com f");
    world.device.settle();
    peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    assert!(world.answer().ends_with("HTTP status: 413\r\nCommand failed\r\n"));
    world.check_rest(0);
}

/// A request in chunks whose body is empty has a last chunk, too.
#[test]
fn a_held_request_with_an_empty_body_in_chunks_is_sent_whole() {
    for command in ["http_post -o -l -1", "http_put -o -l -1"] {
        let mut world = World::new();
        let peer = world.ask(&format!("{command} example.com a/b"));
        world.answer();
        world.device.type_line("http_read_status 0");
        world.device.settle();
        assert!(peer.received_text().ends_with("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
        peer.send(format!("{OK}Content-Length: 0\r\n\r\n"));
        assert!(world.answer().ends_with("200\r\n"));
    }
    // A read also sends the request; bytes written before go out before the last chunk.
    let mut world = World::new();
    let peer = world.ask("http_post -o example.com a/b");
    world.answer();
    world.write(0, b"abc");
    assert!(world.command("http_add_header 0 Transfer-Encoding chunked").ends_with("Success\r\n"));
    world.device.type_line("stream_read 0 9");
    world.device.settle();
    let sent = peer.received_text();
    assert!(sent.ends_with("3\r\nabc\r\n0\r\n\r\n"), "{sent}");
}

#[test]
fn folded_fields_of_an_answer_are_read() {
    let mut world = World::new();
    let folded = "HTTP/1.1 200 OK\r\nServer: a\r\n b\r\nContent-Length:\r\n\t4\r\n\r\nbody and more";
    assert!(world.download("hdo example.com/f f", folded.as_bytes()).ends_with("Success\r\n"));
    assert_eq!(world.content("f"), "body\r\n");
    let peer = world.ask("hdo example.com/g g");
    peer.send("HTTP/1.1 302 Found\r\nLocation:\r\n /other\r\n\r\n");
    let peer = world.connected();
    assert!(peer.received_text().starts_with("GET /other HTTP/1.1\r\n"));
    peer.send(folded);
    assert!(world.answer().ends_with("Success\r\n"));
}

/// A server that takes a file byte by byte does not keep the command.
#[test]
fn an_upload_to_a_server_that_takes_little_ends() {
    let mut world = World::new();
    assert!(world.device.command_with_data("file_create f 5000", &[b'y'; 5000]).contains("Success"));
    world.device.take_output();
    world.device.port().set_window(100);
    let peer = world.ask("http_upload example.com f");
    let before = world.device.millis();
    for taken in 1..4 {
        world.device.advance(Duration::from_secs(25));
        peer.set_window(300 + taken);
    }
    assert!(world.answer().ends_with("HTTP transfer too slow\r\nCommand failed\r\n"));
    assert!(world.device.millis() - before <= 100_000);
    world.check_rest(0);
}
