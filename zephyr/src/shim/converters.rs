//! The part of the shim for converters (`zephyr/shim/converters.c`).

use openzentri::port::{Pulse, Result};

use super::{done, result};

mod raw {
    unsafe extern "C" {
        pub safe fn oz_adc_sample(pin: u8, reference: u16) -> i32;
        pub safe fn oz_dac_level(pin: u8, level: u16) -> i32;
        pub safe fn oz_pwm_pulse(pin: u8, period: u32, width: u32) -> i32;
    }
}

pub fn sample(pin: u8, reference: u16) -> Result<u16> {
    result(raw::oz_adc_sample(pin, reference)).map(|voltage| voltage as u16)
}

pub fn level(pin: u8, level: u16) -> Result<()> {
    done(raw::oz_dac_level(pin, level))
}

pub fn pulse(pin: u8, pulse: Option<Pulse>) -> Result<()> {
    let Pulse { period, width } = pulse.unwrap_or(Pulse { period: 0, width: 0 });
    done(raw::oz_pwm_pulse(pin, period, width))
}
