//! Out-of-band events: `system.oob.*` (interface, serial 11).

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::port::sim::{Peer, SimDevice, SimPort};

const OTHER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 9), 4000);
const PIN: u8 = 20;

macro_rules! settings {
    ($($more:expr),*) => {
        &[("wlan.ssid", "Open House"), ("wlan.auto_join.enabled", "1"), ("http.server.enabled", "0"),
          ("tcp.server.auto_start", "1"), ("udp.server.auto_start", "1"), ("udp.server.port", "3001"),
          ("system.print_level", "0"), ("system.oob.gpio", "20"), $($more),*]
    };
}

/// A device in the network, with servers.
fn device(settings: &'static [(&'static str, &'static str)]) -> SimDevice {
    let mut device = SimDevice::boot(SimPort::new(), settings);
    device.advance(Duration::from_secs(1));
    device.take_output();
    device
}

fn status(device: &mut SimDevice) -> String {
    let answer = device.command("get sy o s");
    device.settle();
    answer.trim_end().to_owned()
}

fn level(device: &SimDevice) -> Option<bool> {
    device.port().pin(PIN)
}

/// Reads what waits on all streams.
fn read_all(device: &mut SimDevice) {
    for handle in 0..3 {
        device.command(&format!("read {handle} 100"));
    }
    device.settle();
}

fn client(device: &mut SimDevice) -> Peer {
    let peer = device.port().connect(3000).expect("the server runs");
    device.settle();
    peer
}

#[test]
fn the_variables_have_their_abbreviations_and_ranges() {
    let mut device = device(settings!());
    for (name, value, shown) in [("g", "21", "21"), ("l", "0", "0"), ("r", "0x60", "0x60"), ("e", "0x3F", "0x3f")] {
        assert_eq!(device.command(&format!("set sy o {name} {value}")), "Set OK\r\n");
        assert_eq!(device.command(&format!("get sy o {name}")), format!("{shown}\r\n"));
    }
    assert_eq!(device.command("set system.oob.level 2"), "Invalid argument\r\n");
    assert_eq!(device.command("set system.oob.gpio 64"), "Invalid argument\r\n");
    assert!(device.command("set system.oob.status 1").starts_with("Command failed"), "it can only be read");
    assert_eq!(status(&mut device), "0x0", "the masks act with the next start");
}

#[test]
fn events_without_edge_are_there_while_something_is_so() {
    let mut device = device(settings!(("system.oob.events", "0x7f")));
    assert_eq!((status(&mut device), level(&device)), ("0x2".into(), Some(true)));
    let peer = client(&mut device);
    peer.send("data");
    device.port().udp_peer(OTHER).send(3001, "datagram");
    device.settle();
    assert_eq!(status(&mut device), "0x1e");
    assert_eq!(status(&mut device), "0x1e", "reading takes nothing away");
    read_all(&mut device);
    assert_eq!(status(&mut device), "0x6");
    peer.close();
    device.command("network_down");
    device.settle();
    assert_eq!((status(&mut device), level(&device)), ("0x0".into(), Some(false)));
}

#[test]
fn events_with_edge_stay_until_they_are_read() {
    let mut device =
        device(settings!(("system.oob.events", "0xe"), ("system.oob.edge", "0xe"), ("system.oob.level", "0")));
    assert_eq!(status(&mut device), "0x2", "the network has come up");
    assert_eq!((status(&mut device), level(&device)), ("0x0".into(), Some(true)));
    let peer = client(&mut device);
    assert_eq!(level(&device), Some(false));
    assert!(device.command("get system").contains("system.oob.status: 0x4\r\n"), "a list forgets nothing");
    assert_eq!((status(&mut device), level(&device)), ("0x4".into(), Some(true)));
    peer.send("data");
    device.settle();
    assert_eq!(status(&mut device), "0x8");
    peer.send("more");
    device.settle();
    assert_eq!(status(&mut device), "0x0", "there were data already");
    read_all(&mut device);
    peer.send("again");
    device.settle();
    assert_eq!(status(&mut device), "0x8");
    peer.close();
    device.settle();
    assert_eq!(status(&mut device), "0x4", "the end of a connection is an event, too");
    device.command("network_down");
    device.settle();
    assert_eq!(status(&mut device), "0x2");
}

#[test]
fn data_of_clients() {
    let port = SimPort::new();
    let mut device = SimDevice::boot(port, settings!(("system.oob.events", "0x60"), ("system.oob.edge", "0x60")));
    device.advance(Duration::from_secs(1));
    let listener = port.listen(OTHER);
    device.take_output();
    assert_eq!(device.command("tcp_client 10.5.6.9 4000"), "1\r\n");
    assert_eq!(device.command("udp_client 10.5.6.9 4000 5000"), "2\r\n");
    assert_eq!(status(&mut device), "0x0");
    listener.accept().unwrap().send("a");
    device.settle();
    assert_eq!(status(&mut device), "0x20");
    port.udp_peer(OTHER).send(5000, "b");
    device.settle();
    assert_eq!(status(&mut device), "0x40");
}

#[test]
fn events_that_nobody_asked_for_are_none() {
    let mut device = device(settings!());
    client(&mut device).send("data");
    device.settle();
    assert_eq!((status(&mut device), level(&device)), ("0x0".into(), Some(false)));
}
