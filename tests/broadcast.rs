//! Announcements (interface, network 7): what they say, when and where they go, and what goes wrong.

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::port::sim::{Answer, Call, Datagram, Peer, PeerListener, SimDevice, SimPort, UdpPeer};
use openzentri::port::{Board, PortError};

/// Somebody in the network who hears announcements.
const LISTENER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 9), 55_555);
/// Somebody who takes posts.
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 10), 3002);
/// 2026-11-27 12:00:00.
const NOON: u64 = 1_795_780_800_000;

const SETTINGS: &[(&str, &str)] = &[("wlan.ssid", "Open House"), ("http.server.enabled", "0")];

/// A device in the network, and a peer that hears it.
struct World {
    device: SimDevice,
    listener: UdpPeer,
}

impl World {
    fn new(settings: &'static [(&'static str, &'static str)]) -> Self {
        let port = SimPort::new();
        let listener = port.udp_peer(LISTENER);
        let mut device = SimDevice::boot(port, settings);
        device.settle();
        device.command("network_up");
        device.take_output();
        Self { device, listener }
    }

    /// A device in its network whose first announcement has been heard.
    fn announced() -> Self {
        let mut world = Self::new(SETTINGS);
        assert_eq!(world.heard().len(), 1);
        world
    }

    fn heard(&mut self) -> Vec<Datagram> {
        self.device.settle();
        self.listener.received()
    }

    /// The texts of what was heard.
    fn texts(&mut self) -> Vec<String> {
        self.heard().into_iter().map(|heard| String::from_utf8(heard.data).unwrap()).collect()
    }

    /// What is heard when a variable is set.
    fn set(&mut self, setting: &str) -> Vec<String> {
        assert_eq!(self.device.command(&format!("set {setting}")), "Set OK\r\n", "{setting}");
        self.texts()
    }

    /// How many announcements come within that many seconds.
    fn count(&mut self, seconds: u64) -> usize {
        self.device.advance(Duration::from_secs(seconds));
        self.heard().len()
    }

    fn server(&self) -> PeerListener {
        self.device.port().listen(SERVER)
    }

    fn logged(&mut self, line: &str) -> usize {
        let base = self.device.device().unwrap().base;
        let (mut number, mut found) = (base.log.first(), 0);
        while let Some((at, _, text)) = base.log.get(number) {
            found += usize::from(String::from_utf8_lossy(&text).contains(line));
            number = at + 1;
        }
        found
    }

    /// Nothing is left open, and nothing was printed that a host would not expect.
    fn check_rest(&mut self) {
        assert_eq!((self.device.port().open_sockets(), self.device.port().stale_calls()), (0, 0));
        assert_eq!(self.device.command("stream_list"), "! # Type  Info\r\n");
        assert_eq!(self.device.take_output(), "");
    }
}

fn uuid(port: &SimPort) -> String {
    port.uuid().iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn the_default_is_that_of_the_original_byte_for_byte() {
    let mut world = World::announced();
    world.device.command(&format!("set time.rtc {}", NOON / 1000));
    let version = world.device.command("get system.version").trim_end().to_owned();
    let heard = {
        world.device.command("set broadcast.interval 10");
        world.heard()
    };
    let port = world.device.port();
    let expected = format!(
        "{{\"mac\":\"{}\",\"bssid\":\"4C:55:CC:10:78:92\",\"channel\":2,\"ip\":\"10.5.6.108\",\"ssid\":\"Open House\",\
         \"rssi\":-52,\"remote_terminal_port\":2000,\"time\":{NOON},\"version\":\"{version}\",\"uuid\":\"{}\"}}",
        port.mac().map(|byte| format!("{byte:02X}")).join(":"),
        uuid(port)
    );
    assert_eq!(heard.len(), 1);
    assert_eq!(String::from_utf8_lossy(&heard[0].data), expected);
    assert_eq!(heard[0].from, SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 108), 55_555));
    assert_eq!(heard[0].to, SocketAddrV4::new(Ipv4Addr::BROADCAST, 55_555));
    world.check_rest();
}

#[test]
fn other_lists_have_their_own_order() {
    let mut world = World::announced();
    for (list, expected) in [
        ("remote_terminal_port,ip", "{\"remote_terminal_port\":2000,\"ip\":\"10.5.6.108\"}"),
        ("IP, Channel", "{\"ip\":\"10.5.6.108\",\"channel\":2}"),
        // A key that appears twice is not good JSON.
        ("ssid,rssi,ssid", "{\"ssid\":\"Open House\",\"rssi\":-52}"),
    ] {
        assert_eq!(world.set(&format!("broadcast.data \"{list}\"")), [expected]);
    }
    let uuid = uuid(world.device.port());
    let texts = world.set("broadcast.data uuid,version");
    assert!(texts[0].starts_with(&format!("{{\"uuid\":\"{uuid}\",\"version\":\"OPENZENTRI-")), "{texts:?}");
}

#[test]
fn pins_are_announced_as_they_are() {
    let mut world = World::announced();
    world.device.command("gpio_dir 4 in");
    world.device.command("gpio_dir 5 out 1");
    world.device.command("simulate 4 low");
    world.device.command("simulate 24 1650");
    assert_eq!(world.set("broadcast.data gpio4,gpio5,gpio6"), ["{\"gpio4\":0,\"gpio5\":1}"], "6 has no direction");
    assert_eq!(world.set("broadcast.data gpio63,gpio99,adc3"), ["{}"], "there is nothing at these");
    let sample = world.device.command("adc_take_sample 24").trim_end().to_owned();
    assert_eq!(world.set("broadcast.data adc24,adc5"), [format!("{{\"adc24\":{sample}}}")]);
    world.check_rest();
}

#[test]
fn any_list_fits() {
    let mut world = World::announced();
    let all = "mac,bssid,channel,ip,ssid,rssi,remote_terminal_port,time,uuid,version";
    let pins: String = (0..27).map(|pin| format!(",gpio{pin}")).collect();
    for pin in 0..24 {
        world.device.command(&format!("gpio_dir {pin} in"));
    }
    let texts = world.set(&format!("broadcast.data {}", &(all.to_owned() + &pins)));
    assert!(texts[0].starts_with("{\"mac\":") && texts[0].ends_with('}'), "{texts:?}");
    assert!(texts[0].contains(",\"gpio20\":"), "{texts:?}");
}

#[test]
fn every_interval_while_the_interface_is_up() {
    let mut world = World::announced();
    assert_eq!((world.count(9), world.count(1), world.count(30)), (0, 1, 3));
    world.device.command("network_down");
    assert_eq!(world.count(100), 0);
    world.device.command("network_up");
    assert_eq!(world.heard().len(), 1, "at once");
    assert_eq!(world.count(10), 1);
    assert_eq!(world.set("broadcast.interval 2").len(), 1);
    assert_eq!(world.count(10), 5);
    assert_eq!(world.set("broadcast.interval 0").len(), 0);
    assert_eq!(world.count(1000), 0, "0 is off");
    assert_eq!(world.set("broadcast.interval 65535").len(), 1, "on again");
    assert_eq!(world.count(65_534), 0);
    assert_eq!(world.count(1), 1);
    world.check_rest();
}

#[test]
fn each_variable_acts_at_once() {
    let mut world = World::announced();
    let other = world.device.port().udp_peer(SocketAddrV4::new(*LISTENER.ip(), 4444));
    for name in ["broadcast.port", "broadcast.udp.remote_port", "broadcast.udp.port", "br u p"] {
        assert_eq!(world.set(&format!("{name} 4444")).len(), 0);
        let heard = other.received();
        assert_eq!((heard.len(), heard[0].from.port()), (1, 4444));
        assert_eq!(world.set(&format!("{name} 55555")).len(), 1);
    }
    assert_eq!(world.set("broadcast.udp.ip 10.5.6.9").len(), 1);
    assert_eq!(world.set("broadcast.udp.ip 10.5.6.8").len(), 0, "somebody else's");
    assert_eq!(world.set("broadcast.udp.ip 10.5.6.255").len(), 1);
    assert_eq!(world.set("broadcast.udp.ip 0.0.0.0").len(), 0);
    assert_eq!(world.set("broadcast.udp.ip 255.255.255.255").len(), 1);
    assert_eq!(world.set("broadcast.interface softap").len(), 0, "it is down");
    assert_eq!(world.count(100), 0);
    assert_eq!(world.set("broadcast.interface default").len(), 1);
    assert_eq!(world.set("network.default_interface softap").len(), 0);
    assert_eq!(world.count(100), 0);
    world.device.command("network_up -i softap");
    assert_eq!(world.heard().len(), 1);
    world.device.command("network_down -i softap");
    world.check_rest();
}

#[test]
fn on_the_soft_ap_alone_there_is_no_access_point_to_tell_of() {
    let mut world = World::announced();
    world.device.command("network_down");
    world.device.command("set softap.channel 11");
    world.device.command("set broadcast.interface softap");
    world.device.command("network_up -i softap");
    world.heard();
    let texts = world.set("broadcast.data ip,channel,bssid,rssi,ssid,remote_terminal_port");
    assert_eq!(texts, ["{\"ip\":\"10.10.10.1\",\"channel\":11,\"remote_terminal_port\":2000}"]);
    // With the WLAN up, there is an access point.
    world.device.command("network_up -i wlan");
    assert!(world.heard().is_empty(), "that is another interface");
    let texts = world.set("broadcast.data ip,bssid");
    assert_eq!(texts, ["{\"ip\":\"10.10.10.1\",\"bssid\":\"4C:55:CC:10:78:92\"}"]);
}

#[test]
fn bad_values_are_refused_and_change_nothing() {
    let mut world = World::announced();
    world.device.command("set system.cmd.mode machine");
    world.device.take_output();
    for setting in [
        "data mac,nonsense",
        "data \"\"",
        "data gpio",
        "http.host ftp://a",
        "http.host a:0",
        "http.host \"a b\"",
        "interface ethernet",
        "interval -1",
        "interval 65536",
        "interval soon",
        "udp.ip 10.0.0.256",
        "udp.ip host.example",
        "udp.port 0",
        "udp.port 65536",
    ] {
        assert_eq!(world.device.request(&format!("set broadcast.{setting}")).code, 7, "{setting}");
    }
    assert!(world.heard().is_empty());
    assert_eq!(world.device.request("get broadcast.interval").text(), "10");
}

#[test]
fn a_host_may_have_a_udp_server_on_the_same_port() {
    let mut world = World::announced();
    let answer = world.device.command("udp_server start 55555");
    assert!(!answer.contains("failed"), "{answer}");
    for _ in 0..3 {
        world.device.advance(Duration::from_secs(10));
        let heard = world.heard();
        assert_eq!(heard.len(), 1);
        assert_ne!(heard[0].from.port(), 55_555, "another port, then");
    }
    assert_eq!(world.logged("Announcement not sent from port 55555"), 1, "told once");
    world.device.command("udp_server stop");
    world.device.advance(Duration::from_secs(10));
    assert_eq!(world.heard()[0].from.port(), 55_555);
}

#[test]
fn what_cannot_be_sent_is_told_once_and_tried_again() {
    let mut world = World::announced();
    for _ in 0..4 {
        world.device.port().fail(Call::UdpSend, PortError::Unreachable);
    }
    assert_eq!(world.count(20), 0, "two attempts each");
    assert_eq!(world.count(10), 1);
    assert_eq!(world.logged("Announcement not sent to 255.255.255.255:55555"), 1);
    world.device.port().limit_sockets(0);
    assert_eq!(world.count(20), 0);
    world.device.port().limit_sockets(100);
    assert_eq!(world.count(10), 1);
    world.check_rest();
}

/// The posts that a server has taken; it answers each and closes.
fn serve(server: &PeerListener, device: &mut SimDevice, answer: &str) -> Vec<String> {
    let mut posts = Vec::new();
    while let Some(peer) = server.accept() {
        device.settle();
        posts.push(peer.received_text());
        peer.send(answer);
        peer.finish();
        device.settle();
        assert!(peer.is_device_gone(), "it has closed");
    }
    posts
}

/// The answer of a server that accepts a post.
const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn the_same_object_is_posted() {
    let mut world = World::announced();
    let server = world.server();
    world.set("broadcast.data ip,channel");
    let texts = world.set("broadcast.http.host 10.5.6.10:3002");
    assert_eq!(texts, ["{\"ip\":\"10.5.6.108\",\"channel\":2}"], "and the datagrams go on");
    let posts = serve(&server, &mut world.device, FINE);
    let expected = format!(
        "POST / HTTP/1.1\r\nHost: 10.5.6.10:3002\r\nConnection: close\r\nUser-Agent: OpenZentri/{}\r\n\
         Content-Type: application/json\r\nContent-Length: 33\r\n\r\n{{\"ip\":\"10.5.6.108\",\"channel\":2}}",
        env!("CARGO_PKG_VERSION")
    )
    .replace("33", &texts[0].len().to_string());
    assert_eq!(posts, [expected]);
    for answer in ["HTTP/1.1 500 No\r\n\r\n", "nonsense", "", FINE] {
        world.device.advance(Duration::from_secs(10));
        assert_eq!(serve(&server, &mut world.device, answer).len(), 1, "whatever it has answered");
    }
    assert_eq!(world.logged("Announcement not posted"), 0);
    world.heard();
    assert_eq!(world.set("broadcast.http.host \"\"").len(), 1);
    world.device.advance(Duration::from_secs(100));
    assert!(server.accept().is_none(), "empty is off");
    world.check_rest();
}

#[test]
fn a_name_and_a_path_are_as_good() {
    let mut world = World::announced();
    let server = world.server();
    world.device.port().set_name("cloud.example", Duration::from_millis(50), Ok(*SERVER.ip()));
    world.set("broadcast.http.host http://cloud.example:3002/devices?all");
    world.device.advance(Duration::from_millis(100));
    let posts = serve(&server, &mut world.device, FINE);
    assert!(posts[0].starts_with("POST /devices?all HTTP/1.1\r\nHost: cloud.example:3002\r\n"), "{posts:?}");
    world.check_rest();
}

/// Sets the host and lets five intervals go by; the datagrams go on regardless.
fn five_intervals(world: &mut World, host: &str) {
    assert_eq!(world.set(&format!("broadcast.http.host {host}")).len(), 1);
    for _ in 0..5 {
        assert_eq!((world.count(9), world.count(1)), (0, 1), "{host}");
        assert!(world.device.port().open_sockets() <= 1, "nothing piles up");
        assert_eq!(world.device.command("version").lines().count(), 1, "nobody waits");
        assert_eq!(world.device.command("stream_list"), "! # Type  Info\r\n");
    }
    assert_eq!(world.logged("Announcement not posted"), 1, "{host}: told once");
}

#[test]
fn a_dead_host_delays_nobody() {
    for (answer, host) in [
        (Answer::Refuse, "10.5.6.10:3002"),
        (Answer::Silence, "10.5.6.10:3002"),
        (Answer::Accept, "10.5.6.10:3002"),
        (Answer::Refuse, "no.such.host:3002"),
        (Answer::Accept, "https://10.5.6.10:3002"),
    ] {
        let mut world = World::announced();
        world.device.command("set tcp.client.connect_timeout 30000");
        world.device.port().set_answer(SERVER, Duration::from_millis(10), answer);
        world.device.port().set_name("no.such.host", Duration::from_secs(60), Err(PortError::NotFound));
        five_intervals(&mut world, host);
        world.set("broadcast.http.host \"\"");
        world.check_rest();
        assert_eq!(world.device.port().open_jobs(), 0);
    }
}

#[test]
fn a_slow_host_has_the_interval_for_its_answer_and_no_more() {
    let mut world = World::announced();
    let server = world.server();
    world.set("broadcast.http.host 10.5.6.10:3002");
    let slow: Peer = server.accept().unwrap();
    world.device.advance(Duration::from_millis(9_999));
    assert!(!slow.is_device_gone());
    world.device.advance(Duration::from_millis(1));
    assert!(slow.is_device_gone());
    let dripping = server.accept().unwrap();
    dripping.send("H");
    world.device.settle();
    assert!(!dripping.is_device_gone());
    world.device.advance(Duration::from_secs(1));
    assert!(dripping.is_device_gone(), "it had begun to answer");
    // A long interval is no reason to wait for ever.
    world.set("broadcast.interval 3600");
    let silent = server.accept().unwrap();
    world.device.advance(Duration::from_secs(31));
    assert!(silent.is_device_gone());
    world.device.command("network_restart");
    assert!(server.accept().is_some());
    world.device.command("network_down");
    world.device.advance(Duration::from_secs(1));
    world.check_rest();
}

#[test]
fn the_device_does_not_post_to_itself() {
    let mut world = World::announced();
    world.device.command("set http.server.enabled 1");
    world.device.command("network_restart");
    world.device.take_output();
    world.heard();
    world.set("broadcast.http.host 127.0.0.1");
    assert_eq!(world.logged("Announcement not posted"), 1);
}
