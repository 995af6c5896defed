//! `stream_write`, and what it shares with other commands that take data: bytes go piece by piece, messages whole.

use core::net::SocketAddrV4;
use core::pin::pin;

use embassy_time::{Duration, with_timeout};

use super::call::{Call, Machine};
use super::data::Data;
use super::response::{CommandError, Ending};
use super::turn::Asker;
use crate::buffer::Pool;
use crate::limits;
use crate::log::Level;
use crate::stream::{StreamError, StreamId};
use crate::variable::{Id, id};

const WRITE_CHECK: Id = id("bus.command.write_check_enabled");
const WRITE_TIMEOUT: Id = id("bus.command.write_timeout");

/// The longest message: the data of one command must be collected before it can go on.
const MESSAGE: usize = if limits::RESPONSE < limits::DATAGRAM { limits::RESPONSE } else { limits::DATAGRAM };

/// `stream_write <handle> <size>`; a host sends `-c` after it; its meaning is not known, so it is ignored.
pub(super) async fn write(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let handle = call.handle(0)?;
    let size = call.number(1, u32::MAX)? as usize;
    let stream = match machine.streams.id(handle) {
        Ok(stream) => stream,
        Err(error) => return call.refuse(size, error.into()).await,
    };
    // A REST client may end an empty file by a write without data (interface, files 3).
    if call.has_no_data() && machine.streams.creates_empty_file(handle) {
        let data = call.data(0)?;
        return call.apart(pin!(pour(machine, stream, data, Ok(())))).await?;
    }
    let data = call.data(size)?;
    let ready = call.apart(pin!(ready(machine, stream, size))).await?;
    if ready.is_err() && machine.base.variables.flag(WRITE_CHECK) {
        ready?;
    }
    match machine.streams.kind(handle).is_ok_and(|kind| kind.keeps_messages()) {
        true => message(call, stream, data, None, ready).await,
        false => call.apart(pin!(pour(machine, stream, data, ready))).await?,
    }
}

/// Before data is taken for a stream: with `bus.command.write_check_enabled` there must be room for all of it, so that
/// a write that fails has consumed nothing.
async fn ready(machine: &Machine, stream: StreamId, size: usize) -> Result<(), CommandError> {
    machine.streams.admits(stream.handle, size)?;
    if machine.streams.kind(stream.handle)?.keeps_messages() && size > MESSAGE {
        return Err(CommandError::Bounds);
    }
    if !machine.base.variables.flag(WRITE_CHECK) {
        return machine.streams.writable(stream, 0).await.map_err(CommandError::from);
    }
    if size > limits::STREAM_TX {
        return Err(CommandError::Bounds);
    }
    let limit = Duration::from_millis(machine.base.variables.number(WRITE_TIMEOUT).max(0) as u64);
    match with_timeout(limit, machine.streams.writable(stream, size)).await {
        Ok(ready) => ready.map_err(CommandError::from),
        Err(_) => Err(CommandError::Bounds),
    }
}

/// Moves data into a byte stream or file as it comes. After a failure the rest of it is still taken off the line, so that
/// it is not read as commands.
async fn pour(
    machine: &Machine,
    stream: StreamId,
    mut data: Data<'_>,
    mut result: Result<(), CommandError>,
) -> Result<Ending, CommandError> {
    let streams = machine.streams;
    let writing = match result {
        Ok(()) => streams.begin_writing(stream).await.inspect_err(|_| result = Err(CommandError::Failed)).ok(),
        Err(_) => None,
    };
    if data.left() == 0 && result.is_ok() {
        result = streams.write(stream, &[]).await.map_err(|_| CommandError::Failed);
    }
    while result.is_ok() && data.left() > 0 {
        // The data stay in the source until there is room for them.
        result = match streams.room_for(stream, 1).await {
            Ok(()) => match data.piece().await {
                [] => break,
                piece => streams.write_now(stream, piece),
            },
            Err(error) => Err(error),
        }
        .map(|count| data.used(count))
        .map_err(|_| CommandError::Failed);
    }
    if let Err(error) = streams.settle(stream).await {
        result = result.and(Err(error.into()));
    }
    drop(writing);
    data.skip().await;
    result?;
    if data.left() > 0 { Err(CommandError::Failed) } else { Ok(Ending::Success) }
}

/// Sends data as one message: to the stream's peer, or in a datagram to another peer. Sends nothing when some of the
/// data is missing.
pub(super) async fn message(
    call: &mut Call<'_>,
    stream: StreamId,
    data: Data<'_>,
    to: Option<SocketAddrV4>,
    ready: Result<(), CommandError>,
) -> Result<Ending, CommandError> {
    let (machine, pool, asker) = (call.machine, call.pool(), call.asker());
    let sending = async {
        let mut data = data;
        let sent = match ready {
            Ok(()) => collect(machine, pool, asker, stream, &mut data, to).await,
            Err(error) => Err(error),
        };
        data.skip().await;
        sent
    };
    call.apart(pin!(sending)).await??;
    Ok(Ending::Success)
}

async fn collect(
    machine: &Machine,
    pool: &'static Pool,
    asker: Asker,
    stream: StreamId,
    data: &mut Data<'_>,
    to: Option<SocketAddrV4>,
) -> Result<(), CommandError> {
    let size = data.left();
    if size > MESSAGE {
        return Err(CommandError::Bounds);
    }
    let piece = data.piece().await;
    if piece.len() == size {
        let sent = send(machine, stream, piece, to).await;
        data.used(size);
        return sent;
    }
    if piece.is_empty() {
        return Err(CommandError::Failed);
    }
    // Some bytes have come and more are missing: only now a buffer is needed.
    let mut message = pool.wait().await;
    if !asker.is_line() && !message.keep() {
        machine.base.log.line(Level::Failure, format_args!("No buffer for a message that comes in pieces"));
        return Err(CommandError::Failed);
    }
    while data.left() > 0 {
        let piece = data.piece().await;
        let count = piece.len();
        if count == 0 {
            return Err(CommandError::Failed);
        }
        message.extend_from_slice(piece).map_err(|_| CommandError::Bounds)?;
        data.used(count);
    }
    send(machine, stream, &message, to).await
}

async fn send(
    machine: &Machine,
    stream: StreamId,
    message: &[u8],
    to: Option<SocketAddrV4>,
) -> Result<(), CommandError> {
    // A port wakes one task per socket: two tasks must not wait for the same one.
    let _writing = machine.streams.begin_writing(stream).await.map_err(|_| CommandError::Failed)?;
    let sent: Result<(), StreamError> = match to {
        Some(to) => machine.streams.send_datagram(stream, message, Some(to)).await,
        None => machine.streams.write(stream, message).await,
    };
    sent.map_err(|_| CommandError::Failed)
}
