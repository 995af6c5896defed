//! The radio by itself, in virtual time.

use std::boxed::Box;
use std::cell::RefCell;
use std::future::poll_fn;
use std::task::Poll;

use embassy_time::Timer;

use super::*;
use crate::port::host::{Runtime, set_virtual_time, spawn};

const HOME: SimulatedNetwork = SimulatedNetwork {
    ssid: b"home",
    bssid: [2, 0, 0, 0, 0, 1],
    channel: 6,
    rssi: -60,
    security: Security::Wpa2Aes,
    passkey: b"secret key",
    address: Some(LEASE),
    fails: 0,
    vanishes_after: None,
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
    radio.scan(None).unwrap();
    assert!(radio.radio_state(Interface::Wlan).scanning);
    assert_eq!(radio.scan(None), Err(PortError::InUse));
    at(19);
    assert_eq!(radio.scan_result(0), None);
    at(20);
    assert!(!radio.radio_state(Interface::Wlan).scanning);
    assert_eq!(radio.scan_result(0), Some(TWO[1].access_point()));
    assert_eq!(radio.scan_result(1), Some(TWO[0].access_point()));
    assert_eq!(radio.scan_result(2), None);
    radio.scan(Some(b"home")).unwrap();
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
    for (step, (network, key)) in
        [(&HOME, b"secret kez".as_slice()), (&HOME, b""), (&stranger, b"secret key"), (&wrong_security, b"")]
            .into_iter()
            .enumerate()
    {
        at(step as u64 * 100);
        join(&radio, network, key);
        assert_eq!(radio.radio_state(Interface::Wlan).link, Link::Joining);
        at(step as u64 * 100 + 10);
        assert_eq!(radio.radio_state(Interface::Wlan).link, Link::Failed);
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
    assert_eq!(radio.radio_state(Interface::Wlan), RadioState { link: Link::Failed, scanning: false, ipv4: None });
    radio.scan(None).unwrap();
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
                radio.wake_when(context.waker());
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
