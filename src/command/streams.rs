//! `stream_list`, `stream_poll`, `stream_read`, `stream_write`, `stream_close` (commands reference 2).

use core::fmt::Write;

use embassy_time::{Duration, with_timeout};

use super::call::{Call, Machine, Sink, Step, Wait};
use super::http;
use super::response::{CommandError, Ending};
use crate::limits;
use crate::stream::{HEADING, Kind, StreamError};
use crate::variable::{Id, id};

const WRITE_CHECK: Id = id("bus.command.write_check_enabled");
const WRITE_TIMEOUT: Id = id("bus.command.write_timeout");

impl From<StreamError> for CommandError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::TooLarge => Self::Bounds,
            _ => Self::Failed,
        }
    }
}

impl Call<'_> {
    /// An argument that names a stream: a number. Whether it is open is found out by using it.
    pub fn handle(&self, index: usize) -> Result<u8, CommandError> {
        self.number(index, u8::MAX as u32).map(|handle| handle as u8)
    }

    /// A decimal argument, or hexadecimal with `0x`, of at most `max`.
    pub fn number(&self, index: usize, max: u32) -> Result<u32, CommandError> {
        let text = self.text(index)?;
        let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => text.parse(),
        };
        value.ok().filter(|value| *value <= max).ok_or(CommandError::Invalid)
    }
}

pub(super) fn list(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(1)?;
    let streams = call.machine.streams;
    let only = if call.count() == 1 { Some(call.handle(0)?) } else { None };
    call.reply.put(HEADING.as_bytes());
    match only {
        Some(handle) => streams.list_row(handle, &mut |bytes| call.reply.put(bytes))?,
        None => {
            for handle in streams.handles() {
                streams.list_row(handle, &mut |bytes| call.reply.put(bytes))?;
            }
            call.long = true;
        }
    }
    Ok(Step::Done(Ending::Text))
}

pub(super) fn poll(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(2)?;
    let streams = call.machine.streams;
    let counted = match call.argument(1) {
        Ok(b"-c") => true,
        Ok(_) => return Err(CommandError::UnknownOption),
        Err(_) => false,
    };
    if call.argument(0)? == b"all" {
        let mut first = true;
        for handle in streams.handles() {
            let separator = if core::mem::take(&mut first) { "" } else { "|" };
            let status = streams.poll(handle)?;
            let _ = write!(call.reply, "{separator}{handle},{status}");
            if counted {
                let _ = write!(call.reply, ",{}", streams.waiting(handle)?);
            }
        }
        if first {
            call.reply.put(b"None");
        }
    } else {
        let handle = call.handle(0)?;
        let status = streams.poll(handle)?;
        let _ = match counted {
            true => write!(call.reply, "{handle},{status},{}", streams.waiting(handle)?),
            false => write!(call.reply, "{status}"),
        };
    }
    Ok(Step::Done(Ending::Text))
}

pub(super) fn read(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(2)?;
    let handle = call.handle(0)?;
    let wanted = call.number(1, u32::MAX)? as usize;
    if call.machine.streams.kind(handle)? == Kind::Http {
        return Ok(Step::Wait(Wait::Http(http::Pending::Read { handle, size: wanted })));
    }
    let size = wanted.min(call.reply.room());
    call.reply.text.resize_default(size).map_err(|_| CommandError::Bounds)?;
    let read = call.machine.streams.read(handle, &mut call.reply.text);
    call.reply.text.truncate(*read.as_ref().unwrap_or(&0));
    read?;
    Ok(Step::Done(Ending::Raw))
}

pub(super) fn write(call: &mut Call<'_>) -> Result<Step, CommandError> {
    // A host sends `write <handle> <size> -c`; what `-c` means is not known, so it is taken and ignored.
    call.at_most(3)?;
    if call.count() == 3 && call.argument(2)? != b"-c" {
        return Err(CommandError::UnknownOption);
    }
    let handle = call.handle(0)?;
    let size = call.number(1, u32::MAX)? as usize;
    if let Err(error) = call.machine.streams.kind(handle) {
        return call.refuse(size, error.into());
    }
    Ok(Step::Data { size, sink: Sink::Stream(handle) })
}

/// Before data is taken for a stream: with `bus.command.write_check_enabled` there must be room for all of it, so that
/// a write that fails has consumed nothing.
pub(super) async fn ready(machine: &Machine, handle: u8, size: usize) -> Result<(), CommandError> {
    machine.streams.admits(handle, size)?;
    if !machine.base.variables.flag(WRITE_CHECK) {
        return machine.streams.writable(handle, 0).await.map_err(CommandError::from);
    }
    if size > limits::STREAM_TX {
        return Err(CommandError::Bounds);
    }
    let limit = Duration::from_millis(machine.base.variables.number(WRITE_TIMEOUT).max(0) as u64);
    match with_timeout(limit, machine.streams.writable(handle, size)).await {
        Ok(ready) => ready.map_err(CommandError::from),
        Err(_) => Err(CommandError::Bounds),
    }
}

pub(super) fn close_streams(call: &mut Call<'_>) -> Result<Step, CommandError> {
    call.at_most(1)?;
    let handle = if call.argument(0)? == b"all" { None } else { Some(call.handle(0)?) };
    Ok(Step::Wait(Wait::Close(handle)))
}

pub(super) async fn close(machine: &Machine, handle: Option<u8>) -> Result<Ending, CommandError> {
    match handle {
        Some(handle) => machine.streams.close(handle).await?,
        None => {
            for handle in 0..limits::STREAMS as u8 {
                // One that is not open, or has just gone, is closed already.
                let _ = machine.streams.close(handle).await;
            }
        }
    }
    Ok(Ending::Success)
}
