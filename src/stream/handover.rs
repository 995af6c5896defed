//! Moving bytes of a stream without commands: bytes that were read stay until they are known to have arrived (the
//! structured protocol).

use core::task::Poll;

use embassy_futures::poll_once;

use super::{Kind, Source, StreamError, StreamId, Streams};
use crate::limits;

/// Bytes discarded at once.
const STEP: usize = 128;

/// Bytes in front of a message of a WebSocket in the send buffer.
const LENGTH: usize = 4;

/// The result of a peek.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peeked {
    /// How many bytes there are.
    pub count: usize,
    /// A message ends after them.
    pub last: bool,
}

impl Streams {
    /// The stream on a handle, once it is open.
    pub fn opened(&self, handle: u8) -> Option<StreamId> {
        self.with(handle, |_, stream| (stream.is_open, stream.generation))
            .ok()
            .filter(|(open, _)| *open)
            .map(|(_, generation)| StreamId { handle, generation })
    }

    /// Copies the waiting bytes after the first `skip` ones, without taking them. For UDP: of the next datagram only.
    pub fn peek(&self, id: StreamId, skip: usize, buffer: &mut [u8]) -> Result<Peeked, StreamError> {
        self.room(id.handle, id.generation, |slot, stream| match &stream.source {
            Source::Reader(reader) => {
                let position = reader.size().saturating_sub(reader.remaining()).saturating_add(skip as u32);
                let read = self.files.read_at(reader, position, buffer);
                read.map(|count| Peeked { count, last: true }).map_err(|_| StreamError::File)
            }
            Source::Writer(_) => Err(StreamError::NotSupported),
            Source::Text(text, read) => {
                let left = text.get(*read + skip..).unwrap_or_default();
                let count = left.len().min(buffer.len());
                buffer[..count].copy_from_slice(&left[..count]);
                Ok(Peeked { count, last: true })
            }
            Source::Socket(_) | Source::Room if stream.kind.is_datagrams() => {
                stream.datagram.advance(&slot.rx);
                let left = stream.datagram.left.saturating_sub(skip);
                let most = left.min(buffer.len());
                let count = slot.rx.peek(skip, buffer.get_mut(..most).unwrap_or_default());
                Ok(Peeked { count, last: count == left })
            }
            Source::Socket(_) | Source::Room | Source::Bus(..) => {
                Ok(Peeked { count: slot.rx.peek(skip, buffer), last: true })
            }
        })?
    }

    /// Takes and discards bytes that were peeked at, as [`Streams::read`] does; fewer when there are not enough.
    pub fn discard(&self, id: StreamId, mut count: usize) {
        let mut gone = [0; STEP];
        while count > 0 && self.still(id).is_ok() {
            let Ok(taken @ 1..) = self.read(id.handle, &mut gone[..count.min(STEP)]) else { return };
            count -= taken;
        }
    }

    /// Bytes that may be written now; `Closed` or `NotSupported` when writing is impossible for good.
    pub fn takes(&self, id: StreamId) -> Result<usize, StreamError> {
        self.room(id.handle, id.generation, |slot, stream| {
            let free = slot.tx.free_capacity();
            let room = match stream.source {
                // A transfer on a bus is begun once and waited for: only commands can do that.
                Source::Reader(_) | Source::Text(..) | Source::Bus(..) => return Err(StreamError::NotSupported),
                Source::Room if stream.peer_closed => return Err(StreamError::Closed),
                Source::Writer(_) => limits::STREAM_TX,
                Source::Socket(_) if stream.kind.is_datagrams() => limits::STREAM_TX.min(limits::DATAGRAM),
                _ if stream.kind.keeps_messages() => free.saturating_sub(LENGTH),
                Source::Socket(_) | Source::Room => free,
            };
            // The bytes of a command stay together.
            let taken = slot.writing.get() == Some(id.generation);
            Ok(if taken { 0 } else { stream.intake.limit(room) })
        })?
    }

    /// Writes the bytes that can be written at once and answers their number; to a message stream all or nothing. After
    /// the last bytes of a file, wait for [`Streams::settle`].
    pub fn offer(&self, id: StreamId, data: &[u8]) -> Result<usize, StreamError> {
        let (room, kind) = (self.takes(id)?, self.kind(id.handle)?);
        if !kind.keeps_messages() {
            let most = if kind == Kind::File { data.len() } else { room.min(data.len()) };
            return if most == 0 || room == 0 { Ok(0) } else { self.write_now(id, &data[..most]) };
        }
        if data.len() > room {
            return Ok(0);
        }
        // A write that cannot be done at once is dropped and writes nothing.
        match poll_once(self.write(id, data)) {
            Poll::Ready(written) => written.map(|()| data.len()),
            Poll::Pending => Ok(0),
        }
    }
}
