//! The HTTPS server: its own certificate, and everything that HTTP has.

use embassy_time::Duration;
use openzentri::limits;
use openzentri::port::sim::SimDevice;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use crate::peers::*;
use crate::streams::store;

const SETTINGS: &[(&str, &str)] = &[
    ("wlan.ssid", "MyNet"),
    ("wlan.passkey", "mypassword"),
    ("wlan.auto_join.enabled", "1"),
    ("http.server.enabled", "1"),
    ("http.server.tls_enabled", "1"),
    ("mdns.name", "lamp"),
];

/// A device that listens, and what it has printed until then.
fn device() -> (SimDevice, String) {
    let mut device = SimDevice::boot(port(), SETTINGS);
    device.advance(Duration::from_secs(5));
    let shown = device.take_output();
    (device, shown)
}

/// A client that takes any certificate; returns the connection once its session is open.
fn connect(device: &mut SimDevice) -> Other {
    let peer = device.port().connect(443).unwrap();
    let mut other = Other::trustful(peer);
    other.until(device, |other, _| !other.tls.is_handshaking());
    other
}

fn certificate(other: &Other) -> CertificateDer<'static> {
    other.tls.peer_certificates().unwrap()[0].clone().into_owned()
}

/// The answer to a request.
fn answer(device: &mut SimDevice, request: &str) -> String {
    let mut other = connect(device);
    other.send(request.as_bytes());
    other.until(device, |other, _| other.closed);
    String::from_utf8_lossy(&other.received).into_owned()
}

fn get(device: &mut SimDevice, target: &str) -> String {
    answer(device, &format!("GET {target} HTTP/1.1\r\nHost: lamp.local\r\n\r\n"))
}

#[test]
fn a_device_makes_its_certificate_once_and_says_how_it_is_known() {
    let (mut device, shown) = device();
    assert!(shown.contains("HTTPS and REST API server listening on port: 443\r\n"), "{shown}");
    assert!(shown.contains("Certificate made\r\n"), "{shown}");
    let own = certificate(&connect(&mut device));
    let digest = Sha256::digest(&own).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    assert!(shown.contains(&format!("Certificate SHA-256: {digest}\r\n")), "{shown}");
    let (_, parsed) = x509_parser::parse_x509_certificate(&own).unwrap();
    assert_eq!(parsed.subject().to_string(), "CN=lamp.local");
    assert!(parsed.verify_signature(None).is_ok());

    device.power_cycle();
    device.advance(Duration::from_secs(5));
    let shown = device.take_output();
    assert!(!shown.contains("Certificate made") && shown.contains(&digest), "{shown}");
    assert_eq!(certificate(&connect(&mut device)), own, "it is the same after a restart");
    // A damaged or lost key or certificate is made again.
    device.command("fde https_key.der");
    device.command("network_restart");
    device.advance(Duration::from_secs(2));
    assert_ne!(certificate(&connect(&mut device)), own);
    assert_eq!(device.port().stale_calls(), 0);
}

#[test]
fn everything_is_served_but_the_key() {
    let (mut device, _) = device();
    assert!(get(&mut device, "/command/version").starts_with("HTTP/1.1 200 "));
    store(&mut device, "page.html", &"x".repeat(40_000), "");
    let page = get(&mut device, "/page.html");
    assert!(page.starts_with("HTTP/1.1 200 ") && page.ends_with(&"x".repeat(40_000)));
    for target in ["/https_key.der", "/https_key.der?x", "/%68ttps_key.der"] {
        assert!(get(&mut device, target).starts_with("HTTP/1.1 404 "), "{target}");
    }
    assert!(get(&mut device, "/https_cert.der").starts_with("HTTP/1.1 200 "));
    assert!(get(&mut device, "/command/file_open%20https_key.der").contains("Command failed"));
    let open = "GET /stream HTTP/1.1\r\nHost: lamp.local\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                Origin: https://lamp.local\r\n\r\n";
    let mut socket = connect(&mut device);
    socket.send(open.as_bytes());
    socket.until(&mut device, |other, _| other.received.ends_with(b"\r\n\r\n"));
    assert!(socket.received.starts_with(b"HTTP/1.1 101 "));
    assert!(device.command("list").contains("WEBS"), "a WebSocket goes on in its session");
    // A frame with a text, masked with zeros.
    socket.send(b"\x81\x82\0\0\0\0hi");
    device.advance(Duration::from_millis(5));
    assert!(device.command("read 0 10").contains("hi"));
}

#[test]
fn a_certificate_of_the_owner_takes_the_place_of_the_devices_own() {
    let world = World::new();
    let (mut device, _) = device();
    store(&mut device, "cert.pem", &world.server.chain, "");
    store(&mut device, "key.pem", &world.server.key, "");
    store(&mut device, "ca.pem", &world.authority.pem(), "");
    for line in ["tls_cert cert.pem", "tls_key key.pem", "port 8443"] {
        device.command(&format!("set http.server.{line}"));
    }
    device.command("network_restart");
    device.advance(Duration::from_secs(2));
    let request = b"GET /command/version HTTP/1.1\r\nHost: server.example\r\n\r\n";
    let peer = device.port().connect(8443).unwrap();
    let mut other = Other::client(&world, peer);
    other.until(&mut device, |other, _| !other.tls.is_handshaking());
    other.send(request);
    other.until(&mut device, |other, _| other.closed);
    // With a CA certificate clients must show one of their own, and a client without one is served nothing.
    device.command("set http.server.tls_ca_cert ca.pem");
    device.command("network_restart");
    device.advance(Duration::from_secs(2));
    for (shows, served) in [(true, true), (false, false)] {
        let peer = device.port().connect(8443).unwrap();
        let mut other = if shows { Other::known_client(&world, peer) } else { Other::client(&world, peer) };
        other.until(&mut device, |other, _| !other.tls.is_handshaking() || other.failed.is_some());
        other.send(request);
        other.until(&mut device, |other, _| other.closed || other.failed.is_some());
        assert_eq!(other.received.starts_with(b"HTTP/1.1 200 "), served);
    }
    // A CA certificate that is gone lets nobody in.
    device.command("fde ca.pem");
    let peer = device.port().connect(8443).unwrap();
    let mut other = Other::known_client(&world, peer);
    other.until(&mut device, |other, _| other.peer.is_device_gone());
    assert!(other.received.is_empty());
}

#[test]
fn silent_and_halting_clients_keep_nobody_waiting() {
    let (mut device, _) = device();
    let mut silent = Vec::new();
    for _ in 0..limits::HTTP_CONNECTIONS {
        silent.push(device.port().connect(443).unwrap());
        device.settle();
    }
    device.advance(Duration::from_millis(50));
    silent.iter().skip(1).step_by(2).for_each(|peer| peer.send([0x16, 3, 1, 2]));
    device.advance(Duration::from_millis(50));
    let start = device.millis();
    assert!(get(&mut device, "/command/version").starts_with("HTTP/1.1 200 "));
    assert!(device.millis() - start < 2500, "{}", device.millis() - start);
    device.advance(Duration::from_secs(30));
    assert!(silent.iter().all(|peer| peer.is_device_gone()));
    assert_eq!(device.port().open_sessions(), 0);
}

#[test]
fn who_finds_no_session_waits_for_one() {
    let (mut device, _) = device();
    device.port().limit_sessions(1);
    let mut first = connect(&mut device);
    let peer = device.port().connect(443).unwrap();
    let mut second = Other::trustful(peer);
    for _ in 0..100 {
        second.pump();
        device.advance(Duration::from_millis(1));
    }
    assert!(second.tls.is_handshaking());
    first.send(b"GET /command/version HTTP/1.1\r\nHost: a\r\n\r\n");
    first.until(&mut device, |other, _| other.closed);
    second.until(&mut device, |other, _| !other.tls.is_handshaking());
}

#[test]
fn what_is_no_tls_is_told_so_by_the_end_of_the_connection() {
    let (mut device, _) = device();
    let peer = device.port().connect(443).unwrap();
    peer.send(b"GET / HTTP/1.1\r\nHost: lamp.local\r\n\r\n");
    assert!(device.run_until(Duration::from_secs(1), |_| peer.is_device_gone()));
    assert!(!peer.received().starts_with(b"HTTP"), "nothing is served without a session");
}
