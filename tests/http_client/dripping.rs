//! A server that sends next to nothing, for an hour of the virtual clock.

use embassy_time::Duration;
use openzentri::port::sim::{Peer, PeerListener, SimDevice, SimPort};

use crate::{LONG, OK, SERVER, SETTINGS};

const HOUR: u64 = 3_600_000;
/// Between two bytes of the server: less than the silence that ends a transfer.
const DRIP: Duration = Duration::from_secs(25);
/// The worst that an honest request may take, in milliseconds.
const WORST: u64 = 1_000;

/// Asks for the version over HTTP; returns how long that took.
fn honest_request(device: &mut SimDevice) -> u64 {
    let start = device.millis();
    let client = device.port().connect(80).unwrap();
    client.send("GET /command/version HTTP/1.1\r\nHost: device\r\n\r\n");
    let mut answer = Vec::new();
    assert!(device.run_until(LONG, |_| {
        answer.extend(client.received());
        client.end().is_some()
    }));
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    client.close();
    device.millis() - start
}

/// Begins a download and lets the server answer its head.
fn begin(device: &mut SimDevice, server: &PeerListener) -> Peer {
    device.type_line("http_download http://example.com/slow slow.bin");
    let mut peer = None;
    assert!(device.run_until(LONG, |_| {
        peer = server.accept();
        peer.is_some()
    }));
    let peer = peer.unwrap();
    peer.send(format!("{OK}Content-Length: 100000\r\n\r\n"));
    peer
}

/// Whenever the device gives a download up, the host begins the next one.
#[test]
fn an_hour_of_dripping_downloads_delays_nobody() {
    let port = SimPort::new();
    port.set_name("example.com", Duration::from_millis(3), Ok(*SERVER.ip()));
    let mut settings = SETTINGS.to_vec();
    settings.push(("http.server.enabled", "1"));
    let mut device = SimDevice::boot(port, settings.leak());
    device.expect("[Associated]\r\n", LONG);
    let server = port.listen(SERVER);
    let (mut peer, mut given_up, mut worst) = (begin(&mut device, &server), 0, 0);
    let end = device.millis() + HOUR;
    while device.millis() < end {
        peer.send("x");
        device.advance(DRIP);
        worst = worst.max(honest_request(&mut device));
        peer.received();
        if peer.end().is_some() {
            given_up += 1;
            device.expect("Command failed\r\n> ", LONG);
            peer = begin(&mut device, &server);
        }
    }
    assert!(worst <= WORST, "an honest request took {worst} ms");
    assert!(given_up >= 5, "{given_up} downloads were given up within the hour");
    device.port().type_bytes(b"\x03");
    device.expect("> ", LONG);
    assert!(!device.command("ls").contains("slow.bin"));
    assert_eq!((port.open_jobs(), port.flash().open_files()), (0, 0));
}
