//! What a task and the commands share about one request.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::Poll;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_sync::waitqueue::MultiWakerRegistration;

use super::failure::Failure;
use super::request::{Length, Request};
use crate::file::{Name, Version};
use crate::limits;
use crate::stream::Intake;
pub(super) use crate::stream::StreamId;

/// The progress of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// No command uses the task.
    Free,
    /// A command describes its request.
    Claimed,
    /// Looking up and connecting.
    Connecting,
    /// Connected; fields may still be added.
    Queued,
    /// The task sends the request, or waits for the answer.
    Sending,
    /// The head of the answer was received.
    Answered,
}

/// The file to be made.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name.
    pub name: Name,
    /// Its version.
    pub version: Version,
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u16,
    /// The CRC-16 that the content must have.
    pub crc: Option<u16>,
    /// The CRC-32 that the content must have, as Gecko OS 4 hosts give it.
    pub crc32: Option<u32>,
}

/// What a task is to do with the request of its transaction.
pub(super) enum Job {
    /// Bodies go through a stream. With `hold` nothing is sent before the host asks for it.
    Stream { stream: StreamId, hold: bool },
    /// A WebSocket whose messages go through a stream; `hold` as above.
    WebSocket { stream: StreamId, hold: bool },
    /// The answer becomes a file.
    Download(Target),
    /// A file is sent.
    Upload { local: Name, remote: Name },
}

/// What a task and the commands share about one request.
pub(super) struct Transaction {
    pub phase: Cell<Phase>,
    /// The status of the answer, or why there is none.
    pub outcome: Cell<Option<Result<u16, Failure>>>,
    pub request: &'static RefCell<Request>,
    /// The stream of the request, from its begin until it is closed.
    pub stream: Cell<Option<StreamId>>,
    /// The host knows the handle of the stream: its end may be reported.
    pub opened: Cell<bool>,
    /// The local port of the connection.
    pub local_port: Cell<u16>,
    /// What the claimed request is for, until it is started.
    pub plan: Cell<Option<Job>>,
    pub job: Signal<NoopRawMutex, Job>,
    /// The host wants the request sent.
    pub go: Signal<NoopRawMutex, ()>,
    /// The stream has been given its handle.
    pub open: Signal<NoopRawMutex, ()>,
    /// Nobody wants the request any more.
    pub cancel: Signal<NoopRawMutex, ()>,
    /// Another command needs the task, which only completes a closing handshake.
    pub hurry: Signal<NoopRawMutex, ()>,
    /// A command has claimed the task before it was free.
    pub taken_over: Cell<bool>,
    /// Commands that wait for the task.
    pub watchers: RefCell<MultiWakerRegistration<{ limits::WATCHERS }>>,
}

impl Transaction {
    /// `request` is where its request is described.
    pub const fn new(request: &'static RefCell<Request>) -> Self {
        Self {
            phase: Cell::new(Phase::Free),
            outcome: Cell::new(None),
            request,
            stream: Cell::new(None),
            opened: Cell::new(false),
            local_port: Cell::new(0),
            plan: Cell::new(None),
            job: Signal::new(),
            go: Signal::new(),
            open: Signal::new(),
            cancel: Signal::new(),
            hurry: Signal::new(),
            taken_over: Cell::new(false),
            watchers: RefCell::new(MultiWakerRegistration::new()),
        }
    }

    pub fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.watchers.borrow_mut().wake();
    }

    /// Sets the outcome. The first one counts: a body that breaks off does not revoke the status.
    pub fn settle(&self, outcome: Result<u16, Failure>) {
        if self.outcome.get().is_none() {
            self.outcome.set(Some(outcome));
        }
        self.watchers.borrow_mut().wake();
    }

    /// Waits for the outcome, or for a phase before it.
    pub async fn reached(&self, phase: Phase) -> Result<(), Failure> {
        poll_fn(|context| match self.outcome.get() {
            Some(outcome) => Poll::Ready(outcome.map(|_| ())),
            None if self.phase.get() == Phase::Free => Poll::Ready(Err(Failure::Closed)),
            None if self.phase.get() >= phase => Poll::Ready(Ok(())),
            None => {
                self.watchers.borrow_mut().register(context.waker());
                Poll::Pending
            }
        })
        .await
    }

    /// Waits for the outcome.
    pub async fn settled(&self) -> Result<u16, Failure> {
        self.reached(Phase::Answered).await?;
        self.outcome.get().unwrap_or(Err(Failure::Closed))
    }

    pub fn clear(&self) {
        self.outcome.set(None);
        self.stream.set(None);
        self.opened.set(false);
        self.plan.set(None);
        self.job.reset();
        self.go.reset();
        self.open.reset();
        self.cancel.reset();
    }
}

/// The status after which the connection uses another protocol.
pub(super) const SWITCHING_PROTOCOLS: u16 = 101;

/// The intake after `written` bytes; `None` when these are already too many.
pub(super) fn intake(length: Length, written: usize) -> Option<Intake> {
    match length {
        Length::Queued => Some(Intake::Held),
        Length::Chunked => Some(Intake::Open),
        Length::Exactly(length) => {
            u32::try_from(written).ok().and_then(|done| length.checked_sub(done)).map(Intake::Exactly)
        }
    }
}
