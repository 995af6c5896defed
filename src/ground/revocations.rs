//! Revoked API tokens: a task that serves a connection opened with a token learns that the token may be invalid.

use core::cell::{Cell, RefCell};
use core::task::Waker;

use embassy_sync::waitqueue::MultiWakerRegistration;

use crate::limits;

/// How often an API token was revoked, and the tasks that wait for it.
pub struct Revocations {
    count: Cell<u32>,
    /// One for each WebSocket; no other task waits here.
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

    /// Wakes the task at the next revocation.
    pub fn watch(&self, waker: &Waker) {
        self.watchers.borrow_mut().register(waker);
    }

    /// A token was revoked.
    pub fn tell(&self) {
        self.count.set(self.count.get().wrapping_add(1));
        self.watchers.borrow_mut().wake();
    }
}
