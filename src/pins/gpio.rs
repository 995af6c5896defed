//! Pins that belong to the host: `gpio_dir`, `gpio_get`, `gpio_set` and their forms for several pins, `gpio.init`,
//! `gpio.sleep`.
//!
//! A pin that belongs to a function is refused, even for reading; the log says which function (interface,
//! commands/README, serial 12).

use core::fmt;

use embassy_futures::select::select;

use super::room::Pins;
use crate::ground::PinUse;
use crate::limits;
use crate::log::Level;
use crate::port::{Direction, Driven, Outside, PortError, Pull};
use crate::variable::{Id, direction_of, direction_of_digit, direction_word, id, pin_owner};

const INIT: Id = id("gpio.init");
const SLEEP: Id = id("gpio.sleep");

/// Why a pin could not be used. The log has the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinError {
    /// The board has no such pin, or the word names no pin.
    Invalid,
    /// It has another use, or cannot do that.
    Refused,
}

impl Pins {
    /// The pin that a word names, by its number or `gpio.alias`.
    pub fn named(&self, word: &[u8]) -> Result<u8, PinError> {
        let pin = self.base.variables.gpio(word).ok_or(PinError::Invalid)?;
        if !self.base.port.pins().has_pin(pin) {
            self.say(format_args!("GPIO {pin} does not exist on this board"));
            return Err(PinError::Invalid);
        }
        Ok(pin)
    }

    /// Logs why a pin could not be used.
    pub(super) fn say(&self, text: fmt::Arguments<'_>) {
        self.base.log.line(Level::Failure, text);
    }

    pub(super) fn failed(&self, pin: u8, error: PortError) -> PinError {
        self.say(format_args!("GPIO {pin} not available ({error})"));
        PinError::Refused
    }

    /// Refuses a pin that does not belong to the host.
    fn check(&self, pin: u8) -> Result<(), PinError> {
        let Some(owner) = pin_owner(self.base, pin) else { return Ok(()) };
        self.say(format_args!("GPIO {pin} is in use: {owner}"));
        Err(PinError::Refused)
    }

    /// Refuses a pin that is neither free nor in this use.
    pub(super) fn check_for(&self, pin: u8, usage: PinUse) -> Result<(), PinError> {
        match self.base.pin_uses.of(pin) {
            PinUse::Gpio(direction) => {
                self.say(format_args!("GPIO {pin} is in use: GPIO {}", direction_word(direction)));
                Err(PinError::Refused)
            }
            present if present == usage && usage != PinUse::Free => Ok(()),
            _ => self.check(pin),
        }
    }

    /// The direction of a pin that belongs to the host.
    fn present(&self, pin: u8) -> Result<Direction, PinError> {
        self.check(pin)?;
        match self.base.pin_uses.of(pin) {
            PinUse::Gpio(direction) => Ok(direction),
            _ => Ok(Direction::Released),
        }
    }

    /// `gpio_dir`: gives a pin a direction, or releases it.
    pub fn direct(&self, pin: u8, direction: Direction) -> Result<(), PinError> {
        self.check(pin)?;
        self.put(pin, direction)
    }

    /// Gives a direction to a pin that was checked.
    fn put(&self, pin: u8, direction: Direction) -> Result<(), PinError> {
        self.base.port.pins().pin_direction(pin, direction).map_err(|error| self.failed(pin, error))?;
        let usage = if direction == Direction::Released { PinUse::Free } else { PinUse::Gpio(direction) };
        self.base.pin_uses.set(pin, usage);
        Ok(())
    }

    /// `gpio_get`: the level of a pin. One without a direction becomes an input.
    pub fn level(&self, pin: u8) -> Result<bool, PinError> {
        if self.present(pin)? == Direction::Released {
            self.put(pin, Direction::Input(Pull::None))?;
        }
        self.base.port.pins().pin_read(pin).map_err(|error| self.failed(pin, error))
    }

    /// The level of a pin, whatever its owner; `None` for a pin without a level. Changes nothing and logs nothing.
    pub fn peek(&self, pin: u8) -> Option<bool> {
        self.base.port.pins().pin_read(pin).ok()
    }

    /// `gpio_set`: drives a pin. One without a direction becomes an output.
    pub fn drive(&self, pin: u8, level: bool) -> Result<(), PinError> {
        match self.present(pin)? {
            Direction::Released => self.put(pin, Direction::Output(level)),
            Direction::Input(_) => {
                self.say(format_args!("GPIO {pin} is an input"));
                Err(PinError::Refused)
            }
            Direction::Output(_) | Direction::OpenDrain { .. } => {
                self.base.port.pins().pin_write(pin, level).map_err(|error| self.failed(pin, error))
            }
        }
    }

    /// `gpios_get`: a digit for each pin from 0 on, its level; 0 for one that has none.
    pub fn levels(&self) -> impl Iterator<Item = u8> {
        let pins = self.base.port.pins();
        let count = (0..limits::GPIOS).rev().find(|pin| pins.has_pin(*pin)).map_or(0, |last| last + 1);
        (0..count).map(move |pin| b'0' + u8::from(pins.pin_read(pin) == Ok(true)))
    }

    /// `gpios_dir`: a digit for each pin from 0 on, its direction; `x` leaves a pin alone. If one pin is refused,
    /// nothing changes.
    pub fn direct_all(&self, digits: &[u8]) -> Result<(), PinError> {
        for (pin, digit) in self.listed(digits)? {
            direction_of_digit(digit).ok_or(PinError::Invalid)?;
            self.check(pin)?;
        }
        for (pin, digit) in self.listed(digits)? {
            self.put(pin, direction_of_digit(digit).ok_or(PinError::Invalid)?)?;
        }
        Ok(())
    }

    /// `gpios_set`: a digit for each pin from 0 on, its level; `x` leaves a pin alone. If one pin is refused, nothing
    /// changes.
    pub fn drive_all(&self, digits: &[u8]) -> Result<(), PinError> {
        for (pin, digit) in self.listed(digits)? {
            if !matches!(digit, b'0' | b'1') {
                return Err(PinError::Invalid);
            }
            if let Direction::Input(_) = self.present(pin)? {
                self.say(format_args!("GPIO {pin} is an input"));
                return Err(PinError::Refused);
            }
        }
        self.listed(digits)?.try_for_each(|(pin, digit)| self.drive(pin, digit == b'1'))
    }

    /// The pins that a list of digits names, which must all exist.
    fn listed<'a>(&self, digits: &'a [u8]) -> Result<impl Iterator<Item = (u8, u8)> + use<'a>, PinError> {
        let named = || (0u8..).zip(digits.iter().copied()).filter(|(_, digit)| !matches!(digit, b'x' | b'X'));
        if digits.len() > usize::from(limits::GPIOS) {
            return Err(PinError::Invalid);
        }
        let pins = self.base.port.pins();
        if let Some((pin, _)) = named().find(|(pin, _)| !pins.has_pin(*pin)) {
            self.say(format_args!("GPIO {pin} does not exist on this board"));
            return Err(PinError::Invalid);
        }
        Ok(named())
    }

    /// Puts something at the wire of a simulated pin.
    pub fn outside(&self, pin: u8, outside: Outside) -> Result<(), PinError> {
        self.base.port.pins().pin_outside(pin, outside).map_err(|error| self.failed(pin, error))
    }

    /// What the device does at the wire of a simulated pin.
    pub fn driven(&self, pin: u8) -> Result<Driven, PinError> {
        self.base.port.pins().pin_driven(pin).map_err(|error| self.failed(pin, error))
    }

    /// Gives each free pin the direction of `gpio.init`.
    pub(super) fn init_gpios(&self) {
        for pin in 0..limits::GPIOS {
            let value = self.base.variables.at(INIT, pin);
            let direction = direction_of(&value).unwrap_or_default();
            if direction == Direction::Released {
                continue;
            }
            if self.base.pin_uses.of(pin) != PinUse::Free {
                self.say(format_args!("GPIO {pin} is in use: no gpio.init"));
            } else if let Err(error) = self.base.port.pins().pin_direction(pin, direction) {
                self.say(format_args!("GPIO {pin} not available: no gpio.init ({error})"));
            } else {
                self.base.pin_uses.set(pin, PinUse::Gpio(direction));
            }
        }
    }

    /// Waits for an edge of one of these pins, whether or not another task follows pins: pin `n` is bit `n`.
    pub async fn any_edge(&self, pins: u64) {
        let come = async {
            loop {
                self.edges.come(self.base.port).await;
            }
        };
        select(self.edges.any(pins), come).await;
    }

    /// The device goes to sleep: each pin that `gpio.sleep` names goes into the state given there, whatever its owner.
    /// Waking is a start, which gives the pins their functions and `gpio.init` again.
    pub fn fall_asleep(&self) {
        self.asleep.set(true);
        for pin in 0..limits::GPIOS {
            let direction = match &*self.base.variables.at(SLEEP, pin) {
                b"input_highz" => Direction::Input(Pull::None),
                b"input_pull_up" => Direction::Input(Pull::Up),
                b"input_pull_down" => Direction::Input(Pull::Down),
                b"output_low" => Direction::Output(false),
                b"output_high" => Direction::Output(true),
                _ => continue,
            };
            if let Err(error) = self.base.port.pins().pin_direction(pin, direction) {
                self.failed(pin, error);
            }
        }
    }
}
