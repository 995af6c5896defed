//! Requests that are nearly right.

use super::super::random::Random;

/// Commands without lasting effect on the device, except on files, streams and variables that nothing else here needs.
const LINES: [&str; 34] = [
    "version",
    "help commands",
    "help all",
    "help set",
    "get all",
    "get wlan",
    "get ud",
    "get udp.client.remote_port",
    "set udp.client.remote_port 65535",
    "set softap.ssid \"a\\\"b\\x41\"",
    "fcr -o a.txt 100 1.2.3.4 0xFE 0x89F6",
    "fcr -o b.txt 3",
    "fcr c.txt 3",
    "fcr -eu -o d 4294967295",
    "fop page.html",
    "fde a.txt",
    "fst -v page.html",
    "ls -v",
    "list",
    "poll all",
    "read 0 100",
    "read 1 4294967295",
    "write 0 5",
    "close 0",
    "close all",
    "tcps start",
    "udps start 4000",
    "tcpc 10.9.8.7 80",
    "udpc 10.9.8.7 9",
    "nlo no.such.host",
    "wlan_scan -v all",
    "\"",
    "",
    "\\x",
];

/// Words of lines that change the device for good, or shut this test out.
const UNWANTED: [&str; 11] =
    ["reboot", "sleep", "fac", "sy", "network_", "ndo", "nre", "ota", "load", "save", "token_"];

const WEBSOCKET: &str = "GET /stream HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Heads, each with a place for more fields before its end.
const HEADS: [&str; 12] = [
    "GET /command/ver HTTP/1.1\r\nHost: device\r\n",
    "GET /page.html HTTP/1.1\r\nHost: device\r\nRange: bytes=0-5\r\n",
    "GET /page.html HTTP/1.1\r\nRange: bytes=-3\r\nIf-Range: \"x\"\r\n",
    "GET /page.html?x=%20&y HTTP/1.1\r\nIf-None-Match: \"a\", W/\"b\", *\r\n",
    "HEAD /page.html HTTP/1.0\r\nConnection: keep-alive\r\n",
    "GET /a/../%2e%2e/etc HTTP/1.1\r\nHost: d\r\n",
    "OPTIONS /command HTTP/1.1\r\nOrigin: http://x\r\nAccess-Control-Request-Method: POST\r\n",
    "GET /log HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n",
    "GET /metrics HTTP/1.1\r\nAccept: */*\r\n",
    "GET /openapi.json HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
    "GET /zapstreams HTTP/1.1\r\nUpgrade: websocket\r\n",
    "DELETE / HTTP/1.1\r\nCookie: a=b\r\n",
];

/// `admin:s3cret`, `admin:wrong`, and others.
const CREDENTIALS: [&str; 8] = [
    "Basic YWRtaW46czNjcmV0",
    "Basic YWRtaW46d3Jvbmc=",
    "Basic YTpi",
    "Basic ====",
    "Basic",
    "Bearer ozt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "Bearer ",
    "Digest username=\"admin\"",
];

const TOKENS: [&[u8]; 28] = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b":",
    b"%",
    b"%00",
    b"%zz",
    b"\0",
    b"\xff",
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"-1",
    b"99999999999999999999",
    b"0x",
    b"../",
    b"//",
    b"\x1b[A",
    b"\t",
    b"all",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"HTTP/1.1",
];

/// What a client sends: pieces with a pause after each.
pub struct Request {
    pub pieces: Vec<Vec<u8>>,
    /// It asks for a WebSocket: the answer is not always HTTP alone.
    pub is_websocket: bool,
}

/// The next request, now and then with credentials.
pub fn request(random: &mut Random, with_credentials: bool) -> Request {
    if random.below(8) == 0 {
        return websocket(random, with_credentials);
    }
    let mut bytes = one(random, with_credentials);
    if random.below(10) == 0 {
        // The server answers one request per connection; what follows must not disturb it.
        bytes.extend(one(random, with_credentials));
    }
    if random.below(5) == 0 {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    Request { pieces: cut(random, bytes), is_websocket: false }
}

fn one(random: &mut Random, with_credentials: bool) -> Vec<u8> {
    let fields = fields(random, with_credentials);
    let mut bytes = match random.below(10) {
        0 | 1 => [random.pick(&HEADS).as_bytes(), &fields, b"\r\n"].concat(),
        2 | 3 => get_command(random, &fields),
        4..=6 => with_body(random, "/command", &fields, json),
        7 => with_body(random, "/stream", &fields, |random| random.bytes(2000)),
        8 => with_body(random, "/page.html", &fields, |random| random.bytes(300)),
        _ => random.bytes(400),
    };
    // Most requests are wrong in one or a few places; some are right.
    for _ in 0..random.below(3) {
        mutate(random, &mut bytes);
    }
    if is_unwanted(&bytes) { b"GET /command/ver HTTP/1.1\r\n\r\n".to_vec() } else { bytes }
}

fn is_unwanted(bytes: &[u8]) -> bool {
    let has = |word: &&str| bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()));
    UNWANTED.iter().any(has)
}

fn fields(random: &mut Random, with_credentials: bool) -> Vec<u8> {
    let mut fields = Vec::new();
    if with_credentials && random.below(4) > 0 {
        // Most of them with the right password.
        let credentials = if random.below(10) > 0 { CREDENTIALS[0] } else { random.pick(&CREDENTIALS) };
        fields = format!("Authorization: {credentials}\r\n").into_bytes();
    }
    if random.below(10) == 0 {
        // A page of another origin.
        fields.extend_from_slice(b"Host: device\r\nOrigin: http://x\r\n");
    }
    if random.below(40) == 0 {
        for _ in 0..random.below(100) {
            fields.extend_from_slice(b"X: ");
            fields.extend(random.bytes(100).iter().map(|byte| b'a' + byte % 26));
            fields.extend_from_slice(b"\r\n");
        }
    }
    fields
}

fn get_command(random: &mut Random, fields: &[u8]) -> Vec<u8> {
    let mut line = random.pick(&LINES).as_bytes().to_vec();
    if random.below(3) == 0 {
        mutate(random, &mut line);
    }
    let mut bytes = b"GET /command/".to_vec();
    for byte in line {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => bytes.push(byte),
            _ => bytes.extend(format!("%{byte:02x}").bytes()),
        }
    }
    [&bytes[..], b" HTTP/1.1\r\n", fields, b"\r\n"].concat()
}

fn json(random: &mut Random) -> Vec<u8> {
    let line = random.pick(&LINES).replace('\\', "\\\\").replace('"', "\\\"");
    let data = ["", "abc", "QUJD", "hello", "\\u00e4\\n"][random.below(5)];
    match random.below(5) {
        0 => format!("{{\"command\":\"{line}\"}}"),
        1 => format!("{{\"flags\":{},\"command\":\"{line}\",\"data\":\"{data}\"}}", random.below(9)),
        2 => format!("{{\"command\":\"{line}\",\"data\":\"{data}\",\"x\":[1,2.5e3,{{\"a\":[true,null]}}]}}"),
        3 => format!(" {{ \"data\" : \"{}\" , \"command\" : \"{line}\" }} ", "x".repeat(random.below(6000))),
        _ => "{\"flags\":7,\"command\":\"dmVyc2lvbg==\",\"data\":\"\"}".to_owned(),
    }
    .into_bytes()
}

/// A `POST` whose body is framed by a length or in chunks, now and then wrongly.
fn with_body(random: &mut Random, target: &str, fields: &[u8], body: fn(&mut Random) -> Vec<u8>) -> Vec<u8> {
    let mut body = body(random);
    if random.below(3) == 0 {
        mutate(random, &mut body);
    }
    let mut bytes = [format!("POST {target} HTTP/1.1\r\n").as_bytes(), fields].concat();
    if random.below(2) == 0 {
        let length = match random.below(6) {
            0 => random.below(20_000),
            _ => body.len(),
        };
        bytes.extend(format!("Content-Length: {length}\r\n\r\n").bytes());
        bytes.extend(body);
        return bytes;
    }
    bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    while !body.is_empty() {
        let rest = body.split_off(random.below(body.len()) + 1);
        let size = if random.below(10) == 0 { random.below(5000) } else { body.len() };
        let extension = random.pick(&["", "", "", ";a=b", ";\"", " "]);
        bytes.extend(format!("{size:x}{extension}\r\n").bytes());
        bytes.extend(body);
        bytes.extend_from_slice(b"\r\n");
        body = rest;
    }
    bytes
        .extend_from_slice(random.pick(&["0\r\n\r\n", "0\r\n\r\n", "0\r\nTrailer: x\r\n\r\n", "0\r\n", ""]).as_bytes());
    bytes
}

/// A WebSocket that mostly opens in order, and then mostly breaks the protocol.
fn websocket(random: &mut Random, with_credentials: bool) -> Request {
    let authorization = format!("Authorization: {}\r\n", CREDENTIALS[0]);
    let mut head = upgrade(if with_credentials { &authorization } else { "" }).into_bytes();
    if random.below(5) == 0 {
        mutate(random, &mut head);
    }
    let mut frames = Vec::new();
    for _ in 0..random.below(5) {
        frames.extend(frame(random));
    }
    if random.below(2) == 0 {
        mutate(random, &mut frames);
    }
    let mut pieces = vec![head];
    pieces.extend(cut(random, frames));
    Request { pieces, is_websocket: true }
}

fn frame(random: &mut Random) -> Vec<u8> {
    let first = match random.below(8) {
        0 => random.next() as u8,
        _ => [0x81, 0x82, 0x01, 0x00, 0x80, 0x88, 0x89, 0x8A][random.below(8)],
    };
    let payload = match random.below(10) {
        0 => random.bytes(5000),
        1 => Vec::new(),
        2 => vec![0x03, 0xE8],
        _ => random.bytes(125).iter().map(|byte| byte % 128).collect(),
    };
    let masked = if random.below(20) == 0 { 0 } else { 0x80 };
    let mut frame = vec![first];
    match random.below(20) {
        // A length that is far too large, and one that is not encoded as short as it must be.
        0 => frame.extend_from_slice(&[masked | 127, 0x7F, 0xFF, 0, 0, 0, 0, 0, 1]),
        1 => frame.extend_from_slice(&[masked | 126, 0, payload.len() as u8]),
        _ if payload.len() < 126 => frame.push(masked | payload.len() as u8),
        _ => {
            frame.push(masked | 126);
            frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
        }
    }
    let mask = [1, 2, 3, 4];
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// One change at a random place.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() + 1);
    match random.below(7) {
        0 if at < bytes.len() => bytes[at] = random.next() as u8,
        1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        2 => drop(bytes.drain(at..(at + 1 + random.below(8)).min(bytes.len()).max(at))),
        3 => drop(bytes.splice(at..at, random.pick(&TOKENS).iter().copied())),
        4 => {
            let part: Vec<u8> = bytes[..random.below(at + 1)].to_vec();
            drop(bytes.splice(at..at, part));
        }
        5 => drop(bytes.splice(at..at, random.bytes(12))),
        _ => drop(bytes.splice(at..at, vec![b"x["[random.below(2)]; random.below(600)])),
    }
}

/// Cuts bytes at random points.
fn cut(random: &mut Random, mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    if random.below(3) == 0 {
        for _ in 0..random.below(4) {
            let rest = bytes.split_off(random.below(bytes.len() + 1));
            pieces.push(std::mem::replace(&mut bytes, rest));
        }
    }
    pieces.push(bytes);
    pieces
}

/// An upgrade with more fields.
pub fn upgrade(fields: &str) -> String {
    WEBSOCKET.replace("Upgrade: websocket", &format!("{fields}Upgrade: websocket"))
}
