//! A shared buffer for short work: a datagram on its way into a stream, a record of settings on its way to flash.

use core::cell::RefCell;

use crate::limits;

/// Bytes of the buffer.
pub(super) const SIZE: usize = if limits::DATAGRAM > limits::SETTINGS { limits::DATAGRAM } else { limits::SETTINGS };

/// One buffer for all code that needs memory within one step, never across an `await`.
pub struct Scratch(RefCell<[u8; SIZE]>);

impl Scratch {
    /// A buffer of zeros.
    pub const fn new() -> Self {
        Self(RefCell::new([0; SIZE]))
    }

    /// Runs `work` with the whole buffer, which holds bytes of the previous use. Must not be called inside `work`.
    pub fn with<R>(&self, work: impl FnOnce(&mut [u8]) -> R) -> R {
        work(&mut *self.0.borrow_mut())
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}
