//! The clock set by time servers (interface, network 8): which servers are believed, which one is asked when, what the
//! log says.

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::port::sim::{Call, Datagram, SimDevice, SimPort, UdpPeer};
use openzentri::port::{Interface, PortError};
use openzentri::wire::sntp::{Message, Timestamp};

const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 123), 123);
const OTHER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 124), 123);
/// 2026-11-27 12:00:00.
const NOON: u64 = 1_795_780_800_000;

const SETTINGS: &[(&str, &str)] = &[
    ("wlan.ssid", "Open House"),
    ("ntp.server", "10.5.6.123"),
    ("system.print_level", "1"),
    ("http.server.enabled", "0"),
];
const TWO: &[(&str, &str)] =
    &[("wlan.ssid", "Open House"), ("ntp.server", "10.5.6.123,10.5.6.124"), ("system.print_level", "1")];
const NAMED: &[(&str, &str)] =
    &[("wlan.ssid", "Open House"), ("ntp.server", "time.example:1123"), ("system.print_level", "1")];

/// A device in the network, and the hosts that it may ask.
struct World {
    device: SimDevice,
    server: UdpPeer,
    other: UdpPeer,
    /// The request that [`World::seconds_until_request`] has seen.
    last: Option<Datagram>,
}

impl World {
    fn new(settings: &'static [(&'static str, &'static str)]) -> Self {
        let port = SimPort::new();
        let (server, other) = (port.udp_peer(SERVER), port.udp_peer(OTHER));
        let mut device = SimDevice::boot(port, settings);
        device.settle();
        device.command("network_up");
        device.take_output();
        Self { device, server, other, last: None }
    }

    /// Requests that the server has heard since the last call; each is checked.
    fn requests(&mut self) -> Vec<Datagram> {
        self.device.settle();
        heard(&self.server)
    }

    /// The one request that the server has heard.
    fn request(&mut self) -> Datagram {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1);
        requests.remove(0)
    }

    /// Lets the server answer.
    fn answer(&mut self, request: &Datagram, answer: Message) {
        self.server.send(request.from.port(), answer.write());
        self.device.settle();
    }

    fn log(&mut self) -> String {
        let base = self.device.device().unwrap().base;
        let (mut number, mut text) = (base.log.first(), String::new());
        while let Some((at, _, line)) = base.log.get(number) {
            text += &format!("{}\n", String::from_utf8_lossy(&line));
            number = at + 1;
        }
        text
    }

    fn count(&mut self, line: &str) -> usize {
        self.log().lines().filter(|logged| logged.contains(line)).count()
    }

    fn is_set(&mut self) -> bool {
        self.device.command("get time.last_set") != "-1\r\n"
    }

    fn millis(&mut self) -> u64 {
        self.device.command("get time.rtc ms").trim().parse().unwrap()
    }

    /// Seconds until the server is asked again, at most `most`.
    fn seconds_until_request(&mut self, most: u64) -> Option<u64> {
        let (begun, server) = (self.device.millis(), self.server);
        let mut requests = Vec::new();
        self.device.run_until(Duration::from_secs(most), |_| {
            requests.extend(heard(&server));
            !requests.is_empty()
        });
        self.last = requests.pop();
        self.last.is_some().then(|| (self.device.millis() - begun) / 1000)
    }
}

/// The requests that a server has heard: whole, of version 4, from a port of their own.
fn heard(server: &UdpPeer) -> Vec<Datagram> {
    let heard = server.received();
    for datagram in &heard {
        let message = Message::read(&datagram.data).expect("a whole message");
        assert_eq!((message.mode, message.version, datagram.data.len()), (3, 4, 48));
        assert_ne!(message.transmit, Timestamp(0));
        assert_ne!(datagram.from.port(), 123);
    }
    heard
}

/// The answer of a good server to a request at that time.
fn good(request: &Datagram, millis: u64) -> Message {
    Message {
        version: 4,
        mode: 4,
        stratum: 2,
        poll: 6,
        precision: -20,
        root_delay: 0x300,
        root_dispersion: 0x100,
        reference: [10, 5, 6, 1],
        updated: Timestamp::from_millis(millis - 10_000),
        origin: Message::read(&request.data).unwrap().transmit,
        receive: Timestamp::from_millis(millis),
        transmit: Timestamp::from_millis(millis),
        ..Message::default()
    }
}

fn kiss(request: &Datagram, code: &[u8; 4]) -> Message {
    Message { stratum: 0, leap: 3, reference: *code, ..good(request, NOON) }
}

#[test]
fn the_first_answer_sets_the_clock_and_stamps_the_log() {
    let mut world = World::new(SETTINGS);
    assert!(!world.is_set());
    let request = world.request();
    world.answer(&request, good(&request, NOON));
    assert_eq!(world.device.command("get time.rtc"), format!("{}\r\n", NOON / 1000));
    assert_eq!(world.device.command("get time.last_set"), "0\r\n");
    assert_eq!(world.count("NTP time: 2026-11-27T12:00:00Z"), 1);
    world.device.command("set time.zone -4:30");
    let printed = world.device.command("network_down");
    assert!(printed.contains("[2026-11-27 | 07:30:00: Disassociated]\r\n"), "{printed}");
    assert_eq!(world.device.port().open_sockets(), 0);
}

#[test]
fn the_way_back_is_half_of_the_way() {
    let mut world = World::new(SETTINGS);
    let request = world.request();
    world.device.advance(Duration::from_millis(300));
    // The server has taken 100 ms of them.
    let answer = Message { receive: Timestamp::from_millis(NOON - 100), ..good(&request, NOON) };
    world.answer(&request, answer);
    assert_eq!(world.millis(), NOON + 100);
}

#[test]
fn what_comes_from_elsewhere_or_answers_something_else_is_not_believed() {
    let mut world = World::new(SETTINGS);
    let request = world.request();
    let answer = good(&request, NOON);
    let port = world.device.port();
    // Right except for the address, or the port, that it comes from.
    world.other.send(request.from.port(), answer.write());
    let stranger = port.udp_peer(SocketAddrV4::new(*SERVER.ip(), 124));
    stranger.send(request.from.port(), answer.write());
    for wrong in [
        Message { origin: Timestamp(answer.origin.0 ^ 1), ..answer },
        Message { origin: Timestamp(0), ..answer },
        Message { mode: 3, ..answer },
        Message { mode: 5, ..answer },
        Message { version: 1, ..answer },
        // A kiss of death that does not know the request stops nobody.
        Message { origin: Timestamp(0), ..kiss(&request, b"DENY") },
    ] {
        world.answer(&request, wrong);
    }
    for bytes in [&b""[..], &answer.write()[..47], &[0xFF; 48], &[0; 200]] {
        world.server.send(request.from.port(), bytes);
    }
    world.device.settle();
    assert!(!world.is_set());
    // The answer itself is still accepted, also with more bytes after it.
    let mut bytes = answer.write().to_vec();
    bytes.extend([0; 20]);
    world.server.send(request.from.port(), bytes);
    world.device.settle();
    assert_eq!(world.millis(), NOON);
}

#[test]
fn a_server_that_does_not_know_the_time_is_not_believed() {
    for (spoil, why) in [
        (Message { leap: 3, ..Message::default() }, "it is not synchronised"),
        (Message { stratum: 16, ..Message::default() }, "its stratum is not valid"),
        (Message { root_dispersion: 0x10_0000, ..Message::default() }, "it is too far from its source"),
        (Message { transmit: Timestamp(0), ..Message::default() }, "there is no time in its answer"),
    ] {
        let mut world = World::new(SETTINGS);
        let request = world.request();
        let answer = good(&request, NOON);
        let answer = Message {
            leap: spoil.leap,
            stratum: if spoil.stratum > 0 { spoil.stratum } else { answer.stratum },
            root_dispersion: spoil.root_dispersion,
            transmit: if why.contains("no time") { Timestamp(0) } else { answer.transmit },
            ..answer
        };
        world.answer(&request, answer);
        assert!(!world.is_set(), "{why}");
        assert_eq!(world.count(&format!("NTP server 10.5.6.123: {why}")), 1, "{}", world.log());
        assert!(world.seconds_until_request(10).is_some(), "it is asked again");
    }
}

#[test]
fn silence_makes_the_pauses_longer_and_an_answer_ends_that() {
    let mut world = World::new(SETTINGS);
    world.request();
    // Four seconds of patience and the pause.
    for pause in [4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024] {
        assert_eq!(world.seconds_until_request(2000), Some(4 + pause));
    }
    assert_eq!(world.count("NTP server 10.5.6.123: no answer"), 1, "told once");
    world.device.command("set ntp.interval 300");
    for _ in 0..2 {
        assert_eq!(world.seconds_until_request(2000), Some(304), "no pause is longer than the interval");
    }
    let request = world.last.take().unwrap();
    world.answer(&request, good(&request, NOON));
    assert!(world.is_set());
    assert_eq!(world.seconds_until_request(400), Some(300));
    assert_eq!(world.seconds_until_request(400), Some(8), "it is silent again: the pauses are short again");
}

#[test]
fn requests_come_every_interval_and_other_servers_at_once() {
    let mut world = World::new(SETTINGS);
    let request = world.request();
    world.answer(&request, good(&request, NOON));
    assert_eq!(world.seconds_until_request(4000), Some(3600));
    world.device.command("set ntp.server 10.5.6.124");
    // The request to the old server is given up after its timeout.
    world.device.advance(Duration::from_secs(4));
    assert_eq!(heard(&world.other).len(), 1);
    world.device.command("set ntp.server 10.5.6.123");
    world.device.advance(Duration::from_secs(4));
    let request = world.request();
    world.answer(&request, good(&request, NOON));
    world.device.command("set ntp.interval 300");
    assert_eq!(world.seconds_until_request(4000), Some(300));
}

#[test]
fn a_server_that_denies_is_not_asked_again_until_others_are_named() {
    for code in [b"DENY", b"RSTR"] {
        let mut world = World::new(TWO);
        let request = world.request();
        assert!(heard(&world.other).is_empty(), "the first one first");
        world.answer(&request, kiss(&request, code));
        assert_eq!(world.count("NTP server 10.5.6.123: it does not want to be asked again"), 1);
        let requests = heard(&world.other);
        assert_eq!(requests.len(), 1, "the second one at once");
        world.other.send(requests[0].from.port(), good(&requests[0], NOON).write());
        world.device.settle();
        assert_eq!(world.millis(), NOON);
        assert_eq!(world.seconds_until_request(100_000), None, "{code:?}");
        assert!(heard(&world.other).len() > 20);
        // A network that goes and comes back does not change that either.
        world.device.command("network_restart");
        assert!(world.requests().is_empty());
        world.device.command("set ntp.server 10.5.6.123");
        world.device.advance(Duration::from_secs(4));
        world.request();
    }
}

#[test]
fn a_server_that_wants_fewer_requests_gets_fewer() {
    let mut world = World::new(SETTINGS);
    let request = world.request();
    world.answer(&request, kiss(&request, b"RATE"));
    // It is asked at the first try after twice the least interval, and after four times that when it says so again.
    for least in [128, 256, 512] {
        let next = world.seconds_until_request(3000).expect("it is asked again");
        assert!((least..=least + 520).contains(&next), "{next} for {least}");
        let request = world.last.take().unwrap();
        world.answer(&request, kiss(&request, b"RATE"));
    }
    assert_eq!(world.count("it wants to be asked less often"), 4);
}

#[test]
fn a_kissed_server_keeps_its_longer_interval() {
    let mut world = World::new(SETTINGS);
    let request = world.request();
    world.answer(&request, good(&request, NOON));
    world.device.command("set ntp.interval 300");
    world.device.advance(Duration::from_secs(300));
    let request = world.request();
    world.answer(&request, kiss(&request, b"RATE"));
    // Back-off goes on meanwhile, so that the request comes with the first try after 600 s.
    let mut waited = 0;
    let requests = loop {
        world.device.advance(Duration::from_secs(1));
        waited += 1;
        let requests = world.requests();
        if !requests.is_empty() {
            break requests;
        }
    };
    assert!((600..=900).contains(&waited), "{waited}");
    world.answer(&requests[0], good(&requests[0], NOON + 900_000));
    assert_eq!(world.seconds_until_request(4000), Some(600));
}

#[test]
fn the_next_server_is_asked_when_one_is_silent() {
    let mut world = World::new(TWO);
    world.request();
    world.device.advance(Duration::from_secs(4));
    let requests = heard(&world.other);
    world.other.send(requests[0].from.port(), good(&requests[0], NOON).write());
    world.device.settle();
    assert_eq!(world.millis(), NOON);
    // The next time, an hour after the last request, the first server has its chance again.
    assert_eq!(world.seconds_until_request(4000), Some(3596));
}

#[test]
fn names_are_looked_up_each_time_and_their_addresses_take_turns() {
    let port = SimPort::new();
    port.set_name("time.example", Duration::from_millis(50), Err(PortError::NotFound));
    let hosts: Vec<_> =
        (1..=2).map(|last| port.udp_peer(SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, last), 1123))).collect();
    let mut device = SimDevice::boot(port, NAMED);
    device.settle();
    device.command("network_up");
    device.advance(Duration::from_millis(100));
    assert!(hosts.iter().all(|host| host.received().is_empty()));
    assert_eq!(port.open_jobs(), 0);
    port.set_names(
        "time.example",
        Duration::from_millis(50),
        &[Ipv4Addr::new(10, 5, 6, 1), Ipv4Addr::new(10, 5, 6, 2)],
    );
    device.advance(Duration::from_secs(30));
    let counts: Vec<_> = hosts.iter().map(|host| heard(host).len()).collect();
    assert_eq!(counts, [1, 1]);
}

#[test]
fn a_look_up_ends_with_the_interface() {
    let port = SimPort::new();
    port.set_name("time.example", Duration::from_secs(5), Ok(Ipv4Addr::new(10, 5, 6, 1)));
    let mut device = SimDevice::boot(port, NAMED);
    device.settle();
    device.command("network_up");
    assert_eq!(port.open_jobs(), 1);
    device.command("network_down");
    assert_eq!((port.open_jobs(), port.stale_calls()), (0, 0));
}

#[test]
fn off_or_elsewhere_nobody_is_asked() {
    const OFF: &[(&str, &str)] = &[("wlan.ssid", "Open House"), ("ntp.server", "10.5.6.123"), ("ntp.enabled", "0")];
    const ELSEWHERE: &[(&str, &str)] =
        &[("wlan.ssid", "Open House"), ("ntp.server", "10.5.6.123"), ("ntp.interface", "softap")];
    const ETHERNET: &[(&str, &str)] =
        &[("wlan.ssid", "Open House"), ("ntp.server", "10.5.6.123"), ("ntp.interface", "ethernet")];
    const NOBODY: &[(&str, &str)] = &[("wlan.ssid", "Open House"), ("ntp.server", "")];
    for settings in [OFF, ELSEWHERE, ETHERNET, NOBODY] {
        let mut world = World::new(settings);
        world.device.advance(Duration::from_secs(100));
        assert!(world.requests().is_empty(), "{settings:?}");
    }
    let mut world = World::new(ELSEWHERE);
    world.device.command("network_up -i softap");
    assert_eq!(world.requests().len(), 1);
    assert_eq!(world.device.port().address(Interface::SoftAp), Some(Ipv4Addr::new(10, 10, 10, 1)));
    // `ntp.enabled` acts at the next start of the network.
    let mut world = World::new(OFF);
    world.device.command("set ntp.enabled 1");
    world.device.advance(Duration::from_secs(100));
    assert!(world.requests().is_empty());
    world.device.command("network_restart");
    world.request();
}

/// No other service opens UDP sockets, so that the failing calls are those of the NTP client.
const ALONE: &[(&str, &str)] =
    &[("wlan.ssid", "Open House"), ("ntp.enabled", "0"), ("ntp.server", "10.5.6.123"), ("broadcast.interval", "0")];

#[test]
fn a_port_that_fails_is_tried_again() {
    for call in [Call::UdpBind, Call::UdpSend, Call::UdpReceive] {
        let mut world = World::new(ALONE);
        world.device.command("set ntp.enabled 1");
        world.device.port().fail(call, PortError::Failed(5));
        world.device.command("network_restart");
        world.device.settle();
        if call == Call::UdpReceive {
            world.request();
        }
        assert_eq!(world.device.port().open_sockets(), 0, "{call:?}");
        assert_eq!(world.seconds_until_request(10), Some(4), "{call:?}");
    }
}

#[test]
fn small_corrections_do_not_run_back_in_the_log() {
    let mut world = World::new(SETTINGS);
    let request = world.request();
    world.answer(&request, good(&request, NOON));
    world.device.advance(Duration::from_secs(3600));
    let request = world.request();
    // The device was 25 s fast within the hour.
    world.answer(&request, good(&request, NOON + 3_575_000));
    assert_eq!(world.count("the clock is ahead and runs slower for a while"), 1, "{}", world.log());
    assert_eq!(world.millis(), NOON + 3_600_000);
    world.device.advance(Duration::from_secs(100));
    assert_eq!(world.millis(), NOON + 3_687_500);
    world.device.advance(Duration::from_secs(100));
    assert_eq!(world.millis(), NOON + 3_775_000);
    // Forwards, the clock is corrected at once.
    world.device.advance(Duration::from_secs(3400));
    let request = world.request();
    world.answer(&request, good(&request, NOON + 7_200_000));
    assert_eq!(world.millis(), NOON + 7_200_000);
    assert_eq!(world.count("the clock was corrected"), 1, "{}", world.log());
}

#[test]
fn a_clock_set_by_hand_is_corrected_and_may_be_set_again() {
    let mut world = World::new(SETTINGS);
    world.device.command("set time.rtc 1000000000");
    let request = world.request();
    world.answer(&request, good(&request, NOON));
    assert_eq!(world.millis(), NOON);
    assert_eq!(world.device.command("set time.rtc 1000000000"), "Set OK\r\n");
    assert_eq!(world.device.command("get time.rtc"), "1000000000\r\n");
}

#[test]
fn the_second_era_begins_in_2036() {
    let mut world = World::new(SETTINGS);
    let request = world.request();
    // 2036-02-07 06:28:15: the last second of the first era.
    world.answer(&request, good(&request, 2_085_978_495_000));
    assert_eq!(world.device.command("get time.rtc"), "2085978495\r\n");
    world.device.advance(Duration::from_secs(3600));
    let request = world.request();
    let answer = good(&request, 2_085_978_495_000 + 3_600_500);
    assert!(answer.transmit.0 < 1 << 44, "it began anew");
    world.answer(&request, answer);
    assert_eq!(world.millis(), 2_085_978_495_000 + 3_600_500);
    assert!(world.device.command("get time.rtc utc").starts_with("2036-02-07T07:28:15.500"));
}
