//! Joining a WLAN (interface, network 2.2).

use core::net::Ipv4Addr;

use embassy_time::{Duration, with_timeout};
use heapless::Vec;

use super::interfaces::{Network, RadioTurn};
use super::names::{Printable, security_name};
use super::orders::Target;
use super::scan::{self, radio};
use super::state::{JoinError, State};
use crate::log::Level;
use crate::port::{AccessPoint, Interface, Ipv4Config, JoinRequest, Link, Security};
use crate::variable::{Id, ValueError, expand_name, id, mac_bytes};

const SSID: Id = id("wlan.ssid");
const PASSKEY: Id = id("wlan.passkey");
const BSSID: Id = id("wlan.bssid");
const SECURITY: Id = id("wlan.security");
const MINIMUM_SECURITY: Id = id("wlan.minimum_security");
const RETRIES: Id = id("wlan.join.retries");
const TIMEOUT: Id = id("wlan.join.timeout");
const DHCP: Id = id("wlan.dhcp.enabled");
const HOST_NAME: Id = id("wlan.dhcp.hostname");
const DHCP_TIMEOUT: Id = id("wlan.dhcp.timeout");
const STATIC_IP: Id = id("wlan.static.ip");
const STATIC_NETMASK: Id = id("wlan.static.netmask");
const STATIC_GATEWAY: Id = id("wlan.static.gateway");
const STATIC_DNS: Id = id("wlan.static.dns");

/// The network that the variables name. A `#` at the end of its name is not expanded: others have chosen the name.
pub(super) fn wanted(network: &Network) -> Target {
    let variables = &network.base.variables;
    Target {
        ssid: variables.with(SSID, |name| Vec::from_slice(name).unwrap_or_default()),
        passkey: variables.with(PASSKEY, |key| Vec::from_slice(key).unwrap_or_default()),
        bssid: variables.with(BSSID, mac_bytes),
        security: chosen(network, SECURITY),
        minimum: minimum_security(network),
    }
}

impl Network {
    /// Sets the variables to a network, on any access point and with the security that it has. A value that does not
    /// fit into a variable is an error. Stores nothing in flash.
    pub fn name(&self, ssid: &[u8], passkey: &[u8]) -> Result<(), ValueError> {
        let values = [(SSID, ssid), (PASSKEY, passkey), (BSSID, b"".as_slice()), (SECURITY, b"auto")];
        if values.iter().any(|(id, _)| self.base.variables.is_locked(*id)) {
            return Err(ValueError::Denied);
        }
        values.into_iter().try_for_each(|(id, value)| self.base.variables.set_text(id, value))
    }
}

/// `wlan.minimum_security`.
pub(super) fn minimum_security(network: &Network) -> Option<Security> {
    chosen(network, MINIMUM_SECURITY)
}

/// The security that a variable names; `None` is `auto`, its first choice.
fn chosen(network: &Network, variable: Id) -> Option<Security> {
    let choice = network.base.variables.choice(variable).checked_sub(1)?;
    Security::ALL.get(choice).copied()
}

/// The whole sequence up to an address (steps 1 to 5). Dropping the future ends it at any step; the caller must then
/// tell the radio to leave.
pub(super) async fn sequence(network: &Network, target: &Target) -> Result<Ipv4Config, JoinError> {
    let _turn = reach(network, target).await?;
    network.enter(Interface::Wlan, State::NoAddress);
    address(network).await
}

/// The sequence up to an association (steps 1 to 4). The caller has the radio until it drops the turn.
pub(super) async fn reach<'a>(network: &'a Network, target: &Target) -> Result<RadioTurn<'a>, JoinError> {
    if target.ssid.is_empty() {
        return Err(JoinError::NoSsid);
    }
    network.base.log.line(Level::Progress, format_args!("In progress"));
    network.base.log_state(format_args!("Associating to {}", Printable(&target.ssid)));
    let turn = network.take_radio().await;
    // The owner may have changed the variables since.
    let fits = |known: &AccessPoint| target.is(known) && target.allows(known);
    let known = network.known.borrow().clone().filter(fits);
    let access_point = match known {
        Some(known) => known,
        None => probe(network, &turn, target).await?,
    };
    associate(network, &access_point, &target.passkey).await?;
    network.known.replace(Some(access_point));
    Ok(turn)
}

/// Searches for the network; of the access points that are secure enough, takes the strongest.
async fn probe(network: &Network, turn: &RadioTurn<'_>, target: &Target) -> Result<AccessPoint, JoinError> {
    let port = network.base.port;
    scan::in_turn(network, turn, Some(&target.ssid)).await?;
    let (mut best, mut error) = (None::<AccessPoint>, JoinError::NotFound);
    let found = (0..).map_while(|index| port.radio().scan_result(index));
    for candidate in found.filter(|candidate| target.is(candidate)) {
        if !target.allows(&candidate) {
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

async fn associate(network: &Network, access_point: &AccessPoint, passkey: &[u8]) -> Result<(), JoinError> {
    let variables = &network.base.variables;
    if access_point.security != Security::Open && passkey.is_empty() {
        return Err(JoinError::NoPasskey);
    }
    let limit = Duration::from_millis(variables.number(TIMEOUT).max(1) as u64);
    let mut error = JoinError::Failed;
    for _ in 0..variables.number(RETRIES).max(1) {
        let request = JoinRequest { access_point, passkey };
        if network.base.port.radio().join(&request).is_ok() {
            let ended = radio(network, Interface::Wlan, |state| match state.link {
                Link::Joined => Some(Ok(())),
                Link::Refused => Some(Err(JoinError::Refused)),
                Link::Failed | Link::Down => Some(Err(JoinError::Failed)),
                Link::Joining => None,
            });
            let ended = with_timeout(limit, ended).await;
            network.radio_answered(ended.is_ok());
            error = match ended {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => JoinError::Failed,
            };
        }
        network.base.port.radio().leave();
    }
    Err(error)
}

/// Passes `wlan.dhcp.hostname` to the radio.
fn tell_host_name(network: &Network) {
    let mac = network.base.port.board().mac();
    let name: Vec<u8, 64> = network.base.variables.with(HOST_NAME, |name| expand_name(mac, name));
    network.base.port.radio().set_host_name(core::str::from_utf8(&name).unwrap_or_default());
}

async fn address(network: &Network) -> Result<Ipv4Config, JoinError> {
    let variables = &network.base.variables;
    let fixed = if variables.flag(DHCP) {
        network.base.log.line(Level::Detail, format_args!("Obtaining IPv4 address via DHCP"));
        tell_host_name(network);
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
    let given = radio(network, Interface::Wlan, |state| match (state.link, state.ipv4) {
        (Link::Joined, Some(config)) if config.address != Ipv4Addr::UNSPECIFIED => Some(Ok(config)),
        (Link::Joined, _) => None,
        _ => Some(Err(JoinError::Failed)),
    });
    with_timeout(limit, given).await.unwrap_or(Err(JoinError::NoAddress))
}
