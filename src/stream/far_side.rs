//! The far side of a stream: what the peer of a WebSocket or an upload does to it.

use super::{StreamId, Streams};

/// A stream seen from its far side. It never touches a later stream on the same handle: once the owner has closed
/// the stream, everything answers that it is over.
#[derive(Clone, Copy)]
pub struct FarSide {
    streams: &'static Streams,
    handle: u8,
    generation: u32,
}

/// The owner has closed the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over;

impl FarSide {
    /// The far side of a stream.
    pub fn new(streams: &'static Streams, stream: StreamId) -> Self {
        let StreamId { handle, generation } = stream;
        Self { streams, handle, generation }
    }

    /// The far side of the stream that is open on `handle`.
    pub fn of(streams: &'static Streams, handle: u8) -> Result<Self, Over> {
        Ok(Self::new(streams, streams.id(handle).map_err(|_| Over)?))
    }

    /// Gives bytes to the owner, waiting for room.
    pub async fn deliver(&self, data: &[u8]) -> Result<(), Over> {
        self.streams.rx_write(self.handle, self.generation, data).await.map_err(|_| Over)
    }

    /// Takes bytes that the owner has written, waiting for some. They count as not sent until [`FarSide::sent`].
    pub async fn take(&self, buffer: &mut [u8]) -> Result<usize, Over> {
        self.streams.tx_read(self.handle, self.generation, buffer).await.map_err(|_| Over)
    }

    /// What was taken has been sent.
    pub fn sent(&self) {
        self.streams.tx_sent(self.handle, self.generation);
    }

    /// Waits until the owner closes the stream.
    pub async fn closed(&self) {
        self.streams.closed(self.handle, self.generation).await;
    }

    /// The peer is gone. The owner can still read what came.
    pub fn peer_gone(&self) {
        self.streams.peer_ended(self.handle, self.generation);
    }

    /// Closes the stream at once.
    pub fn abort(&self) {
        if self.streams.generation(self.handle) == Ok(self.generation) {
            self.streams.abort(self.handle);
        }
    }
}
