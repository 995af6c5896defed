//! The pins: the device's outputs, and levels driven from outside.

use std::cell::RefCell;
use std::rc::Rc;
use std::vec::Vec;

use super::SimPort;
use crate::port::{Direction, Outside, Pins as _, PortError};

/// A change of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinChange {
    /// Virtual time in milliseconds.
    pub at: u64,
    /// The pin.
    pub pin: u8,
    /// Its level; `None` when it is no longer driven.
    pub level: Option<bool>,
}

/// The changes that the test has not taken yet.
pub(super) type Changes = Rc<RefCell<Vec<PinChange>>>;

/// Records the changes.
pub(super) fn recorder(changes: &Changes) -> impl Fn(u8, Option<bool>) + 'static {
    let changes = changes.clone();
    move |pin, level| {
        let at = embassy_time_driver::now() / 1000;
        changes.borrow_mut().push(PinChange { at, pin, level });
    }
}

impl SimPort {
    /// The level that the device drives a pin to; `None` when it does not drive it.
    pub fn pin(&self, pin: u8) -> Option<bool> {
        self.pins.driven(pin)
    }

    /// The direction of a pin.
    pub fn pin_direction(&self, pin: u8) -> Direction {
        self.pins.direction(pin)
    }

    /// Takes the changes of outputs since the last call, in their order.
    pub fn pin_changes(&self) -> Vec<PinChange> {
        self.pin_changes.take()
    }

    /// Makes every change of a pin's direction fail with this error.
    pub fn fail_pin(&self, pin: u8, error: PortError) {
        self.pins.fail(pin, error);
    }

    /// Keeps transfers on the buses from ending, or lets them end again.
    pub fn hold_buses(&self, held: bool) {
        self.buses.hold(held);
        self.notify();
    }

    /// Drives a pin from outside, or releases it with `None`. A power cut does not change that.
    pub fn drive_pin(&self, pin: u8, level: Option<bool>) {
        let outside = level.map_or(Outside::Open, Outside::Level);
        // A pin that does not exist has no wire to drive.
        let _ = self.pins.pin_outside(pin, outside);
        self.notify();
    }
}
