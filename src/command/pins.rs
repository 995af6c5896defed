//! `gpio_dir`, `gpio_get`, `gpio_set` and their forms for several pins (interface, commands/README, serial 12).

use core::fmt::Write;

use super::call::Call;
use super::response::{CommandError, Ending};
use crate::pins::PinError;
use crate::port::{Driven, Outside};
use crate::variable::pin_direction;

impl From<PinError> for CommandError {
    fn from(error: PinError) -> Self {
        match error {
            PinError::Invalid => Self::Invalid,
            PinError::Refused => Self::Failed,
        }
    }
}

/// `gpio_dir <gpio> <direction> [<level>]`
pub(super) fn direct(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let pins = call.machine.pins;
    let pin = pins.named(call.argument(0)?)?;
    let level = if call.count() > 2 { Some(call.argument(2)?) } else { None };
    pins.direct(pin, pin_direction(call.argument(1)?, level)?)?;
    Ok(Ending::SetOk)
}

/// `gpio_get <gpio>`
pub(super) fn get(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let pins = call.machine.pins;
    let level = pins.level(pins.named(call.argument(0)?)?)?;
    call.reply.put(if level { b"1" } else { b"0" });
    Ok(Ending::Text)
}

/// `gpio_set <gpio> 0|1`
pub(super) fn set(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let pins = call.machine.pins;
    let pin = pins.named(call.argument(0)?)?;
    pins.drive(pin, call.number(1, 1)? == 1)?;
    Ok(Ending::SetOk)
}

/// `gpios_dir <digits>`
pub(super) fn direct_all(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    call.machine.pins.direct_all(call.argument(0)?)?;
    Ok(Ending::SetOk)
}

/// `gpios_get`
pub(super) fn get_all(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    for digit in call.machine.pins.levels() {
        call.reply.put(&[digit]);
    }
    Ok(Ending::Text)
}

/// `gpios_set <digits>`
pub(super) fn set_all(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    call.machine.pins.drive_all(call.argument(0)?)?;
    Ok(Ending::SetOk)
}

/// `simulate <gpio> [low|high|open|<millivolts>]`: what somebody does at the wire of a simulated pin, or what the
/// device does there.
pub(super) fn simulate(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let pins = call.machine.pins;
    let pin = pins.named(call.argument(0)?)?;
    if call.count() == 1 {
        let _ = match pins.driven(pin)? {
            Driven::Open => write!(call.reply, "open"),
            Driven::Level(level) => write!(call.reply, "{}", if level { "high" } else { "low" }),
            Driven::Pulse(pulse) => write!(call.reply, "{} of {} ns", pulse.width, pulse.period),
            Driven::Part(part) => write!(call.reply, "{part} of 65535"),
        };
        return Ok(Ending::Text);
    }
    let outside = match call.argument(1)? {
        b"open" => Outside::Open,
        b"low" => Outside::Level(false),
        b"high" => Outside::Level(true),
        _ => Outside::Voltage(call.number(1, u16::MAX.into())? as u16),
    };
    pins.outside(pin, outside)?;
    Ok(Ending::Success)
}
