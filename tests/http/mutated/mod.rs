//! Mutated requests without end: the server keeps serving, and releases all that it took for them.
//!
//! Many clients at once send requests that are wrong in a few places, in pieces, and leave in every possible way. After
//! that the server answers a correct request, and everything that can be counted from outside or on the simulated port
//! is as at the start. `OPENZENTRI_SEED` chooses other requests, `OPENZENTRI_REQUESTS` how many.

mod requests;

use core::net::{Ipv4Addr, SocketAddrV4};
use std::collections::VecDeque;

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::Interface;
use openzentri::port::sim::{Peer, SimDevice};

use super::random::Random;
use super::{Answer, LONG, all, create, device_with};

/// Clients at once: more than the server serves.
const CLIENTS: usize = limits::HTTP_CONNECTIONS + 8;
/// Addresses they come from.
const ADDRESSES: u8 = 200;
/// What a client with the right password sends; without a password on the device it does not matter.
const OWNER: &str = "Authorization: Basic YWRtaW46czNjcmV0\r\n";

/// The number of requests of both tests together.
fn requests() -> u64 {
    number("OPENZENTRI_REQUESTS", 100_000)
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Gauges that tell time, or nothing about resources in use.
const LEFT_OUT: [&str; 3] =
    ["openzentri_uptime_seconds ", "openzentri_memory_usage_ratio ", "openzentri_wlan_signal_dbm "];

/// The samples of `/metrics` whose families have this type.
fn samples(device: &mut SimDevice, kind: &str) -> Vec<String> {
    let metrics = String::from_utf8(ask(device, 250, "/metrics").body).unwrap();
    let (mut samples, mut is_wanted) = (Vec::new(), false);
    for line in metrics.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(family) => is_wanted = family.ends_with(kind),
            None if is_wanted && !line.starts_with('#') => samples.push(line.to_owned()),
            None => {}
        }
    }
    samples
}

/// All that is in use: the gauges of `/metrics`, and what the simulated port counts.
fn levels(device: &mut SimDevice) -> Vec<String> {
    let mut gauges = samples(device, " gauge");
    gauges.retain(|sample| !LEFT_OUT.iter().any(|name| sample.starts_with(name)));
    assert!(gauges.len() > 10, "{gauges:?}");
    device.settle();
    let port = device.port();
    gauges.extend([
        format!("sockets {}", port.open_sockets()),
        format!("jobs {}", port.open_jobs()),
        format!("files of the flash open {}", port.flash().open_files()),
        format!("calls with what was closed {}", port.stale_calls()),
        format!("restarts {}", device.restarts()),
    ]);
    gauges
}

fn connect(device: &SimDevice, address: u8, number: u16) -> Option<Peer> {
    let from = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, address), 1024 + number % 60_000);
    device.port().connect_from(Interface::Wlan, from, 80).ok()
}

/// A correct request from an address.
fn ask(device: &mut SimDevice, address: u8, target: &str) -> Answer {
    let peer = connect(device, address, 0).expect("the server listens");
    peer.send(format!("GET {target} HTTP/1.1\r\nHost: device\r\n{OWNER}\r\n"));
    Answer::parse(&all(device, peer))
}

/// How a client leaves when it has sent all.
#[derive(Clone, Copy)]
enum Leave {
    WhenAnswered,
    HalfClosed,
    Closed,
    Reset,
}

struct Client {
    peer: Peer,
    pieces: VecDeque<Vec<u8>>,
    leave: Leave,
    is_websocket: bool,
    /// The first bytes of its answer.
    answer: Vec<u8>,
    /// How many steps it has taken since it has sent all.
    waited: u32,
}

impl Client {
    fn new(random: &mut Random, peer: Peer, with_credentials: bool) -> Self {
        let request = requests::request(random, with_credentials);
        let leave = match random.below(10) {
            0..=3 => Leave::WhenAnswered,
            4..=6 => Leave::HalfClosed,
            7 | 8 => Leave::Closed,
            _ => Leave::Reset,
        };
        let (pieces, is_websocket) = (request.pieces.into(), request.is_websocket);
        if random.below(10) == 0 {
            peer.limit_calls(1 + random.below(50), 1 + random.below(500));
        }
        if random.below(10) == 0 {
            peer.set_window(1 + random.below(2000));
        }
        Self { peer, pieces, leave, is_websocket, answer: Vec::new(), waited: 0 }
    }

    /// Does the next step; returns whether that was the last.
    fn step(&mut self, random: &mut Random) -> bool {
        let received = self.peer.received();
        self.answer.extend(received.into_iter().take(16 - self.answer.len().min(16)));
        if let Some(piece) = self.pieces.pop_front() {
            self.peer.send(piece);
            return false;
        }
        self.waited += 1;
        match self.leave {
            Leave::HalfClosed if self.waited == 1 => self.peer.finish(),
            Leave::Closed => self.peer.close(),
            Leave::Reset => self.peer.reset(),
            Leave::WhenAnswered | Leave::HalfClosed => {
                // A WebSocket, or a request that is not complete, ends when the client gives up.
                let tired = self.waited > 4 && random.below(if self.is_websocket { 4 } else { 12 }) == 0;
                if self.peer.end().is_none() && !tired {
                    return false;
                }
                self.peer.close();
            }
        }
        let is_last = !matches!(self.leave, Leave::HalfClosed if self.waited == 1);
        if is_last {
            let is_http = b"HTTP/1.1 ".starts_with(&self.answer[..self.answer.len().min(9)]);
            assert!(is_http, "no answer of HTTP: {:?}", self.answer.escape_ascii().to_string());
        }
        is_last
    }
}

/// Sends this many mutated requests and lets all clients leave.
fn send_mutated(device: &mut SimDevice, random: &mut Random, count: u64, with_credentials: bool) {
    let mut clients: Vec<Client> = Vec::new();
    let mut sent = 0;
    while sent < count || !clients.is_empty() {
        if sent < count && clients.len() < CLIENTS && random.below(3) > 0 {
            match connect(device, 1 + random.below(ADDRESSES.into()) as u8, sent as u16) {
                Some(peer) => {
                    clients.push(Client::new(random, peer, with_credentials));
                    sent += 1;
                }
                // The backlog is full of waiting clients: time limits make room.
                None => device.advance(Duration::from_secs(1)),
            }
        } else if !clients.is_empty() {
            let place = random.below(clients.len());
            if clients[place].step(random) {
                clients.swap_remove(place);
            }
        }
        match random.below(64) {
            0 => device.advance(Duration::from_millis(random.below(1000) as u64)),
            1 => drop(device.request("close all")),
            2 | 3 => drop(device.take_bytes()),
            _ if random.below(2) == 0 => drop(device.settle()),
            _ => {}
        }
    }
}

/// The requests have reached all parts of the server: answers of every class, and commands of every result.
fn check_reach(device: &mut SimDevice) {
    let counters = samples(device, " counter");
    println!("{counters:#?}");
    let unseen = |sample: &&String| {
        let counts = ["openzentri_http_requests_total", "openzentri_commands_total"];
        // 8 is for a line that is too long, 9 needs a full buffer: both are rare.
        let seldom = ["\"8\"", "\"9\""].iter().any(|code| sample.contains(code));
        counts.iter().any(|name| sample.starts_with(name)) && sample.ends_with(" 0") && !seldom
    };
    assert_eq!(counters.iter().find(unseen), None);
}

/// Releases what requests may keep: streams, servers, files.
fn tidy(device: &mut SimDevice, kept: &[u8]) {
    // No time limit of the server is longer: clients that left, and what they had begun, are gone.
    device.advance(LONG);
    for line in ["tcps stop", "udps stop", "close all"] {
        device.request(line);
    }
    device.advance(LONG);
    let listing = device.request("ls").payload;
    for name in names(&listing).filter(|name| *name != kept) {
        let escaped: String = name.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        assert_eq!(device.request(&format!("fde \"{escaped}\"")).code, 0, "{}", name.escape_ascii());
    }
}

/// The names in the answer of `ls`.
fn names(listing: &[u8]) -> impl Iterator<Item = &[u8]> {
    let rows = listing.split(|byte| *byte == b'\n').filter(|row| row.starts_with(b"# "));
    rows.map(|row| row[23..].trim_ascii_end())
}

/// Connections and WebSockets in all places are served at once: no place was lost.
fn all_places_work(device: &mut SimDevice) {
    let idle: Vec<Peer> = (0..limits::HTTP_CONNECTIONS)
        .filter_map(|_| {
            let peer = connect(device, 250, 1);
            device.settle();
            peer
        })
        .collect();
    assert_eq!(idle.len(), limits::HTTP_CONNECTIONS);
    for peer in idle.iter().rev() {
        peer.send(format!("GET /command/version HTTP/1.1\r\n{OWNER}\r\n"));
        assert_eq!(Answer::parse(&all(device, *peer)).status, 200);
    }
    let sockets: Vec<Peer> = (0..limits::WEBSOCKETS)
        .map(|_| {
            let peer = connect(device, 250, 2).unwrap();
            peer.send(requests::upgrade(OWNER));
            device.settle();
            assert!(peer.received_text().starts_with("HTTP/1.1 101 "));
            peer
        })
        .collect();
    sockets.iter().for_each(Peer::close);
    device.request("close all");
    device.advance(LONG);
}

/// As many files as the device can have open are written and read at once.
fn all_files_work(device: &mut SimDevice) {
    for number in 0..limits::STREAMS {
        assert_eq!(device.request(&format!("fcr -o new{number} 10")).code, 0);
    }
    device.request("close all");
    for _ in 0..limits::STREAMS {
        assert_eq!(device.request("fop page.html").code, 0);
    }
    device.request("close all");
}

fn campaign(settings: &[(&'static str, &'static str)], count: u64, with_credentials: bool) {
    let seed = number("OPENZENTRI_SEED", 0x5EED_2026_1122);
    println!("OPENZENTRI_SEED={seed}");
    let mut all_settings = vec![("http.server.metrics_enabled", "1"), ("system.cmd.mode", "machine")];
    all_settings.extend_from_slice(settings);
    let mut device = device_with(&all_settings);
    create(&mut device, "page.html", &[b'x'; 3000]);
    let start = levels(&mut device);
    let mut random = Random::new(seed);
    send_mutated(&mut device, &mut random, count, with_credentials);
    assert_eq!(ask(&mut device, 251, "/command/version").status, 200, "a right request at once");
    if count >= 10_000 {
        check_reach(&mut device);
    }
    tidy(&mut device, b"page.html");
    assert_eq!(levels(&mut device), start);
    all_places_work(&mut device);
    all_files_work(&mut device);
    assert_eq!(levels(&mut device), start);
    for address in 1..=ADDRESSES {
        // Wrong passwords are forgotten by now.
        assert_eq!(ask(&mut device, address, "/command/version").status, 200);
    }
}

#[test]
fn an_open_device_is_as_before() {
    campaign(&[], requests() * 7 / 10, false);
}

#[test]
fn a_device_with_a_password_is_as_before() {
    let settings = [("http.server.username", "admin"), ("http.server.password", "s3cret")];
    campaign(&settings, requests() * 3 / 10, true);
}
