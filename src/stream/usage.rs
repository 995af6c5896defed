//! How much of the streams is in use, for metrics.

use super::{Kind, Streams};
use crate::ground::Buffers;
use crate::limits;

/// Streams and buffers at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Open streams of each kind, in the order of [`Kind::ALL`].
    pub open: [u8; Kind::COUNT],
    /// Bytes that were received and not read yet.
    pub received: usize,
    /// Bytes that were written and not sent yet.
    pub unsent: usize,
}

impl Usage {
    /// Bytes of all buffers of one direction: received, unsent.
    pub const CAPACITY: (usize, usize) = (limits::STREAMS * limits::STREAM_RX, limits::STREAMS * limits::STREAM_TX);
}

impl Streams {
    /// Whether a stream is open, and its peer has not closed it.
    pub fn is_peer_there(&self, handle: u8) -> bool {
        self.with(handle, |_, stream| stream.is_open && !stream.peer_closed) == Ok(true)
    }

    /// How often received data have begun to wait on a handle, whichever stream used the handle; wraps.
    pub fn arrivals(&self, handle: u8) -> u32 {
        self.with(handle, |slot, _| slot.rx.times_begun()).unwrap_or_default()
    }

    /// What is in use now.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for handle in self.handles() {
            let Ok((kind, received, unsent)) =
                self.with(handle, |slot, stream| (stream.kind, slot.rx.len(), slot.tx.len()))
            else {
                continue;
            };
            if let Some(count) = usage.open.get_mut(kind as usize) {
                *count += 1;
            }
            usage.received += received;
            usage.unsent += unsent;
        }
        usage
    }

    /// Bytes received and not read, and bytes written and not sent, in percent of all buffers. Any byte counts as at
    /// least 1.
    fn percent_of(usage: &Usage) -> (u8, u8) {
        let percent = |bytes: usize, all: usize| (bytes.saturating_mul(100)).div_ceil(all).min(100) as u8;
        (percent(usage.received, Usage::CAPACITY.0), percent(usage.unsent, Usage::CAPACITY.1))
    }

    /// Handles given to streams since boot; openings that failed later are counted, too.
    pub fn taken(&self) -> u32 {
        self.generation.get()
    }
}

impl Buffers for Streams {
    fn percent(&self) -> (u8, u8) {
        Self::percent_of(&self.usage())
    }
}
