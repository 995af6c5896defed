//! The networks that the simulated radio hears, and the faults they can have.

use core::net::Ipv4Addr;

use embassy_time::Duration;
use heapless::Vec;

use crate::port::{AccessPoint, Ipv4Config, JoinRequest, Security};

/// One network that the radio pretends to hear. Start from [`SimulatedNetwork::OPEN`] and change fields.
#[derive(Clone, Copy, Debug)]
pub struct SimulatedNetwork {
    /// The name, up to 32 arbitrary bytes; longer ones are cut off.
    pub ssid: &'static [u8],
    /// The radio address; it identifies the network, so give each its own.
    pub bssid: [u8; 6],
    /// The channel number.
    pub channel: u8,
    /// Signal strength in dBm.
    pub rssi: i8,
    /// Its security.
    pub security: Security,
    /// The key that lets a station in; ignored when the network is open.
    pub passkey: &'static [u8],
    /// The highest rate in units of 100 kbit/s.
    pub rate: u16,
    /// What its DHCP server gives; `None` when it has no DHCP server.
    pub address: Option<Ipv4Config>,
    /// Its beacons do not contain the name: only a scan for that name finds it.
    pub hidden: bool,
    /// This many joins fail before the first succeeds, whatever the key.
    pub fails: u8,
    /// A join never ends: neither success nor failure.
    pub hangs: bool,
    /// The network is gone for good this long after a station has associated.
    pub vanishes_after: Option<Duration>,
    /// The network disconnects the station this long after each association; the station may join again.
    pub drops_after: Option<Duration>,
}

impl SimulatedNetwork {
    /// An open network without a name and without faults.
    pub const OPEN: Self = Self {
        ssid: b"",
        bssid: [0x02, 0, 0, 0, 0, 1],
        channel: 1,
        rssi: -50,
        security: Security::Open,
        passkey: b"",
        rate: 540,
        address: None,
        hidden: false,
        fails: 0,
        hangs: false,
        vanishes_after: None,
        drops_after: None,
    };

    /// The scan result for the network, with its name even if hidden.
    pub fn access_point(&self) -> AccessPoint {
        AccessPoint {
            ssid: name(self.ssid),
            bssid: self.bssid,
            channel: self.channel,
            rssi: self.rssi,
            security: self.security,
            rate: self.rate,
        }
    }

    /// The scan result for the network, if the scan hears it: `ssid` is the name that the scan asks for.
    pub(super) fn heard(&self, ssid: Option<&[u8]>) -> Option<AccessPoint> {
        let found = self.access_point();
        match ssid {
            Some(ssid) => (found.ssid == ssid).then_some(found),
            None if self.hidden => Some(AccessPoint { ssid: Vec::new(), ..found }),
            None => Some(found),
        }
    }

    /// Whether these are the network's name, channel and security.
    pub(super) fn is_meant_by(&self, wanted: &AccessPoint) -> bool {
        wanted.ssid == name(self.ssid) && wanted.channel == self.channel && wanted.security == self.security
    }

    /// Whether the key lets a station in: the passphrase, or the pairwise master key derived from it.
    pub(super) fn admits(&self, request: &JoinRequest<'_>) -> bool {
        self.security == Security::Open || request.passkey == self.passkey || self.is_master_key(request.passkey)
    }

    /// Whether the 64 hexadecimal digits are PBKDF2 of passphrase and name (IEEE 802.11-2020, J.4.1). SAE has no such key.
    fn is_master_key(&self, digits: &[u8]) -> bool {
        if digits.len() != 64 || matches!(self.security, Security::Wep | Security::Wpa3Sae) {
            return false;
        }
        let mut key = [0; 32];
        pbkdf2::pbkdf2_hmac::<sha1::Sha1>(self.passkey, &name(self.ssid), 4096, &mut key);
        let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default() as u8;
        let expected = key.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        expected.eq(digits.iter().map(u8::to_ascii_lowercase))
    }
}

/// The first 32 bytes of a network name.
pub(super) fn name(ssid: &[u8]) -> Vec<u8, 32> {
    ssid.iter().copied().take(32).collect()
}

/// The addresses that the networks of [`NEIGHBOURHOOD`] give their stations.
pub(super) const LEASE: Ipv4Config = Ipv4Config {
    address: Ipv4Addr::new(10, 5, 6, 108),
    netmask: Ipv4Addr::new(255, 255, 255, 0),
    gateway: Ipv4Addr::new(10, 5, 6, 1),
    dns: Ipv4Addr::new(10, 5, 6, 1),
};

/// The networks where none are configured, one for each thing that can happen to a station. Transcripts rely on them.
pub static NEIGHBOURHOOD: [SimulatedNetwork; 6] = [
    neighbour(1, b"MyNet", -45),
    SimulatedNetwork { security: Security::Open, passkey: b"", ..neighbour(2, b"Open House", -52) },
    SimulatedNetwork { address: None, ..neighbour(3, b"No Lease", -58) },
    SimulatedNetwork { fails: 2, ..neighbour(4, b"Moody", -63) },
    SimulatedNetwork { vanishes_after: Some(Duration::from_secs(30)), ..neighbour(5, b"Passing By", -71) },
    SimulatedNetwork { security: Security::WpaTkip, ..neighbour(6, b"Old", -80) },
];

/// A WPA2 network with the key `mypassword`.
const fn neighbour(number: u8, ssid: &'static [u8], rssi: i8) -> SimulatedNetwork {
    SimulatedNetwork {
        ssid,
        bssid: [0x4C, 0x55, 0xCC, 0x10, 0x78, 0x90 + number],
        channel: number,
        rssi,
        security: Security::Wpa2Aes,
        passkey: b"mypassword",
        address: Some(LEASE),
        ..SimulatedNetwork::OPEN
    }
}
