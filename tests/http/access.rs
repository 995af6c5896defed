//! Passwords, the whitelist, and pages from elsewhere (interface, http 4, 5).

use embassy_time::Duration;
use openzentri::port::Interface;
use openzentri::port::sim::SimDevice;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::{Answer, all, ask, create, device, device_with, get, post};

/// `admin:s3cret`
const RIGHT: &str = "Authorization: Basic YWRtaW46czNjcmV0";
/// `admin:wrong`
const WRONG: &str = "Authorization: Basic YWRtaW46d3Jvbmc=";

fn locked() -> SimDevice {
    device_with(&[("http.server.username", "admin"), ("http.server.password", "s3cret")])
}

fn with(device: &mut SimDevice, target: &str, field: &str) -> Answer {
    ask(device, format!("GET {target} HTTP/1.1\r\n{field}\r\n\r\n"))
}

#[test]
fn nothing_is_needed_unless_name_and_password_are_set() {
    let mut device = device_with(&[("http.server.username", "admin")]);
    assert_eq!(get(&mut device, "/command/ver").status, 200);
    assert_eq!(with(&mut device, "/command/ver", WRONG).status, 200);
}

#[test]
fn everything_needs_the_right_password() {
    let mut device = locked();
    create(&mut device, "a.html", b"a");
    for target in ["/command/ver", "/log", "/a.html", "/nothing", "/", "/.console/", "/zapstreams"] {
        let answer = get(&mut device, target);
        assert_eq!((answer.status, answer.field("WWW-Authenticate")), (401, Some("Basic realm=ZentriOS")), "{target}");
    }
    assert_eq!(post(&mut device, "/command", r#"{"command":"ver"}"#).status, 401);
    assert_eq!(post(&mut device, "/stream", "x").status, 401);
    for field in
        [WRONG, "Authorization: Basic YWRtaW46", "Authorization: Basic !", "Authorization: Bearer YWRtaW46czNjcmV0"]
    {
        assert_eq!(with(&mut device, "/command/ver", field).status, 401, "{field}");
    }
    for (target, status) in
        [("/command/ver", 200), ("/log", 200), ("/a.html", 200), ("/nothing", 404), ("/zapstreams", 501)]
    {
        assert_eq!(with(&mut device, target, RIGHT).status, status, "{target}");
    }
    let body = r#"{"command":"poll all"}"#;
    let request = format!("POST /command HTTP/1.1\r\n{RIGHT}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(ask(&mut device, request).status, 200);
}

#[test]
fn a_user_with_a_colon_cannot_lock_the_owner_out() {
    let mut device = locked();
    for line in ["set ht s u ad:min", "set http.server.username \"admin:\""] {
        assert!(device.command(line).contains("Invalid argument"), "{line}");
    }
    assert_eq!(with(&mut device, "/command/ver", RIGHT).status, 200);
}

#[test]
fn the_longest_user_and_password_open() {
    use base64::Engine;
    let (user, password) = ("ü".repeat(32), ":".repeat(64));
    let mut device = locked();
    device.command(&format!("set ht s u {user}"));
    device.command(&format!("set ht s w {password}"));
    let mut text = [0; 172];
    let given = format!("{user}:{password}");
    assert_eq!(base64::engine::general_purpose::STANDARD.encode_slice(given, &mut text), Ok(172));
    let text = std::str::from_utf8(&text).unwrap();
    assert_eq!(with(&mut device, "/command/ver", &format!("Authorization: Basic {text}")).status, 200);
    assert_eq!(with(&mut device, "/command/ver", RIGHT).status, 401);
}

#[test]
fn unprotected_files_need_none() {
    let mut device = locked();
    device.command_with_data("fcr -u open.html 4", b"open");
    create(&mut device, "closed.html", b"closed");
    assert_eq!(get(&mut device, "/open.html").text(), "open");
    assert_eq!(get(&mut device, "/closed.html").status, 401);
    device.command("set ht s r open.html");
    assert_eq!(get(&mut device, "/").text(), "open");
}

#[test]
fn the_401_page_is_shown_though_it_is_protected() {
    let mut device = locked();
    create(&mut device, "webapp/unauthorized.html", b"<p>No</p>");
    device.command("set ht s d webapp/unauthorized.html");
    device.command("set ht s h \"My \\\"device\\\"\"");
    let answer = get(&mut device, "/command/ver");
    assert_eq!((answer.status, answer.text()), (401, "<p>No</p>"));
    assert_eq!(answer.field("WWW-Authenticate"), Some("Basic realm=\"My \\\"device\\\"\""));
    assert_eq!(answer.field("Content-Type"), Some("text/html"));
}

#[test]
fn calls_of_the_whitelist_need_none() {
    let mut device = locked();
    create(&mut device, "http_whitelist.csv", b"/command/ver, command/get%20wlan.mac\r\n/command/poll*,log");
    for target in ["/command/ver", "/command/%76er", "/command/get%20wlan.mac", "/command/poll%20all", "/log"] {
        assert_eq!(get(&mut device, target).status, 200, "{target}");
    }
    for target in
        ["/command/version", "/command/get%20wlan.ssid", "/command/", "/command/ver%20", "/http_whitelist.csv"]
    {
        assert_eq!(get(&mut device, target).status, 401, "{target}");
    }
    assert_eq!(post(&mut device, "/command", r#"{"command":"poll all"}"#).status, 200);
    assert_eq!(post(&mut device, "/command", r#"{"command":"dmVy","flags":1}"#).status, 200);
    assert_eq!(post(&mut device, "/command", r#"{"command":"reboot"}"#).status, 401);
    device.command("fde http_whitelist.csv");
    assert_eq!(get(&mut device, "/command/ver").status, 401);
    create(&mut device, "http_whitelist.csv", b"/command");
    assert_eq!(post(&mut device, "/command", r#"{"command":"poll all"}"#).status, 200);
    assert_eq!(get(&mut device, "/command/poll%20all").status, 401);
}

#[test]
fn guessing_is_slowed_down_for_the_guesser_alone() {
    let mut device = locked();
    let ask_from = |device: &mut SimDevice, last: u8, field: &str| {
        let from = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, last), 40_000);
        let peer = device.port().connect_from(Interface::Wlan, from, 80).unwrap();
        peer.send(format!("GET /command/ver HTTP/1.1\r\n{field}\r\n\r\n"));
        Answer::parse(&all(device, peer))
    };
    for _ in 0..50 {
        // Asking without a password is no guess: browsers do it first.
        assert_eq!(ask_from(&mut device, 1, "A: b").status, 401);
    }
    let statuses: Vec<u16> = (0..15).map(|_| ask_from(&mut device, 1, WRONG).status).collect();
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 5]].concat());
    let refused = ask_from(&mut device, 1, RIGHT);
    assert_eq!(refused.status, 429);
    assert!(refused.field("Retry-After").unwrap().parse::<u32>().unwrap() <= 61);
    assert_eq!(ask_from(&mut device, 2, RIGHT).status, 200);
    device.advance(Duration::from_secs(61));
    assert_eq!(ask_from(&mut device, 1, RIGHT).status, 200);
    assert_eq!(ask_from(&mut device, 1, WRONG).status, 401);
}

#[test]
fn every_answer_names_the_origin_that_is_set() {
    let mut device = device_with(&[("http.server.cors_origin", "http://localhost:5002")]);
    create(&mut device, "a.html", b"a");
    for (target, status) in
        [("/command/ver", 200), ("/a.html", 200), ("/nothing", 404), ("/command/", 400), ("/stream", 426)]
    {
        let answer = get(&mut device, target);
        assert_eq!(answer.status, status);
        assert_eq!(answer.field("Access-Control-Allow-Origin"), Some("http://localhost:5002"), "{target}");
    }
    assert_eq!(post(&mut device, "/command", "{").field("Access-Control-Allow-Origin"), Some("http://localhost:5002"));
}

#[test]
fn a_preflight_needs_no_password() {
    let mut device = device_with(&[
        ("http.server.cors_origin", "*"),
        ("http.server.username", "admin"),
        ("http.server.password", "s3cret"),
    ]);
    for target in ["/command/ver", "/command", "/log", "*", "/a.html"] {
        let request = format!(
            "OPTIONS {target} HTTP/1.1\r\nOrigin: http://a\r\nAccess-Control-Request-Method: POST\r\n\
             Access-Control-Request-Headers: content-type\r\n\r\n"
        );
        let answer = ask(&mut device, request);
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{target}");
        assert_eq!(answer.field("Access-Control-Allow-Origin"), Some("*"));
        assert!(answer.field("Access-Control-Allow-Methods").unwrap().contains("POST"));
        let headers = answer.field("Access-Control-Allow-Headers").unwrap();
        for header in ["Content-Type", "Accept", "Authorization"] {
            assert!(headers.contains(header));
        }
    }
    assert_eq!(get(&mut device, "/command/ver").field("Access-Control-Allow-Origin"), Some("*"));
}

#[test]
fn without_an_origin_there_is_no_cors() {
    let mut device = device();
    let answer = ask(&mut device, "OPTIONS /command HTTP/1.1\r\nOrigin: http://a\r\n\r\n");
    assert_eq!(answer.status, 200);
    assert!(!answer.head.contains("Access-Control"));
    assert!(!get(&mut device, "/command/ver").head.contains("Access-Control"));
    // It takes effect with the network, like the other variables of the server.
    device.command("set ht s c *");
    assert!(!get(&mut device, "/command/ver").head.contains("Access-Control"));
    device.command("network_restart");
    device.advance(Duration::from_secs(2));
    assert!(get(&mut device, "/command/ver").head.contains("Access-Control-Allow-Origin: *\r\n"));
}
