//! Transfers on the buses of the board: one after the other, and others run meanwhile.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::Poll;

use embassy_sync::waitqueue::MultiWakerRegistration;
use embassy_time::{Duration, with_timeout};

use super::scratch::{self, Scratch};
use crate::limits;
use crate::port::{self, BusTransfer, Event, Job, JobOutput, JobRequest, Port, PortError};

/// The longest time for a transfer and for those before it: a bus that hangs keeps nobody for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whose turn it is on the buses.
///
/// Who goes away in the middle leaves a transfer behind, because nothing can stop it: the next one waits for it.
pub struct Buses {
    port: &'static dyn Port,
    scratch: &'static Scratch,
    taken: Cell<bool>,
    /// A transfer that was begun and whose outcome nobody has seen.
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
    /// Nobody uses the buses of this port.
    pub fn new(port: &'static dyn Port, scratch: &'static Scratch) -> Self {
        let waiting = RefCell::new(MultiWakerRegistration::new());
        Self { port, scratch, taken: Cell::new(false), running: Cell::new(None), waiting }
    }

    /// Carries a transfer out when its turn comes, and calls `end` with what it has brought. What `begin` answers right before
    /// is held as long as the transfer runs. When this is dropped in the middle, `end` is not called.
    pub async fn transfer<Held>(
        &self,
        transfer: BusTransfer<'_>,
        begin: impl FnOnce() -> Held,
        end: impl FnOnce(&[u8]),
    ) -> port::Result<()> {
        let work = async {
            let _turn = self.turn().await;
            // How that of somebody else went, nobody wants to know any more.
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

    /// Waits until nobody else has the turn.
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

/// A device that is selected until this is dropped.
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

    /// The level that it rests at.
    pub fn rest(&self) -> bool {
        !self.active
    }

    /// Selects the device.
    pub fn assert(self, port: &'static dyn Port) -> Selected {
        // It is an output since the stream was opened.
        let _ = port.pins().pin_write(self.pin, self.active);
        Selected(port, self)
    }
}

impl Drop for Selected {
    fn drop(&mut self) {
        let _ = self.0.pins().pin_write(self.1.pin, self.1.rest());
    }
}

// What a transfer brings is taken in one piece.
const _: () = assert!(scratch::SIZE >= limits::BUS_TRANSFER);
