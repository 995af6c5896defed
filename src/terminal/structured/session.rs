//! The session: what a message does, and how it ends.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::Poll;

use embassy_futures::join::join_array;
use embassy_futures::select::{Either4, select, select4};
use embassy_sync::waitqueue::WakerRegistration;
use embassy_time::{Duration, Timer};

use super::news::{Events, Interfaces};
use super::requests::Requests;
use super::send::put;
use super::streams::Table;
use super::{FRAME, content};
use crate::base::Base;
use crate::command::Shell;
use crate::limits;
use crate::stream::{Pipe, Streams};
use crate::terminal::input::{Input, Waited};
use crate::terminal::line::Line;
use crate::wire::structured::frame::Collector;
use crate::wire::structured::message::{Message, credit};

/// How long the last answers may take to leave when a restart was ordered.
const LEAVES: Duration = Duration::from_millis(50);

/// What runs on a line instead of command mode.
pub(super) struct Session<'a> {
    pub(super) line: Line,
    pub(super) requests: Requests,
    pub(super) table: RefCell<Table>,
    pub(super) interfaces: RefCell<Interfaces>,
    pub(super) events: Events,
    /// The number of the next line of the log to send.
    pub(super) next_log: Cell<u32>,
    /// Frames that were dropped.
    pub(super) dropped: Cell<u32>,
    /// The host must be told what the device can do.
    pub(super) welcome: Cell<bool>,
    /// The most bytes that a message carries.
    pub(super) content: Cell<usize>,
    /// Answers come before data this time.
    pub(super) answers_first: Cell<bool>,
    /// The waker of the task, which looks at everything again.
    pub(super) changed: RefCell<WakerRegistration>,
    shell: &'static Shell,
    input: &'a Input,
}

/// How the protocol ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The host has said so.
    Stop,
    /// A break condition, the end of the line, a restart.
    Silent,
}

/// Serves a line until the host ends the protocol, or something else does. `line_end` may still come and belongs to the
/// command that has begun the protocol; log lines are sent from `next_log` on. Returns the number of the next log line.
pub async fn serve(shell: &'static Shell, line: Line, input: &Input, line_end: Option<u8>, next_log: u32) -> u32 {
    let session = Session {
        line,
        requests: Requests::new(),
        table: RefCell::new(Table::new()),
        interfaces: RefCell::new(Interfaces::new()),
        events: Events::new(),
        next_log: Cell::new(next_log),
        dropped: Cell::new(0),
        welcome: Cell::new(true),
        content: Cell::new(content(0)),
        answers_first: Cell::new(false),
        changed: RefCell::new(WakerRegistration::new()),
        shell,
        input,
    };
    if session.run(line_end).await == End::Stop {
        let mut out = [0; 16];
        // The frame before may be cut off.
        if let Some(length) = put(&Message::Bye {}, out.get_mut(1..).unwrap_or_default()) {
            session.write(out.get(..=length).unwrap_or_default()).await;
        }
    }
    session.next_log.get()
}

/// Speaks the protocol with WebSockets, one after the other, for ever: one task. Each WebSocket begins and ends with
/// the protocol.
pub async fn keep(shell: &'static Shell, pipe: &'static Pipe) {
    let base = shell.machine().base;
    loop {
        pipe.opened().await;
        let line = Line::pipe(base.port, pipe);
        serve(shell, line, &Input::new(line), None, base.log.next()).await;
        pipe.close().await;
    }
}

impl Session<'_> {
    pub(super) fn base(&self) -> &'static Base {
        self.shell.machine().base
    }

    pub(super) fn streams(&self) -> &'static Streams {
        self.shell.machine().streams
    }

    fn tell(&self) {
        self.changed.borrow_mut().wake();
    }

    async fn run(&self, line_end: Option<u8>) -> End {
        let restarts = async {
            self.base().restart.ordered().await;
            Timer::after(LEAVES).await;
        };
        let tell = || self.tell();
        let commands = async {
            let places = core::array::from_fn::<_, { limits::STRUCTURED_REQUESTS }, _>(|place| {
                self.requests.run(place, self.shell, &tell)
            });
            join_array(places).await;
        };
        let files = self.settle();
        match select4(self.receive(line_end), self.send(), commands, select(files, restarts)).await {
            Either4::First(end) => end,
            _ => End::Silent,
        }
    }

    /// Reads frames until the protocol ends.
    async fn receive(&self, line_end: Option<u8>) -> End {
        let mut collector = Collector::<FRAME>::new();
        let mut line_end = line_end;
        loop {
            match select(self.base().restart.ordered(), self.input.more()).await {
                // Bytes that come from now on are for the next life.
                embassy_futures::select::Either::First(()) => core::future::pending().await,
                embassy_futures::select::Either::Second(Waited::Bytes) => {}
                embassy_futures::select::Either::Second(_) => return End::Silent,
            }
            while let Some(byte) = self.input.take() {
                if line_end.take() == Some(byte) {
                    continue;
                }
                let end = match collector.push(byte) {
                    None => continue,
                    Some(Ok(payload)) => self.message(payload),
                    Some(Err(_)) => {
                        self.dropped.set(self.dropped.get().saturating_add(1));
                        false
                    }
                };
                if end {
                    return End::Stop;
                }
            }
            self.tell();
        }
    }

    /// Does what a message says; true when it ends the protocol.
    fn message(&self, payload: &[u8]) -> bool {
        let Some(message) = Message::read(payload) else { return false };
        let mut table = self.table.borrow_mut();
        match message {
            Message::Hello { restart, frame } => {
                self.content.set(content(frame));
                if restart {
                    self.requests.restart();
                    *table = Table::new();
                    self.interfaces.replace(Interfaces::new());
                }
                self.welcome.set(true);
            }
            Message::Request { id, base, offset, line, data } => {
                self.requests.done(base);
                self.requests.arrived(id, offset, line, data);
            }
            Message::Done { base } => self.requests.done(base),
            Message::Credit { stream, received, limit, flags } => {
                table.credited(self.streams(), stream, (received, limit), flags & credit::AGAIN != 0);
            }
            Message::Data { stream, offset, bytes, .. } => table.data(self.streams(), stream, offset, bytes),
            Message::Ask { handle } => table.ask(handle),
            Message::Seen { event } => {
                table.seen(event);
                self.interfaces.borrow_mut().seen(event);
            }
            Message::Replay { number } => self.next_log.set(number),
            Message::Stop {} => return true,
            _ => {}
        }
        false
    }

    /// Waits for files whose content is whole, for ever.
    async fn settle(&self) {
        loop {
            let file = poll_fn(|_| self.table.borrow_mut().take_settling().map_or(Poll::Pending, Poll::Ready)).await;
            // The log says what has become of it.
            let _ = self.streams().settle(file).await;
        }
    }
}
