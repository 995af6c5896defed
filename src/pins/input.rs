//! Pins that the device follows: the tasks that wait for a level, and the edges that the port has noted.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::Poll;

use embassy_sync::waitqueue::MultiWakerRegistration;

use crate::port::{Event, Port, readable};

/// Tasks that wait for a level: the set-up button, the connection of a pin, the mode of the bus.
const WATCHERS: usize = 4;

/// The edges of all inputs.
pub(super) struct Edges {
    /// Pins with an edge that nobody has asked for yet: pin `n` is bit `n`.
    noted: Cell<u64>,
    watchers: RefCell<MultiWakerRegistration<WATCHERS>>,
}

impl Edges {
    /// None yet.
    pub fn new() -> Self {
        Self { noted: Cell::new(0), watchers: RefCell::new(MultiWakerRegistration::new()) }
    }

    /// Waits until some input has had an edge, and wakes the tasks that wait for one. One task at a time may do so.
    pub async fn come(&self, port: &'static dyn Port) {
        readable(port, Event::Pins).await;
        let edges = port.pins().pin_edges();
        if edges != 0 {
            self.noted.set(self.noted.get() | edges);
            self.watchers.borrow_mut().wake();
        }
    }

    /// Forgets the edges of a pin so far.
    pub fn forget(&self, pin: u8) {
        self.noted.set(self.noted.get() & !(1 << pin));
    }

    /// Waits for an edge of a pin after [`Edges::forget`].
    pub async fn edge(&self, pin: u8) {
        self.when(|| self.noted.get() & (1 << pin) != 0).await;
    }

    /// Waits for an edge, from now on, of one of these pins: pin `n` is bit `n`.
    pub async fn any(&self, pins: u64) {
        self.noted.set(self.noted.get() & !pins);
        self.when(|| self.noted.get() & pins != 0).await;
    }

    async fn when(&self, condition: impl Fn() -> bool) {
        poll_fn(|context| {
            if condition() {
                return Poll::Ready(());
            }
            self.watchers.borrow_mut().register(context.waker());
            Poll::Pending
        })
        .await;
    }
}

/// An input that the device follows.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub(super) port: &'static dyn Port,
    pub(super) edges: &'a Edges,
    pub(super) pin: u8,
}

impl Input<'_> {
    /// Whether the pin is high now.
    pub fn is_high(&self) -> bool {
        self.port.pins().pin_read(self.pin) == Ok(true)
    }

    /// Waits until the pin is high, or low.
    pub async fn becomes(&self, high: bool) {
        self.edges.when(|| self.is_high() == high).await;
    }
}
