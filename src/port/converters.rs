//! The contract with the converters of a board: analogue inputs and outputs, and pulse width modulation.

use super::{PortError, Result};

/// A repeated pulse, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// From the start of one pulse to the next; at least 1.
    pub period: u32,
    /// How long the pin is high; at most the period.
    pub width: u32,
}

/// The converters, named by their pins. The board decides which pins have converters: `NotFound` for all others.
pub trait Converters {
    /// The voltage at a pin in millivolts. `reference` is the ADC's reference in millivolts, for ports that do not know
    /// it. The call must not take longer than a millisecond.
    fn adc_sample(&self, _pin: u8, _reference: u16) -> Result<u16> {
        Err(PortError::Unsupported)
    }
    /// Sets the voltage of a pin as a fraction of its DAC's full scale: 0 is none, 65535 all.
    fn dac_level(&self, _pin: u8, _level: u16) -> Result<()> {
        Err(PortError::Unsupported)
    }
    /// Starts, changes or, with `None`, stops the pulses at a pin.
    fn pwm_pulse(&self, _pin: u8, _pulse: Option<Pulse>) -> Result<()> {
        Err(PortError::Unsupported)
    }
}

/// The converters of a port that has none.
pub struct NoConverters;

impl Converters for NoConverters {}
