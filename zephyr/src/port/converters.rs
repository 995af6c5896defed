//! The converters of the board: those that its devicetree names.

use openzentri::port::{Converters, Pulse, Result};

use crate::shim::converters;

/// The converters.
pub struct ZephyrConverters;

impl Converters for ZephyrConverters {
    fn adc_sample(&self, pin: u8, reference: u16) -> Result<u16> {
        converters::sample(pin, reference)
    }

    fn dac_level(&self, pin: u8, level: u16) -> Result<()> {
        converters::level(pin, level)
    }

    fn pwm_pulse(&self, pin: u8, pulse: Option<Pulse>) -> Result<()> {
        converters::pulse(pin, pulse)
    }
}
