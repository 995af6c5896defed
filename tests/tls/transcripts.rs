//! The transcripts that need somebody at the other end (`tests/transcripts/peers`), on the simulated port.

use std::net::SocketAddrV4;
use std::path::Path;
use std::rc::Rc;

use embassy_time::{Duration, Timer};
use openzentri::device;
use openzentri::port::host;
use openzentri::port::sim::{Peer, SimDevice, SimPort, transcript};

use crate::peers::*;

/// What the transcripts start from; see their README.
const START: [(&str, &str); 3] = [("wlan.ssid", ""), ("wlan.auto_join.enabled", "0"), ("http.server.enabled", "0")];
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{ \"b\": 2 }\r\n0\r\n\r\n";

/// One end of a connection, with or without TLS.
enum End {
    Plain(Peer, Vec<u8>),
    Secure(Box<Other>),
}

impl End {
    /// Answers a request that is whole, once; what is no request gets the end of the connection.
    fn serve(&mut self) -> bool {
        let received = match self {
            Self::Plain(peer, received) => {
                received.extend(peer.received());
                &*received
            }
            Self::Secure(other) => {
                other.pump();
                &other.received
            }
        };
        let is_request = received.is_empty() || received[0].is_ascii_uppercase();
        if is_request && !received.ends_with(b"{\"a\":1}") {
            return false;
        }
        match self {
            Self::Plain(peer, _) if is_request => peer.send(ANSWER),
            Self::Plain(peer, _) => peer.close(),
            Self::Secure(other) => other.send(ANSWER),
        }
        true
    }
}

/// Two servers in the world, as tasks beside the device.
async fn servers(port: &'static SimPort, world: Rc<World>) {
    let plain = port.listen(SocketAddrV4::new(*SERVER.ip(), 80));
    let secure = port.listen(SERVER);
    let mut ends = Vec::new();
    loop {
        ends.extend(plain.accept().map(|peer| End::Plain(peer, Vec::new())));
        ends.extend(secure.accept().map(|peer| End::Secure(Box::new(Other::server(&world, peer, false, &[])))));
        ends.retain_mut(|end| !end.serve());
        Timer::after_millis(1).await;
    }
}

fn play(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/peers").join(name);
    let world = Rc::new(World::new());
    let port = SimPort::new();
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
