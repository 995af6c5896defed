//! The contract with the pins of a board: direction, level, edges.

use super::{PortError, Pulse, Result};

/// What pulls an input that nothing drives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pull {
    /// Nothing.
    #[default]
    None,
    /// A resistor to the supply.
    Up,
    /// A resistor to ground.
    Down,
}

/// What a pin does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Nothing: it floats.
    #[default]
    Released,
    /// Its level is read.
    Input(Pull),
    /// It is driven, with this level at the start.
    Output(bool),
    /// It is pulled low, or, with level `true`, left to the resistor and to other devices: for several devices on one
    /// wire.
    OpenDrain {
        /// The level at the start.
        level: bool,
        /// What pulls it when no device drives it low.
        pull: Pull,
    },
}

/// What drives the wire of a simulated pin from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// Nothing.
    #[default]
    Open,
    /// A level is driven.
    Level(bool),
    /// It has a voltage, in millivolts.
    Voltage(u16),
}

/// What the device does at the wire of a simulated pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driven {
    /// Nothing.
    Open,
    /// It drives this level.
    Level(bool),
    /// It sends pulses.
    Pulse(Pulse),
    /// It outputs this fraction of the DAC's full scale: 65535 is all.
    Part(u16),
}

/// The pins, by the numbers of the command language, below [`crate::limits::GPIOS`]. A level is that of the wire:
/// `true` is high, whatever lamp or button is connected.
pub trait Pins {
    /// Whether there is a pin of that number.
    fn has_pin(&self, pin: u8) -> bool;
    /// Sets what a pin does. `NotFound` where there is no such pin, `Unsupported` where it cannot do that.
    fn pin_direction(&self, pin: u8, direction: Direction) -> Result<()>;
    /// Sets the level of an output, open drain or not; `NotFound` for a pin that is not an output.
    fn pin_write(&self, pin: u8, level: bool) -> Result<()>;
    /// The level of an input, the level that an output drives, or the level of the wire of an open drain; `NotFound`
    /// for any other pin.
    fn pin_read(&self, pin: u8) -> Result<bool>;
    /// Starts or stops recording the edges of an input. Boards can do that for a few pins at a time.
    fn pin_watch(&self, pin: u8, watched: bool) -> Result<()>;
    /// The watched inputs that have had an edge since the last call: pin `n` is bit `n`. [`super::Event::Pins`] signals
    /// them.
    fn pin_edges(&self) -> u64;
    /// Drives the wire of a simulated pin from outside. Real boards keep the default: there, people do it.
    fn pin_outside(&self, _pin: u8, _outside: Outside) -> Result<()> {
        Err(PortError::Unsupported)
    }
    /// What the device does at the wire of a simulated pin.
    fn pin_driven(&self, _pin: u8) -> Result<Driven> {
        Err(PortError::Unsupported)
    }
}

// One bit per pin.
const _: () = assert!(crate::limits::GPIOS as u32 <= u64::BITS);

/// The pins of a port that has none.
pub struct NoPins;

impl Pins for NoPins {
    fn has_pin(&self, _pin: u8) -> bool {
        false
    }

    fn pin_direction(&self, _pin: u8, _direction: Direction) -> Result<()> {
        Err(PortError::NotFound)
    }

    fn pin_write(&self, _pin: u8, _level: bool) -> Result<()> {
        Err(PortError::NotFound)
    }

    fn pin_read(&self, _pin: u8) -> Result<bool> {
        Err(PortError::NotFound)
    }

    fn pin_watch(&self, _pin: u8, _watched: bool) -> Result<()> {
        Err(PortError::NotFound)
    }

    fn pin_edges(&self) -> u64 {
        0
    }
}
