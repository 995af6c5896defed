//! One pin that is driven.

use core::cell::Cell;

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

    /// Takes a pin, which nobody has.
    pub fn take(&self, port: &dyn Port, pin: u8, level: bool) -> Result<()> {
        port.pins().pin_direction(pin, Direction::Output(level))?;
        self.pin.set(Some(pin));
        self.level.set(level);
        Ok(())
    }

    /// Lets the pin go.
    pub fn release(&self, port: &dyn Port) {
        if let Some(pin) = self.pin.take() {
            // What was an output can be let go.
            let _ = port.pins().pin_direction(pin, Direction::Released);
        }
    }

    /// Sets the level; whether it was another one before. Without a pin nothing happens.
    pub fn set(&self, port: &dyn Port, level: bool) -> bool {
        let Some(pin) = self.pin.get().filter(|_| self.level.get() != level) else { return false };
        self.level.set(level);
        // It is an output since it was taken.
        let _ = port.pins().pin_write(pin, level);
        true
    }
}
