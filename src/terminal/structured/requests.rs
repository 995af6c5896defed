//! Commands that run, and their answers until the host has them.

use core::cell::{Cell, RefCell, RefMut};
use core::future::poll_fn;
use core::task::Poll;

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, with_timeout};
use heapless::Vec;

use crate::command::{Asker, Busy, Bytes, Reply, Shell};
use crate::limits;
use crate::wire::structured::message::{Message, notice};

/// How long a long answer waits for the right to stay in its buffer.
const KEEPS: Duration = Duration::from_millis(100);

/// A line and its data, or a short answer.
type Content = Vec<u8, { limits::STRUCTURED_FRAME }>;

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Free,
    /// Its command has not begun.
    Given,
    Runs,
    Answered,
}

/// A request, from its arrival until the host wants no answer any more.
struct Request {
    phase: Cell<Phase>,
    id: Cell<u32>,
    /// Bytes of the line; the data are behind it.
    line: Cell<usize>,
    content: RefCell<Content>,
    code: Cell<u8>,
    /// An answer that is too long for `content`.
    kept: RefCell<Option<Reply>>,
    lost: Cell<bool>,
    /// The host asks for the answer from here on.
    due: Cell<Option<usize>>,
    /// The host must be told that it runs.
    noticed: Cell<bool>,
    given_up: Cell<bool>,
}

impl Request {
    const fn new() -> Self {
        Self {
            phase: Cell::new(Phase::Free),
            id: Cell::new(0),
            line: Cell::new(0),
            content: RefCell::new(Vec::new()),
            code: Cell::new(0),
            kept: RefCell::new(None),
            lost: Cell::new(false),
            due: Cell::new(None),
            noticed: Cell::new(false),
            given_up: Cell::new(false),
        }
    }

    fn is(&self, id: u32) -> bool {
        self.phase.get() != Phase::Free && self.id.get() == id && !self.given_up.get()
    }

    /// Forgets it. `Requests::run` gives up a command that runs.
    fn free(&self) {
        self.due.set(None);
        self.kept.take();
        match self.phase.get() {
            Phase::Runs => self.given_up.set(true),
            _ => self.phase.set(Phase::Free),
        }
    }

    /// The next part of the answer.
    fn part<R>(&self, most: usize, work: impl FnOnce(&Message<'_>) -> R) -> Option<R> {
        let offset = self.due.get()?;
        if self.phase.get() != Phase::Answered {
            return None;
        }
        let id = self.id.get();
        if self.lost.get() {
            self.due.set(None);
            return Some(work(&Message::Notice { id, what: notice::LOST }));
        }
        let (kept, content) = (self.kept.borrow(), self.content.borrow());
        let text = kept.as_ref().map_or(content.as_slice(), Reply::text);
        let rest = text.get(offset..).unwrap_or_default();
        let part = rest.get(..most).unwrap_or(rest);
        let (total, begin) = (text.len() as u32, offset.min(text.len()) as u32);
        let end = offset.saturating_add(part.len());
        self.due.set((end < text.len()).then_some(end));
        Some(work(&Message::Response { id, code: self.code.get(), total, offset: begin, text: part }))
    }
}

/// The content of a request while its command runs: nobody else looks at it then.
struct Held<'a>(RefMut<'a, Content>);

/// All requests of a line.
pub struct Requests {
    requests: [Request; limits::STRUCTURED_REQUESTS],
    base: Cell<u32>,
    /// The last request for which there was no room.
    refused: Cell<Option<u32>>,
}

impl Requests {
    /// Nothing was asked.
    pub const fn new() -> Self {
        Self {
            requests: [const { Request::new() }; limits::STRUCTURED_REQUESTS],
            base: Cell::new(0),
            refused: Cell::new(None),
        }
    }

    /// Starts anew: no requests, no base.
    pub fn restart(&self) {
        self.requests.iter().for_each(Request::free);
        self.base.set(0);
        self.refused.set(None);
    }

    /// The host wants no answer below `base` any more.
    pub fn done(&self, base: u32) {
        if base <= self.base.get() {
            return;
        }
        self.base.set(base);
        let old = |request: &&Request| request.id.get() < base;
        self.requests.iter().filter(old).for_each(Request::free);
    }

    /// A request has come.
    pub fn arrived(&self, id: u32, offset: u32, line: &[u8], data: &[u8]) {
        if id < self.base.get() {
            return;
        }
        if let Some(request) = self.requests.iter().find(|request| request.is(id)) {
            match request.phase.get() {
                Phase::Answered => request.due.set(Some(offset as usize)),
                _ => request.noticed.set(true),
            }
            return;
        }
        let free = self.requests.iter().find(|request| request.phase.get() == Phase::Free);
        let begun = free.is_some_and(|request| {
            let mut content = request.content.borrow_mut();
            content.clear();
            // What was in one frame fits.
            let fits = content.extend_from_slice(line).is_ok() && content.extend_from_slice(data).is_ok();
            request.id.set(id);
            request.line.set(line.len());
            request.due.set(Some(0));
            request.noticed.set(false);
            request.phase.set(if fits { Phase::Given } else { Phase::Free });
            fits
        });
        if !begun {
            self.refused.set(Some(id));
        }
    }

    /// Gives the next message about requests to `work`, short ones first.
    pub fn notice<R>(&self, work: impl FnOnce(&Message<'_>) -> R) -> Option<R> {
        if let Some(id) = self.refused.take() {
            return Some(work(&Message::Notice { id, what: notice::BUSY }));
        }
        let request = self.requests.iter().find(|request| request.noticed.take())?;
        let id = request.id.get();
        // It may have been answered meanwhile.
        request.is(id).then(|| work(&Message::Notice { id, what: notice::RUNS }))
    }

    /// Gives the next part of an answer, of at most so many bytes, to `work`.
    pub fn answer<R>(&self, most: usize, work: impl FnOnce(&Message<'_>) -> R) -> Option<R> {
        let answered = |request: &&Request| request.phase.get() == Phase::Answered && request.due.get().is_some();
        self.requests.iter().find(answered)?.part(most, work)
    }

    /// Runs the commands of one place, one after the other, for ever. Calls `changed` when there is something to send.
    pub async fn run(&self, place: usize, shell: &Shell, changed: &dyn Fn()) {
        let Some(request) = self.requests.get(place) else { return core::future::pending().await };
        loop {
            poll_fn(|_| if request.phase.get() == Phase::Given { Poll::Ready(()) } else { Poll::Pending }).await;
            request.phase.set(Phase::Runs);
            request.given_up.set(false);
            let given_up = poll_fn(|_| if request.given_up.get() { Poll::Ready(()) } else { Poll::Pending });
            match select(given_up, request.work(shell)).await {
                Either::First(()) => request.phase.set(Phase::Free),
                Either::Second(Ok(())) => request.phase.set(Phase::Answered),
                Either::Second(Err(Busy)) => {
                    request.phase.set(Phase::Free);
                    self.refused.set(Some(request.id.get()));
                }
            }
            request.given_up.set(false);
            changed();
        }
    }
}

impl Request {
    /// Runs its command, and keeps the answer.
    async fn work(&self, shell: &Shell) -> Result<(), Busy> {
        let mut reply = {
            let mut held = Held(self.content.borrow_mut());
            let (line, data) = held.0.split_at_mut_checked(self.line.get()).unwrap_or_default();
            shell.run(line, &mut Bytes(data), Asker::Structured).await?
        };
        self.code.set(reply.code);
        self.lost.set(false);
        let fits = {
            let mut content = self.content.borrow_mut();
            content.clear();
            content.extend_from_slice(reply.text()).is_ok()
        };
        if !fits {
            self.lost.set(!reply.keep() && with_timeout(KEEPS, reply.kept()).await.is_err());
            if !self.lost.get() {
                self.kept.replace(Some(reply));
            }
        }
        Ok(())
    }
}
