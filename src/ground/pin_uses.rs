//! The current use of each pin. The variables say which function shall have a pin; this table says which use it has
//! since boot, or by a command.

use core::cell::Cell;

use crate::limits;
use crate::port::Direction;

/// What a pin is used for now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PinUse {
    /// Nothing.
    #[default]
    Free,
    /// A function that a variable has given it.
    Function,
    /// Commands and the host: `gpio_dir`, `gpio.init`.
    Gpio(Direction),
    /// Pulses of `pwm_update`.
    Pwm,
    /// A voltage of `dac_set_level`.
    Dac,
    /// It selects a device on SPI.
    Select,
}

/// The pins in use.
pub struct PinUses([Cell<PinUse>; limits::GPIOS as usize]);

impl Default for PinUses {
    fn default() -> Self {
        Self([const { Cell::new(PinUse::Free) }; limits::GPIOS as usize])
    }
}

impl PinUses {
    /// What a pin is used for.
    pub fn of(&self, pin: u8) -> PinUse {
        self.0.get(usize::from(pin)).map_or(PinUse::Free, Cell::get)
    }

    /// A pin has another use from now on.
    pub fn set(&self, pin: u8, usage: PinUse) {
        if let Some(place) = self.0.get(usize::from(pin)) {
            place.set(usage);
        }
    }
}
