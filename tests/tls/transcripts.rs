//! The transcripts that need a peer (`tests/transcripts/peers`), on the simulated port.

use std::net::SocketAddrV4;
use std::path::Path;
use std::rc::Rc;

use embassy_time::{Duration, Timer};
use openzentri::device;
use openzentri::port::host;
use openzentri::port::sim::{Peer, SimDevice, SimPort, transcript};
use openzentri::wire::websocket::{self as wire, Reader, Sender, Step, handshake};

use crate::peers::*;

/// The settings that the transcripts start from; see their README.
const START: [(&str, &str); 3] = [("wlan.ssid", ""), ("wlan.auto_join.enabled", "0"), ("http.server.enabled", "0")];
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{ \"b\": 2 }\r\n0\r\n\r\n";

/// A connection, with or without TLS.
enum End {
    Plain(Peer, Vec<u8>),
    Secure(Box<Other>),
}

impl End {
    /// The bytes that have come and are not used yet.
    fn received(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Plain(peer, received) => {
                received.extend(peer.received());
                received
            }
            Self::Secure(other) => {
                other.pump();
                &mut other.received
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        match self {
            Self::Plain(peer, _) => peer.send(bytes),
            Self::Secure(other) => other.send(bytes),
        }
    }

    fn close(&mut self) {
        match self {
            Self::Plain(peer, _) => peer.close(),
            Self::Secure(other) => other.close(),
        }
    }
}

/// The server of one connection.
struct Server {
    end: End,
    /// It is a WebSocket.
    frames: Option<Reader>,
}

impl Server {
    fn new(end: End) -> Self {
        Self { end, frames: None }
    }

    /// Serves what has come; false when that was all.
    fn serve(&mut self) -> bool {
        if let Some(frames) = &mut self.frames {
            return echo(&mut self.end, frames);
        }
        let received = self.end.received();
        if received.first().is_some_and(|first| !first.is_ascii_uppercase()) {
            self.end.close();
            return false;
        }
        if received.ends_with(b"{\"a\":1}") {
            self.end.send(ANSWER);
            return false;
        }
        if received.starts_with(b"GET /moved ") && received.ends_with(b"\r\n\r\n") {
            self.end.send(b"HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n");
            return false;
        }
        if received.starts_with(b"GET /echo ") && received.ends_with(b"\r\n\r\n") {
            let request = String::from_utf8(std::mem::take(received)).unwrap();
            self.end.send(opened(&request).as_bytes());
            self.frames = Some(Reader::new(Sender::Client));
        }
        true
    }
}

/// The answer that opens the WebSocket of a request.
pub fn opened(request: &str) -> String {
    let key = request.split("Sec-WebSocket-Key: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
    let accept = handshake::accept(key.as_bytes()).unwrap();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// Sends back the data of frames; false after the close frame.
fn echo(end: &mut End, frames: &mut Reader) -> bool {
    let mut bytes = std::mem::take(end.received());
    let mut rest = &mut bytes[..];
    while !rest.is_empty() {
        let (taken, step) = frames.read(rest).expect("the device keeps to the protocol");
        let (now, later) = rest.split_at_mut(taken);
        match step {
            Step::Data => {
                let (header, used) = wire::message(false, now.len(), None);
                end.send(&[&header[..used], now].concat());
            }
            Step::Close(code) => {
                end.send(&wire::close(code, None));
                end.close();
                return false;
            }
            Step::More | Step::Ping(_) => {}
        }
        rest = later;
    }
    true
}

/// Two servers in the world, as tasks beside the device.
async fn servers(port: &'static SimPort, world: Rc<World>) {
    let plain = port.listen(SocketAddrV4::new(*SERVER.ip(), 80));
    let secure = port.listen(SERVER);
    let mut servers = Vec::new();
    loop {
        servers.extend(plain.accept().map(|peer| Server::new(End::Plain(peer, Vec::new()))));
        let secured = |peer| Server::new(End::Secure(Box::new(Other::server(&world, peer, false, &[]))));
        servers.extend(secure.accept().map(secured));
        servers.retain_mut(Server::serve);
        Timer::after_millis(1).await;
    }
}

fn play(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/peers").join(name);
    let world = Rc::new(World::new());
    let port = port();
    port.set_name(NAME, Duration::from_millis(1), Ok(*SERVER.ip()));
    let mut device = SimDevice::boot_with(port, move |port, spawner| {
        device::boot(port, spawner, &START).unwrap();
        host::spawn(spawner, servers(port, world.clone()));
    });
    if name == "no_session.txt" {
        port.limit_sessions(0);
    }
    let names = [("host", NAME), ("http", "80"), ("https", "443")];
    transcript::run(&mut device, &std::fs::read(file).unwrap(), &names)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
}

#[test]
fn a_post_as_the_reference_prints_it() {
    play("post.txt");
}

#[test]
fn failures_as_the_reference_prints_them() {
    play("tls_failure.txt");
    play("no_session.txt");
}

#[test]
fn websockets_in_the_clear_and_with_tls() {
    play("websocket.txt");
}
