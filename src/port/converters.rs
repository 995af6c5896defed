//! The contract with the converters of a board: analogue inputs and outputs, and pulses of a width.

use super::{PortError, Result};

/// A pulse that comes again and again, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// From one to the next; at least 1.
    pub period: u32,
    /// How long it is high; at most the period.
    pub width: u32,
}

/// The converters, by the pins that they are at. Which pins have some is up to the board: `NotFound` for all others.
pub trait Converters {
    /// The voltage at a pin in millivolts. `reference` is that of the ADC in millivolts, for ports that do not know it. What
    /// takes longer than a millisecond must not be done here.
    fn adc_sample(&self, _pin: u8, _reference: u16) -> Result<u16> {
        Err(PortError::Unsupported)
    }
    /// Lets a pin have a voltage, as a part of all that its DAC can give: 0 is nothing, 65535 all.
    fn dac_level(&self, _pin: u8, _level: u16) -> Result<()> {
        Err(PortError::Unsupported)
    }
    /// Begins, changes or, with `None`, ends the pulses at a pin.
    fn pwm_pulse(&self, _pin: u8, _pulse: Option<Pulse>) -> Result<()> {
        Err(PortError::Unsupported)
    }
}

/// The converters of a port that has none.
pub struct NoConverters;

impl Converters for NoConverters {}
