//! Names and echoes (networking reference 10).

use core::net::Ipv4Addr;

use embassy_time::{Duration, with_timeout};

use super::Network;
use crate::log::Level;
use crate::port::{self, Interface, JobOutput};

/// How long a look-up may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an echo reply may take, in milliseconds.
const PING_TIMEOUT: u32 = 3000;

/// The name has no address, or nobody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupError;

/// Resolves a host name; a dotted address is taken as it is. Logs `Resolving host: …` in both cases, as the original.
pub async fn resolve(network: &Network, interface: Interface, host: &str) -> Result<Ipv4Addr, LookupError> {
    network.base.log.line(Level::Progress, format_args!("Resolving host: {host}"));
    address_of(network, interface, host).await
}

/// The same without the log line: HTTP requests do not print it (HTTP reference 7.2).
pub async fn address_of(network: &Network, interface: Interface, host: &str) -> Result<Ipv4Addr, LookupError> {
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    let port = network.base.port;
    let job = port.sockets().lookup(interface, host).map_err(|_| LookupError)?;
    match with_timeout(LOOKUP_TIMEOUT, port::job(port, job)).await {
        Ok(Ok(JobOutput::Address(address))) => Ok(address),
        _ => Err(LookupError),
    }
}

/// Sends one echo request and answers the round-trip time in milliseconds.
pub async fn ping(network: &Network, interface: Interface, address: Ipv4Addr) -> Result<u32, LookupError> {
    let port = network.base.port;
    let job = port.sockets().ping(interface, address, PING_TIMEOUT).map_err(|_| LookupError)?;
    let limit = Duration::from_millis(u64::from(PING_TIMEOUT) + 500);
    match with_timeout(limit, port::job(port, job)).await {
        Ok(Ok(JobOutput::RoundTrip(millis))) => Ok(millis),
        _ => Err(LookupError),
    }
}
