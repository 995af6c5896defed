//! The contract with the Wi-Fi radio: a station and an access point.

use core::net::Ipv4Addr;

use heapless::Vec;

use super::error::Result;
use super::interface::Interface;

/// Security of a wireless network; the numbers up to 6 are those of the command language (interface, network 2.5),
/// the others are ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// No encryption.
    #[default]
    Open = 0,
    /// WEP.
    Wep = 1,
    /// WPA with AES.
    WpaAes = 2,
    /// WPA with TKIP.
    WpaTkip = 3,
    /// WPA2 with AES.
    Wpa2Aes = 4,
    /// WPA2 with AES and TKIP.
    Wpa2Mixed = 5,
    /// WPA2 with TKIP.
    Wpa2Tkip = 6,
    /// WPA3-Personal: SAE with protected management frames.
    Wpa3Sae = 7,
    /// WPA3-Personal transition mode: SAE, and WPA2 for stations without SAE.
    Wpa3Mixed = 8,
}

impl Security {
    /// Every security, in the order of the numbers.
    pub const ALL: [Self; 9] = [
        Self::Open,
        Self::Wep,
        Self::WpaAes,
        Self::WpaTkip,
        Self::Wpa2Aes,
        Self::Wpa2Mixed,
        Self::Wpa2Tkip,
        Self::Wpa3Sae,
        Self::Wpa3Mixed,
    ];
}

/// One network found by a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPoint {
    /// The name, up to 32 arbitrary bytes; empty when the network hides it.
    pub ssid: Vec<u8, 32>,
    /// The radio address.
    pub bssid: [u8; 6],
    /// The channel number.
    pub channel: u8,
    /// Signal strength in dBm.
    pub rssi: i8,
    /// Its security.
    pub security: Security,
    /// The highest rate in units of 100 kbit/s; 0 when the radio does not say.
    pub rate: u16,
}

/// What to scan for, and how. Radios ignore options that they do not support.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanRequest<'a> {
    /// This name only; the radio asks for it, so that networks that hide their name answer.
    pub ssid: Option<&'a [u8]>,
    /// Listen only.
    pub passive: bool,
    /// Milliseconds on each channel; 0 leaves it to the radio.
    pub dwell: u16,
    /// Channel `n` is bit `n - 1`; 0 means all.
    pub channels: u16,
}

/// What to associate with.
#[derive(Clone, Debug)]
pub struct JoinRequest<'a> {
    /// The network, as a scan found it.
    pub access_point: &'a AccessPoint,
    /// Passphrase or 64 hexadecimal digits; empty for an open network.
    pub passkey: &'a [u8],
}

/// The network that the access point offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftApRequest<'a> {
    /// Its name, 1 to 32 arbitrary bytes.
    pub ssid: &'a [u8],
    /// Its passphrase (WPA2 with AES), or empty for an open network.
    pub passkey: &'a [u8],
    /// The channel; 0 lets the radio choose. While the station has a link, it is the station's.
    pub channel: u8,
    /// Leave the name out of beacons.
    pub hidden: bool,
    /// Stations at once. If a radio accepts more, the code above the port disconnects them.
    pub stations: u8,
}

/// An IPv4 configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Config {
    /// The address.
    pub address: Ipv4Addr,
    /// The netmask.
    pub netmask: Ipv4Addr,
    /// The default gateway.
    pub gateway: Ipv4Addr,
    /// The name server.
    pub dns: Ipv4Addr,
}

/// The link state of an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Not associated; the access point is off.
    #[default]
    Down,
    /// Associating; the access point starts.
    Joining,
    /// Associated; the access point is on.
    Joined,
    /// The last attempt failed (no answer, wrong details), or the network vanished; the access point failed to start,
    /// or stopped by itself.
    Failed,
    /// The last attempt failed because the passkey is wrong, as far as the radio can tell.
    Refused,
}

/// A snapshot of one interface of the radio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RadioState {
    /// The link of the station, or of the access point.
    pub link: Link,
    /// A scan is running.
    pub scanning: bool,
    /// The address in use; `None` until DHCP or a static configuration has succeeded.
    pub ipv4: Option<Ipv4Config>,
    /// Changes whenever a station joins or leaves the access point.
    pub stations: u32,
}

/// The Wi-Fi radio, real or simulated.
pub trait Radio {
    /// Whether station and access point can have a link at the same time.
    fn serves_both(&self) -> bool;
    /// Starts a scan; its results replace the previous ones. `InUse` while one runs.
    fn scan(&self, request: &ScanRequest<'_>) -> Result<()>;
    /// The `index`-th result of the last scan.
    fn scan_result(&self, index: usize) -> Option<AccessPoint>;
    /// Starts to associate.
    fn join(&self, request: &JoinRequest<'_>) -> Result<()>;
    /// Leaves the network and forgets the address.
    fn leave(&self);
    /// Switches the radio off and on again, as the last resort when it does not answer. Both interfaces lose their link.
    fn reset(&self);
    /// The host name for DHCP requests, from the next one on.
    fn set_host_name(&self, _name: &str) {}
    /// Asks for an address on an interface: by DHCP with `None`, else sets this one. The access point has no DHCP client.
    fn configure(&self, interface: Interface, address: Option<Ipv4Config>) -> Result<()>;
    /// The present state of an interface; [`super::Event::Radio`] tells of changes.
    fn radio_state(&self, interface: Interface) -> RadioState;
    /// Signal of the present network in dBm.
    fn rssi(&self) -> Option<i8>;
    /// Starts the access point, or starts it anew.
    fn softap_start(&self, request: &SoftApRequest<'_>) -> Result<()>;
    /// Stops the access point and forgets its address.
    fn softap_stop(&self);
    /// The radio address of the `index`-th station of the access point.
    fn softap_station(&self, index: usize) -> Option<[u8; 6]>;
    /// Disconnects a station.
    fn softap_drop(&self, station: [u8; 6]);
}
