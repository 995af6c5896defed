//! Transfers on the buses of the board: one after another, while other tasks run.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::Poll;

use embassy_sync::waitqueue::MultiWakerRegistration;
use embassy_time::{Duration, with_timeout};

use super::scratch::{self, Scratch};
use crate::limits;
use crate::port::{self, BusTransfer, Event, Job, JobOutput, JobRequest, Port, PortError};

/// The longest time for a transfer and those before it: a bus that hangs must not block a task for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// Gives tasks their turn on the buses.
///
/// A task that is dropped during a transfer leaves the transfer running, because nothing can stop it: the next task
/// waits for its end.
pub struct Buses {
    port: &'static dyn Port,
    scratch: &'static Scratch,
    taken: Cell<bool>,
    /// A transfer that was begun and whose outcome was not read yet.
    running: Cell<Option<Job>>,
    waiting: RefCell<MultiWakerRegistration<{ limits::WATCHERS }>>,
}

/// The turn on the buses.
struct Turn<'a>(&'a Buses);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.taken.set(false);
        self.0.waiting.borrow_mut().wake();
    }
}

impl Buses {
    /// The idle buses of this port.
    pub fn new(port: &'static dyn Port, scratch: &'static Scratch) -> Self {
        let waiting = RefCell::new(MultiWakerRegistration::new());
        Self { port, scratch, taken: Cell::new(false), running: Cell::new(None), waiting }
    }

    /// Carries out a transfer when its turn comes, and calls `end` with the bytes received. Calls `begin` right before
    /// the transfer and holds its result while the transfer runs. When this future is dropped in the middle, `end` is
    /// not called.
    pub async fn transfer<Held>(
        &self,
        transfer: BusTransfer<'_>,
        begin: impl FnOnce() -> Held,
        end: impl FnOnce(&[u8]),
    ) -> port::Result<()> {
        let work = async {
            let _turn = self.turn().await;
            // Nobody needs the outcome of another task's transfer any more.
            let _ = self.outcome().await;
            let _held = begin();
            self.running.set(Some(self.port.jobs().start(&JobRequest::Bus(transfer))?));
            self.outcome().await
        };
        with_timeout(PATIENCE, work).await.unwrap_or(Err(PortError::TimedOut))?;
        self.scratch.with(|bytes| {
            let count = self.port.jobs().bus_received(bytes)?;
            end(bytes.get(..count).unwrap_or_default());
            Ok(())
        })
    }

    /// Waits until no other task has the turn.
    async fn turn(&self) -> Turn<'_> {
        poll_fn(|context| {
            if !self.taken.replace(true) {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().register(context.waker());
            Poll::Pending
        })
        .await;
        Turn(self)
    }

    /// Waits for the end of the transfer that was begun.
    async fn outcome(&self) -> port::Result<()> {
        let Some(job) = self.running.get() else { return Ok(()) };
        let outcome = port::io(self.port, Event::Job(job), || self.port.jobs().result(job)).await;
        self.running.set(None);
        match outcome? {
            JobOutput::Bus => Ok(()),
            _ => Err(PortError::Unsupported),
        }
    }
}

/// The pin that selects a device on SPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Select {
    pin: u8,
    active: bool,
}

/// Keeps a device selected until this is dropped.
pub struct Selected(&'static dyn Port, Select);

impl Select {
    /// A pin that selects with the level `active`.
    pub fn new(pin: u8, active: bool) -> Self {
        Self { pin, active }
    }

    /// The number of the pin.
    pub fn pin(&self) -> u8 {
        self.pin
    }

    /// The level of the pin while the device is not selected.
    pub fn rest(&self) -> bool {
        !self.active
    }

    /// Selects the device.
    pub fn assert(self, port: &'static dyn Port) -> Selected {
        // The pin is an output since the stream was opened.
        let _ = port.pins().pin_write(self.pin, self.active);
        Selected(port, self)
    }
}

impl Drop for Selected {
    fn drop(&mut self) {
        let _ = self.0.pins().pin_write(self.1.pin, self.1.rest());
    }
}

// The bytes of a transfer are taken in one piece.
const _: () = assert!(scratch::SIZE >= limits::BUS_TRANSFER);
