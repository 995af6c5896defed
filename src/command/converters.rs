//! `adc_take_sample`, `dac_set_level`, `pwm_update` (interface, commands/README, serial 12).

use core::fmt::Write;

use super::call::Call;
use super::response::{CommandError, Ending};
use crate::port::Pulse;

/// A second, in nanoseconds.
const SECOND: u32 = 1_000_000_000;
/// A duty of 100 %: hundredths of a percent.
const FULL_DUTY: u32 = 10_000;

/// `adc_take_sample <gpio>`: the answer is in millivolts.
pub(super) fn sample(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let pins = call.machine.pins;
    let voltage = pins.sample(pins.named(call.argument(0)?)?)?;
    let _ = write!(call.reply, "{voltage}");
    Ok(Ending::Text)
}

/// `dac_set_level <gpio> <millivolts>|stop`
pub(super) fn set_level(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let pins = call.machine.pins;
    let pin = pins.named(call.argument(0)?)?;
    let voltage = match call.argument(1)? {
        b"stop" => None,
        _ => Some(call.number(1, u16::MAX.into())? as u16),
    };
    pins.set_voltage(pin, voltage)?;
    Ok(Ending::SetOk)
}

/// `pwm_update <gpio> <duty> <frequency>|stop`
pub(super) fn pulse(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let pins = call.machine.pins;
    let pin = pins.named(call.argument(0)?)?;
    if call.argument(1)? == b"stop" {
        call.at_most(2)?;
        pins.pulse(pin, None)?;
        return Ok(Ending::SetOk);
    }
    let pulse = pulse_of(call.number(1, SECOND)?, call.number(2, SECOND)?).ok_or(CommandError::Invalid)?;
    pins.pulse(pin, Some(pulse))?;
    Ok(Ending::SetOk)
}

/// The pulse of a duty and a frequency in hertz. If the first cannot be a duty, they are taken in the other order.
fn pulse_of(first: u32, second: u32) -> Option<Pulse> {
    let (duty, frequency) = if first > FULL_DUTY { (second, first) } else { (first, second) };
    let period = SECOND.checked_div(frequency).filter(|_| duty <= FULL_DUTY)?;
    // It is not more than the period.
    let width = (u64::from(period) * u64::from(duty) / u64::from(FULL_DUTY)) as u32;
    Some(Pulse { period, width })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_duty_comes_before_the_frequency_unless_it_cannot_be_one() {
        let pulse = |period, width| Some(Pulse { period, width });
        assert_eq!(pulse_of(5_000, 50), pulse(20_000_000, 10_000_000));
        assert_eq!(pulse_of(10_000, 1), pulse(SECOND, SECOND));
        assert_eq!(pulse_of(0, 1_000), pulse(1_000_000, 0));
        assert_eq!(pulse_of(20_000, 2_500), pulse(50_000, 12_500));
        assert_eq!(pulse_of(20_000, 10_001), None);
        assert_eq!(pulse_of(5_000, 0), None);
        assert_eq!(pulse_of(5_000, SECOND), pulse(1, 0));
    }

    proptest! {
        #[test]
        fn no_pulse_is_wider_than_its_period(first in 0..=SECOND, second in 0..=SECOND) {
            if let Some(Pulse { period, width }) = pulse_of(first, second) {
                prop_assert!(period >= 1 && width <= period);
            }
        }
    }
}
