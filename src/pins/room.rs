//! Who has which pin, and what is shown now.

use core::cell::Cell;

use embassy_futures::select::select;
use embassy_time::{Instant, Timer};

use super::indicator::{Lamp, Subject};
use super::output::Output;
use crate::base::Base;
use crate::ground::PinUse;
use crate::log::Level;
use crate::port::Interface;
use crate::variable::{Id, id};

const COMMAND: Id = id("system.cmd.gpio");
const NETWORK: Id = id("wlan.network.status_gpio");
const BUTTON: Id = id("setup.gpio.control_gpio");

/// The functions of pins. A pin has one at most: `set` refuses a second one, and where saved values or a function that
/// changes with a restart only are in the way, whoever came first keeps the pin.
pub struct Pins {
    pub(super) base: &'static Base,
    pub(super) command: Output,
    /// The pin of the set-up button.
    pub(super) button: Cell<Option<u8>>,
    network: Output,
    lamps: [Lamp; Subject::ALL.len()],
}

impl Pins {
    /// No pin has a function yet.
    pub fn new(base: &'static Base) -> Self {
        Self {
            base,
            command: Output::default(),
            button: Cell::new(None),
            network: Output::default(),
            lamps: Subject::ALL.map(Lamp::new),
        }
    }

    /// Takes the pins whose variables act at the start, shows what there is to be shown, and gives all others the direction
    /// of `gpio.init`.
    pub fn start(&self) {
        self.button.set(self.gpio(BUTTON));
        if let Some(pin) = self.button.get() {
            self.base.pin_uses.set(pin, PinUse::Function);
        }
        self.take(&self.command, self.gpio(COMMAND), true, "system.cmd.gpio");
        self.take(&self.network, self.gpio(NETWORK), self.is_online(), "wlan.network.status_gpio");
        self.show(Instant::now());
        self.init_gpios();
    }

    /// The GPIO that a variable names.
    fn gpio(&self, id: Id) -> Option<u8> {
        u8::try_from(self.base.variables.number(id)).ok()
    }

    fn is_online(&self) -> bool {
        self.base.status.is_up(Interface::Wlan)
    }

    fn take(&self, output: &Output, pin: Option<u8>, level: bool, function: &str) {
        let Some(pin) = pin else { return };
        let log = &self.base.log;
        if self.base.pin_uses.of(pin) != PinUse::Free {
            log.line(Level::Failure, format_args!("GPIO {pin} is in use: no {function}"));
        } else if let Err(error) = output.take(self.base, pin, level) {
            log.line(Level::Failure, format_args!("GPIO {pin} not available: no {function} ({error})"));
        }
    }

    /// Shows everything; answers when it must be done again at the latest.
    fn show(&self, now: Instant) -> Option<Instant> {
        if self.network.set(self.base.port, self.is_online())
            && let Some(pin) = self.network.pin()
        {
            self.base.log.line(Level::Trace, format_args!("GPIO {pin}: {}", u8::from(self.is_online())));
        }
        self.move_lamps();
        self.lamps.iter().filter_map(|lamp| self.light(lamp, now)).min()
    }

    /// Gives each indicator the pin that its variable names now. Pins that are let go may be taken by others.
    fn move_lamps(&self) {
        let moves = |lamp: &&Lamp| lamp.wanted.get() != lamp.subject.gpio(self.base);
        self.lamps.iter().filter(moves).for_each(|lamp| lamp.output.release(self.base));
        for lamp in self.lamps.iter().filter(moves) {
            let pin = lamp.subject.gpio(self.base);
            lamp.wanted.set(pin);
            self.take(&lamp.output, pin, false, lamp.subject.function());
        }
    }

    /// Lets one indicator show its state; answers when its level will be another one.
    fn light(&self, lamp: &Lamp, now: Instant) -> Option<Instant> {
        let (pattern, begun, is_new) = lamp.pattern(self.base, now);
        let pin = lamp.output.pin()?;
        if is_new {
            self.base.log.line(Level::Trace, format_args!("GPIO {pin}: {}", pattern.name));
        }
        let (level, next) = pattern.at(begun, now);
        lamp.output.set(self.base.port, level);
        next
    }
}

/// Shows the state of the device, for ever: one task, which sleeps while nothing changes.
pub async fn run(pins: &'static Pins) {
    let status = &pins.base.status;
    loop {
        let seen = status.changes();
        let next = pins.show(Instant::now());
        let changed = status.changed_since(seen);
        match next {
            Some(at) => {
                select(changed, Timer::at(at)).await;
            }
            None => changed.await,
        }
    }
}
