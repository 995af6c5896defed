//! Names and echoes (interface, network 10).

use core::net::Ipv4Addr;

use embassy_time::{Duration, with_timeout};

use super::interfaces::Network;
use crate::discovery::{Discovery, is_local};
use crate::features::{self, Built, Gate};
use crate::log::Level;
use crate::port::{self, Addresses, Interface};

/// How long a look-up may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an echo reply may take, in milliseconds.
const PING_TIMEOUT: u32 = 3000;

/// The name has no address, or there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupError;

/// The first address of a host name; a dotted address is taken as it is. Logs `Resolving host: …` in both cases, as the
/// original.
pub async fn resolve(network: &Network, interface: Interface, host: &str) -> Result<Ipv4Addr, LookupError> {
    network.base.log.line(Level::Progress, format_args!("Resolving host: {host}"));
    addresses_of(network, interface, host).await?.first().copied().ok_or(LookupError)
}

/// All addresses of a host name; a dotted address is its own. Logs nothing.
pub async fn addresses_of(network: &Network, interface: Interface, host: &str) -> Result<Addresses, LookupError> {
    if let Ok(address) = host.parse() {
        return Ok([address].into_iter().collect());
    }
    // While the device has a name of its own, it first asks the local network for local names (interface, network 6).
    if is_local(host) && network.discovery.interface() == Some(interface) {
        let asked = (network.discovery, interface, host);
        let found = Built::<{ features::DISCOVERY }>::run(asked, resolve_local, |_| None).await;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    let found = with_timeout(LOOKUP_TIMEOUT, port::lookup(network.base.port, interface, host)).await;
    found.ok().and_then(Result::ok).ok_or(LookupError)
}

async fn resolve_local((discovery, interface, host): (&Discovery, Interface, &str)) -> Option<Addresses> {
    discovery.resolve(interface, host).await
}

/// Sends one echo request and answers the round-trip time in milliseconds.
pub async fn ping(network: &Network, interface: Interface, address: Ipv4Addr) -> Result<u32, LookupError> {
    let limit = Duration::from_millis(u64::from(PING_TIMEOUT) + 500);
    let reply = port::ping(network.base.port, interface, address, PING_TIMEOUT);
    with_timeout(limit, reply).await.ok().and_then(Result::ok).ok_or(LookupError)
}
