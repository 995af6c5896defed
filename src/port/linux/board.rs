//! Identity of the device, and its simulated surroundings.

use std::cell::Cell;
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::errors::StartError;
use super::options::Options;
use super::{networks, storage};
use crate::port::radio::SimulatedNetwork;
use crate::port::{Board, Fault, FaultKind, Ipv4Config, ResetReason, Security};

/// What distinguishes this device from all others. It is made once, at random, and kept in the file `identity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) mac: [u8; 6],
    pub(super) uuid: [u8; 20],
}

impl Identity {
    /// Loads the identity from a data folder; makes one when there is none. If the new one cannot be written, the
    /// device has another identity at the next start; a warning says so.
    pub(super) fn load(folder: &Path, warnings: &mut Vec<String>) -> Result<Self, StartError> {
        let path = folder.join("identity");
        let shown = path.display();
        if storage::is_no_file(&path) {
            warnings.push(format!("{shown} is not a file"));
        }
        let text = storage::read_text(&path).map_err(|error| StartError::new(format_args!("read {shown}"), error))?;
        let Some(text) = text else {
            let identity = Self::random();
            if let Err(error) = storage::replace(&path, identity.text().as_bytes()) {
                warnings.push(format!("the identity is for this run only: cannot write {shown}: {error}"));
            }
            return Ok(identity);
        };
        let broken = || StartError::new(format_args!("read {shown}"), "it is damaged; remove it to get a new identity");
        Self::parse(&text).ok_or_else(broken)
    }

    /// A random, locally administered unicast address, and a random id.
    fn random() -> Self {
        let mut identity = Self { mac: [0; 6], uuid: [0; 20] };
        random(&mut identity.mac);
        identity.mac[0] = 0x02;
        random(&mut identity.uuid);
        identity
    }

    fn text(&self) -> String {
        format!("mac {}\nuuid {}\n", hex(&self.mac, ":"), hex(&self.uuid, ""))
    }

    fn parse(text: &str) -> Option<Self> {
        let field = |name| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Some(Self { mac: bytes(&field("mac")?.replace(':', ""))?, uuid: bytes(field("uuid")?)? })
    }
}

/// Bytes as hexadecimal digits with a separator in between.
fn hex(bytes: &[u8], separator: &str) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(separator)
}

/// Exactly `N` bytes from hexadecimal digits.
pub(super) fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    if digits.len() != 2 * N || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

/// The board: identity, defaults, and the requests of the device.
pub(super) struct HostBoard {
    identity: Identity,
    defaults: Vec<(&'static str, &'static str)>,
    /// The device has asked for a restart.
    pub(super) reboot: Cell<bool>,
    /// The restart is the end of a sleep.
    waking: Cell<bool>,
    /// The fault that ended the previous process.
    fault: Option<Fault>,
    /// The serial input has ended, and with it the device.
    pub(super) serial_ended: Cell<bool>,
}

impl HostBoard {
    /// A board of this identity, with defaults of its own.
    pub(super) fn new(identity: Identity, defaults: Vec<(&'static str, &'static str)>, fault: Option<Fault>) -> Self {
        let (reboot, waking, serial_ended) = Default::default();
        Self { identity, defaults, reboot, waking, fault, serial_ended }
    }

    /// The value for [`RESTARTED`].
    pub(super) fn restarted(&self) -> String {
        let why = if self.waking.get() { AWAKE } else { "" };
        format!("{}{why}", std::process::id())
    }
}

impl Board for HostBoard {
    fn mac(&self) -> [u8; 6] {
        self.identity.mac
    }

    fn uuid(&self) -> [u8; 20] {
        self.identity.uuid
    }

    fn board_name(&self) -> &'static str {
        "Linux"
    }

    fn board_defaults(&self) -> &[(&str, &str)] {
        &self.defaults
    }

    fn random(&self, buffer: &mut [u8]) {
        random(buffer);
    }

    fn wall_clock(&self) -> Option<u64> {
        SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis().try_into().ok()
    }

    fn spi_buses(&self) -> u8 {
        1
    }

    fn i2c_buses(&self) -> u8 {
        1
    }

    /// The process's share of the machine's memory, rounded up.
    fn memory_usage(&self) -> Option<u8> {
        let used = kilobytes("/proc/self/status", "VmRSS:")?;
        let total = kilobytes("/proc/meminfo", "MemTotal:")?;
        (used * 100).div_ceil(total.max(1)).min(100).try_into().ok()
    }

    /// The process was started by itself, after a crash, or by a user.
    fn reset_reason(&self) -> Option<ResetReason> {
        let left = std::env::var(RESTARTED).unwrap_or_default();
        let restarted = left.strip_prefix(&std::process::id().to_string());
        Some(match (restarted, self.fault.as_ref().map(|fault| fault.kind)) {
            (Some(""), _) => ResetReason::Software,
            (Some(AWAKE), _) => ResetReason::Wake,
            (_, Some(FaultKind::Watchdog)) => ResetReason::Watchdog,
            (_, Some(_)) => ResetReason::Fault,
            _ => ResetReason::PowerOn,
        })
    }

    fn fault(&self) -> Option<Fault> {
        self.fault.clone()
    }

    fn reboot(&self) {
        self.reboot.set(true);
    }

    fn wake(&self) {
        self.waking.set(true);
        self.reboot();
    }

    fn serial_ended(&self) {
        self.serial_ended.set(true);
    }
}

/// Random bytes of the kernel.
fn random(buffer: &mut [u8]) {
    // Do not go on without random numbers: keys would be guessable.
    getrandom::fill(buffer).expect("the kernel gives random bytes");
}

/// What follows the process id in [`RESTARTED`] at the end of a sleep.
const AWAKE: &str = ":awake";

/// The environment variable in which a process that is about to replace itself leaves its id.
pub(super) const RESTARTED: &str = "OPENZENTRI_RESTARTED";

/// A number of kilobytes in a file of the kernel.
fn kilobytes(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok())
}

/// The networks that the radio hears, and the variables whose default differs on this board. Both live as long as the
/// process.
pub(super) type Surroundings = (&'static [SimulatedNetwork], Vec<(&'static str, &'static str)>);

/// What surrounds the device: the networks of `--radio`, else an open one and one with a key.
pub(super) fn surroundings(options: &Options) -> Result<Surroundings, StartError> {
    let address = ipv4_config(options.bind);
    let networks = match &options.radio {
        Some(file) => networks::load(file, address)?,
        None => vec![
            network(b"OpenZentri", 1, Security::Open, b"", address),
            network(b"OpenZentri-WPA2", 2, Security::Wpa2Aes, b"password", address),
        ],
    };
    let networks: &'static [SimulatedNetwork] = networks.leak();
    // The machine keeps the clock right.
    let ntp = ("ntp.enabled", "0");
    let mut defaults = vec![("http.server.enabled", "1"), ("http.server.port", "8080"), ("mdns.enabled", "0"), ntp];
    if let Some(first) = networks.first() {
        defaults.push(("wlan.ssid", networks::text(first.ssid).leak()));
        defaults.push(("wlan.auto_join.enabled", "1"));
        if first.security != Security::Open {
            defaults.push(("wlan.passkey", networks::text(first.passkey).leak()));
        }
    }
    Ok((networks, defaults))
}

/// A network in good reach.
fn network(
    ssid: &'static [u8],
    number: u8,
    security: Security,
    passkey: &'static [u8],
    address: Ipv4Config,
) -> SimulatedNetwork {
    SimulatedNetwork {
        ssid,
        bssid: [0x02, 0, 0, 0, 0, number],
        channel: number,
        rssi: -39 - i8::try_from(number).unwrap_or(0),
        security,
        passkey,
        address: Some(address),
        ..SimulatedNetwork::OPEN
    }
}

/// What the simulated DHCP server gives: the address that servers listen on, so that others reach the device there.
fn ipv4_config(bind: Ipv4Addr) -> Ipv4Config {
    let address = if bind.is_unspecified() { outward_address().unwrap_or(Ipv4Addr::LOCALHOST) } else { bind };
    let netmask = if address.is_loopback() { Ipv4Addr::new(255, 0, 0, 0) } else { Ipv4Addr::new(255, 255, 255, 0) };
    Ipv4Config { address, netmask, gateway: address, dns: address }
}

/// The address from which this machine would reach another network. Finding it sends no packet.
fn outward_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // TEST-NET-1 of RFC 5737, which no host has.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        std::net::IpAddr::V4(address) => Some(address),
        std::net::IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::linux::tests::Folder;

    #[test]
    fn the_identity_stays() {
        let folder = Folder::new();
        let first = Identity::load(folder.path(), &mut Vec::new()).unwrap();
        assert_eq!(first.mac[0], 0x02);
        assert_ne!(first.uuid, [0; 20]);
        assert_eq!(Identity::load(folder.path(), &mut Vec::new()).unwrap(), first);
        assert_ne!(Identity::load(Folder::new().path(), &mut Vec::new()).unwrap(), first);
    }

    #[test]
    fn a_damaged_identity_is_not_silently_replaced() {
        let folder = Folder::new();
        for text in ["", "mac 02:00:00:00:00:01\n", "mac 02:00:00:00:00:0é\nuuid 00\n"] {
            fs::write(folder.path().join("identity"), text).unwrap();
            assert!(Identity::load(folder.path(), &mut Vec::new()).is_err(), "{text}");
        }
    }

    #[test]
    fn memory_in_use_is_more_than_nothing() {
        let board = HostBoard::new(Identity::random(), Vec::new(), None);
        assert!((1..=100).contains(&board.memory_usage().unwrap()));
    }
}
