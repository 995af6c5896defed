//! Pins that pulse on traffic (`system.activity.gpio`), and those of the factory reset (`system.factory_reset.*`; interface,
//! serial 8, 11).

use std::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::Duration;
use openzentri::port::sim::{SimDevice, SimPort};
use openzentri::port::{Direction, Interface, PortError, Pull};

type Settings = &'static [(&'static str, &'static str)];

const OTHER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 5, 6, 9), 4000);

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// The changes of a pin since the last call, as milliseconds and level.
fn changes(device: &SimDevice, pin: u8) -> Vec<(u64, Option<bool>)> {
    let all = device.port().pin_changes();
    all.into_iter().filter(|change| change.pin == pin).map(|change| (change.at, change.level)).collect()
}

fn get(device: &mut SimDevice, name: &str) -> String {
    device.command(&format!("get {name}")).trim_end().to_owned()
}

// --- system.activity.gpio ---------------------------------------------------------------------------------------------

const BASICS: Settings = &[("http.server.enabled", "0"), ("mdns.enabled", "0"), ("system.print_level", "0")];

/// A device whose UDP server listens in the network, with more settings.
fn device(more: Settings) -> SimDevice {
    let network: Settings = &[
        ("wlan.ssid", "Open House"),
        ("wlan.auto_join.enabled", "1"),
        ("udp.server.auto_start", "1"),
        ("udp.server.port", "3001"),
    ];
    let all = [BASICS, network, more].concat();
    let mut device = SimDevice::boot(SimPort::new(), all.leak());
    device.advance(Duration::from_secs(2));
    device.take_output();
    changes(&device, 0);
    device
}

#[test]
fn a_pin_pulses_once_for_a_datagram() {
    let mut device = device(&[("system.activity.gpio 20", "wlan_rx"), ("system.activity.gpio 21", "wlan_tx")]);
    assert_eq!((device.port().pin(20), device.port().pin(21)), (Some(false), Some(false)));
    device.port().udp_peer(OTHER).send(3001, "hello");
    device.advance(millis(500));
    let found = changes(&device, 20);
    let levels: Vec<_> = found.iter().map(|change| change.1).collect();
    assert_eq!(levels, [Some(true), Some(false)], "{found:?}");
    assert_eq!(found[1].0 - found[0].0, 50, "{found:?}");
}

#[test]
fn each_way_has_its_own_type() {
    let mut device = device(&[("system.activity.gpio 20", "wlan_rx"), ("system.activity.gpio 21", "wlan_tx")]);
    let peer = device.port().udp_peer(OTHER);
    peer.send(3001, "hello");
    device.advance(millis(500));
    let port = device.port();
    let of = |pin| port.pin_changes().iter().filter(|change| change.pin == pin).count();
    assert_eq!(of(21), 0, "nothing was sent");
    device.command("write 0 5\r\nworld");
    device.advance(millis(500));
    let all = device.port().pin_changes();
    assert_eq!(peer.received().len(), 1);
    assert_eq!(all.iter().filter(|change| change.pin == 20).count(), 0, "nothing was received");
    assert_eq!(all.iter().filter(|change| change.pin == 21).count(), 2);
}

#[test]
fn traffic_that_goes_on_blinks() {
    let mut device = device(&[("system.activity.gpio 20", "softap_rx,wlan_rx")]);
    let peer = device.port().udp_peer(OTHER);
    for _ in 0..100 {
        peer.send(3001, "x");
        device.advance(millis(10));
        device.command("read 0 100");
    }
    let found = changes(&device, 20);
    assert!((18..=22).contains(&found.len()), "ten pulses a second: {found:?}");
    assert!(found.windows(2).all(|pair| pair[1].0 - pair[0].0 == 50), "{found:?}");
}

#[test]
fn connections_count_and_the_softap_is_not_the_station() {
    let mut device = device(&[
        ("tcp.server.auto_start", "1"),
        ("system.activity.gpio 20", "wlan_rx"),
        ("system.activity.gpio 21", "softap_rx"),
    ]);
    let peer = device.port().connect_from(Interface::Wlan, OTHER, 3000).expect("the server runs");
    peer.send("hello");
    device.advance(millis(500));
    let all = device.port().pin_changes();
    assert_eq!(all.iter().filter(|change| change.pin == 20).count(), 2);
    assert_eq!(all.iter().filter(|change| change.pin == 21).count(), 0);
}

#[test]
fn the_command_uart_counts_under_its_number() {
    let mut device =
        device(&[("system.activity.gpio 20", "uart0_rx,uart0_tx"), ("system.activity.gpio 21", "uart1_rx,uart1_tx")]);
    device.command("get system.uuid");
    device.advance(millis(500));
    let all = device.port().pin_changes();
    assert_eq!(all.iter().filter(|change| change.pin == 20).count(), 2);
    assert_eq!(all.iter().filter(|change| change.pin == 21).count(), 0, "there is no other UART");
}

#[test]
fn a_pulse_may_be_low() {
    let mut device = device(&[("system.activity.gpio 20", "wlan_rx"), ("system.activity.gpio_level", "0")]);
    assert_eq!(device.port().pin(20), Some(true));
    device.port().udp_peer(OTHER).send(3001, "hello");
    device.advance(millis(500));
    let levels: Vec<_> = changes(&device, 20).iter().map(|change| change.1).collect();
    assert_eq!(levels, [Some(false), Some(true)]);
}

/// How often a device that has nothing to do wakes up within a second.
fn wakes(settings: Settings) -> usize {
    let mut device = device(settings);
    let end = device.millis() + 1000;
    let mut count = 0;
    while let Some(next) = device.settle()
        && device.millis() < end
    {
        count += 1;
        device.advance(Duration::from_micros(next));
    }
    count
}

#[test]
fn without_such_a_pin_nobody_looks_at_the_counts() {
    let (without, with) = (wakes(&[]), wakes(&[("system.activity.gpio 20", "wlan_rx")]));
    assert!(with >= without + 19, "{without} {with}");
    assert!(without < 10, "{without}");
}

#[test]
fn the_fifth_pin_is_said() {
    let mut device = SimDevice::boot(
        SimPort::new(),
        &[
            ("http.server.enabled", "0"),
            ("system.activity.gpio 1", "wlan_rx"),
            ("system.activity.gpio 2", "wlan_rx"),
            ("system.activity.gpio 3", "wlan_rx"),
            ("system.activity.gpio 4", "wlan_rx"),
            ("system.activity.gpio 6", "wlan_rx"),
        ],
    );
    device.expect("GPIO 6: no system.activity.gpio, 4 pins have it already\r\n", millis(10));
    assert_eq!((device.port().pin(4), device.port().pin(6)), (Some(false), None));
}

#[test]
fn a_pin_that_shows_traffic_has_no_other_use() {
    let mut device = device(&[("system.activity.gpio 20", "wlan_rx"), ("wlan.network.status_gpio", "14")]);
    assert_eq!(device.command("set system.activity.gpio 20 wlan_tx"), "Set OK\r\n", "other traffic");
    assert!(device.command("set system.activity.gpio 14 wlan_tx").starts_with("Command failed"));
    assert!(device.command("set system.cmd.gpio 20").starts_with("Command failed"));
    assert!(device.command("gpio_set 20 1").starts_with("Command failed"));
    device.command("set system.print_level all");
    let answer = device.command("gpio_set 20 1");
    assert!(answer.contains("GPIO 20 is in use: system.activity.gpio\r\n"), "{answer}");
    assert_eq!(device.command("set system.activity.gpio 200 wlan_tx"), "Invalid argument\r\n");
    assert_eq!(device.command("set system.activity.gpio 20 none"), "Set OK\r\n");
    assert_eq!(device.command("set system.cmd.gpio 20"), "Set OK\r\n");
}

// --- system.factory_reset.* -------------------------------------------------------------------------------------------

const RESET: Settings = &[("http.server.enabled", "0"), ("system.factory_reset.gpio", "12")];
const RESET_BY_TWO: Settings = &[
    ("http.server.enabled", "0"),
    ("system.factory_reset.gpio", "12"),
    ("system.factory_reset.aux_gpio", "13"),
    ("system.factory_reset.aux_level", "0"),
];

/// A port whose flash has a network stored.
fn port_with_settings() -> &'static SimPort {
    let port = SimPort::new();
    let mut device = SimDevice::boot(port, &[("http.server.enabled", "0")]);
    device.settle();
    assert_eq!(device.command("set wlan.ssid Stored"), "Set OK\r\n");
    device.command("save");
    device.settle();
    port.power_cycle()
}

#[test]
fn a_pin_held_from_the_start_erases_the_settings() {
    let port = port_with_settings();
    port.drive_pin(12, Some(true));
    let mut device = SimDevice::boot(port, RESET);
    assert_eq!(port.pin_direction(12), Direction::Input(Pull::Down));
    device.advance(millis(4900));
    assert_eq!(get(&mut device, "wlan.ssid"), "Stored");
    assert_eq!(device.restarts(), 0);
    device.expect("Factory reset by GPIO\r\n", millis(200));
    port.drive_pin(12, None);
    device.advance(millis(2000));
    assert_eq!(device.restarts(), 1);
    assert_eq!(get(&mut device, "wlan.ssid"), "");
}

#[test]
fn a_pin_released_early_erases_nothing() {
    let port = port_with_settings();
    port.drive_pin(12, Some(true));
    let mut device = SimDevice::boot(port, RESET);
    device.advance(millis(4900));
    port.drive_pin(12, None);
    device.advance(millis(10_000));
    // Later it is too late.
    port.drive_pin(12, Some(true));
    device.advance(millis(10_000));
    assert_eq!(device.restarts(), 0);
    assert_eq!(get(&mut device, "wlan.ssid"), "Stored");
    assert_eq!(port.pin_direction(12), Direction::Released);
}

#[test]
fn a_second_pin_must_be_held_too() {
    for (second, restarts) in [(None, 0), (Some(true), 0), (Some(false), 1)] {
        let port = port_with_settings();
        port.drive_pin(12, Some(true));
        port.drive_pin(13, second);
        let mut device = SimDevice::boot(port, RESET_BY_TWO);
        device.advance(millis(5100));
        port.drive_pin(12, None);
        device.advance(millis(2000));
        assert_eq!(device.restarts(), restarts, "{second:?}");
    }
}

#[test]
fn the_second_pin_alone_does_nothing() {
    let port = port_with_settings();
    port.drive_pin(13, Some(true));
    let mut device = SimDevice::boot(port, &[("system.factory_reset.aux_gpio", "13")]);
    device.advance(millis(10_000));
    assert_eq!((device.restarts(), port.pin_direction(13)), (0, Direction::Released));
}

#[test]
fn a_pin_whose_edges_cannot_be_seen_resets_nothing() {
    let port = port_with_settings();
    port.drive_pin(12, Some(true));
    port.fail_pin(12, PortError::NoRoom);
    let mut device = SimDevice::boot(port, RESET);
    device.expect("GPIO 12 not available: no system.factory_reset.gpio (no space left)\r\n", millis(10));
    device.advance(millis(10_000));
    assert_eq!(device.restarts(), 0);
}

#[test]
fn the_set_up_button_still_works_beside_it() {
    let port = SimPort::new();
    port.drive_pin(11, Some(true));
    let settings: Settings = &[
        ("http.server.enabled", "0"),
        ("system.factory_reset.gpio", "12"),
        ("setup.gpio.control_gpio", "11"),
        ("setup.gpio.cmd", "set wlan.ssid Pressed"),
    ];
    let mut device = SimDevice::boot(port, settings);
    device.advance(millis(3010));
    assert_eq!(get(&mut device, "wlan.ssid"), "Pressed");
}
