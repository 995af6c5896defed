//! The pins of the board: those that its devicetree names.

use openzentri::port::{Direction, Driven, Outside, Pins, Result};

use crate::shim::pins;

/// The pins.
pub struct ZephyrPins;

impl Pins for ZephyrPins {
    fn has_pin(&self, pin: u8) -> bool {
        pins::exists(pin)
    }

    fn pin_direction(&self, pin: u8, direction: Direction) -> Result<()> {
        pins::direction(pin, direction)
    }

    fn pin_write(&self, pin: u8, level: bool) -> Result<()> {
        pins::write(pin, level)
    }

    fn pin_read(&self, pin: u8) -> Result<bool> {
        pins::read(pin)
    }

    fn pin_watch(&self, pin: u8, watched: bool) -> Result<()> {
        pins::watch(pin, watched)
    }

    fn pin_edges(&self) -> u64 {
        pins::edges()
    }

    fn pin_driven(&self, pin: u8) -> Result<Driven> {
        pins::driven(pin)
    }

    fn pin_outside(&self, pin: u8, outside: Outside) -> Result<()> {
        pins::outside(pin, outside)
    }
}
