//! What the stations of the soft AP hear: addresses, names, and the captive portal (interface, network 3).

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::port::Interface;
use openzentri::port::sim::{SimDevice, SimPort, UdpPeer};
use openzentri::wire::dhcp::{MESSAGE, MessageType, Request, read_reply, write_request};
use openzentri::wire::dns::{Message, Name, addresses, kind, query};

const OWN: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 1);

fn device(settings: &'static [(&'static str, &'static str)]) -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.settle();
    device.command("network_up -i softap");
    device.take_output();
    device
}

fn mac(number: usize) -> [u8; 6] {
    [2, 0, 0, 0, (number >> 8) as u8, number as u8]
}

/// A station on the soft AP; before it has an address it hears broadcasts only.
struct Station {
    peer: UdpPeer,
    mac: [u8; 6],
}

type Heard = Option<(MessageType, Option<Ipv4Addr>)>;

impl Station {
    fn new(device: &SimDevice, number: usize) -> Self {
        let peer = device.port().udp_peer(SocketAddrV4::new(Ipv4Addr::BROADCAST, 68));
        Self { peer, mac: mac(number) }
    }

    fn request(&self, kind: MessageType, wish: Option<u8>, server: Option<Ipv4Addr>) -> Request {
        let requested = wish.map(|last| Ipv4Addr::new(10, 10, 10, last));
        let client = Ipv4Addr::UNSPECIFIED;
        Request { kind, number: 77, mac: self.mac, client, requested, server, broadcast: true }
    }

    fn ask(&self, device: &mut SimDevice, kind: MessageType, wish: Option<u8>, server: Option<Ipv4Addr>) -> Heard {
        self.exchange(device, &self.request(kind, wish, server))
    }

    fn exchange(&self, device: &mut SimDevice, request: &Request) -> Heard {
        let mut buffer = [0; MESSAGE];
        let size = write_request(&mut buffer, request, "phone").unwrap();
        self.peer.received();
        self.peer.send_over(Interface::SoftAp, 67, &buffer[..size]);
        device.advance(Duration::from_millis(10));
        let heard = self.peer.received();
        let mut replies = heard.iter().filter_map(|heard| read_reply(&heard.data, 77, self.mac));
        let reply = replies.next().map(|(kind, grant)| (kind, grant.map(|grant| grant.config.address)));
        assert!(replies.next().is_none(), "one answer at most");
        reply
    }

    /// DISCOVER and REQUEST.
    fn lease(&self, device: &mut SimDevice) -> Option<Ipv4Addr> {
        let (_, offered) = self.ask(device, MessageType::Discover, None, None)?;
        let (kind, given) =
            self.ask(device, MessageType::Request, offered.map(|address| address.octets()[3]), Some(OWN))?;
        assert_eq!((kind, given), (MessageType::Ack, offered));
        given
    }
}

#[test]
fn stations_get_addresses_and_keep_them() {
    let mut device = device(&[]);
    for (number, last) in [(1, 2), (2, 3), (1, 2), (3, 4)] {
        assert_eq!(Station::new(&device, number).lease(&mut device), Some(Ipv4Addr::new(10, 10, 10, last)));
    }
    assert!(device.port().radio().station_comes(mac(2)) && device.port().radio().station_comes(mac(9)));
    assert_eq!(
        device.command("get softap.client_list"),
        "! # MAC Address       IP Address\r\n# 0 02:00:00:00:00:02 10.10.10.3\r\n# 1 02:00:00:00:00:09 0.0.0.0\r\n"
    );
    assert!(device.command("get so o").contains("clients: 2\r\n"));
    // A lease survives the soft AP's restart.
    device.command("network_restart -i softap");
    assert_eq!(Station::new(&device, 3).lease(&mut device), Some(Ipv4Addr::new(10, 10, 10, 4)));
}

#[test]
fn a_request_for_a_wrong_address_is_refused_and_one_for_another_server_is_left_alone() {
    let mut device = device(&[]);
    let station = Station::new(&device, 1);
    station.lease(&mut device);
    let other = Station::new(&device, 2);
    for wish in [2, 1, 0, 255] {
        assert_eq!(
            other.ask(&mut device, MessageType::Request, Some(wish), None),
            Some((MessageType::Nak, None)),
            "{wish}"
        );
    }
    // A rogue server on the same network: a station that takes its offer is not ours.
    let rogue = Some(Ipv4Addr::new(10, 10, 10, 200));
    assert_eq!(other.ask(&mut device, MessageType::Request, Some(7), rogue), None);
    assert_eq!(station.ask(&mut device, MessageType::Release, None, Some(OWN)), None);
    assert_eq!(station.ask(&mut device, MessageType::Decline, Some(2), Some(OWN)), None);
    assert_ne!(station.lease(&mut device), Some(Ipv4Addr::new(10, 10, 10, 2)), "it was found in use");
}

#[test]
fn addresses_stay_within_the_netmask() {
    let mut device = device(&[("softap.static.netmask", "255.255.255.248"), ("softap.static.gateway", "10.10.10.4")]);
    let given = (0..9).filter_map(|number| Station::new(&device, number).lease(&mut device));
    assert_eq!(given.map(|address| address.octets()[3]).collect::<Vec<_>>(), [2, 3, 5, 6]);
    // 7 is the broadcast address, 8 is outside.
    let station = Station::new(&device, 20);
    for wish in [4, 7, 8] {
        let heard = station.ask(&mut device, MessageType::Request, Some(wish), None);
        assert_eq!(heard, Some((MessageType::Nak, None)), "{wish}");
    }
}

#[test]
fn answers_go_to_nobody_outside() {
    let mut device = device(&[]);
    let station = Station::new(&device, 1);
    station.lease(&mut device);
    let victim = Ipv4Addr::new(192, 0, 2, 1);
    let outside = device.port().udp_peer(SocketAddrV4::new(victim, 68));
    let inform = Request { client: victim, ..station.request(MessageType::Inform, None, None) };
    assert_eq!(station.exchange(&mut device, &inform), None);
    assert!(outside.received().is_empty());
    // Every station here hears this answer, so this one, too.
    let renewal = Request { client: victim, ..station.request(MessageType::Request, Some(2), None) };
    assert_eq!(station.exchange(&mut device, &renewal), Some((MessageType::Ack, Some(Ipv4Addr::new(10, 10, 10, 2)))));
    // A station with an address of this network hears its answer at that address.
    let own = Ipv4Addr::new(10, 10, 10, 77);
    let settled = Station { peer: device.port().udp_peer(SocketAddrV4::new(own, 68)), mac: mac(2) };
    let inform = Request { client: own, ..settled.request(MessageType::Inform, None, None) };
    assert_eq!(settled.exchange(&mut device, &inform), Some((MessageType::Ack, None)));
}

#[test]
fn two_hundred_and_fifty_stations() {
    let mut device = device(&[]);
    let mut given = std::collections::BTreeSet::new();
    for number in 0..250 {
        given.extend(Station::new(&device, number).lease(&mut device));
        assert!(given.iter().all(|address| address.octets()[3] > 1));
    }
    assert_eq!(given.len(), openzentri::limits::DHCP_LEASES, "as many as there is room for, the others none");
    // A day later the others get theirs.
    device.advance(Duration::from_secs(86_500));
    assert!(Station::new(&device, 249).lease(&mut device).is_some());
    assert_eq!(device.command("version").lines().count(), 1);
}

#[test]
fn bytes_of_any_shape_hurt_nobody() {
    let mut device = device(&[]);
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let stranger = device.port().udp_peer(SocketAddrV4::new(Ipv4Addr::new(10, 10, 10, 66), 999));
    for _ in 0..2000 {
        let bytes: Vec<u8> = (0..random() % 700).map(|_| random() as u8).collect();
        stranger.send_over(Interface::SoftAp, if random() % 2 == 0 { 67 } else { 53 }, bytes);
    }
    device.advance(Duration::from_secs(1));
    assert!(Station::new(&device, 1).lease(&mut device).is_some());
}

#[test]
fn messages_with_wrong_bytes_hurt_nobody() {
    use MessageType::{Decline, Discover, Inform, Release};
    let mut device = device(&[]);
    let mut state = 7_u32;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let stranger = device.port().udp_peer(SocketAddrV4::new(Ipv4Addr::new(10, 10, 10, 66), 999));
    let name = Name::parse("captive.apple.com").unwrap();
    for round in 0..3000 {
        let mut bytes = [0; MESSAGE];
        let is_name = random(2) == 0;
        let size = if is_name {
            query(&mut bytes, 5, &name, kind::A).unwrap()
        } else {
            let station = Station::new(&device, random(100));
            let kind = [Discover, MessageType::Request, Decline, Release, Inform][random(5)];
            let request = station.request(kind, Some(random(256) as u8), [None, Some(OWN)][random(2)]);
            write_request(&mut bytes, &request, "phone").unwrap()
        };
        for _ in 0..random(4) {
            bytes[random(size)] = random(256) as u8;
        }
        let size = if random(4) == 0 { random(size) } else { size };
        stranger.send_over(Interface::SoftAp, if is_name { 53 } else { 67 }, &bytes[..size]);
        if round % 16 == 0 {
            device.advance(Duration::from_millis(1));
        }
    }
    // Whatever was given or declined meanwhile has run out by then.
    device.advance(Duration::from_secs(86_500));
    assert!(Station::new(&device, 200).lease(&mut device).is_some());
    let station = Ipv4Addr::new(10, 10, 10, 2);
    assert_eq!(ask_name(&mut device, station, "captive.apple.com", kind::A), Some((0, vec![OWN])));
}

/// Asks for a name; returns the code and the addresses.
fn ask_name(device: &mut SimDevice, from: Ipv4Addr, name: &str, kind: u16) -> Option<(u8, Vec<Ipv4Addr>)> {
    let peer = device.port().udp_peer(SocketAddrV4::new(from, 5353));
    let (mut buffer, name) = ([0; 300], Name::parse(name).unwrap());
    let size = query(&mut buffer, 99, &name, kind).unwrap();
    peer.send_over(Interface::SoftAp, 53, &buffer[..size]);
    device.advance(Duration::from_millis(10));
    let heard = peer.received();
    let response = Message::new(&heard.first()?.data).unwrap();
    assert_eq!((response.id(), response.is_response()), (99, true));
    Some((response.code(), addresses::<4>(&response, &name).unwrap().to_vec()))
}

#[test]
fn names_that_lead_to_the_device() {
    let mut device = device(&[("softap.dns_server.url", "http://my.device/page, other.example ,third.example:8080")]);
    let station = Ipv4Addr::new(10, 10, 10, 2);
    for name in ["my.device", "OTHER.example", "third.example", "captive.apple.com", "connectivitycheck.gstatic.com"] {
        assert_eq!(ask_name(&mut device, station, name, kind::A), Some((0, vec![OWN])), "{name}");
        assert_eq!(ask_name(&mut device, station, name, kind::AAAA), Some((0, vec![])), "{name}");
    }
    for name in ["ConnectivityCheck.any-vendor.example", "connectivitycheck.android.com"] {
        assert_eq!(ask_name(&mut device, station, name, kind::A), Some((0, vec![OWN])), "{name}");
    }
    for name in ["connectivitycheck", "x.connectivitycheck.com", "device", "x.my.device", "example.com", "setup.com"] {
        assert_eq!(ask_name(&mut device, station, name, kind::A), Some((3, vec![])), "{name}");
    }
    assert_eq!(ask_name(&mut device, Ipv4Addr::new(192, 0, 2, 1), "my.device", kind::A), None, "a stranger");
    device.type_line("setup web");
    device.advance(Duration::from_secs(1));
    device.take_output();
    assert_eq!(ask_name(&mut device, station, "setup.com", kind::A), Some((0, vec![OWN])));
    assert_eq!(device.command("set softap.dns_server.url my.device,*"), "Set OK\r\n");
    assert_eq!(ask_name(&mut device, station, "example.com", kind::A), Some((0, vec![OWN])), "every name");
    device.command("set softap.dns_server.enabled 0");
    device.command("network_restart -i softap");
    assert_eq!(ask_name(&mut device, station, "my.device", kind::A), None);
}

/// Fetches a path over an interface; returns all that came.
fn fetch(device: &mut SimDevice, interface: Interface, path: &str) -> String {
    let from = SocketAddrV4::new(Ipv4Addr::new(10, 10, 10, 2), 40_000);
    let peer = device.port().connect_from(interface, from, 80).unwrap();
    peer.send(format!("GET {path} HTTP/1.1\r\nHost: captive.apple.com\r\n\r\n"));
    device.advance(Duration::from_millis(100));
    peer.received_text()
}

#[test]
fn the_captive_portal_in_both_modes() {
    let mut device = device(&[
        ("http.server.interface", "softap"),
        ("http.server.enabled", "1"),
        ("http.server.username", "me"),
        ("http.server.password", "secret"),
        ("softap.dns_server.url", "my.device"),
        ("setup.web.url", "http://setup.com/x"),
    ]);
    let probes = ["/generate_204", "/hotspot-detect.html", "/ncsi.txt", "/connecttest.txt?n=1"];
    for path in probes {
        let heard = fetch(&mut device, Interface::SoftAp, path);
        assert!(heard.starts_with("HTTP/1.1 204 Ok\r\n") && heard.ends_with("\r\n\r\n"), "{path}: {heard}");
    }
    device.command("set softap.captive_portal_enabled 1");
    for path in probes {
        let heard = fetch(&mut device, Interface::SoftAp, path);
        assert!(heard.starts_with("HTTP/1.1 302 Redirect\r\nLocation: http://my.device/\r\n"), "{path}: {heard}");
    }
    assert!(fetch(&mut device, Interface::SoftAp, "/").starts_with("HTTP/1.1 401 "), "nothing else is open");
    for (url, host) in [("*", "10.10.10.1"), ("\"\"", "10.10.10.1"), ("https://a.b:81/c,d.e", "a.b:81")] {
        device.command(&format!("set softap.dns_server.url {url}"));
        let heard = fetch(&mut device, Interface::SoftAp, "/ncsi.txt");
        assert!(heard.contains(&format!("\r\nLocation: http://{host}/\r\n")), "{heard}");
    }
    device.type_line("setup web");
    device.advance(Duration::from_secs(1));
    device.take_output();
    let heard = fetch(&mut device, Interface::SoftAp, "/generate_204");
    assert!(heard.contains("\r\nLocation: http://setup.com/\r\n"), "{heard}");
}

#[test]
fn the_portal_is_not_there_on_the_wlan() {
    const SETTINGS: &[(&str, &str)] =
        &[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("http.server.enabled", "1")];
    let mut device = SimDevice::boot(SimPort::new(), SETTINGS);
    device.command("network_up");
    assert!(fetch(&mut device, Interface::Wlan, "/generate_204").starts_with("HTTP/1.1 404 "));
}

#[test]
fn the_portal_needs_no_api_and_is_counted() {
    const SETTINGS: &[(&str, &str)] =
        &[("http.server.interface", "softap"), ("http.server.enabled", "1"), ("http.server.metrics_enabled", "1")];
    let mut on = device(SETTINGS);
    fetch(&mut on, Interface::SoftAp, "/ncsi.txt");
    on.command("set softap.captive_portal_enabled 1");
    fetch(&mut on, Interface::SoftAp, "/ncsi.txt");
    let counted = fetch(&mut on, Interface::SoftAp, "/metrics");
    for class in ["2xx", "3xx"] {
        assert!(counted.contains(&format!("http_requests_total{{class=\"{class}\"}} 1")), "{counted}");
    }
    let off: &[(&str, &str)] = &[SETTINGS[0], SETTINGS[1], ("http.server.api_enabled", "0")];
    let mut off = device(Vec::leak(off.to_vec()));
    assert!(fetch(&mut off, Interface::SoftAp, "/ncsi.txt").starts_with("HTTP/1.1 204 Ok\r\n"));
}
