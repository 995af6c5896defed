//! What `stream_poll`, `stream_read`, `stream_write` and `stream_close` do to a stream.

use core::future::poll_fn;
use core::net::SocketAddrV4;
use core::task::Poll;

use embassy_time::{Duration, with_timeout};

use super::{Ends, Intake, Kind, Source, Stream, StreamError, StreamId, Streams};
use crate::features::{self, Built, Gate};
use crate::file::FileError;
use crate::limits;
use crate::log::Level;
use crate::port::{self, Event};
use crate::variable::{Id, Message, id};

const AUTO_CLOSE: Id = id("stream.auto_close");

/// How long a closed stream may take to send what was already accepted.
const LINGER: Duration = Duration::from_secs(5);

/// How long a write waits for a peer that takes nothing.
const STALL: Duration = Duration::from_secs(20);

/// Ends a stream when this is dropped.
struct Ending<'a>(&'a Streams, StreamId);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let Self(streams, id) = *self;
        // The stream may have ended already, and another one may be open on the handle.
        if streams.still(id).is_ok() {
            streams.release(id.handle);
        }
    }
}

impl Streams {
    /// `0` no data, `1` data, `2` closed by the peer and read to the end (interface, network 4.1).
    pub fn poll(&self, handle: u8) -> Result<u8, StreamError> {
        if self.waiting(handle)? > 0 {
            return Ok(1);
        }
        Ok(if self.is_ended(handle)? { 2 } else { 0 })
    }

    /// Bytes that can be read now. For UDP: bytes of the next datagram.
    pub fn waiting(&self, handle: u8) -> Result<usize, StreamError> {
        self.with(handle, |slot, stream| match &stream.source {
            Source::Reader(reader) => reader.remaining() as usize,
            Source::Writer(_) => 0,
            Source::Text(text, read) => text.len().saturating_sub(*read),
            Source::Socket(_) | Source::Room if stream.kind.is_datagrams() => {
                stream.datagram.advance(&slot.rx);
                stream.datagram.left
            }
            Source::Socket(_) | Source::Room | Source::Bus(..) => slot.rx.len(),
        })
    }

    /// Whether waiting would not give a read of `size` bytes more: they have come, no more fit or will come, or the next
    /// datagram has come.
    pub fn is_filled(&self, handle: u8, size: usize) -> Result<bool, StreamError> {
        if self.is_ended(handle)? || self.waiting(handle)? >= size {
            return Ok(true);
        }
        self.with(handle, |slot, stream| match &stream.source {
            Source::Socket(_) | Source::Room if stream.kind.is_datagrams() => stream.datagram.left > 0,
            Source::Socket(_) | Source::Room => slot.rx.free_capacity() == 0,
            _ => true,
        })
    }

    /// Reads up to `buffer.len()` of the bytes available. A file stream closes itself when its end was read; so does a
    /// stream whose peer is gone, with `stream.auto_close`. `Closed` when no bytes are left and no more will come.
    pub fn read(&self, handle: u8, buffer: &mut [u8]) -> Result<usize, StreamError> {
        if self.is_ended(handle)? && self.waiting(handle)? == 0 {
            return Err(StreamError::Closed);
        }
        let (taken, file_end) = self.with(handle, |slot, stream| {
            let taken = self.take(slot, stream, buffer)?;
            Ok((taken, matches!(&stream.source, Source::Reader(reader) if reader.remaining() == 0)))
        })??;
        if self.waiting(handle) == Ok(0) {
            self.emptied.borrow_mut().wake();
        }
        if file_end {
            self.release(handle);
        } else {
            self.close_at_end(handle);
        }
        Ok(taken)
    }

    /// Closes a stream whose peer is gone and whose data are read, with `stream.auto_close`. A peer that only listens
    /// still gets what was written.
    pub(super) fn close_at_end(&self, handle: u8) {
        let over = self.with(handle, |slot, stream| {
            let unsent = matches!(stream.source, Source::Socket(_)) && (!slot.tx.is_empty() || slot.sending.get());
            stream.peer_closed && !stream.outcome_unread && !unsent
        });
        if over == Ok(true) && self.waiting(handle) == Ok(0) && self.auto_close() {
            self.release(handle);
        }
    }

    /// The peer has finished sending, or the connection is `broken`. The handle stays for the owner, who may still read
    /// received bytes; unless the kind says otherwise, or there is nothing to read and `stream.auto_close` is 1.
    pub(super) fn peer_gone(&self, handle: u8, generation: u32, broken: bool) {
        let gone = self.room(handle, generation, |slot, stream| {
            let first = !core::mem::replace(&mut stream.peer_closed, true);
            if let (true, Source::Socket(socket)) = (broken, &stream.source) {
                self.base.port.sockets().close(*socket);
                stream.source = Source::Room;
            }
            slot.changed();
            (stream.kind, first)
        });
        match gone {
            Ok((kind, _)) if !kind.outlives_peer() => self.release(handle),
            Ok((_, first)) if !self.auto_close() => self.log_end(handle, first),
            Ok(_) => self.close_at_end(handle),
            Err(_) => {}
        }
    }

    /// With `stream.auto_close` 0 the handle outlives its peer, so the end is reported when the peer closes.
    fn log_end(&self, handle: u8, first: bool) {
        if first && self.with(handle, |_, stream| stream.end_logged = true).is_ok() {
            self.base.tell(Message::StreamClosed(handle));
        }
    }

    /// Sets whether there is an outcome that the owner has not asked for yet, for example the status of a request.
    /// Until the owner has asked, the stream stays, whatever `stream.auto_close` says.
    pub fn set_outcome_unread(&self, handle: u8, generation: u32, unread: bool) {
        if self.room(handle, generation, |_, stream| stream.outcome_unread = unread).is_ok() {
            self.close_at_end(handle);
        }
    }

    /// Whether no more bytes will come: the peer has closed, or the stream is a text, which is complete.
    pub fn is_ended(&self, handle: u8) -> Result<bool, StreamError> {
        self.with(handle, |_, stream| stream.peer_closed || matches!(stream.source, Source::Text(..)))
    }

    fn take(&self, slot: &super::Slot, stream: &mut Stream, buffer: &mut [u8]) -> Result<usize, StreamError> {
        match &mut stream.source {
            Source::Reader(reader) => self.files.read(reader, buffer).map_err(|_| StreamError::File),
            Source::Writer(_) => Err(StreamError::NotSupported),
            Source::Text(text, read) => {
                let left = text.get(*read..).unwrap_or_default();
                let taken = left.len().min(buffer.len());
                buffer[..taken].copy_from_slice(&left[..taken]);
                *read += taken;
                Ok(taken)
            }
            Source::Socket(_) | Source::Room if stream.kind.is_datagrams() => {
                Ok(stream.datagram.read(&slot.rx, buffer))
            }
            Source::Socket(_) | Source::Room | Source::Bus(..) => Ok(slot.rx.take(buffer)),
        }
    }

    fn auto_close(&self) -> bool {
        self.base.variables.flag(AUTO_CLOSE)
    }

    /// Waits until `bytes` more can be written, or answers why they cannot be written.
    pub async fn writable(&self, id: StreamId, bytes: usize) -> Result<(), StreamError> {
        poll_fn(|context| {
            let ready = self.room(id.handle, id.generation, |slot, stream| match stream.source {
                _ if !matches!(stream.intake, Intake::Open) => {
                    stream.intake.admits(bytes, slot.tx.free_capacity())?;
                    Ok(slot.tx.free_capacity() >= bytes)
                }
                Source::Room if stream.peer_closed => Err(StreamError::Closed),
                Source::Socket(_) if stream.kind.keeps_messages() => Ok(true),
                Source::Socket(_) | Source::Room if bytes > slot.tx.capacity() => Err(StreamError::TooLarge),
                Source::Socket(_) | Source::Room => Ok(slot.tx.free_capacity() >= bytes),
                Source::Bus(..) if bytes > limits::BUS_TRANSFER => Err(StreamError::TooLarge),
                Source::Writer(_) | Source::Bus(..) => Ok(true),
                Source::Reader(_) | Source::Text(..) => Err(StreamError::NotSupported),
            });
            match ready {
                Ok(Ok(true)) => Poll::Ready(Ok(())),
                Ok(Ok(false)) => {
                    self.watch(id.handle, context.waker());
                    Poll::Pending
                }
                Ok(Err(error)) | Err(error) => Poll::Ready(Err(error)),
            }
        })
        .await
    }

    /// Writes the bytes that fit now to a byte stream, or all of them to a file, and answers their number. After the
    /// last bytes of a file, wait for [`Streams::settle`].
    pub fn write_now(&self, id: StreamId, data: &[u8]) -> Result<usize, StreamError> {
        if self.room(id.handle, id.generation, |_, stream| stream.kind)? == Kind::File {
            return self.write_file(id, data).map(|()| data.len());
        }
        self.room(id.handle, id.generation, |slot, stream| {
            let written = slot.tx.add(data);
            stream.intake.took(written);
            // A room may wait for the first byte.
            slot.changed();
            written
        })
    }

    /// Writes bytes to a byte stream or file, waiting for room; to a message stream one whole message.
    pub async fn write(&self, id: StreamId, data: &[u8]) -> Result<(), StreamError> {
        let kind = self.room(id.handle, id.generation, |_, stream| stream.kind)?;
        match kind {
            Kind::File => {
                self.write_file(id, data)?;
                self.settle(id).await
            }
            Kind::Spi | Kind::I2c => {
                let write = async |(streams, id, data): (&Self, StreamId, &[u8])| streams.write_bus(id, data).await;
                Built::<{ features::BUS_MASTERS }>::run((self, id, data), write, |_| Err(StreamError::NotSupported))
                    .await
            }
            Kind::Udpc | Kind::Udps => self.send_datagram(id, data, None).await,
            Kind::Webs | Kind::Webc | Kind::WebcText => self.write_message(id, data).await,
            _ => self.write_bytes(id, data).await,
        }
    }

    /// Waits for room in the send buffer, but not for ever: the host must learn of a peer that does not read.
    pub async fn room_for(&self, id: StreamId, bytes: usize) -> Result<(), StreamError> {
        with_timeout(STALL, self.writable(id, bytes)).await.unwrap_or(Err(StreamError::Stalled))
    }

    async fn write_bytes(&self, id: StreamId, mut data: &[u8]) -> Result<(), StreamError> {
        while !data.is_empty() {
            self.room_for(id, 1).await?;
            let written = self.write_now(id, data)?;
            data = data.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// Messages lie in the send buffer with their length in front.
    async fn write_message(&self, id: StreamId, data: &[u8]) -> Result<(), StreamError> {
        let length = u32::try_from(data.len()).map_err(|_| StreamError::TooLarge)?;
        let is_text = self.room(id.handle, id.generation, |_, stream| stream.kind.is_text())?;
        if is_text && core::str::from_utf8(data).is_err() {
            self.base.log.line(Level::Failure, format_args!("Not sent: the text is not UTF-8"));
            return Err(StreamError::NotSupported);
        }
        self.room_for(id, data.len() + 4).await?;
        self.room(id.handle, id.generation, |slot, _| {
            for part in [&length.to_le_bytes()[..], data] {
                // Room for both was awaited above, in one step with this.
                slot.tx.add(part);
            }
        })
    }

    fn write_file(&self, id: StreamId, data: &[u8]) -> Result<(), StreamError> {
        let written = self.room(id.handle, id.generation, |_, stream| match &stream.source {
            Source::Writer(writer) => self.files.write(writer, data),
            _ => Err(FileError::Gone),
        })?;
        let Err(error) = written else { return Ok(()) };
        self.base.log.line(Level::Failure, format_args!("{error}"));
        // No byte was stored: the host may try again with less.
        if error == FileError::TooLong {
            return Err(StreamError::TooLarge);
        }
        self.release(id.handle);
        Err(StreamError::File)
    }

    /// Waits until a file with complete content is stored, and ends its stream. Does nothing for any other stream. The
    /// stream also ends when this future is dropped meanwhile.
    pub async fn settle(&self, id: StreamId) -> Result<(), StreamError> {
        if self.room(id.handle, id.generation, |_, stream| self.is_whole(stream)) != Ok(true) {
            return Ok(());
        }
        let _ending = Ending(self, id);
        match self.stored(id).await {
            Ok(()) => {
                self.base.log.line(Level::Detail, format_args!("File created"));
                Ok(())
            }
            Err(error) => {
                self.base.log.line(Level::Failure, format_args!("{error}"));
                Err(StreamError::File)
            }
        }
    }

    /// The stream is a file that needs no more bytes.
    fn is_whole(&self, stream: &Stream) -> bool {
        matches!(&stream.source, Source::Writer(writer) if self.files.is_whole(writer))
    }

    /// Waits until a file with complete content is stored.
    async fn stored(&self, id: StreamId) -> Result<(), FileError> {
        poll_fn(|context| {
            let stored = self.room(id.handle, id.generation, |_, stream| match &stream.source {
                Source::Writer(writer) => self.files.poll_stored(writer, context),
                _ => Poll::Ready(Err(FileError::Gone)),
            });
            stored.unwrap_or(Poll::Ready(Err(FileError::Gone)))
        })
        .await
    }

    /// Whether the stream creates a file of no bytes, which a write without data completes (interface, files 3).
    pub fn creates_empty_file(&self, handle: u8) -> bool {
        let size = |stream: &Stream| match &stream.source {
            Source::Writer(writer) => self.files.writing(writer).map(|meta| meta.size),
            _ => None,
        };
        self.with(handle, |_, stream| size(stream)) == Ok(Some(0))
    }

    /// Sends one datagram; a UDP server sends it to `to`, or else to the peer heard last.
    pub async fn send_datagram(&self, id: StreamId, data: &[u8], to: Option<SocketAddrV4>) -> Result<(), StreamError> {
        let target = self.room(id.handle, id.generation, |_, stream| match stream.source {
            Source::Socket(socket) => to.or(stream.remote).map(|to| (socket, to)),
            _ => None,
        })?;
        let (socket, to) = target.ok_or(StreamError::Closed)?;
        let port = self.base.port;
        let sending = port::io(port, Event::Writable(socket), || port.sockets().udp_send(socket, data, to));
        match with_timeout(STALL, sending).await {
            Ok(sent) => sent.map_err(|_| StreamError::Closed),
            Err(_) => Err(StreamError::Stalled),
        }
    }

    /// Closes a stream. Bytes already written still go out, within a bounded time. The stream stays open when this
    /// future is dropped meanwhile.
    pub async fn close(&self, handle: u8) -> Result<(), StreamError> {
        let id = self.id(handle)?;
        self.base.log.line(Level::Progress, format_args!("Closing: {handle}"));
        let _ = with_timeout(LINGER, self.drained(id)).await;
        if self.creates_empty_file(handle) && self.write_file(id, &[]).is_ok() {
            // The host that closes the stream may look for the file next. The result of storing is not reported.
            let _ = self.stored(id).await;
        }
        // The stream may have been closed meanwhile, and another one may be open on the handle.
        if self.still(id).is_ok() {
            self.release(handle);
        }
        Ok(())
    }

    /// Closes a stream at once, as a lost network does.
    pub fn abort(&self, handle: u8) {
        self.release(handle);
    }

    async fn drained(&self, id: StreamId) {
        poll_fn(|context| {
            let busy = self.room(id.handle, id.generation, |slot, stream| {
                let gone =
                    matches!(stream.source, Source::Room) && (stream.peer_closed || stream.intake == Intake::Held);
                // The writer of a file waits until it is stored.
                self.is_whole(stream) || (!gone && (!slot.tx.is_empty() || slot.sending.get()))
            });
            if busy == Ok(true) {
                self.watch(id.handle, context.waker());
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await
    }
}

impl Stream {
    /// A UDP server has received a datagram from this peer: answers go to it.
    pub(super) fn heard(&mut self, from: SocketAddrV4) {
        self.remote = Some(from);
        if let Ends::Server { remote, .. } = &mut self.ends {
            *remote = from;
        }
    }
}
