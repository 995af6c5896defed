//! Pins that somebody holds from the reset on: the set-up button (`setup.gpio.control_gpio`), and those of the factory
//! reset (`system.factory_reset.*`; interface, serial 8).

use embassy_futures::join::join;
use embassy_time::{Duration, Timer, with_timeout};

use super::room::Pins;
use crate::ground::PinUse;
use crate::log::Level;
use crate::port::{Direction, Pull, Result};
use crate::variable::{Id, id};

/// A pin that is held, by its variables.
#[derive(Clone, Copy)]
pub(super) struct Held {
    pub gpio: Id,
    level: Id,
    /// How long it must be held from the reset on.
    time: Duration,
}

/// The set-up button.
pub(super) const SETUP: Held =
    Held { gpio: id("setup.gpio.control_gpio"), level: id("setup.gpio.level"), time: Duration::from_secs(3) };
/// The factory reset.
pub(super) const RESET: Held =
    Held { gpio: id("system.factory_reset.gpio"), level: id("system.factory_reset.level"), time: RESET_TIME };
/// The second pin of the factory reset, if it has one.
pub(super) const RESET_AUX: Held =
    Held { gpio: id("system.factory_reset.aux_gpio"), level: id("system.factory_reset.aux_level"), time: RESET_TIME };

const RESET_TIME: Duration = Duration::from_secs(5);
/// How long a resistor may take to pull the wire.
const SETTLE: Duration = Duration::from_millis(1);

impl Pins {
    /// Whether the set-up button is held at the start; returns as soon as that is known.
    pub async fn is_button_held(&self) -> bool {
        let Some(pin) = self.button.get() else { return false };
        self.is_held(pin, SETUP).await
    }

    /// Whether the pin of the factory reset is held at the start, and the second one with it; returns as soon as that
    /// is known.
    pub async fn is_factory_reset_held(&self) -> bool {
        let Some(pin) = self.reset.get() else { return false };
        let first = self.is_held(pin, RESET);
        match self.reset_aux.get() {
            Some(second) => join(first, self.is_held(second, RESET_AUX)).await == (true, true),
            None => first.await,
        }
    }

    async fn is_held(&self, pin: u8, what: Held) -> bool {
        let held = self.hold(pin, what).await;
        self.base.pin_uses.set(pin, PinUse::Free);
        // It may not have been an input at all.
        let _ = self.base.port.pins().pin_direction(pin, Direction::Released);
        held.unwrap_or_else(|error| {
            let text = format_args!("GPIO {pin} not available: no {} ({error})", what.gpio.row().name);
            self.base.log.line(Level::Failure, text);
            false
        })
    }

    async fn hold(&self, pin: u8, what: Held) -> Result<bool> {
        let pins = self.base.port.pins();
        let active = self.base.variables.number(what.level) == 1;
        let pull = if active { Pull::Down } else { Pull::Up };
        pins.pin_direction(pin, Direction::Input(pull))?;
        Timer::after(SETTLE).await;
        self.edges.forget(pin);
        pins.pin_watch(pin, true)?;
        if pins.pin_read(pin)? != active {
            return Ok(false);
        }
        Ok(with_timeout(what.time - SETTLE, self.edges.edge(pin)).await.is_err())
    }
}
