use proptest::prelude::*;

use super::*;

fn parse(head: &str) -> Result<Option<Request>, Status> {
    Request::parse(head.as_bytes())
}

fn whole(head: &str) -> Request {
    parse(head).unwrap().unwrap()
}

#[test]
fn a_head_is_read() {
    let head = "POST /command HTTP/1.1\r\nHost: 10.0.0.1\r\ncontent-LENGTH:  12 \r\nExpect: 100-Continue\r\n\r\n{...";
    let request = whole(head);
    assert_eq!(request.target.of(head.as_bytes()), b"/command");
    assert_eq!((request.method, request.is_1_1, request.expects_continue), (Method::Post, true, true));
    assert_eq!((request.framing, request.length), (Framing::Length(12), head.len() - 4));
}

#[test]
fn a_head_in_pieces_is_not_an_error() {
    let head = "GET /command/ver HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for cut in 0..head.len() {
        assert_eq!(parse(&head[..cut]), Ok(None), "{cut}");
    }
    assert_eq!(whole(head).framing, Framing::Chunked);
}

#[test]
fn a_target_may_name_the_server() {
    let head = "GET http://10.0.0.1:80/command/http_get%20http://a/?b HTTP/1.0\r\n\r\n";
    let request = whole(head);
    assert_eq!(request.target.of(head.as_bytes()), b"/command/http_get%20http://a/?b");
    assert!(!request.is_1_1);
    for target in ["http://", "http:///", "http://?x", "example.com:443", "ftp://host/", "*", "*x"] {
        assert_eq!(parse(&format!("GET {target} HTTP/1.1\r\n\r\n")), Err(Status::BAD_REQUEST), "{target}");
    }
}

#[test]
fn an_absolute_target_without_a_path_is_the_root() {
    for (target, path) in [
        ("http://host", "/"),
        ("HTTP://host:80", "/"),
        ("http://h?a=/b", "/"),
        ("http://h/?a", "/?a"),
        ("http://h/x", "/x"),
    ] {
        let head = format!("GET {target} HTTP/1.1\r\n\r\n");
        assert_eq!(whole(&head).target.of(head.as_bytes()), path.as_bytes(), "{target}");
        assert!(!whole(&head).of_server);
    }
    for (target, of_server) in
        [("*", true), ("http://h", true), ("http://h:80", true), ("http://h/", false), ("/", false)]
    {
        assert_eq!(whole(&format!("OPTIONS {target} HTTP/1.1\r\n\r\n")).of_server, of_server, "{target}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length:\r\n",
        "Content-Length : 5\r\n",
        "Content Length: 5\r\n",
        "Content-Length: 5\nHost: a\r\n",
        "Content-Length: 5\r\n folded\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Host: a\r\nHost: b\r\n",
        "\0: a\r\n",
        "A: \0\r\n",
        ": a\r\n",
    ] {
        let head = format!("POST /command HTTP/1.1\r\n{fields}\r\n");
        assert_eq!(parse(&head), Err(Status::BAD_REQUEST), "{fields:?}");
    }
    for line in
        ["GET /a b HTTP/1.1", "GET  / HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "G@T / HTTP/1.1", "GET /"]
    {
        assert_eq!(parse(&format!("{line}\r\n\r\n")).map(|_| ()), Err(Status::BAD_REQUEST), "{line:?}");
    }
    assert_eq!(parse("GET / HTTP/1.1\n\n"), Err(Status::BAD_REQUEST));
    assert_eq!(parse("GET / HTTP/1.1\r\nA: b\n\r\n"), Err(Status::BAD_REQUEST));
}

#[test]
fn what_the_server_cannot_do_is_said() {
    let post = |fields: &str| parse(&format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n"));
    assert_eq!(post("Transfer-Encoding: gzip, chunked"), Err(Status::NOT_IMPLEMENTED));
    assert_eq!(post("Expect: the-impossible"), Err(Status::EXPECTATION_FAILED));
    assert_eq!(post("Content-Length: 99999999999999999999999"), Err(Status::CONTENT_TOO_LARGE));
    assert_eq!(parse("GET / HTTP/3.0\r\n\r\n"), Err(Status::VERSION_NOT_SUPPORTED));
    assert_eq!(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), Err(Status::BAD_REQUEST));
    let many = "A: b\r\n".repeat(limits::HTTP_FIELDS + 1);
    assert_eq!(parse(&format!("GET / HTTP/1.1\r\n{many}\r\n")), Err(Status::HEAD_TOO_LARGE));
}

#[test]
fn the_fields_of_an_upgrade_are_lists() {
    let head = "GET /stream HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUPGRADE: h2c, WebSocket\r\n\
                Sec-WebSocket-Key: a\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let fields = whole(head).fields;
    assert!(fields.upgrade.is_websocket() && fields.websocket_13);
    assert_eq!(fields.websocket_key.unwrap().of(head.as_bytes()), b"a");
    assert!(!whole("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n").fields.upgrade.is_websocket());
    assert_eq!(parse("GET / HTTP/1.1\r\nAuthorization: a\r\nAuthorization: a\r\n\r\n"), Err(Status::BAD_REQUEST));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = Request::parse(&bytes);
    }

    #[test]
    fn spoiled_heads_are_read_without_panic(at in 0usize..200, byte: u8, cut in 0usize..200) {
        let mut head = b"POST /command/%20 HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nTransfer-Encoding: x\r\n\r\n".to_vec();
        if let Some(place) = head.get_mut(at) {
            *place = byte;
        }
        head.truncate(cut);
        if let Ok(Some(request)) = Request::parse(&head) {
            prop_assert!(request.length <= head.len());
            prop_assert!(request.target.end <= request.length);
        }
    }
}
