//! How requests arrive: in pieces, together, malformed, too large.

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::sim::End;

use super::{Answer, LONG, all, ask, device, get};

const POST: &str = "POST /command HTTP/1.1\r\nHost: a\r\nContent-Length: 22\r\n\r\n{\"command\":\"poll all\"}";
const CHUNKED: &str = "POST /command HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                       5\r\n{\"com\r\n11;x=y\r\nmand\":\"poll all\"}\r\n0\r\nTrailer: x\r\n\r\n";

#[test]
fn a_request_may_be_cut_anywhere() {
    let mut device = device();
    for request in [POST, CHUNKED, "GET /command/poll%20all HTTP/1.1\r\nHost: a\r\n\r\n"] {
        for cut in 1..request.len() {
            let peer = device.port().connect(80).unwrap();
            peer.send(&request[..cut]);
            device.settle();
            assert_eq!(peer.received_text(), "", "{cut}");
            peer.send(&request[cut..]);
            let answer = Answer::parse(&all(&mut device, peer));
            assert!(answer.status == 200 && answer.text().contains(r#""response":"None\r\n""#), "{cut}: {answer:?}");
        }
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let mut device = device();
    for request in [POST, CHUNKED] {
        let peer = device.port().connect(80).unwrap();
        for byte in request.bytes() {
            peer.send([byte]);
            device.settle();
        }
        assert_eq!(Answer::parse(&all(&mut device, peer)).status, 200);
        let peer = device.port().connect(80).unwrap();
        peer.limit_calls(1, 1);
        peer.send(request);
        assert_eq!(Answer::parse(&all(&mut device, peer)).status, 200);
    }
}

#[test]
fn of_several_requests_at_once_the_first_is_answered() {
    let mut device = device();
    let peer = device.port().connect(80).unwrap();
    peer.send(format!("{POST}{POST}GET /log HTTP/1.1\r\n\r\n"));
    let bytes = all(&mut device, peer);
    assert_eq!(Answer::parse(&bytes).status, 200);
    assert_eq!(String::from_utf8(bytes).unwrap().matches("HTTP/1.1 ").count(), 1);
    assert!(get(&mut device, "/command/poll%20all").text().contains("\"id\":2,"), "the second was not run");
}

#[test]
fn a_client_that_only_stops_sending_is_answered() {
    let mut device = device();
    let peer = device.port().connect(80).unwrap();
    peer.send(POST);
    peer.finish();
    assert_eq!(Answer::parse(&all(&mut device, peer)).status, 200);
    for cut in [3, POST.len() - 3] {
        let peer = device.port().connect(80).unwrap();
        peer.send(&POST[..cut]);
        peer.finish();
        assert_eq!(Answer::parse(&all(&mut device, peer)).status, 400, "{cut}");
    }
}

#[test]
fn who_expects_to_continue_is_told_to() {
    let mut device = device();
    let peer = device.port().connect(80).unwrap();
    let (head, body) = POST.split_at(POST.len() - 22);
    let head = head.replace("Host", "Expect: 100-continue\r\nHost");
    peer.send(&head);
    device.settle();
    assert_eq!(peer.received_text(), "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send(body);
    assert_eq!(Answer::parse(&all(&mut device, peer)).status, 200);
    assert_eq!(ask(&mut device, format!("{head}{body}")).status, 200);
    assert_eq!(ask(&mut device, head.replace("100-continue", "200-ok")).status, 417);
}

#[test]
fn ambiguous_and_broken_requests_are_refused() {
    let mut device = device();
    for request in [
        "\x16\x03\x01\x02\0\x01\0\x01\x7c",
        "GET /log HTTP/1.1\nHost: a\n\n",
        "GET /log\r\n\r\n",
        "GET /a b HTTP/1.1\r\n\r\n",
        "GET log HTTP/1.1\r\n\r\n",
        "GET /log HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /log HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "GET /log HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST /command HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /command HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n12345",
        "POST /command HTTP/1.1\r\nContent-Length: 5,5\r\n\r\n12345",
        "POST /command HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "POST /command HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"comX\r\n",
    ] {
        assert_eq!(ask(&mut device, request).status, 400, "{request:?}");
    }
    assert_eq!(ask(&mut device, "GET /log HTTP/2.0\r\n\r\n").status, 505);
    assert_eq!(ask(&mut device, "POST /command HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n").status, 501);
}

#[test]
fn heads_have_a_limit() {
    let mut device = device();
    let long = "x".repeat(limits::HTTP_HEAD);
    assert_eq!(get(&mut device, &format!("/{long}")).status, 414);
    assert_eq!(ask(&mut device, format!("GET /log HTTP/1.1\r\nA: {long}\r\n\r\n")).status, 431);
    assert_eq!(
        ask(&mut device, format!("GET /log HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(limits::HTTP_FIELDS + 1))).status,
        431
    );
    let filling = "GET /log HTTP/1.1\r\nA: \r\n\r\n".len();
    let fits = "x".repeat(limits::HTTP_HEAD - filling);
    assert_eq!(ask(&mut device, format!("GET /log HTTP/1.1\r\nA: {fits}\r\n\r\n")).status, 200);
    let long = get(&mut device, &format!("/command/{}", "x".repeat(limits::COMMAND_LINE + 1)));
    assert!(long.text().contains("\"code\":8"));
}

#[test]
fn a_refused_body_does_not_cost_the_answer() {
    let mut device = device();
    let peer = device.port().connect(80).unwrap();
    peer.send("POST /command HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
    for _ in 0..100 {
        peer.send([b'x'; 1000]);
        device.settle();
    }
    let answer = Answer::parse(&peer.received());
    assert_eq!(answer.status, 413);
    peer.close();
    assert!(device.run_until(LONG, |_| peer.is_device_gone()));
    assert_ne!(peer.end(), Some(End::Reset));
    // The device does not wait for ever for a client that never ends.
    let peer = device.port().connect(80).unwrap();
    peer.send("POST /command HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
    assert!(device.run_until(Duration::from_secs(60), |_| peer.is_device_gone()));
}

#[test]
fn targets_that_name_the_server() {
    let mut device = device();
    let ok = |device: &mut _, line: &str| ask(device, format!("{line}\r\nHost: h\r\n\r\n"));
    for target in ["*", "http://h", "http://h:80"] {
        let answer = ok(&mut device, &format!("OPTIONS {target} HTTP/1.1"));
        assert_eq!((answer.status, answer.field("Allow")), (200, Some("GET, HEAD, POST, OPTIONS")), "{target}");
    }
    assert_eq!(ok(&mut device, "OPTIONS http://h/log HTTP/1.1").field("Allow"), Some("GET, HEAD, OPTIONS"));
    let root = ok(&mut device, "GET / HTTP/1.1");
    for target in ["http://h", "http://h?x", "http://h/"] {
        let answer = ok(&mut device, &format!("GET {target} HTTP/1.1"));
        assert_eq!((answer.status, answer.body == root.body), (root.status, true), "{target}");
    }
    assert_eq!(ok(&mut device, "GET * HTTP/1.1").status, 400);
}

#[test]
fn later_minor_versions_are_served_as_1_1() {
    let mut device = device();
    for version in ["1.2", "1.9"] {
        let answer = ask(&mut device, format!("GET /command/ver HTTP/{version}\r\nHost: h\r\n\r\n"));
        assert_eq!(answer.status, 200, "{version}");
        let body = "10\r\n{\"command\":\"ver\"\r\n1\r\n}\r\n0\r\n\r\n";
        let chunked = format!("POST /command HTTP/{version}\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        assert_eq!(ask(&mut device, chunked).status, 200, "{version}");
    }
    for (version, status) in [("2.0", 505), ("1.10", 400), ("0.9", 505)] {
        let answer = ask(&mut device, format!("GET /command/ver HTTP/{version}\r\nHost: h\r\n\r\n"));
        assert!(answer.status == status || answer.status == 505, "{version}: {}", answer.status);
    }
}
