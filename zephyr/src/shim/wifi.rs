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

/// An IPv4 configuration; first bytes highest.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct RawIpv4 {
    pub address: u32,
    pub netmask: u32,
    pub gateway: u32,
    pub dns: u32,
}

/// How far the station is.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct RawRadioState {
    pub link: u8,
    pub scanning: u8,
    pub has_ipv4: u8,
    pub ipv4: RawIpv4,
}

mod raw {
    use super::{RawAccessPoint, RawIpv4, RawRadioState};

    unsafe extern "C" {
        pub safe fn oz_radio_start() -> i32;
        pub fn oz_radio_scan(ssid: *const u8, size: u32) -> i32;
        pub fn oz_radio_scan_result(index: u32, found: *mut RawAccessPoint) -> i32;
        pub fn oz_radio_join(network: *const RawAccessPoint, passkey: *const u8, size: u32) -> i32;
        pub safe fn oz_radio_leave();
        pub fn oz_radio_configure(interface: u8, address: *const RawIpv4) -> i32;
        pub fn oz_radio_state(interface: u8, state: *mut RawRadioState);
        pub safe fn oz_radio_changes() -> u32;
        pub fn oz_radio_rssi(rssi: *mut i8) -> i32;
    }
}

pub use raw::{oz_radio_changes as changes, oz_radio_leave as leave};

pub fn start() -> Result<()> {
    done(raw::oz_radio_start())
}

pub fn scan(ssid: Option<&[u8]>) -> Result<()> {
    let ssid = ssid.unwrap_or_default();
    // SAFETY: pointer and length are those of one slice, which C copies.
    done(unsafe { raw::oz_radio_scan(ssid.as_ptr(), size(ssid)) })
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
