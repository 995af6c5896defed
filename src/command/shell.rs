//! Runs commands, one at a time, in the order in which they were given.

use core::cell::Cell;
use core::fmt::Write;

use super::call::{Call, Machine};
use super::data::DataSource;
use super::line::{Line, LineError};
use super::response::{CommandError, Ending, Reply};
use super::turn::{Asker, Busy, Queue, Turn};
use super::{dialogue, table};
use crate::buffer::{Buffer, Pool};
use crate::limits;
use crate::log::Level;
use crate::place::place;
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
    /// Commands that have ended since boot, by result code.
    results: [Cell<u32>; CODES],
}

impl Shell {
    /// An interpreter for these rooms.
    pub fn new(machine: &'static Machine) -> Self {
        let pool = place!(Pool, Pool::new());
        Self { machine, queue: Queue::new(pool), count: Cell::new(0), results: [const { Cell::new(0) }; CODES] }
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

    /// Runs one command line (without its terminator) when its turn comes, and returns its reply. The line's words
    /// overwrite it. `Busy` when too many commands wait.
    ///
    /// Dropping the future cancels the command at any point: what it has opened, reserved or begun to write is given
    /// back, and other commands go on.
    pub async fn run(&self, line: &mut [u8], data: &mut dyn DataSource, asker: Asker) -> Result<Reply, Busy> {
        Ok(self.turn(asker).await?.run(line, data).await)
    }

    /// Waits for the right to run the next command. Dropping the future frees the place in the queue. Once a restart is
    /// ordered nothing runs any more, so that no effect is lost: `Busy`, and the asker may try again.
    pub async fn turn(&self, asker: Asker) -> Result<Ready<'_>, Busy> {
        let mut reply = Reply::new();
        let turn = self.queue.turn(&mut reply).await?;
        if self.machine.base.restart.is_ordered() {
            return Err(Busy);
        }
        Ok(Ready { shell: self, asker, turn, reply })
    }

    /// A buffer for something other than a command, in a turn of its own; see [`Buffer::keep`].
    pub async fn buffer(&self) -> Buffer {
        self.queue.pool().wait().await
    }
}

/// The right to run a command, and the buffer for its answer.
pub struct Ready<'a> {
    shell: &'a Shell,
    asker: Asker,
    turn: Turn<'a>,
    reply: Reply,
}

impl Ready<'_> {
    /// Runs one command line like [`Shell::run`].
    pub async fn run(self, line: &mut [u8], data: &mut dyn DataSource) -> Reply {
        let Self { shell, asker, turn, mut reply } = self;
        shell.count.set(shell.count.get().wrapping_add(1));
        if shell.machine.dialogue.waits_for(asker) {
            return shell.answered(asker, (line, data), (turn, reply)).await;
        }
        let (result, long) = match read(line) {
            Ok(line) => {
                let mut call = Call::new(shell.machine, &line, asker, data, (&shell.queue, turn, reply));
                let result = execute(&mut call).await;
                let long = call.long;
                reply = call.into_reply();
                (result, long)
            }
            Err(error) => (Err(error), false),
        };
        reply.finish(result);
        shell.counted(&reply);
        let buffered = || shell.machine.base.variables.flag(BUFFERED);
        if long && asker.types() && reply.code == 0 && buffered() { shell.keep(reply) } else { reply }
    }
}

impl Shell {
    /// Whether the next line of the asker is a secret: it is neither echoed nor kept.
    pub fn asks_for_secret(&self, asker: Asker) -> bool {
        self.machine.dialogue.is_secret(asker)
    }

    /// The asker is gone: it will not answer its question any more.
    pub fn forget_question(&self, asker: Asker) {
        self.machine.dialogue.forget(asker);
    }

    /// Runs the line as the answer to a question.
    async fn answered(
        &self,
        asker: Asker,
        (answer, data): (&mut [u8], &mut dyn DataSource),
        (turn, reply): (Turn<'_>, Reply),
    ) -> Reply {
        let line = Line::default();
        let mut call = Call::new(self.machine, &line, asker, data, (&self.queue, turn, reply));
        let result = dialogue::go_on(&mut call, answer).await;
        let mut reply = call.into_reply();
        reply.finish(result);
        self.counted(&reply);
        reply
    }

    fn counted(&self, reply: &Reply) {
        if let Some(count) = self.results.get(usize::from(reply.code)) {
            count.set(count.get().wrapping_add(1));
        }
    }

    /// Moves a long answer into a CMD stream; the answer is then its handle and size.
    fn keep(&self, mut reply: Reply) -> Reply {
        let size = reply.text().len();
        let kept = reply.keep();
        let Some(text) = reply.take_buffer().filter(|_| kept) else { return Reply::refused() };
        // A buffer that may be kept leaves another one for the handle.
        let (Ok(handle), Some(buffer)) = (self.machine.streams.open_text(text), self.queue.pool().take()) else {
            return Reply::refused();
        };
        let mut reply = Reply::with(buffer);
        let _ = write!(reply, "{handle},{size}\r\n");
        reply
    }
}

/// Finds the command, reads its words and runs its handler.
async fn execute(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let Some(name) = call.name() else {
        call.reply.put(b"Ready");
        return Ok(Ending::Text);
    };
    let command = table::find(name).ok_or(CommandError::UnknownCommand)?;
    if call.machine.base.status.safe_mode.get() && !command.safe {
        call.machine.base.log.line(Level::Failure, format_args!("Not available in safe mode: {}", command.name));
        return Err(CommandError::Failed);
    }
    call.set_arguments(command.words.read(call.line)?);
    table::run(command, call).await
}

/// Splits a line into words.
fn read(line: &mut [u8]) -> Result<Line<'_>, CommandError> {
    if line.len() > limits::COMMAND_LINE {
        return Err(CommandError::TooLong);
    }
    Line::parse(line).map_err(|error| match error {
        LineError::OpenQuote => CommandError::Parse,
        LineError::TooLong => CommandError::TooLong,
    })
}
