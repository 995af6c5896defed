//! A restart that was ordered: from that moment on the device begins nothing new until it restarts.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::Poll;

use embassy_sync::waitqueue::MultiWakerRegistration;
use embassy_time::Duration;

/// Tasks that wait for a restart: the one that carries it out, and the lines.
const WAITING: usize = 4;

/// Whether a restart was ordered, and the tasks that wait for it.
pub struct Restart {
    ordered: Cell<bool>,
    /// The device sleeps before the restart, with an optional time limit.
    sleep: Cell<Option<Option<Duration>>>,
    waiting: RefCell<MultiWakerRegistration<WAITING>>,
}

impl Restart {
    /// No restart was ordered.
    pub const fn new() -> Self {
        Self { ordered: Cell::new(false), sleep: Cell::new(None), waiting: RefCell::new(MultiWakerRegistration::new()) }
    }

    /// Orders the restart. The device carries it out once the answer to the order was sent.
    pub fn order(&self) {
        self.ordered.set(true);
        self.waiting.borrow_mut().wake();
    }

    /// Orders a sleep with a restart at its end: for `limit` or, without one, as the variables say. A restart that was
    /// ordered before stays a restart.
    pub fn order_sleep(&self, limit: Option<Duration>) {
        if !self.is_ordered() {
            self.sleep.set(Some(limit));
            self.order();
        }
    }

    /// The sleep that comes before the restart, if one was ordered, with its limit.
    pub fn sleep(&self) -> Option<Option<Duration>> {
        self.sleep.get()
    }

    /// Whether a restart was ordered.
    pub fn is_ordered(&self) -> bool {
        self.ordered.get()
    }

    /// Waits until a restart is ordered.
    pub async fn ordered(&self) {
        poll_fn(|context| {
            if self.ordered.get() {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().register(context.waker());
            Poll::Pending
        })
        .await;
    }
}

impl Default for Restart {
    fn default() -> Self {
        Self::new()
    }
}
