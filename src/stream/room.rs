//! Streams whose bytes another room moves: the WebSocket clients and uploads of the HTTP server.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use super::{Slot, Streams};
use crate::port::Keepalive;

/// The far side of a stream that was opened with [`super::Reservation::room`]. It never touches a later stream on the
/// same handle: once the owner has closed the stream, everything answers that it is over.
#[derive(Clone, Copy)]
pub struct Room {
    streams: &'static Streams,
    handle: u8,
    generation: u32,
}

/// The owner has closed the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over;

impl Room {
    /// The far side of the stream that is open on `handle`.
    pub fn of(streams: &'static Streams, handle: u8) -> Result<Self, Over> {
        let generation = streams.with(handle, |slot, stream| {
            slot.sending.set(false);
            stream.generation
        });
        generation.map(|generation| Self { streams, handle, generation }).map_err(|_| Over)
    }

    /// The handle of the stream.
    pub fn handle(&self) -> u8 {
        self.handle
    }

    fn slot(&self) -> Result<&'static Slot, Over> {
        let open = self.streams.with(self.handle, |_, stream| stream.generation == self.generation);
        if open == Ok(true) { self.streams.slot(self.handle).map_err(|_| Over) } else { Err(Over) }
    }

    /// Runs an operation on the buffers until it ends, or the stream is over.
    async fn run<F: Future>(&self, operation: impl FnOnce(&'static Slot) -> F) -> Result<F::Output, Over> {
        let mut operation = pin!(operation(self.slot()?));
        poll_fn(|context| {
            if self.slot().is_err() {
                return Poll::Ready(Err(Over));
            }
            self.streams.watch(self.handle, context.waker());
            operation.as_mut().poll(context).map(Ok)
        })
        .await
    }

    /// Gives bytes to the owner, waiting for room.
    pub async fn deliver(&self, mut data: &[u8]) -> Result<(), Over> {
        while !data.is_empty() {
            let taken = self.run(|slot| slot.rx.write(data)).await?;
            data = data.get(taken..).unwrap_or_default();
            self.slot()?.changed();
        }
        Ok(())
    }

    /// Takes bytes that the owner has written, waiting for some. They count as not sent until [`Room::sent`].
    pub async fn take(&self, buffer: &mut [u8]) -> Result<usize, Over> {
        let taken = self.run(|slot| slot.tx.read(buffer)).await?;
        let slot = self.slot()?;
        slot.sending.set(true);
        slot.changed();
        Ok(taken)
    }

    /// What was taken has been sent.
    pub fn sent(&self) {
        if let Ok(slot) = self.slot() {
            slot.sending.set(false);
            slot.changed();
        }
    }

    /// Waits until the owner closes the stream.
    pub async fn closed(&self) {
        let _ = self.run(|_| core::future::pending::<()>()).await;
    }

    /// The peer is gone. The owner can still read what came.
    pub fn peer_gone(&self) {
        self.streams.peer_gone(self.handle, self.generation, false);
    }

    /// Closes the stream at once.
    pub fn abort(&self) {
        if self.slot().is_ok() {
            self.streams.abort(self.handle);
        }
    }

    /// The keepalive that the variables ask for.
    pub fn keepalive(&self) -> Option<Keepalive> {
        self.streams.keepalive()
    }
}
