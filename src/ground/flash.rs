//! Slow work on flash: one piece after the other, and others run meanwhile.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::Poll;

use embassy_futures::yield_now;
use embassy_sync::waitqueue::MultiWakerRegistration;

use crate::limits;
use crate::port::{self, Event, FlashWork, Job, JobOutput, JobRequest, Port, PortError, Storage};

/// Whose turn it is to make something durable.
///
/// Who goes away in the middle leaves a piece of work behind, because nothing can stop it: the next one waits for it.
pub struct Flash {
    port: &'static dyn Port,
    taken: Cell<bool>,
    /// Those who have the turn or wait for it.
    wanted: Cell<usize>,
    /// Work that was begun and whose outcome nobody has seen.
    running: Cell<Option<Job>>,
    waiting: RefCell<MultiWakerRegistration<{ limits::WATCHERS }>>,
}

/// Somebody who has the turn or waits for it.
struct Wanted<'a>(&'a Flash);

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.0.wanted.set(self.0.wanted.get() - 1);
    }
}

/// The right to do slow work on flash. It ends when this is dropped.
#[must_use = "the turn is over when this is dropped"]
pub struct FlashTurn<'a>(Wanted<'a>);

impl Drop for FlashTurn<'_> {
    fn drop(&mut self) {
        let flash = self.0.0;
        flash.taken.set(false);
        flash.waiting.borrow_mut().wake();
    }
}

impl Flash {
    /// Nobody works on the flash of this port.
    pub fn new(port: &'static dyn Port) -> Self {
        Self {
            port,
            taken: Cell::new(false),
            wanted: Cell::new(0),
            running: Cell::new(None),
            waiting: RefCell::new(MultiWakerRegistration::new()),
        }
    }

    /// The flash, for what is quick.
    pub fn storage(&self) -> &'static dyn Storage {
        self.port.storage()
    }

    /// Waits until nobody else works on the flash.
    pub async fn turn(&self) -> FlashTurn<'_> {
        self.wanted.set(self.wanted.get() + 1);
        let wanted = Wanted(self);
        poll_fn(|context| {
            if !self.taken.replace(true) {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().register(context.waker());
            Poll::Pending
        })
        .await;
        let turn = FlashTurn(wanted);
        // How that went, nobody wants to know any more.
        let _ = turn.done().await;
        turn
    }

    /// Waits until all work is done that somebody has the turn for, or waits for it.
    pub async fn idle(&self) {
        loop {
            let turn = self.turn().await;
            if self.wanted.get() == 1 {
                return;
            }
            drop(turn);
            yield_now().await;
        }
    }
}

impl FlashTurn<'_> {
    /// Begins a piece of work; then wait for [`FlashTurn::done`].
    pub fn begin(&self, work: FlashWork<'_>) -> port::Result<()> {
        let flash = self.0.0;
        flash.running.set(Some(flash.port.jobs().start(&JobRequest::Flash(work))?));
        Ok(())
    }

    /// Waits until the work that was begun is done. A port that does it on the thread of the device has held everybody
    /// up by then, so that others have their turn first.
    pub async fn done(&self) -> port::Result<()> {
        let flash = self.0.0;
        let Some(job) = flash.running.get() else { return Ok(()) };
        let outcome = port::io(flash.port, Event::Job(job), || flash.port.jobs().result(job)).await;
        flash.running.set(None);
        yield_now().await;
        match outcome? {
            JobOutput::Flash => Ok(()),
            _ => Err(PortError::Unsupported),
        }
    }
}
