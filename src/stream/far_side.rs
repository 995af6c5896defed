//! The far side of a stream: what the peer of a WebSocket or an upload does to it.

use super::{Pipe, StreamId, Streams};
use crate::port::Interface;

/// A stream seen from its far side. It never touches a later stream on the same handle: once the owner has closed
/// the stream, every call answers [`Over`]. The owner may also be something within the device: see [`Pipe`].
#[derive(Clone, Copy)]
pub struct FarSide(Way);

#[derive(Clone, Copy)]
enum Way {
    Stream { streams: &'static Streams, handle: u8, generation: u32 },
    Pipe { pipe: &'static Pipe, number: u32 },
}

/// The owner has closed the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over;

impl FarSide {
    /// The far side of a stream.
    pub fn new(streams: &'static Streams, stream: StreamId) -> Self {
        let StreamId { handle, generation } = stream;
        Self(Way::Stream { streams, handle, generation })
    }

    /// The far side of the stream that is open on `handle`.
    pub fn of(streams: &'static Streams, handle: u8) -> Result<Self, Over> {
        Ok(Self::new(streams, streams.id(handle).map_err(|_| Over)?))
    }

    /// Begins a conversation on a pipe and answers its far side; `Over` while the pipe has one.
    pub fn through(pipe: &'static Pipe, interface: Interface) -> Result<Self, Over> {
        let number = pipe.open(interface).ok_or(Over)?;
        Ok(Self(Way::Pipe { pipe, number }))
    }

    /// Gives bytes to the owner, waiting for room.
    pub async fn deliver(&self, data: &[u8]) -> Result<(), Over> {
        match self.0 {
            Way::Stream { streams, handle, generation } => {
                streams.rx_write(handle, generation, data).await.map_err(|_| Over)
            }
            Way::Pipe { pipe, number } => {
                if pipe.deliver(number, data).await {
                    Ok(())
                } else {
                    Err(Over)
                }
            }
        }
    }

    /// Takes bytes that the owner has written; waits if there are none. They count as not sent until [`FarSide::sent`].
    pub async fn take(&self, buffer: &mut [u8]) -> Result<usize, Over> {
        match self.0 {
            Way::Stream { streams, handle, generation } => {
                streams.tx_read(handle, generation, buffer).await.map_err(|_| Over)
            }
            Way::Pipe { pipe, number } => pipe.take(number, buffer).await.ok_or(Over),
        }
    }

    /// The bytes taken have been sent.
    pub fn sent(&self) {
        if let Way::Stream { streams, handle, generation } = self.0 {
            streams.tx_sent(handle, generation);
        }
    }

    /// Waits until the owner closes the stream.
    pub async fn closed(&self) {
        match self.0 {
            Way::Stream { streams, handle, generation } => streams.closed(handle, generation).await,
            Way::Pipe { pipe, number } => pipe.closed(number).await,
        }
    }

    /// The peer is gone. The owner can still read the bytes received.
    pub fn peer_gone(&self) {
        match self.0 {
            Way::Stream { streams, handle, generation } => streams.peer_ended(handle, generation),
            Way::Pipe { pipe, number } => pipe.peer_gone(number),
        }
    }

    /// Closes the stream at once.
    pub fn abort(&self) {
        match self.0 {
            Way::Stream { streams, handle, generation } => {
                if streams.generation(handle) == Ok(generation) {
                    streams.abort(handle);
                }
            }
            Way::Pipe { pipe, number } => pipe.peer_gone(number),
        }
    }
}
