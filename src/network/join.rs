//! Joining a WLAN (networking reference 2.2, steps 1 to 5), and scans.

use core::fmt::{self, Display, Formatter, Write};
use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::task::Poll;

use embassy_time::{Duration, with_timeout};
use heapless::Vec;

use super::interfaces::{Network, RadioTurn};
use super::state::{JoinError, State};
use crate::log::Level;
use crate::port::{AccessPoint, Event, Interface, Ipv4Config, JoinRequest, Link, RadioState, ScanRequest, Security};
use crate::variable::{Id, expand_name, id};

const SSID: Id = id("wlan.ssid");
const PASSKEY: Id = id("wlan.passkey");
const BSSID: Id = id("wlan.bssid");
const SECURITY: Id = id("wlan.security");
const MINIMUM_SECURITY: Id = id("wlan.minimum_security");
const RETRIES: Id = id("wlan.join.retries");
const TIMEOUT: Id = id("wlan.join.timeout");
const DHCP: Id = id("wlan.dhcp.enabled");
const DHCP_TIMEOUT: Id = id("wlan.dhcp.timeout");
const STATIC_IP: Id = id("wlan.static.ip");
const STATIC_NETMASK: Id = id("wlan.static.netmask");
const STATIC_GATEWAY: Id = id("wlan.static.gateway");
const STATIC_DNS: Id = id("wlan.static.dns");

/// How good each choice of `wlan.security` is, in their order: `auto`, then by security number.
const STRENGTH: [u8; 10] = [0, 0, 1, 3, 2, 6, 5, 4, 8, 7];

/// A scan that takes longer has failed.
const SCAN_TIMEOUT: Duration = Duration::from_secs(15);

/// The whole way from the variables to an address. Dropping the future ends it, wherever it is; the radio is to be told
/// to leave then.
pub(super) async fn sequence(network: &Network) -> Result<Ipv4Config, JoinError> {
    let mac = network.base.port.board().mac();
    let ssid: Vec<u8, 32> = network.base.variables.with(SSID, |name| expand_name(mac, name));
    if ssid.is_empty() {
        return Err(JoinError::NoSsid);
    }
    network.base.log.line(Level::Progress, format_args!("In progress"));
    network.base.log_state(format_args!("Associating to {}", Printable(&ssid)));
    let turn = network.take_radio().await;
    // The owner may have changed the variables since.
    let fits = |known: &AccessPoint| is_wanted(network, &ssid, known) && is_secure(network, known);
    let known = network.known.borrow().clone().filter(fits);
    let access_point = match known {
        Some(known) => known,
        None => probe(network, &turn, &ssid).await?,
    };
    associate(network, &access_point).await?;
    network.known.replace(Some(access_point));
    network.enter(Interface::Wlan, State::NoAddress);
    address(network).await
}

/// Whether this is the network of that name and `wlan.bssid`.
fn is_wanted(network: &Network, ssid: &[u8], candidate: &AccessPoint) -> bool {
    let pinned = network.base.variables.with(BSSID, parse_mac);
    candidate.ssid == ssid && pinned.is_none_or(|bssid| candidate.bssid == bssid)
}

/// Whether `wlan.security` and `wlan.minimum_security` let a join take this network.
fn is_secure(network: &Network, candidate: &AccessPoint) -> bool {
    let variables = &network.base.variables;
    let (pinned, minimum) = (variables.choice(SECURITY), variables.choice(MINIMUM_SECURITY));
    let choice = candidate.security as usize + 1;
    (pinned == 0 || pinned == choice) && STRENGTH[choice] >= STRENGTH[minimum]
}

/// Looks for the network: of those that are secure enough, the strongest.
async fn probe(network: &Network, turn: &RadioTurn<'_>, ssid: &[u8]) -> Result<AccessPoint, JoinError> {
    let port = network.base.port;
    scan_in(network, turn, Some(ssid)).await?;
    let (mut best, mut error) = (None::<AccessPoint>, JoinError::NotFound);
    let found = (0..).map_while(|index| port.radio().scan_result(index));
    for candidate in found.filter(|candidate| is_wanted(network, ssid, candidate)) {
        if !is_secure(network, &candidate) {
            error = JoinError::BadSecurity;
        } else if best.as_ref().is_none_or(|best| candidate.rssi > best.rssi) {
            best = Some(candidate);
        }
    }
    let best = best.ok_or(error)?;
    let security = security_name(best.security);
    network.base.log.line(Level::Detail, format_args!("Security type from probe: {security}"));
    Ok(best)
}

impl Network {
    /// Scans for one network, or for all, when nobody else scans or joins. The results are then in the port, until the
    /// next scan; answers the number of this one.
    pub async fn scan(&self, ssid: Option<&[u8]>) -> Result<u32, JoinError> {
        let turn = self.take_radio().await;
        scan_in(self, &turn, ssid).await?;
        Ok(self.scans())
    }

    /// Scans begun since boot: whose results are in the port.
    pub fn scans(&self) -> u32 {
        self.scans.get()
    }
}

async fn scan_in(network: &Network, _turn: &RadioTurn<'_>, ssid: Option<&[u8]>) -> Result<(), JoinError> {
    let scan = async {
        // A scan that was given up may still run.
        radio(network, |state| (!state.scanning).then_some(())).await;
        network.scans.set(network.scans.get().wrapping_add(1));
        network
            .base
            .port
            .radio()
            .scan(&ScanRequest { ssid, ..ScanRequest::default() })
            .map_err(|_| JoinError::NotFound)?;
        radio(network, |state| (!state.scanning).then_some(())).await;
        Ok(())
    };
    with_timeout(SCAN_TIMEOUT, scan).await.unwrap_or(Err(JoinError::NotFound))
}

async fn associate(network: &Network, access_point: &AccessPoint) -> Result<(), JoinError> {
    let variables = &network.base.variables;
    let passkey: Vec<u8, 64> = variables.with(PASSKEY, |key| Vec::from_slice(key).unwrap_or_default());
    if access_point.security != Security::Open && passkey.is_empty() {
        return Err(JoinError::NoPasskey);
    }
    let limit = Duration::from_millis(variables.number(TIMEOUT).max(1) as u64);
    for _ in 0..variables.number(RETRIES).max(1) {
        let request = JoinRequest { access_point, passkey: &passkey };
        if network.base.port.radio().join(&request).is_ok() {
            let ended = radio(network, |state| match state.link {
                Link::Joined => Some(true),
                Link::Failed | Link::Refused | Link::Down => Some(false),
                Link::Joining => None,
            });
            if with_timeout(limit, ended).await == Ok(true) {
                return Ok(());
            }
        }
        network.base.port.radio().leave();
    }
    Err(JoinError::Failed)
}

async fn address(network: &Network) -> Result<Ipv4Config, JoinError> {
    let variables = &network.base.variables;
    let fixed = if variables.flag(DHCP) {
        network.base.log.line(Level::Detail, format_args!("Obtaining IPv4 address via DHCP"));
        None
    } else {
        Some(Ipv4Config {
            address: variables.ipv4(STATIC_IP),
            netmask: variables.ipv4(STATIC_NETMASK),
            gateway: variables.ipv4(STATIC_GATEWAY),
            dns: variables.ipv4(STATIC_DNS),
        })
    };
    network.base.port.radio().configure(Interface::Wlan, fixed).map_err(|_| JoinError::Failed)?;
    let limit = Duration::from_secs(variables.number(DHCP_TIMEOUT).max(1) as u64);
    let given = radio(network, |state| match (state.link, state.ipv4) {
        (Link::Joined, Some(config)) if config.address != Ipv4Addr::UNSPECIFIED => Some(Ok(config)),
        (Link::Joined, _) => None,
        _ => Some(Err(JoinError::Failed)),
    });
    with_timeout(limit, given).await.unwrap_or(Err(JoinError::Failed))
}

/// Waits until the radio's state satisfies `pick`. A port wakes the last one who waits; see [`RadioTurn`].
pub(super) async fn radio<T>(network: &Network, mut pick: impl FnMut(RadioState) -> Option<T>) -> T {
    let port = network.base.port;
    poll_fn(|context| match pick(port.radio().radio_state(Interface::Wlan)) {
        Some(value) => Poll::Ready(value),
        None => {
            port.wake_when(Event::Radio(Interface::Wlan), context.waker());
            Poll::Pending
        }
    })
    .await
}

/// A network's name as text: control characters and what is not UTF-8 as `\xNN`, the escape of arguments.
pub struct Printable<'a>(pub &'a [u8]);

impl Display for Printable<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character.is_control() {
                    false => out.write_char(character)?,
                    true => escape(out, character.encode_utf8(&mut [0; 4]).as_bytes())?,
                }
            }
            escape(out, chunk.invalid())?;
        }
        Ok(())
    }
}

fn escape(out: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "\\x{byte:02X}"))
}

/// The name of a security type in logs and scans.
pub fn security_name(security: Security) -> &'static str {
    match security {
        Security::Open => "Open",
        Security::Wep => "WEP",
        Security::WpaAes => "WPA-AES",
        Security::WpaTkip => "WPA-TKIP",
        Security::Wpa2Aes => "WPA2-AES",
        Security::Wpa2Mixed => "WPA2-Mixed",
        Security::Wpa2Tkip => "WPA2-TKIP",
        Security::Wpa3Sae => "WPA3-SAE",
        Security::Wpa3Mixed => "WPA3-Mixed",
    }
}

/// Reads `XX:XX:XX:XX:XX:XX`, as the variable table stores it.
fn parse_mac(text: &[u8]) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut parts = core::str::from_utf8(text).ok()?.split(':');
    for byte in &mut mac {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}
