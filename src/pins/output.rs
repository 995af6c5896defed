//! One pin that is driven.

use core::cell::Cell;

use crate::base::Base;
use crate::ground::PinUse;
use crate::port::{Direction, Port, Result};

/// A place for a pin that shows something.
#[derive(Default)]
pub(super) struct Output {
    pin: Cell<Option<u8>>,
    level: Cell<bool>,
}

impl Output {
    /// The pin that it drives.
    pub fn pin(&self) -> Option<u8> {
        self.pin.get()
    }

    /// Takes a free pin.
    pub fn take(&self, base: &Base, pin: u8, level: bool) -> Result<()> {
        base.port.pins().pin_direction(pin, Direction::Output(level))?;
        base.pin_uses.set(pin, PinUse::Function);
        self.pin.set(Some(pin));
        self.level.set(level);
        Ok(())
    }

    /// Releases the pin.
    pub fn release(&self, base: &Base) {
        if let Some(pin) = self.pin.take() {
            base.pin_uses.set(pin, PinUse::Free);
            // A pin that was an output can be released.
            let _ = base.port.pins().pin_direction(pin, Direction::Released);
        }
    }

    /// Sets the level; returns whether that changed it. Without a pin nothing happens.
    pub fn set(&self, port: &dyn Port, level: bool) -> bool {
        let Some(pin) = self.pin.get().filter(|_| self.level.get() != level) else { return false };
        self.level.set(level);
        // It is an output since it was taken.
        let _ = port.pins().pin_write(pin, level);
        true
    }
}
