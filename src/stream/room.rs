//! Streams whose bytes another room moves (`Source::Room`): the HTTP client, WebSockets.
//!
//! The room names a stream by its handle and its generation, so that it never touches a later stream on the same
//! handle. Each stream has one task that moves its bytes; it waits in `rx_write`, `tx_read` or `closed`.

use core::future::poll_fn;
use core::task::Poll;

use embassy_futures::select::{Either, select};

use super::{EndedBy, Intake, Slot, Stream, StreamError, StreamId, Streams};

impl Streams {
    /// The stream that is open on a handle now.
    pub fn id(&self, handle: u8) -> Result<StreamId, StreamError> {
        Ok(StreamId { handle, generation: self.generation(handle)? })
    }

    /// Whether the stream is still the one that is open on its handle.
    pub fn still(&self, stream: StreamId) -> Result<(), StreamError> {
        self.room(stream.handle, stream.generation, |_, _| ())
    }

    /// The number that distinguishes this stream from earlier and later ones on the same handle.
    pub fn generation(&self, handle: u8) -> Result<u32, StreamError> {
        self.with(handle, |_, stream| stream.generation)
    }

    /// Runs `action` on the stream of this generation.
    pub(super) fn room<R>(
        &self,
        handle: u8,
        generation: u32,
        action: impl FnOnce(&Slot, &mut Stream) -> R,
    ) -> Result<R, StreamError> {
        let result = self.with(handle, |slot, stream| (stream.generation == generation).then(|| action(slot, stream)));
        result?.ok_or(StreamError::NoStream)
    }

    /// Ends when the stream is closed. A room then stops at once: nobody wants its bytes any more.
    pub async fn closed(&self, handle: u8, generation: u32) {
        poll_fn(|context| {
            if self.room(handle, generation, |_, _| ()).is_err() {
                return Poll::Ready(());
            }
            self.watch(handle, context.waker());
            Poll::Pending
        })
        .await
    }

    /// Waits until a stream is closed, and answers who has closed it. When the peer closes, the stream stays open as
    /// long as the host may read it, see [`Streams::poll`].
    pub async fn ended(&self, stream: StreamId) -> EndedBy {
        self.closed(stream.handle, stream.generation).await;
        match self.slot(stream.handle).map(|slot| slot.ended.get()) {
            Ok(Some((generation, by))) if generation == stream.generation => by,
            // A later stream has ended on this handle, too, before this task ran: a host's stream is never that short.
            _ => EndedBy::Peer,
        }
    }

    /// Adds received bytes, all of them, waiting for the owner to read; `NoStream` when the stream is closed.
    pub async fn rx_write(&self, handle: u8, generation: u32, mut data: &[u8]) -> Result<(), StreamError> {
        let slot = self.slot(handle)?;
        let write = async {
            while !data.is_empty() {
                let written = slot.rx.write(data).await;
                data = data.get(written..).unwrap_or_default();
                slot.changed();
            }
        };
        match select(self.closed(handle, generation), write).await {
            Either::First(()) => Err(StreamError::NoStream),
            Either::Second(()) => Ok(()),
        }
    }

    /// Waits for bytes that the owner has written, and takes them. They count as unsent until [`Streams::tx_sent`].
    pub async fn tx_read(&self, handle: u8, generation: u32, buffer: &mut [u8]) -> Result<usize, StreamError> {
        let slot = self.slot(handle)?;
        match select(self.closed(handle, generation), slot.tx.read(buffer)).await {
            Either::First(()) => Err(StreamError::NoStream),
            Either::Second(count) => {
                slot.sending.set(true);
                // A writer may wait for the room that this has made.
                slot.changed();
                Ok(count)
            }
        }
    }

    /// The peer has the bytes taken: a close need not wait for them any more.
    pub fn tx_sent(&self, handle: u8, generation: u32) {
        let _ = self.room(handle, generation, |slot, _| {
            slot.sending.set(false);
            slot.changed();
        });
    }

    /// Bytes that the owner has written and nobody has taken.
    pub fn tx_waiting(&self, handle: u8, generation: u32) -> usize {
        self.room(handle, generation, |slot, _| slot.tx.len()).unwrap_or(0)
    }

    /// Waits until the owner has written bytes, without taking them.
    pub async fn tx_ready(&self, handle: u8, generation: u32) {
        poll_fn(|context| {
            if self.tx_waiting(handle, generation) > 0 {
                return Poll::Ready(());
            }
            self.watch(handle, context.waker());
            Poll::Pending
        })
        .await
    }

    /// Discards written bytes that nobody has taken: the peer does not want them.
    pub fn tx_drop(&self, handle: u8, generation: u32) {
        let _ = self.room(handle, generation, |slot, _| {
            slot.tx.clear();
            slot.sending.set(false);
            slot.changed();
        });
    }

    /// Sets what the owner may write from now on.
    pub fn set_intake(&self, handle: u8, generation: u32, intake: Intake) {
        let _ = self.room(handle, generation, |slot, stream| {
            stream.intake = intake;
            slot.changed();
        });
    }

    /// What may be written to the stream now.
    pub fn intake(&self, handle: u8) -> Result<Intake, StreamError> {
        self.with(handle, |_, stream| stream.intake)
    }

    /// Whether a write of `bytes` can be accepted as a whole, before any byte is written.
    pub fn admits(&self, handle: u8, bytes: usize) -> Result<(), StreamError> {
        self.with(handle, |slot, stream| stream.intake.admits(bytes, slot.tx.free_capacity()))?
    }

    /// The peer has closed. The handle stays for the owner, who may still read the bytes received, unless
    /// `stream.auto_close` says otherwise.
    pub fn peer_ended(&self, handle: u8, generation: u32) {
        self.peer_gone(handle, generation, false);
    }
}
