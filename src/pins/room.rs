//! Which function has which pin, and what is shown now.

use core::cell::Cell;
use core::future::poll_fn;
use core::task::Poll;

use embassy_futures::select::{select3, select4};
use embassy_time::{Instant, Timer};

use super::activity::Activity;
use super::button;
use super::event::{Event, Sign};
use super::indicator::{Lamp, Subject};
use super::input::{Edges, Input};
use super::outofband::{self, OutOfBand};
use super::output::Output;
use crate::base::Base;
use crate::ground::PinUse;
use crate::limits;
use crate::log::Level;
use crate::port::{Direction, Interface, Pull};
use crate::stream::Streams;
use crate::variable::{Id, id};

const COMMAND: Id = id("system.cmd.gpio");
const NETWORK: Id = id("wlan.network.status_gpio");
const CONNECTS: Id = id("ioconn.control_gpio");
const MODE: Id = id("bus.stream.cmd_gpio");
const CONNECTED: Id = id("ioconn.status_gpio");

/// The functions of pins. A pin has at most one: `set` refuses a second one. If saved values conflict, or a function
/// that only changes with a restart, the first function keeps the pin.
pub struct Pins {
    pub(super) base: &'static Base,
    streams: &'static Streams,
    pub(super) command: Output,
    /// The pin of the set-up button.
    pub(super) button: Cell<Option<u8>>,
    /// The pin of the factory reset, and the second one.
    pub(super) reset: Cell<Option<u8>>,
    pub(super) reset_aux: Cell<Option<u8>>,
    /// The pin that opens a connection.
    connects: Cell<Option<u8>>,
    /// The pin that chooses between command mode and stream mode.
    mode: Cell<Option<u8>>,
    connected: Output,
    network: Output,
    out_of_band: OutOfBand,
    pub(super) activity: Activity,
    pub(super) edges: Edges,
    lamps: [Lamp; Subject::ALL.len()],
    signs: [Sign; Event::ALL.len()],
    /// The device sleeps, and the pins are as `gpio.sleep` has them.
    pub(super) asleep: Cell<bool>,
}

impl Pins {
    /// No pin has a function yet.
    pub fn new(base: &'static Base, streams: &'static Streams) -> Self {
        Self {
            base,
            streams,
            command: Output::default(),
            button: Cell::new(None),
            reset: Cell::new(None),
            reset_aux: Cell::new(None),
            connects: Cell::new(None),
            mode: Cell::new(None),
            connected: Output::default(),
            network: Output::default(),
            out_of_band: OutOfBand::new(),
            activity: Activity::default(),
            edges: Edges::new(),
            lamps: Subject::ALL.map(Lamp::new),
            signs: Event::ALL.map(Sign::new),
            asleep: Cell::new(false),
        }
    }

    /// Takes the pins whose variables act at the start, shows the present state, and gives all other pins the direction
    /// of `gpio.init`.
    pub fn start(&self) {
        self.take_held(&self.button, button::SETUP);
        self.take_held(&self.reset, button::RESET);
        if self.reset.get().is_some() {
            self.take_held(&self.reset_aux, button::RESET_AUX);
        }
        self.take(&self.command, self.gpio(COMMAND), true, "system.cmd.gpio");
        self.take(&self.network, self.gpio(NETWORK), self.is_online(), "wlan.network.status_gpio");
        self.take(&self.connected, self.gpio(CONNECTED), false, "ioconn.status_gpio");
        self.out_of_band.start(self.base, self.streams);
        let idle = self.out_of_band.idle();
        self.take(&self.out_of_band.output, self.gpio(outofband::GPIO), idle, "system.oob.gpio");
        self.take_input(&self.mode, self.gpio(MODE), "bus.stream.cmd_gpio");
        self.take_input(&self.connects, self.gpio(CONNECTS), "ioconn.control_gpio");
        self.start_activity();
        self.show(Instant::now());
        self.init_gpios();
    }

    /// The pin that opens a connection while it is high: `ioconn.control_gpio`.
    pub fn connects(&self) -> Option<Input<'_>> {
        self.input(&self.connects)
    }

    /// The pin that chooses between command mode, while it is high, and stream mode: `bus.stream.cmd_gpio`.
    pub fn mode(&self) -> Option<Input<'_>> {
        self.input(&self.mode)
    }

    fn input(&self, pin: &Cell<Option<u8>>) -> Option<Input<'_>> {
        pin.get().map(|pin| Input { port: self.base.port, edges: &self.edges, pin })
    }

    /// The GPIO that a variable names.
    fn gpio(&self, id: Id) -> Option<u8> {
        u8::try_from(self.base.variables.number(id)).ok()
    }

    fn is_online(&self) -> bool {
        self.base.status.is_up(Interface::Wlan)
    }

    /// Reserves a pin for the check whether it is held.
    fn take_held(&self, place: &Cell<Option<u8>>, what: button::Held) {
        place.set(self.gpio(what.gpio));
        if let Some(pin) = place.get() {
            self.base.pin_uses.set(pin, PinUse::Function);
        }
    }

    pub(super) fn take(&self, output: &Output, pin: Option<u8>, level: bool, function: &str) {
        let Some(pin) = pin else { return };
        let log = &self.base.log;
        if self.base.pin_uses.of(pin) != PinUse::Free {
            log.line(Level::Failure, format_args!("GPIO {pin} is in use: no {function}"));
        } else if let Err(error) = output.take(self.base, pin, level) {
            log.line(Level::Failure, format_args!("GPIO {pin} not available: no {function} ({error})"));
        }
    }

    /// Follows a free pin from now on. If nothing drives the pin, it is low.
    fn take_input(&self, input: &Cell<Option<u8>>, pin: Option<u8>, function: &str) {
        let Some(pin) = pin else { return };
        let log = &self.base.log;
        if self.base.pin_uses.of(pin) != PinUse::Free {
            return log.line(Level::Failure, format_args!("GPIO {pin} is in use: no {function}"));
        }
        let pins = self.base.port.pins();
        let follow = || {
            pins.pin_direction(pin, Direction::Input(Pull::Down))?;
            pins.pin_watch(pin, true)
        };
        match follow() {
            Ok(()) => {
                self.base.pin_uses.set(pin, PinUse::Function);
                input.set(Some(pin));
            }
            Err(error) => {
                log.line(Level::Failure, format_args!("GPIO {pin} not available: no {function} ({error})"));
            }
        }
    }

    /// Shows everything; returns when it must be called again at the latest.
    fn show(&self, now: Instant) -> Option<Instant> {
        if self.asleep.get() {
            return None;
        }
        if self.network.set(self.base.port, self.is_online())
            && let Some(pin) = self.network.pin()
        {
            self.base.log.line(Level::Trace, format_args!("GPIO {pin}: {}", u8::from(self.is_online())));
        }
        self.connected.set(self.base.port, self.base.status.ioconn.get());
        self.move_lamps();
        self.move_signs();
        for sign in self.signs.iter().filter(|sign| sign.output.pin().is_some()) {
            sign.output.set(self.base.port, sign.event.is_so(self.streams));
        }
        self.out_of_band.show(self.base, self.streams);
        let blinks = self.lamps.iter().filter_map(|lamp| self.light(lamp, now));
        blinks.chain(self.activity.show(self.base, now)).min()
    }

    /// Gives each indicator the pin that its variable names now. Another indicator may take a released pin.
    fn move_lamps(&self) {
        let moves = |lamp: &&Lamp| lamp.wanted.get() != lamp.subject.gpio(self.base);
        self.lamps.iter().filter(moves).for_each(|lamp| lamp.output.release(self.base));
        for lamp in self.lamps.iter().filter(moves) {
            let pin = lamp.subject.gpio(self.base);
            lamp.wanted.set(pin);
            self.take(&lamp.output, pin, false, lamp.subject.function());
        }
    }

    /// The same for the signs, when their variables act.
    fn move_signs(&self) {
        let ups = Some(self.base.status.ups.get());
        for sign in &self.signs {
            let pin = self.gpio(sign.event.variable());
            let acts = sign.event.moves_at_once() || sign.seen.replace(ups) != ups;
            if acts && sign.wanted.replace(pin) != pin {
                sign.output.release(self.base);
                self.take(&sign.output, pin, false, sign.event.variable().row().name);
            }
        }
    }

    /// Waits until something that a sign shows may have changed.
    async fn streams_change(&self) {
        let is_told = self.out_of_band.is_wanted() || self.signs.iter().any(|sign| sign.output.pin().is_some());
        let mut asked = (!is_told).then_some(false);
        poll_fn(|context| {
            match asked {
                // No pin shows it.
                Some(false) => return Poll::Pending,
                Some(true) => return Poll::Ready(()),
                None => {}
            }
            asked = Some(true);
            self.streams.watch_openings(context.waker());
            self.streams.watch_reads(context.waker());
            (0..limits::STREAMS as u8).for_each(|handle| self.streams.watch(handle, context.waker()));
            Poll::Pending
        })
        .await;
    }

    /// Shows the state of one indicator; returns when its level changes next.
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

/// Shows the state of the device and follows its inputs, for ever: one task, which sleeps while nothing changes.
pub async fn run(pins: &'static Pins) {
    let status = &pins.base.status;
    loop {
        let seen = status.changes();
        let next = pins.show(Instant::now());
        let changed = status.changed_since(seen);
        let edges = pins.edges.come(pins.base.port);
        match next {
            Some(at) => {
                select4(changed, edges, pins.streams_change(), Timer::at(at)).await;
            }
            None => {
                select3(changed, edges, pins.streams_change()).await;
            }
        }
    }
}
