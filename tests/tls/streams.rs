//! `tls_client` and `tls_server`: what a host sees of them.

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::sim::{Answer, End, SimDevice};

use crate::peers::*;

/// A device in the network with these files.
pub fn device(files: &[(&str, &str)]) -> SimDevice {
    let settings = &[("wlan.ssid", "MyNet"), ("wlan.passkey", "mypassword"), ("http.server.enabled", "0")];
    let mut device = SimDevice::boot(port(), settings);
    device.command("nup");
    for (name, content) in files {
        store(&mut device, name, content, "");
    }
    device
}

pub fn store(device: &mut SimDevice, name: &str, content: &str, rest: &str) {
    let line = format!("fcr {name} {}{rest}", content.len());
    assert!(device.command_with_data(&line, content.as_bytes()).contains("File created"), "{name}");
}

/// Runs a command while others talk to the device; returns what is printed.
pub fn run(device: &mut SimDevice, line: &str, mut meanwhile: impl FnMut(&mut SimDevice)) -> String {
    device.settle();
    device.take_output();
    device.type_line(line);
    let mut output = String::new();
    for _ in 0..60_000 {
        device.settle();
        meanwhile(device);
        output.push_str(&device.take_output());
        if output.ends_with("> ") {
            let shown = output.split_once("\r\n").map_or("", |(_, shown)| shown);
            return shown.trim_end_matches("> ").to_owned();
        }
        device.advance(Duration::from_millis(1));
    }
    panic!("no answer: {output:?}");
}

/// Lets a server answer the connection of a command.
pub fn with_server(device: &mut SimDevice, world: &World, demand: bool, line: &str) -> (String, Option<Other>) {
    device.port().set_name(NAME, Duration::from_millis(1), Ok(*SERVER.ip()));
    let listener = device.port().listen(SERVER);
    let mut other = None;
    let shown = run(device, line, |_| {
        if other.is_none() {
            other = listener.accept().map(|peer| Other::server(world, peer, demand, &[]));
        }
        if let Some(other) = &mut other {
            other.pump();
        }
    });
    listener.close();
    (shown, other)
}

pub const CA: &str = "geotrust_ca.pem";

#[test]
fn a_client_is_a_stream() {
    let world = World::new();
    let mut device = device(&[(CA, &world.authority.pem())]);
    let line = format!("tls_client {NAME} 443");
    let (shown, other) = with_server(&mut device, &world, false, &line);
    assert_eq!(
        shown,
        "[Opening: server.example:443]\r\nResolving host: server.example\r\nConnecting: server.example:443\r\n\
         Starting TLS\r\nClock not set: certificates are only known to be no older than this firmware\r\n\
         [Opened: 0]\r\n0\r\n"
    );
    let mut other = other.unwrap();
    assert!(device.command("list").contains("# 0 TLSC  server.example:443 ("));
    device.command_with_data("write 0 5", b"hello");
    other.until(&mut device, |other, _| other.received == b"hello");
    other.send(b"world");
    device.advance(Duration::from_millis(5));
    assert_eq!(device.command("poll 0"), "1\r\n");
    assert_eq!(device.command("read 0 100"), "world\r\n");
    device.command("close 0");
    other.until(&mut device, |other, _| other.closed);
    assert_eq!(device.port().open_sessions(), 0);
    // The message about the clock comes once.
    let (shown, _) = with_server(&mut device, &world, false, &line);
    assert!(!shown.contains("Clock") && shown.ends_with("[Opened: 0]\r\n0\r\n"), "{shown}");
}

#[test]
fn files_named_in_the_command_come_before_those_of_variables() {
    let world = World::new();
    let foreign = Authority::new().pem();
    let files = [
        ("foreign.pem", foreign.as_str()),
        ("ca.pem", &world.authority.pem()),
        ("cert.pem", &world.client.chain),
        ("key.pem", &world.client.key),
    ];
    let mut device = device(&files);
    device.command("set network.tls.ca_cert foreign.pem");
    let line = format!("tlsc {NAME} 443");
    for (line, opens) in
        [(line.clone(), false), (format!("{line} ca.pem"), false), (format!("{line} ca.pem cert.pem key.pem"), true)]
    {
        let (shown, mut other) = with_server(&mut device, &world, true, &line);
        // In TLS 1.3 a client learns that it is refused when it reads: then the stream has ended.
        for _ in 0..10 {
            other.iter_mut().for_each(Other::pump);
            device.advance(Duration::from_millis(1));
        }
        let open = shown.contains("[Opened: 0]") && device.command("poll 0").starts_with('0');
        assert_eq!(open, opens, "{line}: {shown}");
        device.command("close all");
    }
    device.command("set tls.ca_cert ca.pem");
    device.command("set network.tls.client_cert cert.pem");
    device.command("set network.tls.client_key key.pem");
    let (shown, _) = with_server(&mut device, &world, true, &line);
    device.advance(Duration::from_millis(10));
    assert_eq!(device.command("poll 0"), "0\r\n", "{shown}");
}

#[test]
fn every_failure_has_its_documented_number() {
    let world = World::new();
    let big = "x".repeat(limits::TLS_FILES);
    let (foreign, ca) = (Authority::new().pem(), world.authority.pem());
    let files = [
        (CA, ca.as_str()),
        ("foreign.pem", &foreign),
        ("garbage.pem", "garbage"),
        ("big.pem", &big),
        ("cert.pem", &world.client.chain),
        ("key.pem", &world.client.key),
    ];
    let mut device = device(&files);
    device.port().set_name("other.example", Duration::from_millis(1), Ok(*SERVER.ip()));
    for (line, error) in [
        ("tlsc other.example 443", "5037 (state: 3, code: 0)"),
        ("tlsc server.example 443 foreign.pem", "5035 (state: 3, code: 0)"),
        ("tlsc server.example 443 garbage.pem", "5005"),
        ("tlsc server.example 443 absent.pem", "5016"),
        ("tlsc server.example 443 big.pem cert.pem key.pem", "5013"),
        ("tlsc server.example 443 geotrust_ca.pem absent.pem key.pem", "5014"),
        ("tlsc server.example 443 geotrust_ca.pem cert.pem", "5015"),
        ("tlsc server.example 443 geotrust_ca.pem cert.pem absent.pem", "5015"),
    ] {
        let (shown, _) = with_server(&mut device, &world, false, line);
        let end = format!("Error with TLS handshake: {error}\r\n[Open failed]\r\nCommand failed\r\n");
        assert!(shown.ends_with(&end), "{line}: {shown}");
        assert_eq!((device.port().open_sessions(), device.port().open_sockets()), (0, 0), "{line}");
    }
    device.command("set time.rtc 1893456000");
    let (shown, _) = with_server(&mut device, &world, false, "tlsc server.example 443");
    assert!(shown.contains("Error with TLS handshake: 5036 (state: 3, code: 0)\r\n"), "{shown}");
}

#[test]
fn a_client_without_authorities_refuses_servers_unless_its_owner_takes_any() {
    let world = World::new();
    let mut device = device(&[]);
    let line = format!("tlsc {NAME} 443");
    let (shown, _) = with_server(&mut device, &world, false, &line);
    assert!(shown.contains("Error with TLS handshake: 5016\r\n"), "{shown}");
    device.command("set network.tls.verify 0");
    let (shown, other) = with_server(&mut device, &world, false, &line);
    assert!(shown.contains("TLS server not verified: no CA certificate\r\n"), "{shown}");
    let mut other = other.unwrap();
    device.command_with_data("write 0 5", b"hello");
    other.until(&mut device, |other, _| other.received == b"hello");
    device.command("close 0");
    // With authorities the server is still verified.
    store(&mut device, CA, &Authority::new().pem(), "");
    let (shown, _) = with_server(&mut device, &world, false, &line);
    assert!(shown.contains("Error with TLS handshake: 5035"), "{shown}");
}

#[test]
fn a_silent_server_is_given_up_in_time_and_a_lost_one_at_once() {
    let world = World::new();
    let mut device = device(&[(CA, &world.authority.pem())]);
    device.port().set_name(NAME, Duration::from_millis(1), Ok(*SERVER.ip()));
    device.command("set network.tls.handshake_timeout 3000");
    let listener = device.port().listen(SERVER);
    let (mut peer, start) = (None, device.millis());
    let line = format!("tlsc {NAME} 443");
    let shown = run(&mut device, &line, |_| peer = peer.or_else(|| listener.accept()));
    assert!(shown.ends_with("Error with TLS handshake: 5031\r\n[Open failed]\r\nCommand failed\r\n"), "{shown}");
    assert!((3000..3200).contains(&(device.millis() - start)));
    assert_eq!(peer.unwrap().end(), None, "what the device has sent is not read yet");
    assert!(peer.unwrap().is_device_gone());
    let shown = run(&mut device, &line, |_| listener.accept().into_iter().for_each(|peer| peer.close()));
    assert!(shown.contains("Error with TLS handshake: 5001\r\n"), "{shown}");
    assert_eq!((device.port().open_sessions(), device.port().open_jobs()), (0, 0));
}

/// A device with a certificate and key for its servers.
pub fn server(world: &World) -> SimDevice {
    let mut device = device(&[("cert.pem", &world.server.chain), ("key.pem", &world.server.key)]);
    device.command("set network.tls.server_cert cert.pem");
    device.command("set network.tls.server_key key.pem");
    device
}

#[test]
fn a_server_makes_a_stream_of_each_client() {
    let world = World::new();
    let mut device = server(&world);
    assert_eq!(device.command("tls_server start 8443"), "Success\r\n");
    let connect = |device: &mut SimDevice| {
        let peer = device.port().connect(8443).unwrap();
        let mut other = Other::client(&world, peer);
        other.until(device, |other, _| !other.tls.is_handshaking());
        other
    };
    let (mut first, mut second) = (connect(&mut device), connect(&mut device));
    device.settle();
    let list = device.command("list");
    assert!(list.contains("# 0 TLSS  10.5.6") && list.contains("# 1 TLSS  10.5.6"), "{list}");
    device.command_with_data("write 1 3", b"two");
    device.command_with_data("write 0 3", b"one");
    first.until(&mut device, |other, _| other.received == b"one");
    second.until(&mut device, |other, _| other.received == b"two");
    first.send(b"bye");
    first.close();
    device.advance(Duration::from_millis(10));
    assert_eq!(device.command("read 0 9"), "[Closed: 0]\r\nbye\r\n");
    assert_eq!(device.command("tlss stop"), "[Closed: 1]\r\nSuccess\r\n");
    second.until(&mut device, |other, _| other.closed);
    assert_eq!(second.peer.end(), Some(End::Finished));
    assert_eq!(device.port().open_sessions(), 0);
    assert!(device.port().connect(8443).is_err());
}

#[test]
fn silent_clients_of_a_server_keep_nobody_out() {
    let world = World::new();
    let mut device = server(&world);
    device.command("tls_server start 8443");
    // One client for each place; some have begun to speak.
    let silent: Vec<_> = (0..limits::TLS_DOORS).map(|_| device.port().connect(8443).unwrap()).collect();
    silent.iter().step_by(2).for_each(|peer| peer.send([0x16, 3, 1]));
    device.advance(Duration::from_millis(100));
    assert_eq!(device.command("list").lines().count(), 1, "none of them is a stream");
    let peer = device.port().connect(8443).unwrap();
    let mut other = Other::client(&world, peer);
    let start = device.millis();
    other.until(&mut device, |other, _| !other.tls.is_handshaking());
    assert!(device.millis() - start < 3000, "{}", device.millis() - start);
    assert!(silent.iter().any(|peer| peer.is_device_gone()), "who said nothing gave way");
    // The others go when their time is over, and leave nothing behind.
    device.advance(Duration::from_secs(60));
    assert!(silent.iter().all(|peer| peer.is_device_gone()));
    device.command("tlss stop");
    assert_eq!((device.port().open_sessions(), device.port().open_sockets(), device.port().open_jobs()), (0, 0, 0));
}

#[test]
fn a_server_can_demand_certificates_of_its_clients() {
    let world = World::new();
    let mut device = server(&world);
    store(&mut device, "ca.pem", &world.authority.pem(), "");
    device.command("set network.tls.server_ca_cert ca.pem");
    device.command("set network.tls.version 12");
    device.command("tls_server start 8443");
    let peer = device.port().connect(8443).unwrap();
    let mut other = Other::client(&world, peer);
    other.until(&mut device, |other, _| other.failed.is_some());
    device.settle();
    let log = device.take_output();
    assert!(log.contains("Error with TLS handshake: 5012 (state: 7, code: 0)"), "{log}");
    assert_eq!(device.command("list").lines().count(), 1);
}

#[test]
fn a_tcp_server_can_speak_tls() {
    let world = World::new();
    let mut device = server(&world);
    device.command("set tcp.server.tls_enabled 1");
    assert_eq!(device.command("tcp_server start 8443"), "Success\r\n");
    let peer = device.port().connect(8443).unwrap();
    let mut other = Other::client(&world, peer);
    other.until(&mut device, |other, _| !other.tls.is_handshaking());
    device.settle();
    assert!(device.command("list").contains("# 0 TLSS"));
    assert!(device.command("tcp_server stop 8443").ends_with("Success\r\n"));
    // The server that starts with the interface.
    device.command("set tcp.server.auto_start 1");
    device.command("network_restart");
    let peer = device.port().connect(3000).unwrap();
    let mut other = Other::client(&world, peer);
    other.until(&mut device, |other, _| !other.tls.is_handshaking());
}

#[test]
fn a_server_does_not_start_without_its_certificate() {
    let mut device = device(&[]);
    let refused = "No certificate (set network.tls.server_cert and network.tls.server_key)\r\nCommand failed\r\n";
    assert_eq!(device.command("tls_server start 8443"), refused);
    assert_eq!(device.command("tls_server stop"), "Server not running\r\nCommand failed\r\n");
}

#[test]
fn sessions_run_out_with_the_documented_lines() {
    let world = World::new();
    let mut device = device(&[(CA, &world.authority.pem())]);
    // There cannot be more open sessions than streams: so the test lowers the port's limit.
    device.port().set_answer(SERVER, Duration::from_millis(1), Answer::Accept);
    device.port().limit_sessions(1);
    let (shown, _other) = with_server(&mut device, &world, false, "tlsc server.example 443");
    assert!(shown.ends_with("[Opened: 0]\r\n0\r\n"), "{shown}");
    let (shown, _) = with_server(&mut device, &world, false, "tlsc server.example 443");
    assert!(
        shown.ends_with(
            "Starting TLS\r\nTLS malloc failed\r\nError with TLS handshake: 5003\r\n[Open failed]\r\nCommand failed\r\n"
        ),
        "{shown}"
    );
    device.command("close 0");
    let (shown, _other) = with_server(&mut device, &world, false, "tlsc server.example 443");
    assert!(shown.ends_with("[Opened: 0]\r\n0\r\n"), "{shown}");
}

#[test]
fn keys_never_come_out_again() {
    let world = World::new();
    let mut device = server(&world);
    store(&mut device, "typed.pem", "secret", " 1.0.0 4B");
    for name in ["key.pem", "typed.pem"] {
        let refused = format!("Not readable: {name} is a key\r\nCommand failed\r\n");
        assert_eq!(device.command(&format!("file_open {name}")), refused);
        assert_eq!(device.command(&format!("load {name}")), refused);
    }
    assert_eq!(device.command("file_open cert.pem"), "[Opened: 0]\r\n0\r\n");
}
