//! The part of the shim for the simulated Wi-Fi driver (`zephyr/drivers/wifi_simulated.c`).

use openzentri::port::{AccessPoint, Security};

use super::wifi::{RawAccessPoint, RawScan, RawSoftAp};

/// Bytes of the largest frame.
pub const FRAME: usize = 700;

pub const SCAN: u8 = 1;
pub const CONNECT: u8 = 2;
pub const DISCONNECT: u8 = 3;
pub const AP_ENABLE: u8 = 4;
pub const AP_DISABLE: u8 = 5;
pub const AP_DROP: u8 = 6;

/// A request to the radio.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Request {
    pub kind: u8,
    pub key_size: u8,
    pub mac: [u8; 6],
    pub key: [u8; 64],
    pub network: RawAccessPoint,
    pub scan: RawScan,
    pub softap: RawSoftAp,
}

mod raw {
    use super::{FRAME, RawAccessPoint, Request};

    unsafe extern "C" {
        pub fn oz_air_request(request: *mut Request) -> i32;
        pub fn oz_air_sent(frame: *mut [u8; FRAME]) -> i32;
        pub fn oz_air_receive(frame: *const u8, size: u32);
        pub safe fn oz_air_news() -> u32;
        pub fn oz_air_scan_result(found: *const RawAccessPoint);
        pub safe fn oz_air_scan_done();
        pub fn oz_air_connected(status: u8, network: *const RawAccessPoint);
        pub safe fn oz_air_disconnected();
        pub safe fn oz_air_access_point(state: u8);
    }
}

pub use raw::{
    oz_air_access_point as access_point, oz_air_disconnected as disconnected, oz_air_news as news,
    oz_air_scan_done as scan_done,
};

/// The next request.
pub fn request() -> Option<Request> {
    let mut request = Request {
        kind: 0,
        key_size: 0,
        mac: [0; 6],
        key: [0; 64],
        network: RawAccessPoint::default(),
        scan: RawScan::default(),
        softap: RawSoftAp::default(),
    };
    // SAFETY: `request` lives longer than the call.
    (unsafe { raw::oz_air_request(&mut request) } == 0).then_some(request)
}

/// The next frame that the station has sent; returns its size.
pub fn sent(frame: &mut [u8; FRAME]) -> Option<usize> {
    // SAFETY: C writes at most the size of `frame`.
    usize::try_from(unsafe { raw::oz_air_sent(frame) }).ok()
}

/// A frame for the station.
pub fn receive(frame: &[u8]) {
    // SAFETY: pointer and length are those of one slice, which C copies.
    unsafe { raw::oz_air_receive(frame.as_ptr(), super::size(frame)) };
}

pub fn scan_result(found: &AccessPoint) {
    // SAFETY: C copies the network.
    unsafe { raw::oz_air_scan_result(&raw_of(found)) };
}

/// Reports the outcome of a connection attempt, and its network.
pub fn connected(status: u8, network: Option<&AccessPoint>) {
    let network = network.map(raw_of).unwrap_or_default();
    // SAFETY: C copies the network.
    unsafe { raw::oz_air_connected(status, &network) };
}

fn raw_of(network: &AccessPoint) -> RawAccessPoint {
    let mut raw = RawAccessPoint {
        ssid_size: network.ssid.len() as u8,
        bssid: network.bssid,
        channel: network.channel,
        rssi: network.rssi,
        security: network.security as u8,
        ..RawAccessPoint::default()
    };
    raw.ssid.iter_mut().zip(&network.ssid).for_each(|(to, from)| *to = *from);
    raw
}

/// Zephyr distinguishes fewer securities than there are: those that it does not distinguish are equal here.
pub fn is_alike(asked: u8, security: Security) -> bool {
    let class = |number: u8| match number {
        0 | 1 => number,
        2 | 3 => 2,
        4..=6 => 4,
        _ => 7,
    };
    class(asked) == class(security as u8)
}
