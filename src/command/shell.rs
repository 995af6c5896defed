//! Runs commands, one at a time, in the order in which they were given.

use core::cell::Cell;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, with_timeout};

use super::data::{self, DataSource};
use super::line::{Line, LineError};
use super::response::{CommandError, Ending, Reply};
use super::sockets::Open;
use super::turn::{Queue, Turn};
use super::{http, network, sockets, streams, table, wlan};
use crate::base::Base;
use crate::file::{Files, Writer};
use crate::http::client::Client;
use crate::limits;
use crate::network::Network;
use crate::port::Interface;
use crate::stream::Streams;
use crate::variable::{Id, id};

const BUFFERED: Id = id("system.cmd.buffered");
const READ_TIMEOUT: Id = id("bus.command.read_timeout");
const WRITE_CHECK: Id = id("bus.command.write_check_enabled");
const PROMPT: Id = id("system.cmd.prompt_enabled");

/// How long a person may think before typing the data of a command, in milliseconds.
const HUMAN_PATIENCE: u64 = 60_000;

/// Result codes: 0 to 9.
pub const CODES: usize = 10;

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
    /// A restart was ordered; the device carries it out when the answer is on its way.
    pub restart: Signal<NoopRawMutex, ()>,
}

impl Machine {
    /// Puts the rooms together.
    pub fn new(
        base: &'static Base,
        files: &'static Files,
        streams: &'static Streams,
        network: &'static Network,
        http: &'static Client,
    ) -> Self {
        Self { base, files, streams, network, http, restart: Signal::new() }
    }
}

/// What a handler leaves to be done after it has read its arguments.
pub(super) enum Step {
    /// Nothing: the reply is complete.
    Done(Ending),
    /// The command takes `size` bytes of data.
    Data { size: usize, sink: Sink },
    /// The command waits for something.
    Wait(Wait),
}

/// Where the data of a command goes.
pub(super) enum Sink {
    /// Into a stream, piece by piece or as one message.
    Stream(u8),
    /// Into a file that is being created.
    File(Writer),
    /// Nowhere: the command has failed, but a host has its data on the way already, and they must not be read as
    /// commands.
    Refused(CommandError),
    /// In one datagram to a peer of the UDP server.
    Datagram { handle: u8, to: core::net::SocketAddrV4 },
}

/// What a command waits for.
pub(super) enum Wait {
    /// Closing a stream, or all.
    Close(Option<u8>),
    /// Opening a client.
    Open(Open),
    /// Something about an HTTP request.
    Http(http::Pending),
    /// Resolving a name.
    Lookup(crate::stream::HostName),
    /// An echo, of the gateway without a host.
    Ping(Option<crate::stream::HostName>, Interface),
    /// The results of a scan.
    Scan(wlan::Scan),
    /// Bringing an interface up.
    Up(Interface),
    /// Taking an interface down and up.
    Restart(Interface),
}

/// What a handler works with.
pub(super) struct Call<'a> {
    pub machine: &'static Machine,
    pub line: &'a Line,
    pub reply: &'a mut Reply,
    /// The answer may be long, so `system.cmd.buffered` applies to it.
    pub long: bool,
}

impl Call<'_> {
    /// The `index`-th argument; the command's name is not counted.
    pub fn argument(&self, index: usize) -> Result<&[u8], CommandError> {
        self.line.get(index + 1).ok_or(CommandError::TooFew)
    }

    /// The `index`-th argument as text.
    pub fn text(&self, index: usize) -> Result<&str, CommandError> {
        core::str::from_utf8(self.argument(index)?).map_err(|_| CommandError::Invalid)
    }

    /// How many arguments there are.
    pub fn count(&self) -> usize {
        self.line.len().saturating_sub(1)
    }

    /// What a command with data answers when it cannot take them. A host sends the data right behind the line; a person
    /// at the prompt has not typed them yet.
    pub fn refuse(&self, size: usize, error: CommandError) -> Result<Step, CommandError> {
        if self.machine.base.variables.flag(PROMPT) {
            return Err(error);
        }
        Ok(Step::Data { size, sink: Sink::Refused(error) })
    }

    /// No more than `count` arguments are allowed.
    pub fn at_most(&self, count: usize) -> Result<(), CommandError> {
        if self.count() > count { Err(CommandError::TooMany) } else { Ok(()) }
    }
}

/// Too many commands wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

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
            Step::Data { size, sink } => self.take_data(size, sink, data, reply).await,
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

    /// Takes the data of a command. The reply's buffer is free meanwhile and collects what must stay together.
    async fn take_data(
        &self,
        size: usize,
        sink: Sink,
        source: &mut dyn DataSource,
        reply: &mut Reply,
    ) -> Result<Ending, CommandError> {
        let mut sink = SinkGuard { machine: self.machine, sink: Some(sink) };
        if source.length().is_some_and(|length| length != size && !sink.takes_none(length)) {
            return Err(CommandError::Failed);
        }
        if let Err(error) = sink.ready(size).await {
            if self.machine.base.variables.flag(WRITE_CHECK) {
                return Err(error);
            }
            sink.sink = Some(Sink::Refused(error));
        }
        let patience = source.patience().unwrap_or_else(|| self.patience());
        let (mut taken, mut broken) = (0, None);
        let whole = sink.whole();
        while taken < size {
            if !whole {
                reply.text.clear();
            }
            let room = if whole { size - taken } else { (size - taken).min(limits::CHUNK) };
            let before = reply.text.len();
            let read = receive(source, reply, room, patience).await;
            if read == 0 {
                break;
            }
            taken += read;
            let piece = reply.text.get(before..).unwrap_or_default();
            if !whole && broken.is_none() {
                // After a failure the rest of the data is still taken off the line, so that it is not read as commands.
                broken = sink.put(piece).await.err();
            }
        }
        let result = match broken {
            Some(error) => Err(error),
            None => sink.end(reply.text.get(..taken.min(reply.text.len())).unwrap_or_default(), taken, size).await,
        };
        reply.clear();
        result
    }

    /// How long to wait for missing data bytes (serial reference 2, "Stalled data"): hosts are quick, people are not.
    fn patience(&self) -> u64 {
        let variables = &self.machine.base.variables;
        if variables.flag(PROMPT) { HUMAN_PATIENCE } else { variables.number(READ_TIMEOUT).max(0) as u64 }
    }
}

/// Adds up to `room` bytes of data to the reply's buffer; zero when no more comes.
async fn receive(source: &mut dyn DataSource, reply: &mut Reply, room: usize, patience: u64) -> usize {
    let before = reply.text.len();
    let room = room.min(reply.text.capacity() - before);
    if reply.text.resize_default(before + room).is_err() {
        return 0;
    }
    let target = reply.text.get_mut(before..).unwrap_or_default();
    let read = with_timeout(Duration::from_millis(patience), data::take(source, target)).await.unwrap_or(0);
    reply.text.truncate(before + read);
    read
}

/// A sink that lets its file go when the command is given up half-way.
struct SinkGuard {
    machine: &'static Machine,
    sink: Option<Sink>,
}

impl Drop for SinkGuard {
    fn drop(&mut self) {
        if let Some(Sink::File(writer)) = self.sink.take() {
            self.machine.files.abandon(writer);
        }
    }
}

impl SinkGuard {
    /// A REST client may end an empty file by a write without data (HTTP reference 9.3).
    fn takes_none(&self, length: usize) -> bool {
        let empty = |handle| self.machine.streams.creates_empty_file(handle);
        length == 0 && matches!(self.sink, Some(Sink::Stream(handle)) if empty(handle))
    }

    /// The data must be collected before it can go on.
    fn whole(&self) -> bool {
        match &self.sink {
            Some(Sink::Stream(handle)) => self.machine.streams.kind(*handle).is_ok_and(|kind| kind.keeps_messages()),
            Some(Sink::Datagram { .. }) => true,
            Some(Sink::File(_) | Sink::Refused(_)) | None => false,
        }
    }

    /// Before any data is taken: whether it can be taken at all.
    async fn ready(&self, size: usize) -> Result<(), CommandError> {
        if self.whole() && size > limits::RESPONSE.min(limits::DATAGRAM) {
            return Err(CommandError::Bounds);
        }
        match self.sink {
            Some(Sink::Stream(handle)) => streams::ready(self.machine, handle, size).await,
            _ => Ok(()),
        }
    }

    async fn put(&mut self, piece: &[u8]) -> Result<(), CommandError> {
        match &self.sink {
            Some(Sink::Stream(handle)) => {
                self.machine.streams.write(*handle, piece).await.map_err(|_| CommandError::Failed)
            }
            Some(Sink::File(writer)) => match self.machine.files.write(writer, piece) {
                Ok(complete) => {
                    if complete {
                        self.sink = None;
                    }
                    Ok(())
                }
                Err(_) => Err(CommandError::Failed),
            },
            _ => Ok(()),
        }
    }

    /// All data has come, or no more will. A stream takes what came (serial reference 2); a file must be whole.
    async fn end(&mut self, message: &[u8], taken: usize, size: usize) -> Result<Ending, CommandError> {
        match self.sink.take() {
            Some(Sink::Stream(handle)) if self.machine.streams.kind(handle).is_ok_and(|kind| kind.keeps_messages()) => {
                self.machine.streams.write(handle, message).await.map_err(|_| CommandError::Failed)?;
            }
            Some(Sink::Datagram { handle, to }) => {
                let sent = self.machine.streams.send_datagram(handle, message, Some(to)).await;
                sent.map_err(|_| CommandError::Failed)?;
            }
            Some(Sink::File(writer)) => {
                self.machine.files.abandon(writer);
                return Err(CommandError::Failed);
            }
            Some(Sink::Stream(handle)) if taken == 0 => {
                self.machine.streams.write(handle, &[]).await.map_err(|_| CommandError::Failed)?;
            }
            Some(Sink::Stream(_)) => {}
            Some(Sink::Refused(error)) => return Err(error),
            None if taken == size => {
                self.machine.base.log.line(crate::log::Level::Detail, format_args!("File created"));
            }
            None => return Err(CommandError::Failed),
        }
        Ok(Ending::Success)
    }
}
