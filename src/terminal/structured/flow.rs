//! One stream: offsets and credit of both directions, without the stream itself.

use embassy_time::Instant;

use super::retry::Retry;
use crate::limits;

/// The fewest bytes sent at once when frames get lost: a short frame is more likely to arrive.
const SMALLEST_PIECE: usize = 128;

/// The most that is ever sent at once.
const LARGEST_PIECE: usize = 1 << 16;

/// What the device does next for the bytes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing now.
    Nothing,
    /// Sends up to `most` bytes, which follow the first `skip` unacknowledged ones.
    Data {
        /// The offset of the first.
        offset: u64,
        /// Bytes before them in the stream's buffer.
        skip: usize,
        /// The most there may be.
        most: usize,
    },
    /// Asks for credit.
    Probe {
        /// Where the next byte will be.
        offset: u64,
    },
}

/// The direction to the host.
#[derive(Clone, Copy, Debug)]
pub struct Outward {
    acknowledged: u64,
    next: u64,
    /// The highest offset that was ever sent.
    highest: u64,
    limit: u64,
    retry: Retry,
    /// Bytes to send at once.
    piece: usize,
}

impl Outward {
    /// Nothing was sent, and there is no credit.
    pub const fn new() -> Self {
        Self { acknowledged: 0, next: 0, highest: 0, limit: 0, retry: Retry::new(), piece: LARGEST_PIECE }
    }

    /// Bytes that the host is known to have.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether there ever was credit.
    pub fn is_granted(&self) -> bool {
        self.limit > 0
    }

    /// Whether nothing was ever sent.
    pub fn is_unused(&self) -> bool {
        self.highest == 0
    }

    /// When to look again although nothing has come.
    pub fn due(&self) -> Option<Instant> {
        self.retry.due()
    }

    /// What to do when `waiting` bytes wait in the stream, the unacknowledged ones among them.
    pub fn next(&mut self, waiting: usize, now: Instant) -> Next {
        if self.limit == 0 {
            return Next::Nothing;
        }
        let end = self.acknowledged.saturating_add(waiting as u64);
        if self.next >= end.min(self.limit) {
            let unsure = self.next > self.acknowledged;
            if !unsure && end <= self.limit {
                self.retry = Retry::new();
                return Next::Nothing;
            }
            if self.retry.due().is_none() {
                self.retry.said(now);
            }
            if !self.retry.is_over(now) {
                return Next::Nothing;
            }
            if !unsure {
                self.retry.said(now);
                return Next::Probe { offset: self.next };
            }
            self.next = self.acknowledged;
            self.piece = (self.piece.min(limits::STRUCTURED_FRAME) / 2).max(SMALLEST_PIECE);
        }
        let most = end.min(self.limit).saturating_sub(self.next) as usize;
        match most {
            // Another reader has taken the unacknowledged bytes.
            0 => Next::Nothing,
            most => Next::Data {
                offset: self.next,
                skip: (self.next - self.acknowledged) as usize,
                most: most.min(self.piece),
            },
        }
    }

    /// `count` bytes were sent.
    pub fn sent(&mut self, count: usize, now: Instant) {
        self.next += count as u64;
        self.highest = self.highest.max(self.next);
        self.retry.said(now);
    }

    /// The host has `received` bytes and takes as many as `limit` allows. Returns how many more it has than was known.
    pub fn credited(&mut self, received: u64, limit: u64, again: bool) -> usize {
        // The host cannot have bytes that were not sent.
        let received = received.min(self.highest);
        let news = received.saturating_sub(self.acknowledged);
        if news > 0 || limit > self.limit {
            self.retry = Retry::new();
        }
        self.acknowledged += news;
        if news > 0 {
            self.piece = (2 * self.piece).min(LARGEST_PIECE);
        }
        self.limit = self.limit.max(limit);
        self.next = if again { self.acknowledged } else { self.next.max(self.acknowledged) };
        news as usize
    }
}

/// The direction from the host.
#[derive(Clone, Copy, Debug)]
pub struct Inward {
    received: u64,
    granted: u64,
    /// Where the host was told of a gap.
    gap: Option<u64>,
    /// Room that is needed for bytes that were sent and not taken.
    wanted: usize,
    /// The host must be told how much has come, and whether to send again.
    due: Option<bool>,
    shut: bool,
}

impl Inward {
    /// Nothing has come, and nothing may.
    pub const fn new() -> Self {
        Self { received: 0, granted: 0, gap: None, wanted: 0, due: None, shut: false }
    }

    /// Which of the bytes that have come are new and allowed, as a range of them.
    pub fn arrived(&mut self, offset: u64, length: usize) -> core::ops::Range<usize> {
        if offset > self.received {
            if self.gap.replace(self.received) != Some(self.received) {
                self.due = Some(true);
            }
            return 0..0;
        }
        self.due = Some(self.due.unwrap_or(false));
        let known = (self.received - offset).min(length as u64) as usize;
        let allowed = self.granted.saturating_sub(self.received).min((length - known) as u64) as usize;
        known..known + allowed
    }

    /// The stream has taken `taken` of `offered` new bytes.
    pub fn took(&mut self, taken: usize, offered: usize) {
        self.received += taken as u64;
        self.wanted = offered.saturating_sub(taken);
    }

    /// There is room for `room` bytes, in pieces of any size unless messages are kept whole; `None`: never again.
    pub fn room(&mut self, room: Option<usize>, whole: bool) {
        let Some(room) = room else {
            if !core::mem::replace(&mut self.shut, true) {
                self.due = Some(false);
            }
            return;
        };
        let left = self.granted.saturating_sub(self.received);
        let limit = self.received.saturating_add(room as u64);
        if limit > self.granted && left <= room as u64 / 2 {
            self.granted = limit;
            self.due = Some(self.due.unwrap_or(false));
        }
        let needed = if whole { self.wanted } else { self.wanted.min(1) };
        if needed > 0 && room >= needed {
            self.wanted = 0;
            self.due = Some(true);
        }
    }

    /// The host must be told how much has come.
    pub fn tell(&mut self) {
        self.due = Some(self.due.unwrap_or(false));
    }

    /// What the host must be told: how much has come, how far it may send, whether to send again, whether all is over.
    pub fn take_due(&mut self) -> Option<(u64, u64, bool, bool)> {
        self.due.take().map(|again| (self.received, self.granted, again, self.shut))
    }
}

#[cfg(test)]
mod tests;
