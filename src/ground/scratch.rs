//! Bytes for a moment's work: a datagram on its way into a stream, a record of settings on its way to flash.

use core::cell::RefCell;

use crate::limits;

/// Bytes of it.
pub(super) const SIZE: usize = if limits::DATAGRAM > limits::SETTINGS { limits::DATAGRAM } else { limits::SETTINGS };

/// One piece of memory for all who need some within one step, never across an `await`.
pub struct Scratch(RefCell<[u8; SIZE]>);

impl Scratch {
    /// Zeros.
    pub const fn new() -> Self {
        Self(RefCell::new([0; SIZE]))
    }

    /// Runs `work` with all of it, which holds what the one before has left. Not to be called inside of `work`.
    pub fn with<R>(&self, work: impl FnOnce(&mut [u8]) -> R) -> R {
        work(&mut *self.0.borrow_mut())
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}
