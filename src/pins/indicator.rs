//! Which state each indicator is in (interface, serial 11).

use core::cell::Cell;

use embassy_time::Instant;

use super::output::Output;
use super::pattern::Pattern;
use crate::base::Base;
use crate::variable::{Id, id};

const GPIO: Id = id("system.indicator.gpio");
const STATE: Id = id("system.indicator.state");

/// What an indicator tells of, in the order of the elements of its variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Subject {
    Wlan = 0,
    Network = 1,
    SoftAp = 2,
}

impl Subject {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Wlan, Self::Network, Self::SoftAp];

    /// The name of the function in `gpio.usage`.
    pub const fn function(self) -> &'static str {
        match self {
            Self::Wlan => "system.indicator.wlan",
            Self::Network => "system.indicator.network",
            Self::SoftAp => "system.indicator.softap",
        }
    }

    /// The GPIO that its variable names.
    pub fn gpio(self, base: &Base) -> Option<u8> {
        base.variables.gpio(&base.variables.at(GPIO, self as u8))
    }

    /// The pattern of the state that it is in.
    pub fn pattern(self, base: &Base) -> Pattern {
        let patterns = base.variables.at(STATE, self as u8);
        let name = patterns.split(|byte| *byte == b'|').nth(self.state(base));
        name.and_then(Pattern::named).unwrap_or(Pattern::OFF)
    }

    /// The number of its state.
    fn state(self, base: &Base) -> usize {
        let status = &base.status;
        // 0 down, 1 without an address, 2 up, 3 coming up.
        match (self, status.network.get(), status.softap.get()) {
            // Off, error, connecting, connected.
            (Self::Wlan, 0, _) => usize::from(status.join_failed.get()),
            (Self::Wlan, 3, _) => 2,
            (Self::Wlan, ..) => 3,
            // No address, DHCP active, DHCP success.
            (Self::Network, 1, _) => 1,
            (Self::Network, 2, _) => 2,
            (Self::Network, ..) => 0,
            // Off, starting, up without a client, up with one.
            (Self::SoftAp, _, 0) => 0,
            (Self::SoftAp, _, 2) => 2 + usize::from(status.softap_client.get()),
            (Self::SoftAp, ..) => 1,
        }
    }
}

/// What an indicator shows now.
pub(super) struct Lamp {
    pub subject: Subject,
    pub output: Output,
    /// The GPIO that the variable named at the last look.
    pub wanted: Cell<Option<u8>>,
    shown: Cell<(Pattern, Instant)>,
}

impl Lamp {
    /// A lamp without a pin.
    pub fn new(subject: Subject) -> Self {
        let shown = Cell::new((Pattern::OFF, Instant::from_ticks(0)));
        Self { subject, output: Output::default(), wanted: Cell::new(None), shown }
    }

    /// The pattern, when it began, and whether it has changed. A changed pattern begins now.
    pub fn pattern(&self, base: &Base, now: Instant) -> (Pattern, Instant, bool) {
        let pattern = self.subject.pattern(base);
        let (before, begun) = self.shown.get();
        if pattern == before {
            return (pattern, begun, false);
        }
        self.shown.set((pattern, now));
        (pattern, now, true)
    }
}
