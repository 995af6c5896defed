//! `http_download` and `http_upload` (interface, http 7.4).

use embassy_time::Duration;

use crate::{LONG, OK, World, head};

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

    // In chunks, in place of the old file, with all arguments given.
    let body = "6\r\nHello \r\n6\r\nThere!\r\n0\r\n\r\n";
    let response = format!("{OK}Transfer-Encoding: chunked\r\n\r\n{body}");
    let answer = world.download("hdo -u -e example.com/hello.txt hello.txt 1.2.3 0x45", response.as_bytes());
    assert!(answer.ends_with("HTTP response: 200\r\nChunked response\r\nFile created\r\nSuccess\r\n"), "{answer}");
    let listing = world.command("ls -v");
    assert!(listing.contains("e-45   00C1") && listing.contains("12       1.2.3  hello.txt\r\n"), "{listing}");
    assert_eq!(world.content("hello.txt"), "Hello There!\r\n");

    // Up to the end of the connection; the name from the URL; two blanks after the command.
    let answer = world.download("hdo  example.com/a/b.txt?c=d/e", format!("{OK}\r\nto the end").as_bytes());
    assert!(answer.ends_with("Success\r\n"), "{answer}");
    assert_eq!(world.content("b.txt"), "to the end\r\n");
    // The options of Gecko OS 4: CRC-32.
    let answer =
        world.download("hdo example.com/x -n nine -c CBF43926 -v 2.0.0 -t FE", format!("{OK}\r\n123456789").as_bytes());
    assert!(answer.ends_with("Success\r\n"), "{answer}");
    // Empty bodies.
    for body in ["Content-Length: 0\r\n\r\n", "\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"] {
        let answer = world.download("hdo -c FFFF example.com/x empty", format!("{OK}{body}").as_bytes());
        assert!(answer.ends_with("Success\r\n"), "{answer}");
        assert_eq!(world.content("empty"), "");
    }
    world.command("close all");
    world.check_rest(0);
}

/// Whatever goes wrong, the old file is still there, and nothing else.
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
    // A byte now and then is too little.
    let peer = world.ask("hdo example.com/f f");
    peer.send(format!("{OK}\r\nhalf"));
    let before = world.device.millis();
    for _ in 0..3 {
        world.device.advance(Duration::from_secs(25));
        peer.send("x");
    }
    assert!(world.answer().ends_with("HTTP transfer too slow\r\nCommand failed\r\n"));
    assert_eq!(world.device.millis() - before, 75_000);
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
        ("https://example.com/x", "Connecting (https): example.com:443\r\n[Open failed]"),
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

/// The power fails at any write of the flash: after the next boot the file is the old or the new one, and complete.
#[test]
fn power_cuts_during_a_download() {
    for framing in ["Content-Length: 20000\r\n\r\n", "\r\n"] {
        let mut committed = 0;
        for cut in [0, 1, 2, 9_999, 19_999].into_iter().chain((20_000..20_080).step_by(5)) {
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
