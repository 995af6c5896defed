//! The lowest room above the port: what every other room of the device needs.

use core::cell::{Cell, RefCell};
use core::fmt;
use core::net::Ipv4Addr;
use core::task::Waker;

use embassy_sync::waitqueue::MultiWakerRegistration;

use crate::clock::Clock;
use crate::limits;
use crate::log::Log;
use crate::place::place_const;
use crate::port::{Ipv4Config, Port};
use crate::variable::{Id, Variables, id};

/// Port, clock, event log and variables of one device.
pub struct Base {
    /// Where the device runs.
    pub port: &'static dyn Port,
    /// Wall clock and uptime.
    pub clock: Clock,
    /// The event log.
    pub log: &'static Log,
    /// The variables in RAM.
    pub variables: &'static Variables,
    /// What upper rooms report for read-only variables.
    pub status: Status,
    /// API tokens that were revoked.
    pub revocations: Revocations,
}

impl Base {
    /// Puts the room together: factory defaults with the board's own on top.
    pub fn new(port: &'static dyn Port) -> Self {
        let base = Self {
            port,
            clock: Clock::new(port.board().wall_clock()),
            log: place_const!(Log, Log::new()),
            variables: place_const!(Variables, Variables::new()),
            status: Status::default(),
            revocations: Revocations::new(),
        };
        base.variables.apply_board_defaults(port.board().board_defaults());
        base
    }

    /// Logs a state change in brackets, with the time unless `system.cmd.timestamp` is `none`.
    pub fn log_state(&self, text: fmt::Arguments<'_>) {
        const TIMESTAMP: Id = id("system.cmd.timestamp");
        let timed = self.variables.with(TIMESTAMP, |value| value != b"none");
        self.log.state(timed.then_some(&self.clock), text);
    }
}

/// Live values that upper rooms publish and read-only variables show, so that the variable table depends on nothing
/// above it.
#[derive(Default)]
pub struct Status {
    /// `wlan.network.status`: 0 down, 1 associated without an address, 2 up, 3 joining.
    pub network: Cell<u8>,
    /// `wlan.join.result` (variables reference 2.1).
    pub join_result: Cell<u8>,
    /// The IPv4 configuration in use.
    pub ipv4: Cell<Option<Ipv4Config>>,
    /// `network.buffer.usage`: percent of the receive and of the transmit buffers in use.
    pub buffer_usage: Cell<(u8, u8)>,
    /// `system.safemode.status`.
    pub safe_mode: Cell<bool>,
}

impl Status {
    /// The address in use, or 0.0.0.0.
    pub fn address(&self) -> Ipv4Addr {
        self.ipv4.get().map_or(Ipv4Addr::UNSPECIFIED, |config| config.address)
    }
}

/// How often an API token was revoked, and who wants to know.
pub struct Revocations {
    count: Cell<u32>,
    /// One a WebSocket; nobody else waits here.
    watchers: RefCell<MultiWakerRegistration<{ limits::WEBSOCKETS }>>,
}

impl Revocations {
    fn new() -> Self {
        Self { count: Cell::new(0), watchers: RefCell::new(MultiWakerRegistration::new()) }
    }

    /// Changes whenever a token is revoked.
    pub fn count(&self) -> u32 {
        self.count.get()
    }

    /// Wakes the task the next time.
    pub fn watch(&self, waker: &Waker) {
        self.watchers.borrow_mut().register(waker);
    }

    /// A token was revoked.
    pub fn tell(&self) {
        self.count.set(self.count.get().wrapping_add(1));
        self.watchers.borrow_mut().wake();
    }
}
