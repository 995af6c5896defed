//! Several devices in one network and one time.

use std::vec::Vec;

use embassy_time::Duration;

use super::super::host::set_virtual_time;
use super::{SimDevice, SimPort};

/// Settings of a device: see [`SimDevice::boot`].
type Settings = &'static [(&'static str, &'static str)];

/// The devices. Datagrams go from one to the other; connections do not. None may restart: time would begin anew.
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

    /// Lets all come to rest; answers how many microseconds later something will happen.
    fn settle(&mut self) -> Option<u64> {
        loop {
            let next = self.devices.iter_mut().filter_map(SimDevice::settle).min();
            let now = embassy_time_driver::now();
            // One may have sent something to another that had come to rest before.
            let is_due = |device: &SimDevice| device.port().next_action().is_some_and(|at| at <= now);
            if !self.devices.iter().any(is_due) {
                return next;
            }
        }
    }

    /// Lets time pass until `condition` holds or `limit` is over, and answers whether it holds.
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

    /// Lets time pass.
    pub fn advance(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }
}
