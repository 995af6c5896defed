//! Bytes that were received on a line and are not used yet: command lines, data of commands, keys that end a command.

use core::cell::{RefCell, RefMut};
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};

use embassy_time::{Duration, Instant, Timer};

use super::line::Line;
use super::person::Progress;
use crate::command::DataSource;
use crate::limits;

/// Ctrl-C.
const INTERRUPT: u8 = 0x03;
/// Where a Ctrl-C might be a data byte of a command, it counts only when it comes alone: this long after the byte
/// before it …
const SILENCE_BEFORE: Duration = Duration::from_millis(50);
/// … and with nothing after it for this long.
const SILENCE_AFTER: Duration = Duration::from_millis(500);

/// The receiving side of a line. The reader of data and the watcher for the end of a command share it, within one task.
pub struct Input {
    line: Line,
    state: RefCell<State>,
}

/// What a running command does with the line, as far as known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It waits for its turn: what it will do with the bytes after its line is not known yet.
    Queued,
    /// It takes no data.
    Runs,
    /// It takes data.
    TakesData,
}

/// What a wait on the line has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// There are bytes.
    Bytes,
    /// A break condition.
    Break,
    /// Nothing more will come.
    End,
}

/// How a line has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Nothing more will be sent; answers are still wanted.
    Finished,
    /// The other side is gone.
    Gone,
}

/// The result of a look at the line.
pub enum More {
    /// This many bytes have come.
    Read(usize),
    /// Nothing is there; the task is woken when something is.
    Nothing,
    /// The most bytes that may wait are waiting.
    Full,
    /// Nothing will come any more.
    Ended,
}

struct State {
    /// Received and not used: `bytes[start..end]`.
    bytes: [u8; limits::SERIAL_RX],
    start: usize,
    end: usize,
    ended: Option<Ended>,
    phase: Phase,
    /// The command has asked for data.
    asked: bool,
    /// The rest of the line end, which is no data.
    line_end: Option<u8>,
    /// When the last bytes came.
    last: Instant,
    /// When a lone Ctrl-C came, if nothing has come after it yet.
    alone: Option<Instant>,
    /// How much of the running command's data has come, if a person types them.
    progress: Option<Progress>,
}

impl Input {
    /// Nothing has come yet.
    pub fn new(line: Line) -> Self {
        let state = State {
            bytes: [0; limits::SERIAL_RX],
            start: 0,
            end: 0,
            ended: None,
            phase: Phase::Queued,
            asked: false,
            line_end: None,
            last: Instant::MIN,
            alone: None,
            progress: None,
        };
        Self { line, state: RefCell::new(state) }
    }

    /// Waits until there are bytes, a break condition or the end.
    pub async fn more(&self) -> Waited {
        poll_fn(|context| {
            if self.line.take_break() {
                return Poll::Ready(Waited::Break);
            }
            let some = self.state.borrow_mut().poll_some(self.line, context);
            some.map(|some| if some { Waited::Bytes } else { Waited::End })
        })
        .await
    }

    /// Reads ahead while there is room, for ever. The bytes are for later.
    pub async fn read_ahead(&self) {
        poll_fn(|context| {
            if self.line.take_break() {
                self.line.break_unused();
            }
            while matches!(self.state.borrow_mut().poll_fill(self.line, context), Poll::Ready(1..)) {}
            Poll::Pending
        })
        .await
    }

    /// The next of the waiting bytes.
    pub fn take(&self) -> Option<u8> {
        self.state.borrow_mut().take()
    }

    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.state.borrow().waiting().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets `user` look at the waiting bytes; `user` returns how many of the oldest it has used.
    pub fn use_up(&self, user: impl FnOnce(&[u8]) -> usize) -> usize {
        let mut state = self.state.borrow_mut();
        let used = user(state.waiting()).min(state.end - state.start);
        state.start += used;
        used
    }

    /// Forgets the newest bytes.
    pub fn cut(&self, count: usize) {
        let mut state = self.state.borrow_mut();
        state.end -= count.min(state.end - state.start);
    }

    /// Reads more bytes after the waiting ones, so that at most `most` wait, and passes the new ones to `show`.
    pub fn poll_more(&self, most: usize, context: &mut Context<'_>, show: &mut dyn FnMut(&[u8])) -> More {
        self.state.borrow_mut().poll_more(self.line, most, context, show)
    }

    /// A command begins and waits for its turn. `line_end` still belongs to its line and is not data.
    pub fn begin(&self, line_end: Option<u8>) {
        let mut state = self.state.borrow_mut();
        (state.phase, state.asked, state.line_end, state.alone) = (Phase::Queued, false, line_end, None);
        state.progress = None;
        // A break before the command was not meant for it.
        let _ = self.line.take_break();
    }

    /// The command's turn has come: it runs, and takes no data unless it says so.
    pub fn runs(&self) {
        self.state.borrow_mut().phase = Phase::Runs;
    }

    /// How much of the running command's data has come, if that is not `seen` and a person types them.
    pub fn progress(&self, seen: Option<usize>) -> Option<Progress> {
        // If this fails, the command is looking at its data; it gives them back in this task.
        let state = self.state.try_borrow().ok()?;
        state.progress.as_ref().filter(|progress| Some(progress.taken()) != seen).cloned()
    }

    /// Whether the command has asked for data, which begin after the line end.
    pub fn data_taken(&self) -> bool {
        self.state.borrow().asked
    }

    /// Waits until the line ends the running command: by a break condition, by the line's own end, or by Ctrl-C if
    /// `person`, when a person may be at the other end. Reads ahead meanwhile, while there is room.
    pub async fn interrupted(&self, person: bool) {
        let mut timer = None;
        poll_fn(|context| match self.state.try_borrow_mut() {
            Ok(mut state) => state.poll_interrupted(self.line, person, &mut timer, context),
            // The command is looking at its data; it gives them back in this task.
            Err(_) => Poll::Pending,
        })
        .await;
    }

    /// Gives the unused bytes back, for the device's next life. `line_end`: the byte that would still belong to the
    /// last line; this waits for it, since it may come a moment later. `begun`: the start of a line, which comes before
    /// the unused bytes.
    pub async fn give_back(&self, line_end: Option<u8>, begun: &[u8]) {
        if let Some(line_end) = line_end {
            poll_fn(|context| {
                let _ = self.line.take_break();
                self.state.borrow_mut().poll_some(self.line, context)
            })
            .await;
            let mut state = self.state.borrow_mut();
            if state.waiting().first() == Some(&line_end) {
                state.start += 1;
            }
        }
        let mut state = self.state.borrow_mut();
        self.line.give_back(state.waiting());
        self.line.give_back(begun);
        state.start = state.end;
    }
}

impl State {
    fn waiting(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.waiting().first().copied()?;
        self.start += 1;
        Some(byte)
    }

    /// Waits until there is a byte to take; false when there never will be.
    fn poll_some(&mut self, line: Line, context: &mut Context<'_>) -> Poll<bool> {
        if !self.waiting().is_empty() {
            return Poll::Ready(true);
        }
        self.poll_fill(line, context).map(|read| read > 0)
    }

    /// Reads more bytes after the waiting ones; zero at the end of the line, and when there is no room.
    fn poll_fill(&mut self, line: Line, context: &mut Context<'_>) -> Poll<usize> {
        if self.ended.is_some() {
            return Poll::Ready(0);
        }
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let room = self.bytes.get_mut(self.end..).unwrap_or_default();
        if room.is_empty() {
            return Poll::Ready(0);
        }
        match line.poll_read(context, room) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(read @ 1..)) => {
                self.end += read;
                self.note(self.end - read);
                Poll::Ready(read)
            }
            Poll::Ready(Ok(0)) => self.end_with(Ended::Finished),
            Poll::Ready(Err(_)) => self.end_with(Ended::Gone),
        }
    }

    fn poll_more(&mut self, line: Line, most: usize, context: &mut Context<'_>, show: &mut dyn FnMut(&[u8])) -> More {
        if self.ended.is_some() {
            return More::Ended;
        }
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let room = self.bytes.get_mut(self.end..most).unwrap_or_default();
        if room.is_empty() {
            return More::Full;
        }
        match line.poll_read(context, room) {
            Poll::Pending => More::Nothing,
            Poll::Ready(Ok(count @ 1..)) => {
                show(room.get(..count).unwrap_or_default());
                self.end += count;
                self.last = Instant::now();
                More::Read(count)
            }
            Poll::Ready(_) => {
                self.ended = Some(Ended::Gone);
                More::Ended
            }
        }
    }

    fn end_with(&mut self, ended: Ended) -> Poll<usize> {
        self.ended = Some(ended);
        Poll::Ready(0)
    }

    /// Notes new bytes, from `first` on: perhaps a lone Ctrl-C.
    fn note(&mut self, first: usize) {
        let now = Instant::now();
        let silent = now.saturating_duration_since(self.last) >= SILENCE_BEFORE;
        let alone = silent && self.bytes.get(first..self.end) == Some(&[INTERRUPT]);
        self.alone = alone.then_some(now);
        self.last = now;
    }

    fn poll_interrupted(
        &mut self,
        line: Line,
        person: bool,
        timer: &mut Option<Timer>,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let mut news = false;
        while matches!(self.poll_fill(line, context), Poll::Ready(1..)) {
            news = true;
        }
        if news && self.phase == Phase::TakesData {
            // The command was polled before, when there were no bytes.
            context.waker().wake_by_ref();
        }
        if line.take_break() || self.ended == Some(Ended::Gone) {
            return Poll::Ready(());
        }
        if !person {
            return Poll::Pending;
        }
        if self.phase == Phase::Runs {
            return if self.take_interrupt() { Poll::Ready(()) } else { Poll::Pending };
        }
        self.poll_alone(timer, context)
    }

    /// Waits until nothing has come after a lone Ctrl-C for long enough.
    fn poll_alone(&mut self, timer: &mut Option<Timer>, context: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.alone else {
            *timer = None;
            return Poll::Pending;
        };
        let due = at + SILENCE_AFTER;
        if Instant::now() < due {
            // The timer is in the future, so this poll only registers the waker.
            let _ = Pin::new(timer.insert(Timer::at(due))).poll(context);
            return Poll::Pending;
        }
        self.take_interrupt();
        Poll::Ready(())
    }

    /// Takes the first Ctrl-C out of the waiting bytes; those around it stay in order.
    fn take_interrupt(&mut self) -> bool {
        let Some(at) = self.waiting().iter().position(|byte| *byte == INTERRUPT) else { return false };
        self.bytes.copy_within(self.start..self.start + at, self.start + 1);
        self.start += 1;
        true
    }
}

/// The data bytes of a command, read from the line.
pub struct Data<'a> {
    input: &'a Input,
    /// Held while the command looks at the bytes: nothing is read ahead meanwhile.
    lent: Option<RefMut<'a, State>>,
}

impl<'a> Data<'a> {
    /// No data have been taken yet.
    pub fn new(input: &'a Input) -> Self {
        Self { input, lent: None }
    }
}

impl DataSource for Data<'_> {
    fn begin(&mut self, size: usize) {
        let is_shown = size > 0 && self.input.line.is_terminal();
        let mut state = self.input.state.borrow_mut();
        state.phase = Phase::TakesData;
        state.progress = is_shown.then(|| Progress::of(size));
    }

    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<&[u8]> {
        let input = self.input;
        let mut state = self.lent.take().unwrap_or_else(|| input.state.borrow_mut());
        state.asked = true;
        loop {
            if state.poll_some(input.line, context).is_pending() {
                return Poll::Pending;
            }
            let line_end = state.line_end.take();
            if line_end.is_none() || state.waiting().first() != line_end.as_ref() {
                break;
            }
            state.start += 1;
        }
        Poll::Ready(self.lent.insert(state).waiting())
    }

    fn consume(&mut self, count: usize) {
        if let Some(mut state) = self.lent.take() {
            let State { bytes, start, end, progress, .. } = &mut *state;
            let used = *start..(*start + count).min(*end);
            if let Some(progress) = progress {
                progress.take(bytes.get(used.clone()).unwrap_or_default());
            }
            *start = used.end;
        }
    }
}
