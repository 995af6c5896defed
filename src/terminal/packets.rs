//! When bytes of stream mode are sent on: `bus.stream.flush_count`, `.flush_reset`, `.flush_time` (interface, serial 7).

use embassy_time::{Duration, Instant};

use crate::limits;
use crate::variable::{Id, Variables, id};

const COUNT: Id = id("bus.stream.flush_count");
const RESET: Id = id("bus.stream.flush_reset");
const TIME: Id = id("bus.stream.flush_time");

/// Collects bytes into packets.
pub(super) struct Packets {
    /// Waiting bytes are sent once there are this many; 0 for no such rule.
    count: usize,
    /// Each byte restarts the time.
    reset: bool,
    time: Duration,
    due: Option<Instant>,
}

impl Packets {
    /// As the variables say.
    pub fn new(variables: &Variables) -> Self {
        let number = |id| variables.number(id).max(0) as u64;
        Self {
            // No more than the buffer holds besides the longest sequence.
            count: (number(COUNT) as usize).min(limits::SERIAL_RX.saturating_sub(32)),
            reset: variables.flag(RESET),
            time: Duration::from_millis(number(TIME)),
            due: None,
        }
    }

    /// Bytes of one packet; 0 where their number does not matter.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Bytes have come.
    pub fn came(&mut self, now: Instant) {
        if self.reset || self.due.is_none() {
            self.due = Some(now + self.time);
        }
    }

    /// All waiting bytes are sent.
    pub fn sent(&mut self) {
        self.due = None;
    }

    /// When the waiting bytes are due.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether this many waiting bytes are due now.
    pub fn is_due(&self, waiting: usize, now: Instant) -> bool {
        let many = if self.count == 0 { limits::CHUNK } else { self.count };
        waiting > 0 && (waiting >= many || self.due.is_none_or(|due| due <= now))
    }
}
