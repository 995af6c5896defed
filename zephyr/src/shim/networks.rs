//! The part of the shim for the simulated networks (`zephyr/shim/networks.c`).

use core::ffi::{CStr, c_char};
use core::net::Ipv4Addr;

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
    hidden: u8,
    hangs: u8,
    fails: u8,
    vanishes_after_ms: u32,
    drops_after_ms: u32,
}

unsafe extern "C" {
    safe fn oz_simulated_network(index: u32) -> *const RawNetwork;
}

/// All networks; those with a DHCP server give `lease`.
pub fn all(lease: Ipv4Config) -> impl Iterator<Item = SimulatedNetwork> {
    (0..).map_while(move |index| {
        // SAFETY: C returns null or a row of a constant table.
        let row = unsafe { oz_simulated_network(index).as_ref() }?;
        Some(SimulatedNetwork {
            ssid: text(row.ssid),
            bssid: row.bssid,
            channel: row.channel,
            rssi: row.rssi,
            security: security(row.security),
            passkey: text(row.passphrase),
            address: (row.dhcp != 0).then_some(lease),
            hidden: row.hidden != 0,
            hangs: row.hangs != 0,
            fails: row.fails,
            vanishes_after: time(row.vanishes_after_ms),
            drops_after: time(row.drops_after_ms),
            ..SimulatedNetwork::OPEN
        })
    })
}

/// No time at all means never.
fn time(millis: u32) -> Option<Duration> {
    (millis != 0).then(|| Duration::from_millis(millis.into()))
}

fn text(text: *const c_char) -> &'static [u8] {
    // SAFETY: the texts of the table are constants with a terminator.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// The order of the property `security` in `dts/bindings/wifi/zentri,simulated-radio.yaml`.
fn security(number: u8) -> Security {
    Security::ALL.get(usize::from(number)).copied().unwrap_or_default()
}

/// What the networks' DHCP servers give: the address at which the device can be reached.
pub fn lease() -> Ipv4Config {
    let address = |text: &str| text.parse().unwrap_or(Ipv4Addr::LOCALHOST);
    let own = address(crate::kconfig::CONFIG_OPENZENTRI_SIMULATED_ADDRESS);
    let gateway = address(crate::kconfig::CONFIG_OPENZENTRI_SIMULATED_GATEWAY);
    let netmask = if own.is_loopback() { Ipv4Addr::new(255, 0, 0, 0) } else { Ipv4Addr::new(255, 255, 255, 0) };
    Ipv4Config { address: own, netmask, gateway, dns: gateway }
}
