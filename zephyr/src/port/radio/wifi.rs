//! Zephyr's Wi-Fi.

use core::net::Ipv4Addr;
use core::task::Waker;

use openzentri::port::{AccessPoint, Interface, Ipv4Config, JoinRequest, Link, Radio, RadioState, Result, Security};

use crate::shim::wifi::{self, RawAccessPoint, RawIpv4};

pub use crate::shim::wifi::changes;

/// The station of the board; its state is kept on the C side.
pub struct ZephyrRadio;

/// Listens to the events of the network.
pub fn start() -> ZephyrRadio {
    crate::port::report("Wi-Fi", wifi::start());
    ZephyrRadio
}

/// The loop tells of changes, not the radio.
pub fn wake_when(_radio: &ZephyrRadio, _waker: &Waker) -> bool {
    false
}

impl Radio for ZephyrRadio {
    fn scan(&self, ssid: Option<&[u8]>) -> Result<()> {
        wifi::scan(ssid)
    }

    fn scan_result(&self, index: usize) -> Option<AccessPoint> {
        wifi::scan_result(index).map(|found| AccessPoint {
            ssid: found.ssid.iter().copied().take(usize::from(found.ssid_size)).collect(),
            bssid: found.bssid,
            channel: found.channel,
            rssi: found.rssi,
            security: security(found.security),
        })
    }

    fn join(&self, request: &JoinRequest<'_>) -> Result<()> {
        let wanted = request.access_point;
        let mut network = RawAccessPoint {
            ssid_size: wanted.ssid.len() as u8,
            bssid: wanted.bssid,
            channel: wanted.channel,
            rssi: wanted.rssi,
            security: wanted.security as u8,
            ..RawAccessPoint::default()
        };
        network.ssid.iter_mut().zip(&wanted.ssid).for_each(|(to, from)| *to = *from);
        wifi::join(&network, request.passkey)
    }

    fn leave(&self) {
        wifi::leave();
    }

    fn configure(&self, interface: Interface, address: Option<Ipv4Config>) -> Result<()> {
        wifi::configure(
            interface,
            address.map(|config| RawIpv4 {
                address: config.address.to_bits(),
                netmask: config.netmask.to_bits(),
                gateway: config.gateway.to_bits(),
                dns: config.dns.to_bits(),
            }),
        )
    }

    fn radio_state(&self, interface: Interface) -> RadioState {
        let state = wifi::state(interface);
        let link = match state.link {
            0 => Link::Down,
            1 => Link::Joining,
            2 => Link::Joined,
            _ => Link::Failed,
        };
        let ipv4 = Ipv4Config {
            address: Ipv4Addr::from_bits(state.ipv4.address),
            netmask: Ipv4Addr::from_bits(state.ipv4.netmask),
            gateway: Ipv4Addr::from_bits(state.ipv4.gateway),
            dns: Ipv4Addr::from_bits(state.ipv4.dns),
        };
        RadioState { link, scanning: state.scanning != 0, ipv4: (state.has_ipv4 != 0).then_some(ipv4) }
    }

    fn rssi(&self) -> Option<i8> {
        wifi::rssi()
    }
}

/// The security that a number of the shim stands for.
fn security(number: u8) -> Security {
    const ALL: [Security; 7] = [
        Security::Open,
        Security::Wep,
        Security::WpaAes,
        Security::WpaTkip,
        Security::Wpa2Aes,
        Security::Wpa2Mixed,
        Security::Wpa2Tkip,
    ];
    ALL.get(usize::from(number)).copied().unwrap_or_default()
}
