//! Counts of traffic.

use core::cell::Cell;

use super::error::Result;
use super::interface::Interface;

/// How often something was received and sent since the start; both counts wrap.
#[derive(Debug, Default)]
pub struct Meter {
    received: Cell<u32>,
    sent: Cell<u32>,
}

impl Meter {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { received: Cell::new(0), sent: Cell::new(0) }
    }

    /// How often bytes were received.
    pub fn received(&self) -> u32 {
        self.received.get()
    }

    /// How often bytes were sent.
    pub fn sent(&self) -> u32 {
        self.sent.get()
    }

    /// Counts the result of a receive call, and returns it. The end of a connection is not counted.
    pub fn receives(&self, result: Result<usize>) -> Result<usize> {
        if matches!(result, Ok(1..)) {
            self.has_received();
        }
        result
    }

    /// Counts the result of a send call, and returns it.
    pub fn sends(&self, result: Result<usize>) -> Result<usize> {
        if matches!(result, Ok(1..)) {
            self.has_sent();
        }
        result
    }

    /// Something was received.
    pub fn has_received(&self) {
        self.received.set(self.received.get().wrapping_add(1));
    }

    /// Something was sent.
    pub fn has_sent(&self) {
        self.sent.set(self.sent.get().wrapping_add(1));
    }
}

/// The meters of the sockets of all interfaces, for ports that count.
#[derive(Debug, Default)]
pub struct Meters {
    wlan: Meter,
    softap: Meter,
}

impl Meters {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { wlan: Meter::new(), softap: Meter::new() }
    }

    /// The meter of an interface.
    pub const fn of(&self, interface: Interface) -> &Meter {
        match interface {
            Interface::Wlan => &self.wlan,
            Interface::SoftAp => &self.softap,
        }
    }
}
