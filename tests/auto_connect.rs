//! Clients and servers that open by themselves, on the simulated port (interface, serial 7).

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::port::sim::{Answer, SimDevice, SimPort};
use openzentri::port::{Interface, PortError};

type Settings = &'static [(&'static str, &'static str)];

const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 1), 7);

const NETWORK: Settings = &[("wlan.ssid", "Open House"), ("http.server.enabled", "0")];
const TCP: Settings = &[
    ("wlan.ssid", "Open House"),
    ("http.server.enabled", "0"),
    ("tcp.client.auto_start", "1"),
    ("tcp.client.remote_host", "10.5.6.1"),
    ("tcp.client.remote_port", "7"),
];

fn device(port: &'static SimPort, settings: Settings) -> SimDevice {
    let mut device = SimDevice::boot(port, settings);
    device.settle();
    device
}

/// Gives a command that succeeds. Log lines may follow its answer at once.
fn run(device: &mut SimDevice, line: &str) {
    device.type_line(line);
    device.expect("Success\r\n", Duration::from_secs(1));
    device.settle();
}

fn up(device: &mut SimDevice) {
    run(device, "network_up");
}

fn set(device: &mut SimDevice, value: &str) {
    let answer = device.command(&format!("set {value}"));
    assert_eq!(answer, "Set OK\r\n", "{value}");
}

fn wait(device: &mut SimDevice, millis: u64) {
    device.advance(Duration::from_millis(millis));
}

/// The rows of `stream_list`, without their heading.
fn list(device: &mut SimDevice) -> Vec<String> {
    let list = device.command("list");
    list.lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn a_client_opens_when_its_interface_comes_up() {
    let port = SimPort::new();
    let listener = port.listen(SERVER);
    let mut device = device(port, TCP);
    assert!(listener.accept().is_none(), "the network is down");
    up(&mut device);
    let peer = listener.accept().expect("the device has connected");
    let rows = list(&mut device);
    assert!(rows.len() == 1 && rows[0].starts_with("# 0 TCPC  10.5.6.1:7 ("), "{rows:?}");
    assert_eq!(device.command_with_data("write 0 5", b"hello"), "Success\r\n");
    device.settle();
    assert_eq!(peer.received(), b"hello");
    run(&mut device, "network_down");
    assert!(peer.is_device_gone());
    assert_eq!(list(&mut device), [""; 0]);
    up(&mut device);
    assert!(listener.accept().is_some(), "again with the interface");
    assert_eq!(port.stale_calls(), 0);
}

#[test]
fn a_server_that_closes_is_connected_to_again_as_often_as_allowed() {
    let port = SimPort::new();
    let listener = port.listen(SERVER);
    let mut device = device(port, TCP);
    set(&mut device, "tcp.client.auto_retries 2");
    set(&mut device, "tcp.client.retry_period 700");
    up(&mut device);
    for retry in 0..3 {
        let peer = listener.accept().unwrap_or_else(|| panic!("connection {retry}"));
        peer.close();
        wait(&mut device, 699);
        assert!(listener.accept().is_none(), "the pause after connection {retry}");
        wait(&mut device, 1);
    }
    wait(&mut device, 60_000);
    assert!(listener.accept().is_none(), "two retries, no third");
    run(&mut device, "network_restart");
    assert!(listener.accept().is_some(), "the count begins again with the interface");
}

#[test]
fn a_client_waits_until_the_data_of_its_old_stream_are_read() {
    let port = SimPort::new();
    let listener = port.listen(SERVER);
    let mut device = device(port, TCP);
    set(&mut device, "tcp.client.auto_retries 255");
    up(&mut device);
    let peer = listener.accept().unwrap();
    peer.send("last words");
    peer.close();
    wait(&mut device, 5_000);
    assert!(listener.accept().is_none());
    assert!(device.command("read 0 100").ends_with("last words\r\n"));
    wait(&mut device, 1_000);
    assert!(listener.accept().is_some());
}

#[test]
fn without_retries_a_client_is_opened_once() {
    let port = SimPort::new();
    let mut device = device(port, TCP);
    up(&mut device);
    wait(&mut device, 60_000);
    let printed = device.take_output();
    assert_eq!(printed.matches("Open failed").count(), 1, "{printed}");
    let listener = port.listen(SERVER);
    wait(&mut device, 60_000);
    assert!(listener.accept().is_none());
}

#[test]
fn a_client_tries_for_ever_with_255() {
    let port = SimPort::new();
    let mut device = device(port, TCP);
    set(&mut device, "tcp.client.auto_retries 255");
    up(&mut device);
    wait(&mut device, 400_500);
    let printed = device.take_output();
    assert_eq!(printed.matches("Open failed").count(), 401, "one a second");
    let listener = port.listen(SERVER);
    wait(&mut device, 1_000);
    listener.accept().expect("the server is there at last").close();
    wait(&mut device, 1_000);
    assert!(listener.accept().is_some());
    assert_eq!((port.open_sockets(), port.open_jobs()), (1, 0));
}

#[test]
fn one_attempt_follows_the_variables_of_clients() {
    let port = SimPort::new();
    port.set_answer(SERVER, Duration::from_secs(3600), Answer::Accept);
    let mut device = device(port, TCP);
    for value in ["tcp.client.retries 3", "tcp.client.connect_timeout 2000", "tcp.client.retry_period 500"] {
        set(&mut device, value);
    }
    up(&mut device);
    wait(&mut device, 6_900);
    assert!(!device.take_output().contains("Open failed"));
    wait(&mut device, 200);
    assert!(device.take_output().contains("Open failed"), "3 x 2000 ms and 2 x 500 ms between them");
}

#[test]
fn a_stream_that_the_host_has_closed_stays_closed() {
    let port = SimPort::new();
    let listener = port.listen(SERVER);
    let mut device = device(port, TCP);
    set(&mut device, "tcp.client.auto_retries 255");
    up(&mut device);
    listener.accept().unwrap();
    run(&mut device, "close 0");
    wait(&mut device, 60_000);
    assert!(listener.accept().is_none());
    run(&mut device, "network_restart");
    assert!(listener.accept().is_some(), "until the interface has been down");
}

#[test]
fn a_client_without_a_host_says_so() {
    let mut device = device(SimPort::new(), NETWORK);
    set(&mut device, "tcp.client.auto_start 1");
    set(&mut device, "udp.client.auto_start 1");
    let printed = device.command("network_up");
    for name in ["tcp.client.remote_host", "udp.client.remote_host"] {
        assert!(printed.contains(&format!("Client not started: {name} is empty")), "{printed}");
    }
}

#[test]
fn a_udp_client_waits_for_its_name() {
    let port = SimPort::new();
    let peer = port.udp_peer(SERVER);
    port.set_name("peer.example", Duration::from_millis(10), Err(PortError::NotFound));
    let mut device = device(port, NETWORK);
    for value in ["auto_start 1", "remote_host peer.example", "remote_port 7", "local_port 4000", "auto_retry 0"] {
        set(&mut device, &format!("udp.client.{value}"));
    }
    up(&mut device);
    wait(&mut device, 10_000);
    assert_eq!(device.take_output().matches("Open failed").count(), 1, "no retry");
    set(&mut device, "udp.client.auto_retry 1");
    device.type_line("network_restart");
    wait(&mut device, 5_000);
    assert_eq!(device.take_output().matches("Open failed").count(), 5, "one a second");
    port.set_name("peer.example", Duration::MIN, Ok(*SERVER.ip()));
    wait(&mut device, 1_010);
    let rows = list(&mut device);
    assert!(rows.len() == 1 && rows[0].starts_with("# 0 UDPC  peer.example:7 (4000)"), "{rows:?}");
    assert_eq!(device.command_with_data("write 0 2", b"hi"), "Success\r\n");
    assert_eq!(peer.received()[0].data, b"hi");
    run(&mut device, "close 0");
    wait(&mut device, 10_000);
    assert_eq!(list(&mut device), [""; 0], "closed by the host");
}

#[test]
fn clients_and_servers_start_on_the_interface_that_is_named() {
    let port = SimPort::new();
    let listener = port.listen(SERVER);
    let mut device = device(port, TCP);
    for value in [
        "softap.passkey mypassword",
        "tcp.client.auto_interface softap",
        "tcp.server.auto_start 1",
        "tcp.server.auto_interface softap",
        "tcp.server.port 3001",
        "udp.server.auto_start 1",
        "udp.server.port 3002",
    ] {
        set(&mut device, value);
    }
    up(&mut device);
    let peer = port.udp_peer(SERVER);
    peer.send(3002, "over the WLAN");
    assert!(listener.accept().is_none());
    assert!(port.connect(3001).is_err());
    run(&mut device, "network_up -i softap");
    assert!(listener.accept().is_some());
    let guest = SocketAddrV4::new(Ipv4Addr::new(10, 10, 10, 9), 5000);
    assert!(port.connect_from(Interface::SoftAp, guest, 3001).is_ok());
    device.settle();
    let kinds: Vec<String> = list(&mut device).iter().map(|row| row[..8].to_owned()).collect();
    assert_eq!(kinds, ["# 0 UDPS", "# 1 TCPC", "# 2 TCPS"]);
}

/// A device whose pin 5 opens a connection and whose pin 6 shows it.
const PINS: Settings = &[
    ("wlan.ssid", "Open House"),
    ("http.server.enabled", "0"),
    ("ioconn.enabled", "1"),
    ("ioconn.control_gpio", "5"),
    ("ioconn.status_gpio", "6"),
    ("ioconn.remote_host", "10.5.6.1"),
    ("ioconn.remote_port", "7"),
];

#[test]
fn a_pin_opens_and_closes_a_connection() {
    let port = SimPort::new();
    let listener = port.listen(SERVER);
    let mut device = device(port, PINS);
    up(&mut device);
    wait(&mut device, 1_000);
    assert_eq!((listener.accept().is_some(), port.pin(6)), (false, Some(false)));
    port.drive_pin(5, Some(true));
    device.settle();
    let peer = listener.accept().expect("the pin is high");
    assert_eq!(port.pin(6), Some(true));
    assert_eq!(device.command_with_data("write 0 5", b"bytes"), "Success\r\n");
    port.drive_pin(5, Some(false));
    device.settle();
    assert_eq!((peer.received(), peer.is_device_gone(), port.pin(6)), (b"bytes".to_vec(), true, Some(false)));
    port.drive_pin(5, Some(true));
    device.settle();
    assert!(listener.accept().is_some(), "and again");
}

#[test]
fn a_connection_of_a_pin_comes_back_while_the_pin_is_high() {
    let port = SimPort::new();
    let mut device = device(port, PINS);
    port.drive_pin(5, Some(true));
    up(&mut device);
    wait(&mut device, 3_500);
    assert_eq!(port.pin(6), Some(false), "nobody listens");
    let listener = port.listen(SERVER);
    wait(&mut device, 1_000);
    let peer = listener.accept().expect("tried again");
    assert_eq!(port.pin(6), Some(true));
    peer.close();
    device.settle();
    assert_eq!(port.pin(6), Some(false));
    wait(&mut device, 1_000);
    assert!(listener.accept().is_some());
    run(&mut device, "close 0");
    wait(&mut device, 10_000);
    assert_eq!((listener.accept().is_some(), port.pin(6)), (false, Some(false)), "the host has closed it");
    for level in [false, true] {
        port.drive_pin(5, Some(level));
        device.settle();
    }
    assert!(listener.accept().is_some());
    run(&mut device, "network_down");
    assert_eq!((port.pin(6), port.open_sockets()), (Some(false), 0));
}

#[test]
fn a_pin_may_open_a_udp_client() {
    let port = SimPort::new();
    let mut device = device(port, PINS);
    set(&mut device, "ioconn.protocol udp");
    set(&mut device, "ioconn.local_port 4001");
    port.drive_pin(5, Some(true));
    up(&mut device);
    let rows = list(&mut device);
    assert!(rows.len() == 1 && rows[0].starts_with("# 0 UDPC  10.5.6.1:7 (4001)"), "{rows:?}");
    assert_eq!(port.pin(6), Some(true));
    port.drive_pin(5, None);
    device.settle();
    assert_eq!(list(&mut device), [""; 0], "a wire that nobody drives is low");
}
