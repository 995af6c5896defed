//! Live values: upper rooms publish them, read-only variables show them, so that the variables depend on nothing above.

use core::cell::Cell;
use core::net::Ipv4Addr;

use crate::port::Ipv4Config;

/// The live values of a device.
#[derive(Default)]
pub struct Status {
    /// `wlan.network.status`: 0 down, 1 associated without an address, 2 up, 3 joining.
    pub network: Cell<u8>,
    /// `wlan.join.result` (variables reference 2.1).
    pub join_result: Cell<u8>,
    /// The IPv4 configuration in use.
    pub ipv4: Cell<Option<Ipv4Config>>,
    /// `network.buffer.usage`: percent of the receive and of the transmit buffers in use.
    pub buffer_usage: Cell<(u8, u8)>,
    /// `system.safemode.status`.
    pub safe_mode: Cell<bool>,
}

impl Status {
    /// The address in use, or 0.0.0.0.
    pub fn address(&self) -> Ipv4Addr {
        self.ipv4.get().map_or(Ipv4Addr::UNSPECIFIED, |config| config.address)
    }
}
