//! Runs commands, one at a time, in the order in which they were given.

use core::cell::Cell;

use super::call::{Call, Machine, Step, Wait};
use super::data::DataSource;
use super::line::{Line, LineError};
use super::response::{CommandError, Ending, Reply};
use super::turn::{Busy, Queue, Turn};
use super::{http, intake, network, sockets, streams, table, wlan};
use crate::limits;
use crate::variable::{Id, id};

const BUFFERED: Id = id("system.cmd.buffered");

/// Result codes: 0 to 9.
pub const CODES: usize = 10;

/// The command interpreter.
pub struct Shell {
    machine: &'static Machine,
    queue: Queue,
    /// Commands run since boot.
    count: Cell<u32>,
    /// Of them, by result code.
    results: [Cell<u32>; CODES],
}

impl Shell {
    /// An interpreter for these rooms.
    pub fn new(machine: &'static Machine) -> Self {
        Self { machine, queue: Queue::new(), count: Cell::new(0), results: [const { Cell::new(0) }; CODES] }
    }

    /// The rooms it acts on.
    pub fn machine(&self) -> &'static Machine {
        self.machine
    }

    /// Commands run since boot.
    pub fn count(&self) -> u32 {
        self.count.get()
    }

    /// Commands that have ended since boot, by result code.
    pub fn results(&self) -> [u32; CODES] {
        self.results.each_ref().map(Cell::get)
    }

    /// Runs one command line (without its terminator) when its turn comes. `reply` then holds the answer. `buffered`
    /// says that long answers may go to a CMD stream (`system.cmd.buffered`, serial line only).
    pub async fn run(
        &self,
        line: &[u8],
        data: &mut dyn DataSource,
        buffered: bool,
        reply: &mut Reply,
    ) -> Result<(), Busy> {
        let turn = self.turn().await?;
        self.run_in(turn, line, data, buffered, reply).await;
        Ok(())
    }

    /// Waits for the right to run the next command. Dropping the future frees the place in the queue.
    pub async fn turn(&self) -> Result<Turn<'_>, Busy> {
        self.queue.turn().await
    }

    /// Runs one command line like [`Shell::run`], in a turn that was waited for before: a caller that can lose its
    /// client gives up while it waits, but not in the middle of a command.
    pub async fn run_in(
        &self,
        _turn: Turn<'_>,
        line: &[u8],
        data: &mut dyn DataSource,
        buffered: bool,
        reply: &mut Reply,
    ) {
        self.count.set(self.count.get().wrapping_add(1));
        reply.clear();
        let mut long = false;
        let result = match self.start(line, reply, &mut long) {
            Ok(step) => self.finish(step, data, reply).await,
            Err(error) => Err(error),
        };
        reply.finish(result);
        if let Some(count) = self.results.get(usize::from(reply.code)) {
            count.set(count.get().wrapping_add(1));
        }
        if long && buffered && reply.code == 0 && self.machine.base.variables.flag(BUFFERED) {
            self.keep(reply);
        }
    }

    /// Reads the line and calls the handler.
    fn start(&self, line: &[u8], reply: &mut Reply, long: &mut bool) -> Result<Step, CommandError> {
        if line.len() > limits::COMMAND_LINE {
            return Err(CommandError::TooLong);
        }
        let line = Line::parse(line).map_err(|error| match error {
            LineError::OpenQuote => CommandError::Parse,
            LineError::TooLong => CommandError::TooLong,
        })?;
        let Some(name) = line.get(0) else {
            reply.put(b"Ready");
            return Ok(Step::Done(Ending::Text));
        };
        let command = table::find(name).ok_or(CommandError::UnknownCommand)?;
        let mut call = Call { machine: self.machine, line: &line, reply, long: false };
        let step = (command.run)(&mut call);
        *long = call.long;
        step
    }

    async fn finish(&self, step: Step, data: &mut dyn DataSource, reply: &mut Reply) -> Result<Ending, CommandError> {
        match step {
            Step::Done(ending) => Ok(ending),
            Step::Data { size, sink } => intake::take(self.machine, size, sink, data, reply).await,
            Step::Wait(wait) => self.wait(wait, reply).await,
        }
    }

    async fn wait(&self, wait: Wait, reply: &mut Reply) -> Result<Ending, CommandError> {
        match wait {
            Wait::Close(handle) => streams::close(self.machine, handle).await,
            Wait::Open(open) => sockets::open(self.machine, open, reply).await,
            Wait::Http(pending) => http::finish(self.machine, pending, reply).await,
            Wait::Lookup(host) => network::lookup(self.machine, &host, reply).await,
            Wait::Ping(host, interface) => network::ping(self.machine, host, interface, reply).await,
            Wait::Scan(request) => wlan::scan(self.machine, request, reply).await,
            Wait::Up(interface) => network::up(self.machine, interface).await,
            Wait::Restart(interface) => network::restart(self.machine, interface).await,
        }
    }

    /// Moves a long answer into a CMD stream; the answer is then its handle and size.
    fn keep(&self, reply: &mut Reply) {
        let size = reply.text.len();
        match self.machine.streams.open_text(&reply.text) {
            Ok(handle) => {
                reply.clear();
                let _ = core::fmt::write(reply, format_args!("{handle},{size}\r\n"));
            }
            Err(_) => reply.finish(Err(CommandError::Failed)),
        }
    }
}
