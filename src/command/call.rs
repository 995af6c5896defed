//! What a command's handler works with.

use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::Poll;

use embassy_time::Duration;

use super::arguments::Arguments;
use super::data::{Data, DataSource};
use super::dialogue::Dialogue;
use super::line::Line;
use super::response::{CommandError, Ending, Reply};
use super::turn::{Asker, Queue, Turn};
use crate::base::Base;
use crate::buffer::Pool;
use crate::file::Files;
use crate::http_client::Client;
use crate::life::Faults;
use crate::log::Level;
use crate::network::Network;
use crate::pins::Pins;
use crate::service::Smtp;
use crate::stream::Streams;
use crate::tls::Tls;
use crate::variable::{Id, id};

const PROMPT: Id = id("system.cmd.prompt_enabled");
const WRITE_TIMEOUT: Id = id("bus.command.write_timeout");

/// How long to wait for each data byte that is thrown away: a host that sends data has them on the way, and a host that
/// first waits for the refusal should not wait long. (One known host sends its data 400 ms late.)
const REFUSED_PATIENCE: Duration = Duration::from_secs(1);

/// How long a person may think before typing the data of a command, in milliseconds.
const HUMAN_PATIENCE: u64 = 60_000;

/// The rooms that commands act on.
pub struct Machine {
    /// Port, log, clock, variables.
    pub base: &'static Base,
    /// The files.
    pub files: &'static Files,
    /// The streams.
    pub streams: &'static Streams,
    /// The network.
    pub network: &'static Network,
    /// The HTTP client.
    pub http: &'static Client,
    /// TLS sessions.
    pub tls: &'static Tls,
    /// Mail.
    pub smtp: &'static Smtp,
    /// The pins.
    pub pins: &'static Pins,
    /// Faults of former lives, and safe mode.
    pub faults: &'static Faults,
    /// The question that waits for its answer.
    pub dialogue: Dialogue,
}

/// A decimal number, or a hexadecimal one with `0x`, of at most `max`.
pub(super) fn number(word: &[u8], max: u32) -> Result<u32, CommandError> {
    let text = core::str::from_utf8(word).map_err(|_| CommandError::Invalid)?;
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    value.ok().filter(|value| *value <= max).ok_or(CommandError::Invalid)
}

/// What a handler works with.
pub(super) struct Call<'a> {
    pub machine: &'static Machine,
    pub line: &'a Line<'a>,
    pub reply: Reply,
    /// The answer may be long, so `system.cmd.buffered` applies to it.
    pub long: bool,
    arguments: Arguments,
    asker: Asker,
    data: Option<&'a mut (dyn DataSource + 'a)>,
    queue: &'a Queue,
    /// Missing while the command is apart.
    turn: Option<Turn<'a>>,
}

impl<'a> Call<'a> {
    /// A call in its turn.
    pub fn new(
        machine: &'static Machine,
        line: &'a Line<'a>,
        asker: Asker,
        data: &'a mut (dyn DataSource + 'a),
        (queue, turn, reply): (&'a Queue, Turn<'a>, Reply),
    ) -> Self {
        let arguments = Arguments::default();
        Self { machine, line, reply, long: false, arguments, asker, data: Some(data), queue, turn: Some(turn) }
    }

    /// The words of the line have been sorted as the row of its command says.
    pub fn set_arguments(&mut self, arguments: Arguments) {
        self.arguments = arguments;
    }

    /// The name of the command as it was given.
    pub fn name(&self) -> Option<&'a [u8]> {
        self.line.get(0)
    }

    /// Who has given the command.
    pub fn asker(&self) -> Asker {
        self.asker
    }

    /// The `index`-th argument; neither the command's name nor options are counted.
    pub fn argument(&self, index: usize) -> Result<&'a [u8], CommandError> {
        let word = self.arguments.place(index).and_then(|place| self.line.get(place));
        word.ok_or(CommandError::TooFew)
    }

    /// The `index`-th argument as text.
    pub fn text(&self, index: usize) -> Result<&'a str, CommandError> {
        core::str::from_utf8(self.argument(index)?).map_err(|_| CommandError::Invalid)
    }

    /// The `index`-th argument as a number of at most `max`; see [`number`].
    pub fn number(&self, index: usize, max: u32) -> Result<u32, CommandError> {
        number(self.argument(index)?, max)
    }

    /// An argument that names a stream: a number. Using it shows whether it is open.
    pub fn handle(&self, index: usize) -> Result<u8, CommandError> {
        self.number(index, u8::MAX.into()).map(|handle| handle as u8)
    }

    /// How many arguments there are.
    pub fn count(&self) -> usize {
        self.arguments.count()
    }

    /// Allows at most `count` arguments here; the row of the table gives the maximum of all forms of the command.
    pub fn at_most(&self, count: usize) -> Result<(), CommandError> {
        if self.count() > count { Err(CommandError::TooMany) } else { Ok(()) }
    }

    /// Whether the option was given.
    pub fn flag(&self, letter: u8) -> bool {
        self.arguments.option(self.line, letter).is_some()
    }

    /// The value of an option that was given.
    pub fn option(&self, letter: u8) -> Option<&'a [u8]> {
        self.arguments.option(self.line, letter).and_then(|place| self.line.get(place + 1))
    }

    /// Whether the option stands after the `index`-th argument.
    pub fn is_behind(&self, letter: u8, index: usize) -> bool {
        let option = self.arguments.option(self.line, letter);
        option.zip(self.arguments.place(index)).is_some_and(|(option, place)| option > place)
    }

    /// Waits for something that needs time. If it is not ready at once, other commands run meanwhile: the caller must
    /// look up again what it uses afterwards (a handle may belong to another stream then). If too many commands wait at
    /// once, this one fails.
    ///
    /// Dropping the command's future while it waits drops `waiting`, which must give back what it has taken.
    pub async fn apart<T>(&mut self, mut waiting: Pin<&mut dyn Future<Output = T>>) -> Result<T, CommandError> {
        if let Poll::Ready(value) = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await {
            return Ok(value);
        }
        let Some(absence) = self.queue.leave(self.asker) else {
            self.machine.base.log.line(Level::Failure, format_args!("Too many commands wait at once"));
            return Err(CommandError::Failed);
        };
        self.reply.release();
        self.turn = None;
        let value = waiting.await;
        self.turn = Some(absence.back(&mut self.reply).await);
        Ok(value)
    }

    /// The `size` bytes of data that follow the line, to be taken apart. A source that knows its length must have
    /// exactly this many; if it has not, there is nothing to skip.
    pub fn data(&mut self, size: usize) -> Result<Data<'a>, CommandError> {
        let Some(source) = self.data.take() else { return Err(CommandError::Failed) };
        source.begin(size);
        if source.length().is_some_and(|length| length != size) {
            return Err(CommandError::Failed);
        }
        let patience = source.patience().unwrap_or_else(|| self.patience());
        Ok(Data::new(source, size, Duration::from_millis(patience)))
    }

    /// Whether it is known that there are no data, whatever the line says.
    pub fn has_no_data(&self) -> bool {
        self.data.as_ref().is_some_and(|data| data.length() == Some(0))
    }

    /// How long to wait for missing data bytes (interface, serial 2), in milliseconds: hosts are quick,
    /// people are not.
    fn patience(&self) -> u64 {
        let variables = &self.machine.base.variables;
        if variables.flag(PROMPT) { HUMAN_PATIENCE } else { variables.number(WRITE_TIMEOUT).max(0) as u64 }
    }

    /// What a command with data answers when it cannot take them. A host sends the data right after the line, and they
    /// must not be read as commands; a person at the prompt has not typed them yet.
    pub async fn refuse(&mut self, size: usize, error: CommandError) -> Result<Ending, CommandError> {
        if !self.machine.base.variables.flag(PROMPT) {
            let mut data = self.data(size)?;
            data.hurry(REFUSED_PATIENCE);
            self.apart(pin!(data.skip())).await?;
        }
        Err(error)
    }

    /// Buffers for what must be collected.
    pub fn pool(&self) -> &'static Pool {
        self.queue.pool()
    }

    /// The reply, when the command is over.
    pub fn into_reply(self) -> Reply {
        self.reply
    }
}

/// What a command that is not built yet answers.
pub(super) fn unavailable(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let name = call.name().and_then(|name| core::str::from_utf8(name).ok()).unwrap_or_default();
    call.machine.base.log.line(Level::Failure, format_args!("{name} is not available in this build"));
    Err(CommandError::Failed)
}
