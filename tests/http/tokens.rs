//! What API tokens open and what they do not (docs/extensions.md).

use openzentri::port::sim::SimDevice;

use super::{Answer, ask, create, device, device_with};

/// `admin:s3cret`
const OWNER: &str = "Basic YWRtaW46czNjcmV0";

fn locked() -> SimDevice {
    device_with(&[("http.server.username", "admin"), ("http.server.password", "s3cret")])
}

fn get(device: &mut SimDevice, target: &str, authorization: &str) -> Answer {
    ask(device, format!("GET {target} HTTP/1.1\r\nAuthorization: {authorization}\r\n\r\n"))
}

fn post(device: &mut SimDevice, line: &str, authorization: &str) -> Answer {
    let body = format!("{{\"command\":\"{line}\"}}");
    let head = format!("POST /command HTTP/1.1\r\nAuthorization: {authorization}\r\nContent-Length: {}", body.len());
    ask(device, format!("{head}\r\n\r\n{body}"))
}

/// A token as the owner makes it over HTTP, as the value of `Authorization`.
fn token(device: &mut SimDevice, scopes: &str) -> String {
    let name = scopes.replace(',', ".");
    let answer = post(device, &format!("token_create {name} {scopes}"), OWNER);
    assert_eq!(answer.status, 200);
    let text = answer.text().split("\"response\":\"").nth(1).unwrap().to_owned();
    format!("Bearer {}", text.strip_suffix("\\r\\n\"}").unwrap())
}

#[test]
fn a_token_opens_what_its_scope_says() {
    let mut device = locked();
    create(&mut device, "page.html", b"page");
    let calls = [
        ("/command/version", "read"),
        ("/log", "read"),
        ("/openapi.json", "read"),
        ("/command/stream_write%207%201", "streams"),
        ("/command/file_delete%20nothing", "files"),
        ("/command/set%20time.zone%201", "config"),
        ("/command/token_list", "admin"),
        ("/command/set%20http.server.password%20s3cret", "admin"),
        ("/command/factory_reset", "admin"),
    ];
    for granted in ["read", "streams", "files", "config", "admin"] {
        let token = token(&mut device, granted);
        for (target, needed) in calls {
            let answer = get(&mut device, target, &token);
            let expected = if granted == needed || granted == "admin" { 200 } else { 403 };
            assert_eq!(answer.status, expected, "{target} with {granted}");
        }
        let file = get(&mut device, "/page.html", &token);
        let served = matches!(granted, "read" | "files" | "admin");
        assert_eq!(file.status, if served { 200 } else { 403 }, "{granted}");
        assert_eq!(get(&mut device, "/nothing.html", &token).status, if served { 404 } else { 403 }, "{granted}");
    }
}

#[test]
fn a_refusal_says_what_is_missing() {
    let mut device = locked();
    let token = token(&mut device, "read,streams");
    let answer = get(&mut device, "/command/save", &token);
    assert_eq!(answer.status, 403);
    assert_eq!(answer.field("WWW-Authenticate"), Some("Bearer error=\"insufficient_scope\", scope=\"config\""));
    assert_eq!(answer.text(), "403 Forbidden: the token lacks the scope config\r\n");
}

#[test]
fn a_post_is_looked_at_like_a_get() {
    let mut device = locked();
    let token = token(&mut device, "read");
    assert_eq!(post(&mut device, "get time.zone", &token).status, 200);
    assert_eq!(post(&mut device, "set time.zone 1", &token).status, 403);
    // `set time.zone 1` in base64.
    let body = r#"{"flags":1,"command":"c2V0IHRpbWUuem9uZSAx"}"#;
    let head = format!("POST /command HTTP/1.1\r\nAuthorization: {token}\r\nContent-Length: {}", body.len());
    assert_eq!(ask(&mut device, format!("{head}\r\n\r\n{body}")).status, 403);
    assert!(post(&mut device, "get time.zone", &token).text().contains("\"0\\r\\n\""), "nothing was changed");
}

#[test]
fn no_spelling_gets_around_the_scope() {
    let mut device = locked();
    let token = token(&mut device, "read");
    for line in [
        "reboot",
        "reboot%0D%0A",
        "reboot%0A",
        "%20%20reboot",
        "%09reboot",
        "%22reboot%22",
        "\\x72eboot",
        "re%62oot",
        "fac",
        "nre",
    ] {
        assert_eq!(get(&mut device, &format!("/command/{line}"), &token).status, 403, "{line}");
    }
    for line in ["reboot\\r\\n", "reboot\\n", "\\u0072eboot", "\\\"reboot\\\""] {
        assert_eq!(post(&mut device, line, &token).status, 403, "{line}");
    }
    assert_eq!(device.restarts(), 0);
}

#[test]
fn a_lesser_token_cannot_make_itself_more() {
    let mut device = locked();
    let token = token(&mut device, "read,streams,files,config");
    for line in [
        "set http.server.username \\\"\\\"",
        "set ht s w x",
        "set http.server.unauthorized_filename secret.pem",
        "set ht s c *",
        "set se a c \\\"token_create x admin\\\"",
        "set se g c reboot",
        "token_create more admin",
        "file_create http_whitelist.csv 1",
        "save http_whitelist.csv",
        "file_create default_config.csv 1",
        "load settings.txt",
    ] {
        assert_eq!(post(&mut device, line, &token).status, 403, "{line}");
    }
    assert_eq!(post(&mut device, "set http.server.max_clients 5", &token).status, 200);
}

#[test]
fn settings_are_saved_in_a_file_by_who_may_write_files() {
    let mut device = locked();
    let (lesser, both) = (token(&mut device, "config"), token(&mut device, "files,config"));
    assert_eq!(post(&mut device, "save", &lesser).status, 200);
    let answer = post(&mut device, "save settings.txt", &lesser);
    assert_eq!(answer.field("WWW-Authenticate"), Some("Bearer error=\"insufficient_scope\", scope=\"files\""));
    assert_eq!(post(&mut device, "save settings.txt", &both).status, 200);
}

#[test]
fn a_lesser_token_cannot_write_the_file_that_a_guarded_variable_points_to() {
    let mut device = locked();
    create(&mut device, "401.html", b"<p>No</p>");
    let token = token(&mut device, "read,streams,files,config");
    let lines = [
        "file_create 401.html 1",
        "fcr -o \\\\x3401.html 1",
        "fde 401.html",
        "save 401.html",
        "hdo http://10.9.9.9/401.html",
        "hdo http://10.9.9.9/x 401.html",
    ];
    for line in lines {
        assert_ne!(post(&mut device, line, &token).status, 403, "{line}");
        device.advance(embassy_time::Duration::from_secs(120));
    }
    device.command("set ht s d 401.html");
    for line in lines {
        assert_eq!(post(&mut device, line, &token).status, 403, "{line}");
    }
    assert_ne!(post(&mut device, "fde 402.html", &token).status, 403);
}

#[test]
fn wrong_tokens_are_like_none() {
    let mut device = locked();
    let token = token(&mut device, "admin");
    let bare = token.strip_prefix("Bearer ").unwrap();
    for field in ["Bearer", "Bearer ", "Bearer x", &format!("Basic {bare}"), &format!("{token}x"), "Bearer Bearer"] {
        let answer = get(&mut device, "/command/version", field);
        assert_eq!((answer.status, answer.field("WWW-Authenticate")), (401, Some("Basic realm=ZentriOS")), "{field}");
    }
    assert_eq!(get(&mut device, "/command/version", &format!("bearer {bare}")).status, 200);
    for _ in 0..50 {
        assert_eq!(get(&mut device, "/log", "Bearer wrong").status, 401);
    }
    assert_eq!(get(&mut device, "/log", OWNER).status, 200, "who has an old token does not lock the owner out");
}

#[test]
fn a_revoked_token_is_refused_at_once() {
    let mut device = locked();
    let token = token(&mut device, "read");
    assert_eq!(get(&mut device, "/log", &token).status, 200);
    assert_eq!(post(&mut device, "token_delete read", OWNER).status, 200);
    assert_eq!(get(&mut device, "/log", &token).status, 401);
}

#[test]
fn a_revoked_token_ends_its_web_sockets() {
    let mut device = locked();
    let (one, other) = (token(&mut device, "streams"), token(&mut device, "read,streams"));
    let mut open = |authorization: &str| {
        let peer = device.port().connect(80).unwrap();
        let head = "GET /stream HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
        peer.send(format!("{head}\r\nAuthorization: {authorization}\r\n\r\n"));
        device.settle();
        assert!(peer.received_text().starts_with("HTTP/1.1 101 "));
        peer
    };
    let peers = [open(&one), open(&other), open(&one), open(OWNER)];
    // A masked text frame.
    peers[0].send(b"\x81\x82\0\0\0\0hi");
    device.settle();
    assert_eq!(post(&mut device, "token_delete streams", OWNER).status, 200);
    device.settle();
    for (peer, revoked) in peers.iter().zip([true, false, true, false]) {
        let expected: &[u8] = if revoked { b"\x88\x02\x03\xf0" } else { b"" };
        assert_eq!(peer.received(), expected, "1008, policy violation");
        assert_eq!(peer.end().is_some(), revoked);
    }
    assert_eq!(device.command("poll all"), "0,1|1,0|3,0\r\n", "what nobody has to read is closed");
    assert_eq!(device.command("read 0 2"), "[Closed: 0]\r\nhi\r\n", "what came before is there for the host");
    assert_eq!(post(&mut device, "token_delete read.streams", OWNER).status, 200);
    device.settle();
    assert_eq!(peers[1].received(), b"\x88\x02\x03\xf0");
    assert_eq!(peers[3].received(), b"");
}

#[test]
fn an_open_device_does_not_look_at_tokens() {
    let mut device = device();
    assert_eq!(get(&mut device, "/command/set%20time.zone%201", "Bearer nonsense").status, 200);
    let token = token(&mut device, "read");
    assert_eq!(get(&mut device, "/command/set%20time.zone%201", &token).status, 200);
}

#[test]
fn what_needs_no_password_needs_no_scope() {
    let mut device = locked();
    create(&mut device, "http_whitelist.csv", b"/command/set time.zone*");
    device.command_with_data("fcr -u open.html 4", b"open");
    let token = token(&mut device, "streams");
    assert_eq!(get(&mut device, "/command/set%20time.zone%201", &token).status, 200);
    assert_eq!(get(&mut device, "/open.html", &token).status, 200);
    assert_eq!(get(&mut device, "/command/save", &token).status, 403);
}

#[test]
fn web_sockets_and_uploads_need_streams() {
    let mut device = locked();
    let (read, streams) = (token(&mut device, "read"), token(&mut device, "streams"));
    let mut upgrade = |authorization: &str| {
        let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
        let ask = format!("Connection: Upgrade\r\nUpgrade: websocket\r\n{key}\r\nAuthorization: {authorization}");
        let peer = device.port().connect(80).unwrap();
        peer.send(format!("GET /stream HTTP/1.1\r\n{ask}\r\n\r\n"));
        device.settle();
        String::from_utf8(peer.received()).unwrap().get(9..12).map(str::to_owned)
    };
    assert_eq!(upgrade(&read).as_deref(), Some("403"));
    assert_eq!(upgrade(&streams).as_deref(), Some("101"));
    let upload = format!("POST /stream HTTP/1.1\r\nAuthorization: {read}\r\nContent-Length: 1\r\n\r\nx");
    assert_eq!(ask(&mut device, upload).status, 403);
}

/// Whether a page may run scripts, and which type its script is served as.
fn scripts(device: &mut SimDevice, page: &str, script: &str) -> (bool, String) {
    let page = get(device, page, OWNER);
    assert_eq!(page.status, 200);
    let policy = page.field("Content-Security-Policy");
    assert!(policy.is_none_or(|policy| policy.contains("script-src 'none'")));
    let script = get(device, script, OWNER);
    (policy.is_none(), script.field("Content-Type").unwrap().to_owned())
}

#[test]
fn what_a_token_writes_runs_no_scripts_until_the_owner_says_so() {
    let mut device = locked();
    let token = token(&mut device, "files,streams,config");
    let write = |device: &mut SimDevice, who: &str, name: &str| {
        let body = format!(r#"{{"command":"file_create -r {name} 8","data":"alert(1)"}}"#);
        let head = format!("POST /command HTTP/1.1\r\nAuthorization: {who}\r\nContent-Length: {}", body.len());
        assert!(ask(device, format!("{head}\r\n\r\n{body}")).text().contains("\"code\":0,"));
    };
    for who in [OWNER, &token] {
        for name in ["a.html", "a.js", "index.svg"] {
            write(&mut device, who, name);
        }
        let tame = who != OWNER;
        let kind = if tame { "text/plain" } else { "application/javascript" };
        assert_eq!(scripts(&mut device, "/a.html", "/a.js"), (!tame, kind.into()));
        assert_eq!(scripts(&mut device, "/index.svg?x", "/a.js").0, !tame);
    }
    // `save` writes a page, too.
    assert!(get(&mut device, "/command/save%20s.html", &token).text().contains("\"code\":0,"));
    assert!(!scripts(&mut device, "/s.html", "/a.js").0);
    assert!(get(&mut device, "/command/set%20http.server.token_scripts%201", &token).status == 403);
    get(&mut device, "/command/set%20http.server.token_scripts%201", OWNER);
    assert_eq!(scripts(&mut device, "/a.html", "/a.js"), (true, "application/javascript".into()));
    get(&mut device, "/command/set%20http.server.token_scripts%200", OWNER);
    assert!(!scripts(&mut device, "/a.html", "/a.js").0);
    // A file that the owner writes again is the owner's.
    write(&mut device, OWNER, "a.html");
    assert_eq!(scripts(&mut device, "/a.html", "/a.js"), (true, "text/plain".into()));
}
