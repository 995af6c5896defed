//! Files of the device as web pages (interface, http 6.1, 6.2).

use embassy_time::Duration;
use openzentri::port::PortError;
use openzentri::port::sim::{Call, SimDevice};

use super::{Answer, all, ask, create, device, get, post};

fn ask_with(device: &mut SimDevice, target: &str, fields: &str) -> Answer {
    ask(device, format!("GET {target} HTTP/1.1\r\n{fields}\r\n\r\n"))
}

#[test]
fn a_file_is_served_under_its_name() {
    let mut device = device();
    create(&mut device, "web app/a b.html", b"<p>Hello</p>");
    for target in ["/web%20app/a%20b.html", "/web%20app/a%20b.html?t=1&x", "/web%20app%2fa%20b.html"] {
        let answer = get(&mut device, target);
        assert_eq!((answer.status, answer.text()), (200, "<p>Hello</p>"), "{target}");
        assert_eq!(answer.field("Content-Type"), Some("text/html"));
        assert_eq!(answer.field("Content-Length"), Some("12"));
        assert_eq!(answer.field("Cache-Control"), Some("no-cache"));
        assert_eq!(answer.field("Content-Encoding"), None);
    }
    let head = ask(&mut device, "HEAD /web%20app/a%20b.html HTTP/1.1\r\n\r\n");
    assert_eq!((head.status, head.field("Content-Length"), head.body.len()), (200, Some("12"), 0));
    let answer = ask(&mut device, "POST /web%20app/a%20b.html HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((answer.status, answer.field("Allow")), (405, Some("GET, HEAD")));
}

#[test]
fn a_packed_file_stands_for_the_plain_one() {
    let mut device = device();
    create(&mut device, "webapp/zentrios.js.gz", b"\x1f\x8bpacked");
    let answer = get(&mut device, "/webapp/zentrios.js");
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"\x1f\x8bpacked"[..]));
    assert_eq!(answer.field("Content-Encoding"), Some("gzip"));
    assert_eq!(answer.field("Content-Type"), Some("application/javascript"));
    // By its own name it is a download.
    let answer = get(&mut device, "/webapp/zentrios.js.gz");
    assert_eq!((answer.field("Content-Encoding"), answer.field("Content-Type")), (None, Some("application/gzip")));
    create(&mut device, "webapp/zentrios.js", b"plain");
    assert_eq!(get(&mut device, "/webapp/zentrios.js").text(), "plain");
}

#[test]
fn the_root_is_the_file_of_the_variable() {
    let mut device = device();
    // The web console stands there as long as nothing else does.
    assert!(get(&mut device, "/").field("Content-Security-Policy").is_some());
    create(&mut device, ".recovery.html", b"recovery");
    let answer = get(&mut device, "/");
    assert_eq!((answer.status, answer.field("Location")), (302, Some("/.recovery.html")));
    create(&mut device, "webapp/index.html", b"index");
    assert_eq!(get(&mut device, "/").text(), "index");
    assert_eq!(get(&mut device, "/?x").text(), "index");
    create(&mut device, "other.html.gz", b"packed");
    device.command("set ht s r other.html.gz");
    let answer = get(&mut device, "/");
    assert_eq!((answer.field("Content-Encoding"), answer.field("Content-Type")), (Some("gzip"), Some("text/html")));
    device.command("set ht s r other.html");
    assert_eq!(get(&mut device, "/").field("Content-Encoding"), Some("gzip"));
}

#[test]
fn what_is_not_there_has_a_page() {
    let mut device = device();
    assert_eq!(get(&mut device, "/nothing").text(), "404 Not Found\r\n");
    create(&mut device, "404.html", b"<h1>Nothing</h1>");
    device.command("set http.server.notfound_filename 404.html");
    let answer = get(&mut device, "/nothing");
    assert_eq!(
        (answer.status, answer.text(), answer.field("Content-Type")),
        (404, "<h1>Nothing</h1>", Some("text/html"))
    );
    let answer = ask(&mut device, "HEAD /nothing HTTP/1.1\r\n\r\n");
    assert_eq!((answer.status, answer.body.len()), (404, 0));
    device.command("fde 404.html");
    assert_eq!(get(&mut device, "/nothing").text(), "404 Not Found\r\n");
}

#[test]
fn tricks_with_paths_are_refused() {
    let mut device = device();
    create(&mut device, "secret", b"x");
    for target in [
        "/../secret",
        "/a/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/..%5csecret",
        "/.",
        "/secret%00",
        "/secret%0a",
        "/%",
    ] {
        assert_eq!(get(&mut device, target).status, 400, "{target}");
    }
    for target in [
        "//secret",
        "/%2fsecret",
        "/secret/",
        "/secret%20",
        "/%252e%252e/secret",
        "/Secret",
        "/t00000001",
        "/f00000001",
    ] {
        assert_eq!(get(&mut device, target).status, 404, "{target}");
    }
    let long = "x".repeat(2000);
    assert_eq!(get(&mut device, &format!("/{long}")).status, 404);
}

#[test]
fn a_replaced_file_is_served_at_once_and_a_begun_answer_is_whole() {
    let mut device = device();
    let old = vec![b'o'; 50_000];
    create(&mut device, "cam.jpg", &old);
    device.port().set_window(1000);
    let slow = device.port().connect(80).unwrap();
    slow.send("GET /cam.jpg HTTP/1.1\r\n\r\n");
    device.settle();
    device.command("fde cam.jpg");
    create(&mut device, "cam.jpg", b"new");
    device.port().set_window(65536);
    let answer = get(&mut device, "/cam.jpg?1");
    assert_eq!(answer.text(), "new");
    let mut bytes = Vec::new();
    while slow.end().is_none() {
        device.advance(Duration::from_secs(1));
        bytes.extend(slow.received());
    }
    let body = Answer::parse(&bytes).body;
    assert!(body == old, "{} bytes", body.len());
    assert_eq!(device.port().flash().open_files(), 0);
}

#[test]
fn a_client_that_has_the_file_is_told_so() {
    let mut device = device();
    create(&mut device, "a.css", b"body {}");
    let tag = get(&mut device, "/a.css").field("ETag").unwrap().to_string();
    for field in [format!("If-None-Match: {tag}"), format!("If-None-Match: \"x\", W/{tag}"), "If-None-Match: *".into()]
    {
        let answer = ask_with(&mut device, "/a.css", &field);
        assert_eq!((answer.status, answer.body.len(), answer.field("ETag")), (304, 0, Some(tag.as_str())));
    }
    // The same content stored again is still a new file, and so is one of the same length and checksum.
    device.command("fde a.css");
    create(&mut device, "a.css", b"body {}");
    let answer = ask_with(&mut device, "/a.css", &format!("If-None-Match: {tag}"));
    assert_eq!(answer.status, 200);
    assert_ne!(answer.field("ETag"), Some(tag.as_str()));
}

#[test]
fn one_range_is_served() {
    let mut device = device();
    create(&mut device, "a.txt", b"0123456789");
    let tag = get(&mut device, "/a.txt").field("ETag").unwrap().to_string();
    for (range, body, place) in
        [("bytes=2-4", "234", "bytes 2-4/10"), ("bytes=7-", "789", "bytes 7-9/10"), ("bytes=-2", "89", "bytes 8-9/10")]
    {
        let answer = ask_with(&mut device, "/a.txt", &format!("Range: {range}"));
        assert_eq!((answer.status, answer.text(), answer.field("Content-Range")), (206, body, Some(place)));
    }
    let answer = ask_with(&mut device, "/a.txt", "Range: bytes=10-");
    assert_eq!((answer.status, answer.field("Content-Range")), (416, Some("bytes */10")));
    for fields in ["Range: bytes=0-1,4-5", "Range: lines=1-2", "Range: bytes=1-2\r\nIf-Range: \"other\""] {
        assert_eq!(ask_with(&mut device, "/a.txt", fields).text(), "0123456789", "{fields}");
    }
    assert_eq!(ask_with(&mut device, "/a.txt", &format!("Range: bytes=1-2\r\nIf-Range: {tag}")).text(), "12");
    create(&mut device, "empty", b"");
    assert_eq!(get(&mut device, "/empty").field("Content-Length"), Some("0"));
    assert_eq!(ask_with(&mut device, "/empty", "Range: bytes=0-").status, 416);
}

#[test]
fn a_flash_that_fails_cuts_the_answer_and_frees_the_file() {
    let mut device = device();
    create(&mut device, "a.bin", &[7; 60_000]);
    device.port().fail_after(2, Call::ReadAt, PortError::Failed(5));
    let peer = device.port().connect(80).unwrap();
    peer.send("GET /a.bin HTTP/1.1\r\n\r\n");
    let bytes = all(&mut device, peer);
    assert!(Answer::parse(&bytes).body.len() < 60_000);
    assert_eq!(device.port().flash().open_files(), 0);
    device.port().fail(Call::Open, PortError::Failed(5));
    assert_eq!(get(&mut device, "/a.bin").status, 500);
    assert_eq!(get(&mut device, "/a.bin").body.len(), 60_000);
}

/// The entry of the flash that holds a content.
fn entry_of(device: &SimDevice, content: &[u8]) -> String {
    let flash = device.port().flash();
    let holds = |name: &String| flash.content(name).is_some_and(|data| data.starts_with(content));
    flash.names().into_iter().find(holds).unwrap()
}

#[test]
fn a_damaged_file_is_not_served_and_the_log_names_it() {
    let mut device = device();
    let content = vec![b'x'; 30_000];
    create(&mut device, "webapp/index.html", &content);
    create(&mut device, "404.html", b"<h1>Nothing</h1>");
    create(&mut device, "whole.txt", b"whole");
    for line in ["set http.server.notfound_filename 404.html", "save"] {
        device.command(line);
    }
    for name in [entry_of(&device, &content), entry_of(&device, b"<h1>")] {
        let mut data = device.port().flash().content(&name).unwrap();
        data[7] ^= 0x20;
        device.port().flash().set_content(&name, &data);
    }
    assert_eq!(get(&mut device, "/").text().len(), content.len(), "nobody looks again in the life that wrote it");
    device.power_cycle();
    device.advance(Duration::from_secs(2));
    for _ in 0..2 {
        let answer = get(&mut device, "/");
        assert_eq!((answer.status, answer.text()), (500, "500 Internal Server Error\r\n"));
    }
    let log = get(&mut device, "/log");
    assert!(log.text().contains("File CRC mismatch: webapp/index.html"), "{}", log.text());
    // A damaged page for a status does not stand in the way of the status.
    assert_eq!(get(&mut device, "/nothing").text(), "404 Not Found\r\n");
    assert_eq!(get(&mut device, "/whole.txt").text(), "whole");
    for line in ["fop webapp/index.html", "load webapp/index.html", "hup http://127.0.0.1:9/ webapp/index.html"] {
        assert!(device.command(line).ends_with("Command failed\r\n"), "{line}");
    }
    assert_eq!(device.command("list").lines().count(), 1);
    create(&mut device, "-r webapp/index.html", b"new");
    assert_eq!(get(&mut device, "/").text(), "new");
}

/// Calls `file_create -r`; returns whether it succeeded.
fn replace(device: &mut SimDevice, line: &str, data: &str) -> bool {
    let answer = post(device, "/command", &format!("{{\"command\": \"{line}\", \"data\": \"{data}\"}}"));
    answer.text().contains("\"code\":0,")
}

#[test]
fn a_file_is_replaced_in_one_step() {
    let mut device = device();
    create(&mut device, "webapp/index.html", b"old");
    assert!(!replace(&mut device, "fcr webapp/index.html 3", "new"), "only who says so replaces");
    // Too few data, a wrong checksum: the old file stays.
    for line in ["fcr -r webapp/index.html 9", "fcr -r webapp/index.html 3 1.0.0 FE 1234"] {
        assert!(!replace(&mut device, line, "new"), "{line}");
        assert_eq!(get(&mut device, "/").text(), "old", "{line}");
    }
    for (line, data) in [("fcr -r webapp/index.html 3", "new"), ("fcr -ur webapp/index.html 6", "newest")] {
        assert!(replace(&mut device, line, data), "{line}");
        assert_eq!(get(&mut device, "/").text(), data);
    }
    assert!(replace(&mut device, "fcr -r another.html 2", "so"), "there need be no such file");
    assert_eq!(get(&mut device, "/another.html").text(), "so");
}

#[test]
fn an_upload_that_breaks_off_leaves_the_old_file() {
    let mut device = device();
    create(&mut device, "webapp/index.html", b"old");
    // As a stream that is closed too early, and then as a complete one.
    for (data, served) in [(&b"ne"[..], "old"), (b"new", "new")] {
        let handle = device.command("fcr -o -r webapp/index.html 3").trim().lines().last().unwrap().to_string();
        device.command_with_data(&format!("write {handle} {}", data.len()), data);
        device.command(&format!("close {handle}"));
        assert_eq!(get(&mut device, "/").text(), served);
        assert!(device.command("list").lines().count() == 1, "{}", device.command("list"));
    }
    // The power fails in the middle of the next upload.
    let handle = device.command("fcr -o -r webapp/index.html 30").trim().lines().last().unwrap().to_string();
    device.command_with_data(&format!("write {handle} 3"), b"cut");
    device.power_cycle();
    device.advance(Duration::from_secs(2));
    assert_eq!(get(&mut device, "/").text(), "new");
}

#[test]
fn an_empty_file_that_is_closed_stays() {
    let mut device = device();
    let handle = device.command("fcr -o e.txt 0").trim().lines().last().unwrap().to_string();
    assert!(device.command(&format!("close {handle}")).ends_with("Success\r\n"));
    assert_eq!((get(&mut device, "/e.txt").status, get(&mut device, "/e.txt").body.len()), (200, 0));
    let handle = device.command("fcr -o f.txt 1").trim().lines().last().unwrap().to_string();
    device.command(&format!("close {handle}"));
    assert_eq!(get(&mut device, "/f.txt").status, 404, "a file that is not whole vanishes");
}

/// The first command that opens a file after a start compares its content, whichever command that is.
#[test]
fn a_damaged_file_is_opened_by_no_command() {
    for line in ["fop some.cfg", "load some.cfg"] {
        let mut device = device();
        let content = b"set wlan.ssid other".repeat(2000);
        create(&mut device, "some.cfg", &content);
        let name = entry_of(&device, &content);
        let mut data = device.port().flash().content(&name).unwrap();
        data[30_000] ^= 1;
        device.port().flash().set_content(&name, &data);
        device.power_cycle();
        device.advance(Duration::from_secs(2));
        let answer = device.command(line);
        assert!(answer.ends_with("File CRC mismatch: some.cfg\r\nCommand failed\r\n"), "{line}: {answer}");
        assert_eq!(device.command("list").lines().count(), 1, "{line}");
        assert_eq!(device.port().flash().open_files(), 0, "{line}");
    }
}
