//! The radio by itself, in virtual time.

use std::boxed::Box;
use std::cell::RefCell;
use std::future::poll_fn;
use std::task::Poll;

use embassy_time::Timer;

use super::network::LEASE;
use super::*;
use crate::port::Security;
use crate::port::host::{Runtime, set_virtual_time, spawn};
use core::net::Ipv4Addr;
use embassy_time::Duration;

const HOME: SimulatedNetwork = SimulatedNetwork {
    ssid: b"home",
    bssid: [2, 0, 0, 0, 0, 1],
    channel: 6,
    rssi: -60,
    security: Security::Wpa2Aes,
    passkey: b"secret key",
    address: Some(LEASE),
    ..SimulatedNetwork::OPEN
};

static TWO: [SimulatedNetwork; 2] = [
    HOME,
    SimulatedNetwork {
        ssid: b"cafe",
        bssid: [2, 0, 0, 0, 0, 2],
        rssi: -40,
        security: Security::Open,
        address: None,
        ..HOME
    },
];

fn at(millis: u64) {
    set_virtual_time(millis * 1000);
}

fn join(radio: &SimulatedRadio, network: &SimulatedNetwork, passkey: &[u8]) {
    radio.join(&JoinRequest { access_point: &network.access_point(), passkey }).unwrap();
}

#[test]
fn a_scan_takes_its_time_and_sorts_by_signal() {
    at(0);
    let radio = SimulatedRadio::new(&TWO);
    radio.scan(&ScanRequest::default()).unwrap();
    assert!(radio.radio_state(Interface::Wlan).scanning);
    assert_eq!(radio.scan(&ScanRequest::default()), Err(PortError::InUse));
    at(19);
    assert_eq!(radio.scan_result(0), None);
    at(20);
    assert!(!radio.radio_state(Interface::Wlan).scanning);
    assert_eq!(radio.scan_result(0), Some(TWO[1].access_point()));
    assert_eq!(radio.scan_result(1), Some(TWO[0].access_point()));
    assert_eq!(radio.scan_result(2), None);
    radio.scan(&ScanRequest { ssid: Some(b"home"), ..ScanRequest::default() }).unwrap();
    at(40);
    assert_eq!(radio.scan_result(0), Some(HOME.access_point()));
    assert_eq!(radio.scan_result(1), None);
}

#[test]
fn joining_and_dhcp_take_their_time() {
    at(0);
    let radio = SimulatedRadio::new(&TWO);
    assert_eq!(radio.configure(Interface::Wlan, None), Err(PortError::Unreachable));
    join(&radio, &HOME, b"secret key");
    assert_eq!(radio.radio_state(Interface::Wlan).link, Link::Joining);
    assert_eq!(radio.rssi(), None);
    at(10);
    assert_eq!(radio.radio_state(Interface::Wlan).link, Link::Joined);
    assert_eq!(radio.rssi(), Some(-60));
    radio.configure(Interface::Wlan, None).unwrap();
    assert_eq!(radio.radio_state(Interface::Wlan).ipv4, None);
    at(20);
    assert_eq!(radio.radio_state(Interface::Wlan).ipv4, Some(LEASE));
    let fixed = Ipv4Config { address: Ipv4Addr::new(10, 5, 6, 7), ..LEASE };
    radio.configure(Interface::Wlan, Some(fixed)).unwrap();
    assert_eq!(radio.radio_state(Interface::Wlan).ipv4, Some(fixed));
    radio.leave();
    assert_eq!(radio.radio_state(Interface::Wlan), RadioState::default());
}

#[test]
fn wrong_keys_and_unknown_networks_fail() {
    at(0);
    let radio = SimulatedRadio::new(&TWO);
    let stranger = SimulatedNetwork { bssid: [9; 6], ..HOME };
    let wrong_security = SimulatedNetwork { security: Security::Open, ..HOME };
    let attempts = [
        (&HOME, b"secret kez".as_slice(), Link::Refused),
        (&HOME, b"", Link::Refused),
        (&stranger, b"secret key", Link::Failed),
        (&wrong_security, b"", Link::Failed),
    ];
    for (step, (network, key, end)) in attempts.into_iter().enumerate() {
        at(step as u64 * 100);
        join(&radio, network, key);
        assert_eq!(radio.radio_state(Interface::Wlan).link, Link::Joining);
        at(step as u64 * 100 + 10);
        assert_eq!(radio.radio_state(Interface::Wlan).link, end);
    }
}

#[test]
fn a_network_can_fail_at_first_and_vanish_later() {
    static MOODY: [SimulatedNetwork; 1] =
        [SimulatedNetwork { fails: 1, vanishes_after: Some(Duration::from_secs(5)), ..HOME }];
    at(0);
    let radio = SimulatedRadio::new(&MOODY);
    join(&radio, &HOME, HOME.passkey);
    at(10);
    assert_eq!(radio.radio_state(Interface::Wlan).link, Link::Failed);
    join(&radio, &HOME, HOME.passkey);
    at(20);
    assert_eq!(radio.radio_state(Interface::Wlan).link, Link::Joined);
    radio.configure(Interface::Wlan, None).unwrap();
    at(5019);
    assert_eq!(radio.radio_state(Interface::Wlan).ipv4, Some(LEASE));
    at(5020);
    assert_eq!(radio.radio_state(Interface::Wlan), RadioState { link: Link::Failed, ..RadioState::default() });
    radio.scan(&ScanRequest::default()).unwrap();
    at(5040);
    assert_eq!(radio.scan_result(0), None);
    join(&radio, &HOME, HOME.passkey);
    at(5050);
    assert_eq!(radio.radio_state(Interface::Wlan).link, Link::Failed);
}

#[test]
fn a_port_can_put_its_own_address_but_no_dhcp_server() {
    at(0);
    let radio = SimulatedRadio::new(&TWO);
    let own = Ipv4Config { address: Ipv4Addr::LOCALHOST, ..LEASE };
    radio.set_address(own);
    for (network, lease) in [(&TWO[0], Some(own)), (&TWO[1], None)] {
        join(&radio, network, network.passkey);
        set_virtual_time(embassy_time_driver::now() + 10_000);
        radio.configure(Interface::Wlan, None).unwrap();
        set_virtual_time(embassy_time_driver::now() + 60_000_000);
        assert_eq!(radio.radio_state(Interface::Wlan).ipv4, lease);
    }
}

#[test]
fn moving_away_loses_the_link_and_staying_keeps_it() {
    at(0);
    let radio = SimulatedRadio::new(&TWO);
    join(&radio, &HOME, HOME.passkey);
    at(10);
    let both: &'static [_] = Box::leak(Box::new([TWO[1], HOME]));
    radio.set_networks(both);
    assert_eq!((radio.radio_state(Interface::Wlan).link, radio.rssi()), (Link::Joined, Some(-60)));
    radio.set_networks(&[]);
    assert_eq!((radio.radio_state(Interface::Wlan).link, radio.rssi()), (Link::Failed, None));
}

#[test]
fn whoever_waits_is_woken_at_each_change() {
    at(0);
    let radio: &'static SimulatedRadio = Box::leak(Box::new(SimulatedRadio::new(&TWO)));
    let seen: &'static RefCell<std::vec::Vec<(u64, Link, bool)>> = Box::leak(Box::default());
    let runtime = Runtime::new();
    spawn(runtime.spawner(), async move {
        let mut last = radio.radio_state(Interface::Wlan);
        loop {
            let before = last;
            last = poll_fn(|context| {
                let now = radio.radio_state(Interface::Wlan);
                if now != before {
                    return Poll::Ready(now);
                }
                radio.wake_when(Interface::Wlan, context.waker());
                Poll::Pending
            })
            .await;
            seen.borrow_mut().push((Instant::now().as_millis(), last.link, last.ipv4.is_some()));
        }
    });
    spawn(runtime.spawner(), async move {
        Timer::after_millis(100).await;
        join(radio, &HOME, HOME.passkey);
        Timer::after_millis(100).await;
        radio.configure(Interface::Wlan, None).unwrap();
        Timer::after_millis(100).await;
        radio.vanish();
    });
    while let Some(sleep) = runtime.turn() {
        set_virtual_time(embassy_time_driver::now() + sleep);
    }
    let expected = [
        (100, Link::Joining, false),
        (110, Link::Joined, false),
        (210, Link::Joined, true),
        (300, Link::Failed, false),
    ];
    assert_eq!(*seen.borrow(), expected);
}

#[test]
fn the_master_key_stands_for_the_passphrase() {
    // IEEE 802.11-2020, J.4.2, first test vector.
    static IEEE: [SimulatedNetwork; 1] = [SimulatedNetwork { ssid: b"IEEE", passkey: b"password", ..HOME }];
    const KEY: &[u8; 64] = b"f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e";
    at(0);
    let radio = SimulatedRadio::new(&IEEE);
    let mut wrong = *KEY;
    wrong[63] = b'f';
    for (key, link) in
        [(KEY, Link::Joined), (&KEY.map(|digit| digit.to_ascii_uppercase()), Link::Joined), (&wrong, Link::Refused)]
    {
        join(&radio, &IEEE[0], key);
        set_virtual_time(embassy_time_driver::now() + 10_000);
        assert_eq!(radio.radio_state(Interface::Wlan).link, link);
    }
}

#[test]
fn hidden_names_are_heard_by_who_asks_for_them() {
    static HIDDEN: [SimulatedNetwork; 1] = [SimulatedNetwork { hidden: true, ..HOME }];
    at(0);
    let radio = SimulatedRadio::new(&HIDDEN);
    radio.scan(&ScanRequest::default()).unwrap();
    at(20);
    assert_eq!(radio.scan_result(0).unwrap().ssid, b"");
    radio.scan(&ScanRequest { ssid: Some(b"home"), ..ScanRequest::default() }).unwrap();
    at(40);
    assert_eq!(radio.scan_result(0).unwrap().ssid, b"home");
    radio.scan(&ScanRequest { channels: 0b1_1111, ..ScanRequest::default() }).unwrap();
    at(60);
    assert_eq!(radio.scan_result(0), None, "channel 6 was not listened to");
}

#[test]
fn a_network_can_hang_or_send_away() {
    static BAD: [SimulatedNetwork; 2] = [
        SimulatedNetwork { hangs: true, ..HOME },
        SimulatedNetwork { bssid: [7; 6], drops_after: Some(Duration::from_secs(2)), ..HOME },
    ];
    at(0);
    let radio = SimulatedRadio::new(&BAD);
    join(&radio, &BAD[0], HOME.passkey);
    at(3_600_000);
    assert_eq!(radio.radio_state(Interface::Wlan).link, Link::Joining);
    for _ in 0..3 {
        join(&radio, &BAD[1], HOME.passkey);
        let start = Instant::now().as_millis();
        at(start + 2009);
        assert_eq!(radio.radio_state(Interface::Wlan).link, Link::Joined);
        at(start + 2010);
        assert_eq!(radio.radio_state(Interface::Wlan).link, Link::Failed);
    }
}

fn offer(ssid: &[u8]) -> SoftApRequest<'_> {
    SoftApRequest { ssid, passkey: b"", channel: 0, hidden: false, stations: 2 }
}

#[test]
fn the_access_point_serves_its_stations_on_the_stations_channel() {
    at(0);
    let radio = SimulatedRadio::new(&TWO);
    join(&radio, &HOME, HOME.passkey);
    at(10);
    radio.softap_start(&offer(b"mine")).unwrap();
    assert_eq!(radio.configure(Interface::SoftAp, Some(LEASE)), Err(PortError::Unreachable));
    assert!(!radio.station_comes([1; 6]));
    at(20);
    assert_eq!(radio.offer().unwrap().channel, 6);
    radio.configure(Interface::SoftAp, Some(LEASE)).unwrap();
    assert_eq!(radio.configure(Interface::SoftAp, None), Err(PortError::Unsupported));
    assert_eq!([1, 1, 2, 3].map(|number| radio.station_comes([number; 6])), [true, true, true, false]);
    assert_eq!(radio.softap_station(1), Some([2; 6]));
    radio.softap_drop([1; 6]);
    assert_eq!((radio.softap_station(0), radio.softap_station(1)), (Some([2; 6]), None));
    let state = radio.radio_state(Interface::SoftAp);
    assert_eq!((state.link, state.ipv4, state.stations), (Link::Joined, Some(LEASE), 3));
    radio.softap_stop();
    assert_eq!(radio.radio_state(Interface::SoftAp), RadioState { stations: 4, ..RadioState::default() });
    assert_eq!(radio.radio_state(Interface::Wlan).link, Link::Joined);
}

#[test]
fn a_radio_may_have_only_one_interface_at_a_time() {
    at(0);
    let radio = SimulatedRadio::new(&TWO);
    radio.set_serves_both(false);
    radio.softap_start(&offer(b"mine")).unwrap();
    let request = JoinRequest { access_point: &HOME.access_point(), passkey: HOME.passkey };
    assert_eq!(radio.join(&request), Err(PortError::InUse));
    radio.softap_stop();
    radio.join(&request).unwrap();
    assert_eq!(radio.softap_start(&offer(b"mine")), Err(PortError::InUse));
}
