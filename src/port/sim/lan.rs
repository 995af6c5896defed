//! Several devices in one network, with one clock.

use std::vec::Vec;

use embassy_time::Duration;

use super::super::host::set_virtual_time;
use super::{SimDevice, SimPort};

/// Settings of a device: see [`SimDevice::boot`].
type Settings = &'static [(&'static str, &'static str)];

/// The devices. Datagrams pass between them; connections do not. None may restart: that would set the clock to zero.
pub struct SimLan {
    /// In the order of their settings.
    pub devices: Vec<SimDevice>,
}

impl SimLan {
    /// Boots one device for each list of settings, all at time zero.
    pub fn boot(settings: &[Settings]) -> Self {
        let ports: Vec<&'static SimPort> = settings.iter().map(|_| SimPort::new()).collect();
        for (at, port) in ports.iter().enumerate() {
            let others = ports.iter().enumerate().filter(|(other, _)| *other != at);
            port.neighbours.borrow_mut().extend(others.map(|(_, port)| *port));
        }
        let boot = |(port, settings): (&&'static SimPort, &Settings)| SimDevice::boot(port, settings);
        Self { devices: ports.iter().zip(settings).map(boot).collect() }
    }

    /// Lets all devices come to rest; returns the microseconds until something will happen.
    fn settle(&mut self) -> Option<u64> {
        loop {
            let next = self.devices.iter_mut().filter_map(SimDevice::settle).min();
            let now = embassy_time_driver::now();
            // A device may have sent something to another one that had already come to rest.
            let is_due = |device: &SimDevice| device.port().next_action().is_some_and(|at| at <= now);
            if !self.devices.iter().any(is_due) {
                return next;
            }
        }
    }

    /// Advances time until `condition` holds or `limit` is over, and returns whether it holds.
    pub fn run_until(&mut self, limit: Duration, mut condition: impl FnMut(&mut [SimDevice]) -> bool) -> bool {
        let mut left = limit.as_micros();
        loop {
            self.settle();
            if condition(&mut self.devices) {
                return true;
            }
            let step = self.settle().unwrap_or(left).clamp(1, left.max(1));
            if left == 0 {
                return false;
            }
            left -= step;
            set_virtual_time(embassy_time_driver::now() + step);
        }
    }

    /// Advances time.
    pub fn advance(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }
}
