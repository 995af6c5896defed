//! Names and services in the local network: dialogues of the device with others, and of devices with each other (interface,
//! network 6; RFC 6762, 6763, 4795, 1002).

use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::port::sim::{Datagram, SimDevice, SimLan, SimPort, UdpPeer};
use openzentri::wire::dns::{CLASS_FLAG, Data, INTERNET, Message, Name, Section, Writer, flag, kind};

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const MDNS: u16 = 5353;
const OWN: Ipv4Addr = Ipv4Addr::new(10, 5, 6, 50);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 5, 6, 60);

const SETTINGS: &[(&str, &str)] = &[
    ("wlan.ssid", "Open House"),
    ("wlan.dhcp.enabled", "0"),
    ("wlan.static.ip", "10.5.6.50"),
    ("wlan.static.netmask", "255.255.255.0"),
    ("http.server.enabled", "1"),
    ("mdns.enabled", "1"),
    ("mdns.name", "lamp"),
];

/// The same with another address.
const SECOND: &[(&str, &str)] = &[
    ("wlan.ssid", "Open House"),
    ("wlan.dhcp.enabled", "0"),
    ("wlan.static.ip", "10.5.6.51"),
    ("wlan.static.netmask", "255.255.255.0"),
    ("mdns.enabled", "1"),
    ("mdns.name", "lamp"),
    ("mdns.service", "ipp,tcp,631,txtvers=1"),
];

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A device that has joined, and a peer in its network that hears all multicast DNS.
fn joined(settings: &'static [(&'static str, &'static str)]) -> (SimDevice, UdpPeer) {
    let mut device = SimDevice::boot(SimPort::new(), settings);
    let peer = device.port().udp_peer(SocketAddrV4::new(OTHER, MDNS));
    device.type_line("network_up");
    device.expect("Success\r\n", seconds(5));
    (device, peer)
}

/// A device that has its name.
fn settled() -> (SimDevice, UdpPeer) {
    let (mut device, peer) = joined(SETTINGS);
    device.advance(seconds(5));
    peer.received();
    (device, peer)
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn text(name: &Name) -> String {
    name.labels().map(|label| String::from_utf8_lossy(label).into_owned()).collect::<Vec<_>>().join(".")
}

/// What a message says, one line per question or record: `? name type class`, `= name type class ttl`.
fn lines(datagram: &Datagram) -> Vec<String> {
    let message = Message::new(&datagram.data).unwrap();
    let mut lines = Vec::new();
    message
        .each_question(|question| {
            lines.push(format!("? {} {} {:x}", text(&question.name), question.kind, question.class));
        })
        .unwrap();
    message
        .records(|section, record| {
            let mark = ["=", "!", "+"][section as usize];
            lines.push(format!("{mark} {} {} {:x} {}", text(&record.name), record.kind, record.class, record.ttl));
        })
        .unwrap();
    lines
}

fn write(id: u16, flags: u16, fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buffer = [0; 1024];
    let mut writer = Writer::new(&mut buffer, id, flags).unwrap();
    fill(&mut writer);
    let size = writer.size();
    buffer[..size].to_vec()
}

fn question(asked: &str, kind: u16) -> Vec<u8> {
    write(0, 0, |writer| writer.question(&name(asked), kind, INTERNET).unwrap())
}

fn response(owner: &str, ttl: u32, data: &Data<'_>) -> Vec<u8> {
    let kind = match data {
        Data::Address(_) => kind::A,
        Data::Name(_) => kind::PTR,
        _ => kind::SRV,
    };
    let class = if kind == kind::PTR { INTERNET } else { INTERNET | CLASS_FLAG };
    write(0, flag::RESPONSE | flag::AUTHORITATIVE, |writer| {
        writer.record(Section::Answer, &name(owner), (kind, class, ttl), data).unwrap();
    })
}

#[test]
fn a_join_probes_and_announces() {
    let mut device = SimDevice::boot(SimPort::new(), SETTINGS);
    let peer = device.port().udp_peer(SocketAddrV4::new(OTHER, MDNS));
    device.type_line("network_up");
    let log = device.expect("Success\r\n", seconds(5));
    let lines_of_join = "Starting mDNS\r\nmDNS domain: lamp.local\r\nHTTP and REST API server listening on port: 80\r\n\
                         [Associated]\r\n";
    assert!(log.contains(lines_of_join), "{log}");
    let mut sent = Vec::new();
    let mut times = Vec::new();
    device.run_until(seconds(5), |device| {
        for datagram in peer.received() {
            times.push(device.millis());
            sent.push(datagram);
        }
        false
    });
    assert_eq!(sent.len(), 5, "three probes, two announcements");
    let pauses: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [250, 250, 250, 1000]);
    assert!(sent.iter().all(|datagram| datagram.to == SocketAddrV4::new(GROUP, MDNS)));
    let wanted = ["? lamp.local 255 8001", "? lamp._http._tcp.local 255 8001", "! lamp.local 1 1 300"];
    assert_eq!(lines(&sent[0])[..3], wanted);
    assert_eq!(lines(&sent[0]).len(), 5);
    assert_eq!(lines(&sent[2])[0], "? lamp.local 255 1");
    let announced = [
        "= lamp.local 1 8001 300",
        "= 50.6.5.10.in-addr.arpa 12 8001 300",
        "= _services._dns-sd._udp.local 12 1 300",
        "= _http._tcp.local 12 1 300",
        "= lamp._http._tcp.local 33 8001 300",
        "= lamp._http._tcp.local 16 8001 300",
        "+ lamp.local 47 8001 300",
        "+ lamp._http._tcp.local 47 8001 300",
    ];
    assert_eq!(lines(&sent[3]), announced);
    assert_eq!(lines(&sent[4]), announced);
}

#[test]
fn without_a_service_there_is_the_address_only() {
    let settings: &'static [(&str, &str)] =
        Box::leak(SETTINGS.iter().copied().chain([("mdns.service", "")]).collect::<Vec<_>>().into_boxed_slice());
    let (mut device, peer) = joined(settings);
    device.advance(seconds(3));
    let announced = lines(peer.received().last().unwrap());
    let expected = ["= lamp.local 1 8001 300", "= 50.6.5.10.in-addr.arpa 12 8001 300", "+ lamp.local 47 8001 300"];
    assert_eq!(announced, expected);
}

#[test]
fn a_service_that_nobody_serves_is_not_announced() {
    let settings: &'static [(&str, &str)] = Box::leak(
        SETTINGS.iter().copied().chain([("http.server.enabled", "0")]).collect::<Vec<_>>().into_boxed_slice(),
    );
    let (mut device, peer) = joined(settings);
    device.advance(seconds(3));
    assert!(!lines(peer.received().last().unwrap()).concat().contains("_http"));
}

#[test]
fn questions_are_answered_at_their_time() {
    let (mut device, peer) = settled();
    // A name that only the device has: at once.
    peer.send(MDNS, question("LAMP.local", kind::A));
    device.settle();
    let sent = peer.received();
    assert_eq!(sent.len(), 1);
    assert_eq!(lines(&sent[0]), ["= lamp.local 1 8001 300", "+ lamp.local 47 8001 300"]);
    assert_eq!(sent[0].to, SocketAddrV4::new(GROUP, MDNS));
    // The same record again: not within a second, but then.
    peer.send(MDNS, question("lamp.local", kind::A));
    let asked = device.millis();
    assert!(device.run_until(seconds(3), |_| !peer.received().is_empty()));
    assert_eq!(device.millis() - asked, 1000);
    // A record that others may have, too: after a short while.
    peer.send(MDNS, question("_http._tcp.local", kind::PTR));
    let asked = device.millis();
    let mut sent = Vec::new();
    assert!(device.run_until(seconds(1), |_| {
        sent = peer.received();
        !sent.is_empty()
    }));
    assert!((20..=120).contains(&(device.millis() - asked)), "{}", device.millis() - asked);
    assert_eq!(lines(&sent[0])[0], "= _http._tcp.local 12 1 300");
    assert_eq!(lines(&sent[0]).len(), 3, "{:?}", lines(&sent[0]));
    // The device says that it has no IPv6 address, and the same for other types.
    device.advance(seconds(3));
    peer.send(MDNS, question("lamp.local", kind::AAAA));
    device.settle();
    assert_eq!(lines(&peer.received()[0]), ["= lamp.local 47 8001 300"]);
    // Names of others, a response, a question of another class: nothing.
    peer.send(MDNS, question("lamp2.local", kind::A));
    peer.send(MDNS, write(0, flag::RESPONSE, |writer| writer.question(&name("lamp.local"), kind::A, 1).unwrap()));
    peer.send(MDNS, write(0, 0, |writer| writer.question(&name("lamp.local"), kind::A, 3).unwrap()));
    device.advance(seconds(3));
    assert_eq!(peer.received(), []);
}

#[test]
fn all_services_and_the_way_back() {
    let (mut device, peer) = settled();
    peer.send(MDNS, question("_services._dns-sd._udp.local", kind::PTR));
    device.advance(seconds(1));
    assert_eq!(lines(&peer.received()[0])[0], "= _services._dns-sd._udp.local 12 1 300");
    peer.send(MDNS, question("50.6.5.10.in-addr.arpa", kind::PTR));
    device.settle();
    assert_eq!(lines(&peer.received()[0])[0], "= 50.6.5.10.in-addr.arpa 12 8001 300");
    peer.send(MDNS, question("lamp._http._tcp.local", kind::ANY));
    device.settle();
    let expected = [
        "= lamp._http._tcp.local 33 8001 300",
        "= lamp._http._tcp.local 16 8001 300",
        "+ lamp.local 1 8001 300",
        "+ lamp.local 47 8001 300",
    ];
    assert_eq!(lines(&peer.received()[0]), expected);
}

#[test]
fn known_answers_are_not_repeated() {
    let (mut device, peer) = settled();
    let (kind_name, instance) = (name("_http._tcp.local"), name("lamp._http._tcp.local"));
    let with_known = |ttl, flags| {
        write(0, flags, |writer| {
            writer.question(&kind_name, kind::PTR, INTERNET).unwrap();
            writer.record(Section::Answer, &kind_name, (kind::PTR, INTERNET, ttl), &Data::Name(&instance)).unwrap();
        })
    };
    peer.send(MDNS, with_known(150, 0));
    device.advance(seconds(1));
    assert_eq!(peer.received(), [], "half of its time is left");
    peer.send(MDNS, with_known(149, 0));
    device.advance(seconds(1));
    assert_eq!(peer.received().len(), 1, "it should be told again");
    // More known answers follow in another message.
    peer.send(MDNS, write(0, flag::TRUNCATED, |writer| writer.question(&kind_name, kind::PTR, INTERNET).unwrap()));
    device.advance(Duration::from_millis(300));
    assert_eq!(peer.received(), []);
    peer.send(
        MDNS,
        write(0, 0, |writer| {
            writer.record(Section::Answer, &kind_name, (kind::PTR, INTERNET, 300), &Data::Name(&instance)).unwrap();
        }),
    );
    device.advance(seconds(2));
    assert_eq!(peer.received(), []);
    // Without them it answers.
    peer.send(MDNS, write(0, flag::TRUNCATED, |writer| writer.question(&kind_name, kind::PTR, INTERNET).unwrap()));
    device.advance(Duration::from_millis(390));
    assert_eq!(peer.received(), []);
    device.advance(Duration::from_millis(120));
    assert_eq!(peer.received().len(), 1);
}

#[test]
fn who_speaks_dns_only_gets_a_plain_answer() {
    let (mut device, _) = settled();
    let peer = device.port().udp_peer(SocketAddrV4::new(OTHER, 40_000));
    let asked = write(0x1234, 0, |writer| writer.question(&name("lamp.local"), kind::A, INTERNET).unwrap());
    peer.send(MDNS, asked);
    device.settle();
    let sent = peer.received();
    assert_eq!((sent.len(), sent[0].to), (1, SocketAddrV4::new(OTHER, 40_000)));
    assert_eq!(Message::new(&sent[0].data).unwrap().id(), 0x1234);
    assert_eq!(lines(&sent[0]), ["? lamp.local 1 1", "= lamp.local 1 1 10", "+ lamp.local 47 1 10"]);
    // A peer outside the network gets no answer, and no peer gets too many.
    let stranger = device.port().udp_peer(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 40_001));
    let asked = question("lamp.local", kind::A);
    stranger.send(MDNS, &asked);
    device.advance(seconds(2));
    assert_eq!(stranger.received(), []);
    for _ in 0..200 {
        peer.send(MDNS, &asked);
    }
    device.settle();
    assert_eq!(peer.received().len(), 50);
}

#[test]
fn who_wants_a_unicast_answer_gets_one_unless_it_is_time_for_all() {
    let (mut device, peer) = settled();
    let asked = write(0, 0, |writer| writer.question(&name("lamp.local"), kind::A, INTERNET | CLASS_FLAG).unwrap());
    peer.send(MDNS, &asked);
    device.settle();
    let sent = peer.received();
    assert_eq!((sent.len(), sent[0].to), (1, SocketAddrV4::new(OTHER, MDNS)));
    assert_eq!(lines(&sent[0])[0], "= lamp.local 1 8001 300");
    // Once a quarter of the record's lifetime has passed since it was sent to all, it is sent to all again.
    device.advance(seconds(80));
    peer.send(MDNS, &asked);
    device.settle();
    assert_eq!(peer.received()[0].to, SocketAddrV4::new(GROUP, MDNS));
}

#[test]
fn a_name_that_somebody_has_is_not_taken() {
    let (mut device, peer) = joined(SETTINGS);
    assert!(device.run_until(seconds(1), |_| !peer.received().is_empty()));
    peer.send(MDNS, response("lamp.local", 120, &Data::Address(OTHER)));
    device.advance(seconds(3));
    let sent = peer.received();
    assert_eq!(lines(&sent[0])[0], "? lamp-2.local 255 8001");
    assert_eq!(lines(sent.last().unwrap())[0], "= lamp-2.local 1 8001 300");
    assert!(device.take_output().contains("mDNS domain: lamp-2.local\r\n"));
    // After a later conflict the device first probes for the name again; the peer that defends it keeps it.
    peer.received();
    peer.send(MDNS, response("lamp-2.local", 120, &Data::Address(OTHER)));
    device.settle();
    assert_eq!(lines(&peer.received()[0])[0], "? lamp-2.local 255 8001");
    peer.send(MDNS, response("lamp-2.local", 120, &Data::Address(OTHER)));
    device.advance(seconds(3));
    assert_eq!(lines(peer.received().last().unwrap())[0], "= lamp-3.local 1 8001 300");
    // A peer that says the same, or goodbye, or the same of another name, causes no conflict.
    for harmless in [
        response("lamp-3.local", 120, &Data::Address(OWN)),
        response("lamp-3.local", 0, &Data::Address(OTHER)),
        response("lamp-2.local", 120, &Data::Address(OTHER)),
        response("_http._tcp.local", 120, &Data::Name(&name("other._http._tcp.local"))),
    ] {
        peer.send(MDNS, harmless);
    }
    device.advance(seconds(3));
    assert_eq!(peer.received(), []);
}

#[test]
fn a_name_is_defended_at_once() {
    let (mut device, peer) = settled();
    let probe = write(0, 0, |writer| {
        writer.question(&name("lamp.local"), kind::ANY, INTERNET).unwrap();
        let wanted = Data::Address(OTHER);
        writer.record(Section::Authority, &name("lamp.local"), (kind::A, INTERNET, 120), &wanted).unwrap();
    });
    for _ in 0..2 {
        peer.send(MDNS, &probe);
        device.settle();
        assert_eq!(lines(&peer.received()[0])[0], "= lamp.local 1 8001 300");
        device.advance(Duration::from_millis(250));
    }
}

#[test]
fn two_devices_settle_a_conflict() {
    let mut lan = SimLan::boot(&[SETTINGS, SECOND]);
    for device in &mut lan.devices {
        device.type_line("network_up");
    }
    lan.advance(seconds(10));
    let names: Vec<String> = lan
        .devices
        .iter_mut()
        .map(|device| {
            let log = device.take_output();
            log.rsplit("mDNS domain: ").next().unwrap().split(".local").next().unwrap().to_owned()
        })
        .collect();
    // Both have probed at the same time: the device with the later address has won.
    assert_eq!(names, ["lamp-2", "lamp"]);
    // Each finds the other one, and its services.
    for (asker, line, answer) in [
        (0, "network_lookup lamp.local", "10.5.6.51"),
        (1, "network_lookup lamp-2.local", "10.5.6.50"),
        (0, "network_lookup lamp-2.local", "10.5.6.50"),
        (0, "mdns_discover ipp", "# lamp 10.5.6.51:631"),
        (1, "mdns_discover http", "# lamp-2 10.5.6.50:80"),
        (1, "mdns_discover ipp", "# lamp 10.5.6.51:631"),
        (0, "mdns_discover ftp", ""),
        (0, "mdns_discover", "# lamp-2 10.5.6.50:80 _http._tcp\r\n# lamp 10.5.6.51:631 _ipp._tcp"),
    ] {
        lan.devices[asker].type_line(line);
        lan.advance(seconds(6));
        let output = lan.devices[asker].take_output();
        let rest = output.split_once("\r\n").map_or("", |(_, rest)| rest);
        let answer = if answer.is_empty() { "> ".into() } else { format!("{answer}\r\n> ") };
        assert!(rest.ends_with(&answer) && rest.lines().count() < 4, "{line}: {output:?}");
    }
}

#[test]
fn a_device_that_comes_later_takes_the_next_name_and_goodbye_frees_it() {
    let mut lan = SimLan::boot(&[SETTINGS, SECOND]);
    lan.devices[0].type_line("network_up");
    lan.advance(seconds(5));
    lan.devices[1].type_line("network_up");
    lan.advance(seconds(5));
    assert!(lan.devices[1].take_output().contains("mDNS domain: lamp-2.local"));
    let ear = lan.devices[0].port().udp_peer(SocketAddrV4::new(OTHER, MDNS));
    lan.devices[0].type_line("network_down");
    lan.advance(seconds(1));
    let goodbye = lines(&ear.received()[0]);
    assert!(goodbye.iter().all(|line| line.ends_with(" 0")) && goodbye.len() == 6, "{goodbye:?}");
    lan.devices[1].type_line("network_restart");
    lan.advance(seconds(5));
    assert!(lan.devices[1].take_output().contains("mDNS domain: lamp.local\r\n"));
}

#[test]
fn a_restart_of_the_interface_says_goodbye_and_announces_again() {
    let (mut device, peer) = settled();
    device.command("set mdns.name candle-#");
    device.command("set mdns.ttl 100");
    device.advance(seconds(5));
    assert_eq!(peer.received(), [], "it acts when the interface restarts");
    device.command("network_restart");
    device.advance(seconds(5));
    let sent = peer.received();
    assert_eq!(lines(&sent[0])[0], "= lamp.local 1 8001 0");
    assert_eq!(lines(&sent[1])[0], "? candle-942.local 255 8001");
    assert_eq!(lines(&sent[4])[0], "= candle-942.local 1 8001 100");
    device.command("set mdns.enabled 0");
    device.command("network_restart");
    device.advance(seconds(5));
    assert_eq!(peer.received().len(), 1, "goodbye, and no more");
}

#[test]
fn reboot_says_goodbye() {
    let (mut device, peer) = settled();
    device.restart_by_itself(false);
    device.type_line("reboot");
    device.advance(seconds(2));
    assert_eq!(lines(&peer.received()[0])[0], "= lamp.local 1 8001 0");
}

#[test]
fn somebody_elses_goodbye_to_what_is_still_there_is_corrected() {
    let (mut device, peer) = settled();
    peer.send(MDNS, response("_services._dns-sd._udp.local", 0, &Data::Name(&name("_http._tcp.local"))));
    device.advance(seconds(1));
    assert_eq!(lines(&peer.received()[0])[0], "= _services._dns-sd._udp.local 12 1 300");
    // The device does not repeat what another one has just said.
    peer.send(MDNS, question("_services._dns-sd._udp.local", kind::PTR));
    peer.send(MDNS, response("_services._dns-sd._udp.local", 300, &Data::Name(&name("_http._tcp.local"))));
    device.advance(seconds(3));
    assert_eq!(peer.received(), []);
}

#[test]
fn llmnr_answers_for_the_name_of_one_label() {
    let (mut device, mdns) = settled();
    let peer = device.port().udp_peer(SocketAddrV4::new(OTHER, 40_000));
    peer.send(5355, question("Lamp", kind::A));
    device.settle();
    let sent = peer.received();
    assert_eq!((sent.len(), sent[0].from.port()), (1, 5355));
    assert_eq!(lines(&sent[0]), ["? Lamp 1 1", "= Lamp 1 1 30"]);
    peer.send(5355, question("lamp.local", kind::A));
    peer.send(5355, question("candle", kind::A));
    device.settle();
    assert_eq!(peer.received(), []);
    // Several have answered: the device finds out whether it is one of them.
    peer.send(5355, write(1, flag::AUTHORITATIVE, |writer| writer.question(&name("lamp"), kind::A, 1).unwrap()));
    device.settle();
    assert_eq!(peer.received(), []);
    assert_eq!(lines(&mdns.received()[0])[0], "? lamp.local 255 8001");
}

#[test]
fn netbios_answers_for_short_names_only() {
    let query = b"\x12\x34\x01\x10\0\x01\0\0\0\0\0\0\x20EMEBENFACACACACACACACACACACACAAA\0\0\x20\0\x01";
    let status = b"\x12\x35\0\0\0\x01\0\0\0\0\0\0\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01";
    let (mut device, _) = settled();
    let peer = device.port().udp_peer(SocketAddrV4::new(OTHER, 137));
    peer.send(137, query);
    device.settle();
    let sent = peer.received();
    assert!(sent[0].data.ends_with(&[0, 6, 0, 0, 10, 5, 6, 50]));
    peer.send(137, status);
    device.settle();
    assert_eq!(&peer.received()[0].data[57..72], b"LAMP           ");
    // With .local it is longer than 15 characters.
    device.command("set mdns.name lamplighters");
    device.command("network_restart");
    device.advance(seconds(5));
    peer.received();
    peer.send(137, status);
    device.settle();
    assert_eq!(peer.received(), []);
}

#[test]
fn names_of_the_domain_are_asked_for_there_first_and_then_by_dns() {
    let (mut device, _) = settled();
    let ten = Duration::from_millis(10);
    device.port().set_name("printer.local", ten, Ok(OTHER));
    let asked = device.millis();
    assert_eq!(device.command("network_lookup printer.local"), "Resolving host: printer.local\r\n10.5.6.60\r\n");
    assert_eq!(device.millis() - asked, 2010, "two questions to all, then DNS");
    assert!(device.command("network_lookup nobody.local").ends_with("Command failed\r\n"));
    let asked = device.millis();
    assert!(device.command("network_lookup lamp.local.").ends_with("10.5.6.50\r\n"), "its own name");
    device.command("set mdns.enabled 0");
    device.command("network_restart");
    let before = device.millis();
    assert!(before > asked);
    assert!(device.command("network_lookup printer.local").ends_with("10.5.6.60\r\n"));
    assert_eq!(device.millis() - before, 10, "without mDNS by DNS only");
}

#[test]
fn variables_accept_what_can_be_announced() {
    let mut device = SimDevice::boot(SimPort::new(), &[]);
    for (line, answer) in [
        ("set md s http,path=/,ipp,tcp,631", "Set OK"),
        ("set md s \"\"", "Set OK"),
        ("set md s ipp", "Invalid argument"),
        ("set md s a,tcp,1,b,tcp,2,c,tcp,3,d,tcp,4", "Set OK"),
        ("set md s a,tcp,1,b,tcp,2,c,tcp,3,d,tcp,4,e,tcp,5", "Invalid argument"),
        ("set md s http,tcp,0", "Invalid argument"),
        ("set md t 0", "Invalid argument"),
        ("mdns_discover http,sctp", "Command failed"),
    ] {
        assert!(device.command(line).ends_with(&format!("{answer}\r\n")), "{line}");
    }
}

#[test]
fn noise_does_no_harm() {
    let (mut device, peer) = settled();
    let mut state = 1_u32;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let golden = question("_http._tcp.local", kind::PTR);
    for _ in 0..2000 {
        let mut bytes = golden.clone();
        for _ in 0..random() % 6 {
            let at = random() as usize % bytes.len();
            bytes[at] = random() as u8;
        }
        bytes.truncate(random() as usize % (bytes.len() + 1));
        for port in [MDNS, 5355, 137] {
            peer.send(port, &bytes);
        }
        device.settle();
    }
    device.advance(seconds(10));
    peer.received();
    peer.send(MDNS, question("lamp.local", kind::A));
    device.advance(seconds(2));
    assert!(!peer.received().is_empty());
}
