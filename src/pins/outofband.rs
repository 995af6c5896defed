//! Out-of-band events: a pin tells a host that something has happened, and `system.oob.status` tells what (interface,
//! serial 11).

use core::cell::Cell;

use super::output::Output;
use crate::base::Base;
use crate::limits;
use crate::port::Interface;
use crate::stream::{Kind, Streams};
use crate::variable::{Id, id};

pub(super) const GPIO: Id = id("system.oob.gpio");
const LEVEL: Id = id("system.oob.level");
const EVENTS: Id = id("system.oob.events");
const EDGE: Id = id("system.oob.edge");

// The bits of the masks.
const IOCONN: u32 = 0x01;
const NETWORK: u32 = 0x02;
const TCP_SERVER: u32 = 0x04;
const TCP_SERVER_DATA: u32 = 0x08;
const UDP_SERVER_DATA: u32 = 0x10;
const TCP_CLIENT_DATA: u32 = 0x20;
const UDP_CLIENT_DATA: u32 = 0x40;

/// The end of these is an event, too; for data only the arrival after there were none.
const CONNECTIONS: u32 = IOCONN | NETWORK | TCP_SERVER;

/// The events that a host has asked for, and their pin. The variables act at the start.
pub(super) struct OutOfBand {
    pub output: Output,
    /// The level of the pin while there is an event.
    active: Cell<bool>,
    events: Cell<u32>,
    /// Which of them stay until `system.oob.status` is read; the others last as long as their condition.
    edge: Cell<u32>,
    /// The conditions that held at the last look.
    seen: Cell<u32>,
    /// How often data had begun to wait on each handle then.
    arrivals: [Cell<u32>; limits::STREAMS],
}

impl OutOfBand {
    /// None was asked for yet.
    pub fn new() -> Self {
        Self {
            output: Output::default(),
            active: Cell::new(true),
            events: Cell::new(0),
            edge: Cell::new(0),
            seen: Cell::new(0),
            arrivals: [const { Cell::new(0) }; limits::STREAMS],
        }
    }

    /// Reads the variables.
    pub fn start(&self, base: &Base, streams: &Streams) {
        let number = |id| u32::try_from(base.variables.number(id)).unwrap_or_default();
        self.active.set(number(LEVEL) == 1);
        self.events.set(number(EVENTS));
        self.edge.set(number(EDGE));
        self.seen.set(conditions(base, streams));
    }

    /// The events of data that have come after there were none, whether or not they have been read by now.
    fn new_data(&self, streams: &Streams) -> u32 {
        let mut mask = 0;
        for handle in streams.handles() {
            let arrivals = streams.arrivals(handle);
            let seen = self.arrivals.get(usize::from(handle)).map(|seen| seen.replace(arrivals));
            if seen != Some(arrivals) {
                mask |= streams.kind(handle).map_or(0, data_of);
            }
        }
        mask
    }

    /// Whether any event was asked for.
    pub fn is_wanted(&self) -> bool {
        self.events.get() != 0
    }

    /// The level of the pin without events.
    pub fn idle(&self) -> bool {
        !self.active.get()
    }

    /// Looks at what has happened, and updates the pin and `system.oob.status`.
    pub fn show(&self, base: &Base, streams: &Streams) {
        if !self.is_wanted() {
            return;
        }
        let now = conditions(base, streams);
        let before = self.seen.replace(now);
        let ended = before & !now & CONNECTIONS;
        let begun = (now & !before & CONNECTIONS) | self.new_data(streams);
        let status = &base.status.out_of_band;
        status.happened((begun | ended) & self.edge.get() & self.events.get());
        status.holds(now & !self.edge.get() & self.events.get());
        self.output.set(base.port, (status.mask() != 0) == self.active.get());
    }
}

/// The conditions that hold now.
fn conditions(base: &Base, streams: &Streams) -> u32 {
    let mut mask = if base.status.ioconn.get() { IOCONN } else { 0 };
    if base.status.is_up(Interface::Wlan) {
        mask |= NETWORK;
    }
    for handle in streams.handles() {
        let Ok(kind) = streams.kind(handle) else { continue };
        if matches!(kind, Kind::Tcps | Kind::Tlss) && streams.is_peer_there(handle) {
            mask |= TCP_SERVER;
        }
        if streams.waiting(handle).is_ok_and(|bytes| bytes > 0) {
            mask |= data_of(kind);
        }
    }
    mask
}

/// The event of data of a stream of this kind.
fn data_of(kind: Kind) -> u32 {
    match kind {
        Kind::Tcps | Kind::Tlss => TCP_SERVER_DATA,
        Kind::Udps => UDP_SERVER_DATA,
        Kind::Tcpc | Kind::Tlsc => TCP_CLIENT_DATA,
        Kind::Udpc => UDP_CLIENT_DATA,
        _ => 0,
    }
}
