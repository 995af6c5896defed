//! Dialogues with the HTTP server of a whole device on the simulated port.

mod access;
mod files;
mod framing;
mod metrics;
mod mutated;
mod openapi;
mod patience;
#[path = "../shared/random.rs"]
mod random;
mod rest;
mod stream;
mod tokens;

use embassy_time::Duration;
use openzentri::port::sim::{End, Peer, SimDevice, SimPort};

/// Longer than any time limit of the server.
const LONG: Duration = Duration::from_secs(300);

/// A device in an open network with its HTTP server at port 80.
fn device() -> SimDevice {
    device_with(&[])
}

/// The same with other settings.
fn device_with(settings: &[(&'static str, &'static str)]) -> SimDevice {
    let mut all = vec![("wlan.ssid", "Open House"), ("wlan.auto_join.enabled", "1"), ("http.server.enabled", "1")];
    all.extend_from_slice(settings);
    let mut device = SimDevice::boot(SimPort::new(), all.leak());
    device.advance(Duration::from_secs(1));
    device.take_output();
    device
}

/// An answer, cut into its parts.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no whole head in {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end + 2].to_vec()).unwrap();
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        let answer = Self { status: status.unwrap(), head, body: bytes[end + 4..].to_vec() };
        assert_eq!(answer.field("Connection"), Some("close"));
        answer
    }

    fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Lets the device run until it has closed the connection in order, and returns all that it has sent.
fn all(device: &mut SimDevice, peer: Peer) -> Vec<u8> {
    let mut bytes = Vec::new();
    let ended = device.run_until(LONG, |_| {
        bytes.extend(peer.received());
        peer.end().is_some()
    });
    assert!(ended, "the connection stays open after {:?}", String::from_utf8_lossy(&bytes));
    assert_eq!(peer.end(), Some(End::Finished));
    peer.close();
    bytes
}

/// Sends one request on a new connection and returns the answer.
fn ask(device: &mut SimDevice, request: impl AsRef<[u8]>) -> Answer {
    let peer = device.port().connect(80).unwrap();
    peer.send(request);
    let answer = Answer::parse(&all(device, peer));
    if answer.status != 304 {
        let length: Option<usize> = answer.field("Content-Length").map(|length| length.parse().unwrap());
        assert!(length.is_none_or(|length| length == answer.body.len() || answer.body.is_empty()), "{answer:?}");
    }
    answer
}

fn get(device: &mut SimDevice, target: &str) -> Answer {
    ask(device, format!("GET {target} HTTP/1.1\r\nHost: device\r\n\r\n"))
}

fn post(device: &mut SimDevice, target: &str, body: &str) -> Answer {
    ask(device, format!("POST {target} HTTP/1.1\r\nHost: device\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// Puts a file on the device; `-r ` before the name replaces one.
fn create(device: &mut SimDevice, name: &str, content: &[u8]) {
    let (option, name) = name.strip_prefix("-r ").map_or(("", name), |name| ("-r ", name));
    let line = format!("fcr {option}\"{name}\" {}", content.len());
    let answer = device.command_with_data(&line, content);
    assert!(answer.ends_with("Success\r\n"), "{answer}");
}
