//! Analogue inputs and outputs, and pulses of a given width: `adc_take_sample`, `dac_set_level`, `pwm_update`; and the
//! pins that select a device on SPI.

use super::gpio::PinError;
use super::room::Pins;
use crate::features;
use crate::ground::{PinUse, Select};
use crate::port::{Direction, PortError, Pulse};
use crate::variable::{Id, id, pin_owner};

const REFERENCE: Id = id("system.adc.vref");
const SELECT: Id = id("spi.master.active_gpio");
const SELECT_LEVEL: Id = id("spi.master.active_level");

/// The full scale of a DAC.
const FULL_SCALE: u32 = 65_535;

impl Pins {
    /// `adc_take_sample`: the voltage at a pin that is in no other use, in millivolts.
    pub fn sample(&self, pin: u8) -> Result<u16, PinError> {
        self.check_for(pin, PinUse::Free)?;
        let sample = self.base.port.converters().adc_sample(pin, self.reference());
        sample.map_err(|error| self.cannot(pin, "ADC", error))
    }

    /// As [`Pins::sample`], but logs nothing.
    pub fn peek_voltage(&self, pin: u8) -> Option<u16> {
        let is_free = self.base.pin_uses.of(pin) == PinUse::Free && pin_owner(self.base, pin).is_none();
        let sample = || self.base.port.converters().adc_sample(pin, self.reference()).ok();
        (features::CONVERTERS && is_free).then(sample).flatten()
    }

    /// The reference of the converters, in millivolts.
    fn reference(&self) -> u16 {
        self.base.variables.number(REFERENCE).try_into().unwrap_or(u16::MAX)
    }

    /// `dac_set_level`: sets a pin to a voltage in millivolts; `None` ends the output.
    pub fn set_voltage(&self, pin: u8, voltage: Option<u16>) -> Result<(), PinError> {
        self.check_for(pin, PinUse::Dac)?;
        let (voltage, reference) = (voltage.unwrap_or(0), voltage.map(|_| self.reference()));
        if reference.is_some_and(|reference| voltage > reference) {
            return Err(PinError::Invalid);
        }
        let level = u32::from(voltage) * FULL_SCALE / u32::from(reference.unwrap_or(1).max(1));
        let set = self.base.port.converters().dac_level(pin, level as u16);
        set.map_err(|error| self.cannot(pin, "DAC", error))?;
        self.base.pin_uses.set(pin, if reference.is_some() { PinUse::Dac } else { PinUse::Free });
        Ok(())
    }

    /// `pwm_update`: starts pulses at a pin; `None` ends them.
    pub fn pulse(&self, pin: u8, pulse: Option<Pulse>) -> Result<(), PinError> {
        self.check_for(pin, PinUse::Pwm)?;
        let set = self.base.port.converters().pwm_pulse(pin, pulse);
        set.map_err(|error| self.cannot(pin, "PWM", error))?;
        self.base.pin_uses.set(pin, if pulse.is_some() { PinUse::Pwm } else { PinUse::Free });
        Ok(())
    }

    /// Takes the pin that selects a device on SPI: the given one, or that of `spi.master.active_gpio`.
    pub fn take_select(&self, pin: Option<u8>) -> Result<Option<Select>, PinError> {
        let named = u8::try_from(self.base.variables.number(SELECT)).ok();
        let Some(pin) = pin.or(named) else { return Ok(None) };
        // The variable gives its pin to exactly this use.
        if named != Some(pin) || self.base.pin_uses.of(pin) != PinUse::Free {
            self.check_for(pin, PinUse::Free)?;
        }
        let select = Select::new(pin, self.base.variables.number(SELECT_LEVEL) == 1);
        let rest = Direction::Output(select.rest());
        self.base.port.pins().pin_direction(pin, rest).map_err(|error| self.failed(pin, error))?;
        self.base.pin_uses.set(pin, PinUse::Select);
        Ok(Some(select))
    }

    /// Logs what a pin cannot do.
    fn cannot(&self, pin: u8, what: &str, error: PortError) -> PinError {
        match error {
            PortError::NotFound | PortError::Unsupported => {
                self.say(format_args!("GPIO {pin} has no {what}"));
                PinError::Refused
            }
            error => self.failed(pin, error),
        }
    }
}
