//! Slow work on flash: one piece after another, while other tasks run.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::Poll;

use embassy_futures::yield_now;
use embassy_sync::waitqueue::MultiWakerRegistration;

use crate::limits;
use crate::port::{self, Event, FlashWork, Job, JobOutput, JobRequest, Port, PortError, Storage};

/// Gives tasks their turn to make something durable.
///
/// A task that is dropped during a piece of work leaves the work running, because nothing can stop it: the next task
/// waits for its end.
pub struct Flash {
    port: &'static dyn Port,
    taken: Cell<bool>,
    /// The number of tasks that have the turn or wait for it.
    wanted: Cell<usize>,
    /// Work that was begun and whose outcome was not read yet.
    running: Cell<Option<Job>>,
    waiting: RefCell<MultiWakerRegistration<{ limits::WATCHERS }>>,
}

/// A task that has the turn or waits for it.
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
    /// The idle flash of this port.
    pub fn new(port: &'static dyn Port) -> Self {
        Self {
            port,
            taken: Cell::new(false),
            wanted: Cell::new(0),
            running: Cell::new(None),
            waiting: RefCell::new(MultiWakerRegistration::new()),
        }
    }

    /// The flash, for quick operations.
    pub fn storage(&self) -> &'static dyn Storage {
        self.port.storage()
    }

    /// Waits until no other task works on the flash.
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
        // Nobody needs the outcome of the earlier work any more.
        let _ = turn.done().await;
        turn
    }

    /// Waits until no other task has the turn or waits for it.
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

    /// Waits until the work that was begun is done. A port that does the work on the device's thread has blocked all
    /// tasks meanwhile, so this yields to them first.
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
