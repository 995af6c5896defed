//! Pins that pulse on traffic: `system.activity.gpio` (interface, serial 11).

use core::cell::Cell;

use embassy_time::{Duration, Instant};

use super::output::Output;
use super::room::Pins;
use crate::base::Base;
use crate::limits;
use crate::log::Level;
use crate::port::Interface;
use crate::variable::{Id, id};

const TYPES: Id = id("system.activity.gpio");
const LEVEL: Id = id("system.activity.gpio_level");
const DATA_BUS: Id = id("bus.data_bus");

/// The length of a pulse, and the shortest pause after it. It is also how often the counts of traffic are looked at.
const PULSE: Duration = Duration::from_millis(50);
/// Pins that pulse at the same time.
const PINS: usize = 4;
/// The types, in the order of the bits of a mask; `uart` is the command UART.
const NAMES: [&[u8]; 6] = [b"wlan_rx", b"wlan_tx", b"softap_rx", b"softap_tx", b"uart_rx", b"uart_tx"];

/// One pin and the traffic that it shows.
#[derive(Default)]
struct Light {
    output: Output,
    /// A bit for each type of [`NAMES`].
    types: Cell<u8>,
    pulses: Cell<bool>,
}

/// The pins that pulse. The variables act at the start.
#[derive(Default)]
pub(super) struct Activity {
    lights: [Light; PINS],
    /// The level of a pulse.
    active: Cell<bool>,
    /// The count of each type at the last look.
    seen: Cell<[u32; NAMES.len()]>,
    /// When the next look is due, if there is any pin.
    due: Cell<Option<Instant>>,
}

impl Pins {
    /// Takes the pins that have types of traffic.
    pub(super) fn start_activity(&self) {
        let activity = &self.activity;
        activity.active.set(self.base.variables.number(LEVEL) == 1);
        activity.seen.set(counts(self.base));
        let mut lights = activity.lights.iter();
        for pin in 0..limits::GPIOS {
            let types = types(self.base, pin);
            if types == 0 {
                continue;
            }
            let Some(light) = lights.next() else {
                let text = format_args!("GPIO {pin}: no system.activity.gpio, {PINS} pins have it already");
                return self.base.log.line(Level::Failure, text);
            };
            light.types.set(types);
            self.take(&light.output, Some(pin), !activity.active.get(), TYPES.row().name);
            activity.due.set(Some(Instant::now()));
        }
    }
}

impl Activity {
    /// Begins and ends pulses; returns when it must be called again at the latest.
    pub fn show(&self, base: &Base, now: Instant) -> Option<Instant> {
        let due = self.due.get()?;
        if now < due {
            return Some(due);
        }
        let counted = counts(base);
        let before = self.seen.replace(counted);
        let moved = before
            .iter()
            .zip(counted)
            .enumerate()
            .fold(0, |moved, (bit, (before, counted))| moved | u8::from(*before != counted) << bit);
        for light in &self.lights {
            // With constant traffic the pin blinks.
            let pulses = light.types.get() & moved != 0 && !light.pulses.get();
            light.pulses.set(pulses);
            light.output.set(base.port, pulses == self.active.get());
        }
        let next = now + PULSE;
        self.due.set(Some(next));
        Some(next)
    }
}

/// The traffic so far, in the order of [`NAMES`].
fn counts(base: &Base) -> [u32; NAMES.len()] {
    let on = |interface| base.port.sockets().meter(interface).map_or((0, 0), |meter| (meter.received(), meter.sent()));
    let (wlan, softap, uart) = (on(Interface::Wlan), on(Interface::SoftAp), &base.status.uart_traffic);
    [wlan.0, wlan.1, softap.0, softap.1, uart.received(), uart.sent()]
}

/// The types of a pin. Those of a UART that is not the command UART never count.
fn types(base: &Base, pin: u8) -> u8 {
    let uart = base.variables.with(DATA_BUS, |bus| bus.last().copied().unwrap_or(b'0'));
    let value = base.variables.at(TYPES, pin);
    value.split(|byte| *byte == b',').filter_map(|word| bit(word, uart)).fold(0, |mask, bit| mask | 1 << bit)
}

/// The bit of one type.
fn bit(word: &[u8], uart: u8) -> Option<usize> {
    let is_named = |name: &[u8]| match (word.strip_prefix(b"uart"), name.strip_prefix(b"uart")) {
        (Some([number, direction @ ..]), Some(wanted)) => *number == uart && direction == wanted,
        _ => word == name,
    };
    NAMES.iter().position(|name| is_named(name))
}
