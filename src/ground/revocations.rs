//! Revoked API tokens: who holds something open with a token learns that it may not be valid any more.

use core::cell::{Cell, RefCell};
use core::task::Waker;

use embassy_sync::waitqueue::MultiWakerRegistration;

use crate::limits;

/// How often an API token was revoked, and who wants to know.
pub struct Revocations {
    count: Cell<u32>,
    /// One a WebSocket; nobody else waits here.
    watchers: RefCell<MultiWakerRegistration<{ limits::WEBSOCKETS }>>,
}

impl Revocations {
    /// Nothing was revoked yet.
    pub(super) fn new() -> Self {
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
