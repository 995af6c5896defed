//! Zephyr's Wi-Fi.

use core::net::Ipv4Addr;
use core::task::Waker;

use openzentri::port::{
    AccessPoint, Interface, Ipv4Config, JoinRequest, Link, Radio, RadioState, Result, ScanRequest, Security,
    SoftApRequest,
};

use crate::shim::wifi::{self, RawAccessPoint, RawIpv4, RawScan, RawSoftAp};

pub use crate::shim::wifi::changes;

/// Station and access point of the board; their state is kept on the C side.
pub struct ZephyrRadio;

/// Listens to the events of the network.
pub fn start() -> ZephyrRadio {
    crate::port::report("Wi-Fi", wifi::start());
    ZephyrRadio
}

/// The loop reports changes, not the radio.
pub fn wake_when(_radio: &ZephyrRadio, _interface: Interface, _waker: &Waker) -> bool {
    false
}

impl Radio for ZephyrRadio {
    fn serves_both(&self) -> bool {
        wifi::serves_both()
    }

    fn scan(&self, request: &ScanRequest<'_>) -> Result<()> {
        let mut scan = RawScan {
            passive: request.passive.into(),
            dwell_ms: request.dwell,
            channels: request.channels,
            ..RawScan::default()
        };
        scan.ssid_size = copy(&mut scan.ssid, request.ssid.unwrap_or_default());
        wifi::scan(&scan)
    }

    fn scan_result(&self, index: usize) -> Option<AccessPoint> {
        wifi::scan_result(index).map(|found| AccessPoint {
            ssid: found.ssid.iter().copied().take(usize::from(found.ssid_size)).collect(),
            bssid: found.bssid,
            channel: found.channel,
            rssi: found.rssi,
            security: security(found.security),
            // Zephyr's scan results do not contain the rate.
            rate: 0,
        })
    }

    fn join(&self, request: &JoinRequest<'_>) -> Result<()> {
        let wanted = request.access_point;
        let mut network = RawAccessPoint {
            bssid: wanted.bssid,
            channel: wanted.channel,
            rssi: wanted.rssi,
            security: wanted.security as u8,
            ..RawAccessPoint::default()
        };
        network.ssid_size = copy(&mut network.ssid, &wanted.ssid);
        wifi::join(&network, request.passkey)
    }

    fn leave(&self) {
        wifi::leave();
    }

    fn reset(&self) {
        wifi::reset();
    }

    fn set_host_name(&self, name: &str) {
        wifi::set_host_name(name);
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
            4 => Link::Refused,
            _ => Link::Failed,
        };
        let ipv4 = Ipv4Config {
            address: Ipv4Addr::from_bits(state.ipv4.address),
            netmask: Ipv4Addr::from_bits(state.ipv4.netmask),
            gateway: Ipv4Addr::from_bits(state.ipv4.gateway),
            dns: Ipv4Addr::from_bits(state.ipv4.dns),
        };
        RadioState {
            link,
            scanning: state.scanning != 0,
            ipv4: (state.has_ipv4 != 0).then_some(ipv4),
            stations: state.stations,
        }
    }

    fn rssi(&self) -> Option<i8> {
        wifi::rssi()
    }

    fn softap_start(&self, request: &SoftApRequest<'_>) -> Result<()> {
        let mut network = RawSoftAp {
            channel: request.channel,
            hidden: request.hidden.into(),
            stations: request.stations,
            ..RawSoftAp::default()
        };
        network.ssid_size = copy(&mut network.ssid, request.ssid);
        network.passkey_size = copy(&mut network.passkey, request.passkey);
        wifi::softap_start(&network)
    }

    fn softap_stop(&self) {
        wifi::softap_stop();
    }

    fn softap_station(&self, index: usize) -> Option<[u8; 6]> {
        wifi::softap_station(index)
    }

    fn softap_drop(&self, station: [u8; 6]) {
        wifi::softap_drop(station);
    }
}

/// Copies as many bytes as fit, and returns their number.
fn copy(to: &mut [u8], from: &[u8]) -> u8 {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    from.len().min(to.len()) as u8
}

/// The security for a number of the shim.
fn security(number: u8) -> Security {
    Security::ALL.get(usize::from(number)).copied().unwrap_or_default()
}
