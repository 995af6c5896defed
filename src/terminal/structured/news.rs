//! What else the host is told: interfaces, and the lines of the log.

use core::cell::Cell;

use embassy_time::Instant;

use super::retry::Retry;
use crate::base::Base;
use crate::limits;
use crate::port::Interface;
use crate::variable::{Id, id};
use crate::wire::structured::message::Message;

const PRINT_LEVEL: Id = id("system.print_level");

/// Numbers of events.
pub struct Events(Cell<u32>);

impl Events {
    /// There was none yet.
    pub const fn new() -> Self {
        Self(Cell::new(0))
    }

    /// The number of the next event.
    pub fn next(&self) -> u32 {
        self.0.set(self.0.get().wrapping_add(1).max(1));
        self.0.get()
    }
}

/// Something that the host is told until it has seen it.
#[derive(Clone, Copy, Debug)]
pub struct Telling {
    event: u32,
    seen: bool,
    retry: Retry,
}

impl Telling {
    /// A new event.
    pub fn new(event: u32) -> Self {
        Self { event, seen: false, retry: Retry::new() }
    }

    /// The host has seen an event.
    pub fn seen(&mut self, event: u32) {
        self.seen |= self.event == event;
    }

    /// The number of the event, when it must be told now.
    pub fn take_due(&mut self, now: Instant) -> Option<u32> {
        if self.seen || (self.retry.due().is_some() && !self.retry.is_over(now)) {
            return None;
        }
        self.retry.said(now);
        Some(self.event)
    }

    /// When to tell it again.
    pub fn due(&self) -> Option<Instant> {
        self.retry.due().filter(|_| !self.seen)
    }
}

/// The state of one interface as the host was told.
struct Told {
    address: Option<[u8; 4]>,
    telling: Telling,
}

/// The interfaces.
pub struct Interfaces([Option<Told>; Interface::ALL.len()]);

impl Interfaces {
    /// Nothing was told.
    pub const fn new() -> Self {
        Self([const { None }; Interface::ALL.len()])
    }

    /// The host has seen an event.
    pub fn seen(&mut self, event: u32) {
        self.0.iter_mut().flatten().for_each(|told| told.telling.seen(event));
    }

    /// When to tell something again.
    pub fn due(&self) -> Option<Instant> {
        self.0.iter().flatten().filter_map(|told| told.telling.due()).min()
    }

    /// Passes to `work` the next state that the host must be told.
    pub fn next<R>(
        &mut self,
        base: &Base,
        events: &Events,
        now: Instant,
        work: impl FnOnce(&Message<'_>) -> R,
    ) -> Option<R> {
        for ((number, told), interface) in (0..).zip(&mut self.0).zip(Interface::ALL) {
            let address = base.status.ipv4(interface).get().map(|config| config.address.octets());
            if told.as_ref().is_none_or(|told| told.address != address) {
                *told = Some(Told { address, telling: Telling::new(events.next()) });
            }
            if let Some(event) = told.as_mut().and_then(|told| told.telling.take_due(now)) {
                let up = address.is_some();
                let address = address.as_ref().map_or(&[][..], |address| &address[..]);
                return Some(work(&Message::Network { event, interface: number, up, address }));
            }
        }
        None
    }
}

/// The next log line that is printed; moves `next` to the number after it.
pub fn next_line(base: &Base, next: &Cell<u32>) -> Option<(u32, u8, heapless::Vec<u8, { limits::LOG_LINE }>)> {
    let most = base.variables.with(PRINT_LEVEL, |value| match value {
        [digit @ b'0'..=b'5'] => digit - b'0',
        _ => 5,
    });
    while let Some((number, level, text)) = base.log.get(next.get()) {
        next.set(number.wrapping_add(1));
        if level <= most {
            return Some((number, level, text));
        }
    }
    None
}
