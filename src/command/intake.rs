//! The data bytes that follow some commands: taken off the line and brought to where they belong.

use embassy_time::{Duration, with_timeout};

use super::call::{Machine, Sink};
use super::data::{self, DataSource};
use super::response::{CommandError, Ending, Reply};
use super::streams;
use crate::limits;
use crate::variable::{Id, id};

const READ_TIMEOUT: Id = id("bus.command.read_timeout");
const WRITE_CHECK: Id = id("bus.command.write_check_enabled");
const PROMPT: Id = id("system.cmd.prompt_enabled");

/// How long a person may think before typing the data of a command, in milliseconds.
const HUMAN_PATIENCE: u64 = 60_000;

/// Takes the data of a command. The reply's buffer is free meanwhile and collects what must stay together.
pub(super) async fn take(
    machine: &'static Machine,
    size: usize,
    sink: Sink,
    source: &mut dyn DataSource,
    reply: &mut Reply,
) -> Result<Ending, CommandError> {
    source.begin();
    let mut sink = SinkGuard { machine, sink: Some(sink) };
    if source.length().is_some_and(|length| length != size && !sink.takes_none(length)) {
        return Err(CommandError::Failed);
    }
    if let Err(error) = sink.ready(size).await {
        if machine.base.variables.flag(WRITE_CHECK) {
            return Err(error);
        }
        sink.sink = Some(Sink::Refused(error));
    }
    let patience = source.patience().unwrap_or_else(|| patience_of(machine));
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
fn patience_of(machine: &Machine) -> u64 {
    let variables = &machine.base.variables;
    if variables.flag(PROMPT) { HUMAN_PATIENCE } else { variables.number(READ_TIMEOUT).max(0) as u64 }
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
