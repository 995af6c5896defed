//! TCP connections as `tcp.client.*` say (networking reference 4.2).

use core::net::SocketAddrV4;

use embassy_time::{Duration, Timer, with_timeout};

use crate::base::Base;
use crate::port::{self, Interface, PortError, Socket};
use crate::variable::{Id, id};

const CONNECT_TIMEOUT: Id = id("tcp.client.connect_timeout");
const CONNECT_RETRIES: Id = id("tcp.client.retries");
const RETRY_PERIOD: Id = id("tcp.client.retry_period");

/// Connects to a server, trying as often as `tcp.client.retries` says. `local_port` 0 takes a free one.
pub async fn connect_tcp(base: &Base, interface: Interface, local_port: u16, remote: SocketAddrV4) -> Option<Socket> {
    let variables = &base.variables;
    let limit = Duration::from_millis(variables.number(CONNECT_TIMEOUT).max(1) as u64);
    let attempts = variables.number(CONNECT_RETRIES).max(1);
    for attempt in 1..=attempts {
        let connecting = port::connect(base.port, interface, local_port, remote);
        match with_timeout(limit, connecting).await {
            Ok(Ok(socket)) => return Some(socket),
            Ok(Err(PortError::InUse | PortError::Denied | PortError::Unsupported)) => return None,
            Ok(Err(_)) | Err(_) => {}
        }
        if attempt < attempts {
            Timer::after_millis(variables.number(RETRY_PERIOD).max(0) as u64).await;
        }
    }
    None
}
