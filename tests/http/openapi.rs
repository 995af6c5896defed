//! The description of the REST API (docs/extensions.md). What it says is judged in `tests/blackbox/test_openapi.py`.

use openzentri::command::COMMANDS;

use super::{ask, create, device, device_with, get, post};

#[test]
fn it_is_sent_whole() {
    let mut device = device();
    let answer = get(&mut device, "/openapi.json");
    assert_eq!((answer.status, answer.field("Content-Type")), (200, Some("application/json")));
    assert_eq!(answer.field("Cache-Control"), Some("no-store"));
    assert_eq!(answer.field("Content-Length"), Some(answer.body.len().to_string().as_str()));
    let text = answer.text();
    assert!(text.starts_with("{\"openapi\":\"3.1.0\",") && text.ends_with("]}"));
    for command in COMMANDS {
        assert!(text.contains(&format!("\"name\":\"{}\"", command.name)), "{}", command.name);
    }
    assert_eq!(get(&mut device, "/openapi.json?x").status, 200);
}

#[test]
fn head_and_wrong_methods() {
    let mut device = device();
    let head = ask(&mut device, "HEAD /openapi.json HTTP/1.1\r\n\r\n");
    let whole = get(&mut device, "/openapi.json");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.field("Content-Length"), whole.field("Content-Length"));
    let wrong = post(&mut device, "/openapi.json", "");
    assert_eq!((wrong.status, wrong.field("Allow")), (405, Some("GET, HEAD")));
}

#[test]
fn it_says_whether_credentials_are_needed() {
    let open = get(&mut device(), "/openapi.json");
    assert!(open.text().contains("\"security\":[{},{\"basic\":[]},{\"bearer\":[]}]"));
    let mut locked = device_with(&[("http.server.username", "admin"), ("http.server.password", "s3cret")]);
    assert_eq!(get(&mut locked, "/openapi.json").status, 401);
    let closed = ask(&mut locked, "GET /openapi.json HTTP/1.1\r\nAuthorization: Basic YWRtaW46czNjcmV0\r\n\r\n");
    assert!(closed.text().contains("\"security\":[{\"basic\":[]},{\"bearer\":[]}]"));
}

#[test]
fn it_belongs_to_the_rest_api() {
    let mut device = device_with(&[("http.server.api_enabled", "0")]);
    create(&mut device, "openapi.json", b"mine");
    assert_eq!(get(&mut device, "/openapi.json").status, 404);
}

#[test]
fn flags_that_nobody_has_defined_are_refused() {
    let mut device = device();
    for (flags, status) in [("7", 200), ("8", 400), ("15", 400), ("4294967295", 400), ("-1", 400), ("null", 200)] {
        let command = if flags == "7" { "cG9sbCBhbGw=" } else { "poll all" };
        let body = format!("{{\"flags\":{flags},\"command\":\"{command}\"}}");
        assert_eq!(post(&mut device, "/command", &body).status, status, "{flags}");
    }
}

#[test]
fn health_is_told_to_everybody() {
    let mut device = device_with(&[("http.server.username", "admin"), ("http.server.password", "s3cret")]);
    let answer = get(&mut device, "/healthz");
    assert_eq!((answer.status, answer.text()), (200, "ok\r\n"));
    assert_eq!(answer.field("Cache-Control"), Some("no-store"));
    let head = ask(&mut device, "HEAD /healthz HTTP/1.1\r\n\r\n");
    assert_eq!((head.status, head.body.len(), head.field("Content-Length")), (200, 0, Some("4")));
    let wrong = post(&mut device, "/healthz", "");
    assert_eq!((wrong.status, wrong.field("Allow")), (405, Some("GET, HEAD")));
}
