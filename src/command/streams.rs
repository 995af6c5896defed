//! `stream_list`, `stream_poll`, `stream_read`, `stream_write`, `stream_close` (interface, commands/README).

use core::fmt::Write;
use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;

use embassy_time::{Duration, with_timeout};

use super::call::Call;
use super::response::{CommandError, Ending};
use crate::features::{self, Built, Gate};
use crate::limits;
use crate::stream::{HEADING, StreamError, StreamId, Streams};
use crate::variable::{Id, id, version};

const READ_TIMEOUT: Id = id("bus.command.read_timeout");

/// The longest time for `stream_wait`, in milliseconds.
const LONGEST_WAIT: u32 = 600_000;

impl From<StreamError> for CommandError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::TooLarge => Self::Bounds,
            _ => Self::Failed,
        }
    }
}

/// A stream that was opened for a command whose answer has not told its handle yet: if the command is given up, nobody
/// could ever close the stream.
pub(super) struct Untold {
    streams: &'static Streams,
    stream: Option<StreamId>,
}

impl Drop for Untold {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.filter(|stream| self.streams.still(*stream).is_ok()) {
            self.streams.abort(stream.handle);
        }
    }
}

impl Untold {
    /// The stream that has just been opened.
    pub fn new(streams: &'static Streams, handle: u8) -> Self {
        Self { streams, stream: streams.id(handle).ok() }
    }

    /// The handle, if the stream is still there.
    pub fn tell(mut self) -> Result<u8, CommandError> {
        let stream = self.stream.take().ok_or(CommandError::Failed)?;
        self.streams.still(stream)?;
        Ok(stream.handle)
    }
}

pub(super) fn list(call: &mut Call<'_>) -> Result<Ending, CommandError> {
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
    Ok(Ending::Text)
}

pub(super) fn poll(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let streams = call.machine.streams;
    let counted = call.flag(b'c');
    if call.argument(0)? != b"all" {
        let handle = call.handle(0)?;
        let status = streams.poll(handle)?;
        let _ = match counted {
            true => write!(call.reply, "{handle},{status},{}", streams.waiting(handle)?),
            false => write!(call.reply, "{status}"),
        };
        return Ok(Ending::Text);
    }
    let mut first = true;
    for handle in streams.handles() {
        let status = streams.poll(handle)?;
        if status == 0 && call.flag(b'r') {
            continue;
        }
        let separator = if core::mem::take(&mut first) { "" } else { "|" };
        let _ = write!(call.reply, "{separator}{handle},{status}");
        if counted {
            let _ = write!(call.reply, ",{}", streams.waiting(handle)?);
        }
    }
    if first {
        call.reply.put(b"None");
    }
    Ok(Ending::Text)
}

/// `stream_wait <handle>|all <milliseconds>`, an extension: waits until the stream, or one of all, has data or its end,
/// and answers as `stream_poll`. A timeout is no failure: the answer says that there is nothing.
pub(super) async fn wait(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let streams = call.machine.streams;
    let limit = Duration::from_millis(call.number(1, LONGEST_WAIT)?.into());
    let only = if call.argument(0)? == b"all" { None } else { Some(streams.id(call.handle(0)?)?) };
    let ready = poll_fn(|context| {
        let handles = (0..limits::STREAMS as u8).filter(|handle| only.is_none_or(|only| only.handle == *handle));
        let gone = only.is_some_and(|only| streams.still(only).is_err());
        if gone || handles.clone().any(|handle| streams.poll(handle).is_ok_and(|status| status != 0)) {
            return Poll::Ready(());
        }
        handles.for_each(|handle| streams.watch(handle, context.waker()));
        Poll::Pending
    });
    let _ = call.apart(pin!(with_timeout(limit, ready))).await?;
    if let Some(only) = only {
        streams.still(only)?;
    }
    poll(call)
}

pub(super) async fn read(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let (handle, size) = (call.handle(0)?, call.number(1, u32::MAX)? as usize);
    let stream = call.machine.streams.id(handle)?;
    if call.machine.streams.kind(handle)?.is_request() {
        let machine = call.machine;
        call.apart(pin!(machine.http.before_read(handle))).await??;
        machine.streams.still(stream)?;
    }
    if call.machine.streams.kind(handle)?.is_bus() {
        return Built::<{ features::BUS_MASTERS }>::run((call, stream, size), read_bus, |_| Err(CommandError::Failed))
            .await;
    }
    if call.asker().is_line() && version::is_gecko_os(call.machine.base) {
        wait_for_missing(call, stream, size).await?;
    }
    read_into(call, handle, size)
}

/// Waits for the bytes that are missing, as Gecko OS does on the command bus; ZentriOS answers what is there. A timeout is
/// no failure.
async fn wait_for_missing(call: &mut Call<'_>, stream: StreamId, size: usize) -> Result<(), CommandError> {
    let streams = call.machine.streams;
    let limit = call.machine.base.variables.number(READ_TIMEOUT).max(0) as u64;
    let filled = poll_fn(|context| {
        if streams.is_filled(stream.handle, size).unwrap_or(true) {
            return Poll::Ready(());
        }
        streams.watch(stream.handle, context.waker());
        Poll::Pending
    });
    let _ = call.apart(pin!(with_timeout(Duration::from_millis(limit), filled))).await?;
    Ok(streams.still(stream)?)
}

/// Reads from a device on a bus; the device may have to be asked first.
async fn read_bus((call, stream, size): (&mut Call<'_>, StreamId, usize)) -> Result<Ending, CommandError> {
    let streams = call.machine.streams;
    call.apart(pin!(streams.before_read(stream, size))).await??;
    streams.still(stream)?;
    read_into(call, stream.handle, size)
}

/// Reads the bytes that have come, up to `size`.
pub(super) fn read_into(call: &mut Call<'_>, handle: u8, size: usize) -> Result<Ending, CommandError> {
    let streams = call.machine.streams;
    call.reply.fill(size, |buffer| streams.read(handle, buffer))?;
    Ok(Ending::Raw)
}

pub(super) async fn close(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let streams = call.machine.streams;
    if call.argument(0)? != b"all" {
        let handle = call.handle(0)?;
        call.apart(pin!(streams.close(handle))).await??;
        return Ok(Ending::Success);
    }
    let closing = async {
        for handle in 0..limits::STREAMS as u8 {
            // A stream that is not open, or has just gone, is closed already.
            let _ = streams.close(handle).await;
        }
    };
    call.apart(pin!(closing)).await?;
    Ok(Ending::Success)
}
