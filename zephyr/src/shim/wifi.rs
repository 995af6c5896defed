//! The part of the shim for Wi-Fi (`zephyr/shim/wifi.c`).

use openzentri::port::{Interface, Result};

use super::{done, result, size};

/// A network.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct RawAccessPoint {
    pub ssid: [u8; 32],
    pub ssid_size: u8,
    pub bssid: [u8; 6],
    pub channel: u8,
    pub rssi: i8,
    pub security: u8,
}

/// What to scan for; size 0 means all names.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct RawScan {
    pub ssid: [u8; 32],
    pub ssid_size: u8,
    pub passive: u8,
    pub dwell_ms: u16,
    pub channels: u16,
}

/// The network of the access point.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct RawSoftAp {
    pub ssid: [u8; 32],
    pub ssid_size: u8,
    pub passkey: [u8; 64],
    pub passkey_size: u8,
    pub channel: u8,
    pub hidden: u8,
    pub stations: u8,
}

impl Default for RawSoftAp {
    fn default() -> Self {
        Self { ssid: [0; 32], ssid_size: 0, passkey: [0; 64], passkey_size: 0, channel: 0, hidden: 0, stations: 0 }
    }
}

/// An IPv4 configuration; the first byte of an address is the highest.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct RawIpv4 {
    pub address: u32,
    pub netmask: u32,
    pub gateway: u32,
    pub dns: u32,
}

/// The state of an interface.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct RawRadioState {
    pub link: u8,
    pub scanning: u8,
    pub has_ipv4: u8,
    pub ipv4: RawIpv4,
    pub stations: u32,
}

mod raw {
    use super::{RawAccessPoint, RawIpv4, RawRadioState, RawScan, RawSoftAp};

    unsafe extern "C" {
        pub safe fn oz_radio_start() -> i32;
        pub safe fn oz_radio_serves_both() -> i32;
        pub fn oz_radio_scan(request: *const RawScan) -> i32;
        pub fn oz_radio_scan_result(index: u32, found: *mut RawAccessPoint) -> i32;
        pub fn oz_radio_join(network: *const RawAccessPoint, passkey: *const u8, size: u32) -> i32;
        pub safe fn oz_radio_leave();
        pub safe fn oz_radio_reset();
        pub fn oz_radio_set_host_name(name: *const u8, size: u32);
        pub fn oz_radio_configure(interface: u8, address: *const RawIpv4) -> i32;
        pub fn oz_radio_state(interface: u8, state: *mut RawRadioState);
        pub safe fn oz_radio_changes() -> u32;
        pub fn oz_radio_rssi(rssi: *mut i8) -> i32;
        pub fn oz_softap_start(network: *const RawSoftAp) -> i32;
        pub safe fn oz_softap_stop();
        pub fn oz_softap_station(index: u32, mac: *mut [u8; 6]) -> i32;
        pub fn oz_softap_drop(mac: *const [u8; 6]);
    }
}

pub use raw::{
    oz_radio_changes as changes, oz_radio_leave as leave, oz_radio_reset as reset, oz_softap_stop as softap_stop,
};

pub fn start() -> Result<()> {
    done(raw::oz_radio_start())
}

pub fn serves_both() -> bool {
    raw::oz_radio_serves_both() != 0
}

pub fn scan(request: &RawScan) -> Result<()> {
    // SAFETY: C copies the request.
    done(unsafe { raw::oz_radio_scan(request) })
}

pub fn scan_result(index: usize) -> Option<RawAccessPoint> {
    let mut found = RawAccessPoint::default();
    // SAFETY: `found` lives longer than the call.
    result(unsafe { raw::oz_radio_scan_result(u32::try_from(index).ok()?, &mut found) }).ok()?;
    Some(found)
}

pub fn join(network: &RawAccessPoint, passkey: &[u8]) -> Result<()> {
    // SAFETY: pointer and length are those of one slice; C copies both arguments.
    done(unsafe { raw::oz_radio_join(network, passkey.as_ptr(), size(passkey)) })
}

pub fn set_host_name(name: &str) {
    // SAFETY: pointer and length are those of one text, which C copies.
    unsafe { raw::oz_radio_set_host_name(name.as_ptr(), size(name.as_bytes())) };
}

pub fn configure(interface: Interface, address: Option<RawIpv4>) -> Result<()> {
    let address = address.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
    // SAFETY: null means DHCP; anything else lives longer than the call.
    done(unsafe { raw::oz_radio_configure(interface as u8, address) })
}

pub fn state(interface: Interface) -> RawRadioState {
    let mut state = RawRadioState::default();
    // SAFETY: `state` lives longer than the call.
    unsafe { raw::oz_radio_state(interface as u8, &mut state) };
    state
}

pub fn rssi() -> Option<i8> {
    let mut rssi = 0;
    // SAFETY: `rssi` lives longer than the call.
    result(unsafe { raw::oz_radio_rssi(&mut rssi) }).ok()?;
    Some(rssi)
}

pub fn softap_start(network: &RawSoftAp) -> Result<()> {
    // SAFETY: C copies the network.
    done(unsafe { raw::oz_softap_start(network) })
}

pub fn softap_station(index: usize) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    // SAFETY: `mac` lives longer than the call.
    result(unsafe { raw::oz_softap_station(u32::try_from(index).ok()?, &mut mac) }).ok()?;
    Some(mac)
}

pub fn softap_drop(mac: [u8; 6]) {
    // SAFETY: `mac` lives longer than the call.
    unsafe { raw::oz_softap_drop(&mac) };
}
