//! Whether somebody is at the remote terminal. The command UART takes no commands meanwhile (interface, serial 1).

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::Poll;

use embassy_sync::waitqueue::WakerRegistration;

/// Whether somebody is there.
pub struct Presence {
    somebody: Cell<bool>,
    /// The command UART.
    waiting: RefCell<WakerRegistration>,
}

/// Somebody is there, until this is dropped.
pub(super) struct Present<'a>(&'a Presence);

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.change(false);
    }
}

impl Presence {
    /// Nobody is there.
    pub const fn new() -> Self {
        Self { somebody: Cell::new(false), waiting: RefCell::new(WakerRegistration::new()) }
    }

    /// Somebody comes.
    pub(super) fn enter(&self) -> Present<'_> {
        self.change(true);
        Present(self)
    }

    fn change(&self, somebody: bool) {
        self.somebody.set(somebody);
        self.waiting.borrow_mut().wake();
    }

    /// Whether somebody is there.
    pub fn is_somebody(&self) -> bool {
        self.somebody.get()
    }

    /// Waits until somebody is there, or nobody. One task may wait.
    pub(super) async fn becomes(&self, somebody: bool) {
        poll_fn(|context| {
            if self.somebody.get() == somebody {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().register(context.waker());
            Poll::Pending
        })
        .await;
    }
}

impl Default for Presence {
    fn default() -> Self {
        Self::new()
    }
}
