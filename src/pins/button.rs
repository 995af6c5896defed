//! The set-up button: `setup.gpio.control_gpio`.

use embassy_time::{Duration, Timer, with_timeout};

use super::room::Pins;
use crate::ground::PinUse;
use crate::log::Level;
use crate::port::{Direction, Pull, Result};
use crate::variable::{Id, id};

const LEVEL: Id = id("setup.gpio.level");

/// How long it must be held from the reset on.
const HOLD: Duration = Duration::from_secs(3);
/// How long a resistor may take to pull the wire.
const SETTLE: Duration = Duration::from_millis(1);

impl Pins {
    /// Whether the set-up button is held at the start; answers as soon as that is known.
    pub async fn is_button_held(&self) -> bool {
        let Some(pin) = self.button.get() else { return false };
        let held = self.hold(pin).await;
        self.base.pin_uses.set(pin, PinUse::Free);
        // It may not have been an input at all.
        let _ = self.base.port.pins().pin_direction(pin, Direction::Released);
        held.unwrap_or_else(|error| {
            let text = format_args!("GPIO {pin} not available: no setup.gpio.control_gpio ({error})");
            self.base.log.line(Level::Failure, text);
            false
        })
    }

    async fn hold(&self, pin: u8) -> Result<bool> {
        let pins = self.base.port.pins();
        let active = self.base.variables.number(LEVEL) == 1;
        let pull = if active { Pull::Down } else { Pull::Up };
        pins.pin_direction(pin, Direction::Input(pull))?;
        Timer::after(SETTLE).await;
        self.edges.forget(pin);
        pins.pin_watch(pin, true)?;
        if pins.pin_read(pin)? != active {
            return Ok(false);
        }
        Ok(with_timeout(HOLD - SETTLE, self.edges.edge(pin)).await.is_err())
    }
}
