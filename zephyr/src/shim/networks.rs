//! The part of the shim for the simulated networks (`zephyr/shim/networks.c`).

use core::ffi::{CStr, c_char};

use embassy_time::Duration;
use openzentri::port::radio::SimulatedNetwork;
use openzentri::port::{Ipv4Config, Security};

/// One network of the devicetree.
#[repr(C)]
struct RawNetwork {
    ssid: *const c_char,
    passphrase: *const c_char,
    bssid: [u8; 6],
    channel: u8,
    rssi: i8,
    security: u8,
    dhcp: u8,
    fails: u8,
    vanishes_after_ms: u32,
}

unsafe extern "C" {
    safe fn oz_simulated_network(index: u32) -> *const RawNetwork;
}

/// All networks; those with a DHCP server give `lease`.
pub fn all(lease: Ipv4Config) -> impl Iterator<Item = SimulatedNetwork> {
    (0..).map_while(move |index| {
        // SAFETY: C answers null or a row of a constant table.
        let row = unsafe { oz_simulated_network(index).as_ref() }?;
        Some(SimulatedNetwork {
            ssid: text(row.ssid),
            bssid: row.bssid,
            channel: row.channel,
            rssi: row.rssi,
            security: security(row.security),
            passkey: text(row.passphrase),
            address: (row.dhcp != 0).then_some(lease),
            fails: row.fails,
            vanishes_after: (row.vanishes_after_ms != 0).then(|| Duration::from_millis(row.vanishes_after_ms.into())),
            ..SimulatedNetwork::OPEN
        })
    })
}

fn text(text: *const c_char) -> &'static [u8] {
    // SAFETY: the texts of the table are constants with a terminator.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// The order of the property `security` in `dts/bindings/wifi/zentri,simulated-radio.yaml`.
fn security(number: u8) -> Security {
    Security::ALL.get(usize::from(number)).copied().unwrap_or_default()
}
