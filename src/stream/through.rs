//! Stream mode: a stream seen from the command UART. Bytes move directly from ring to ring.
//!
//! The UART reads straight into the send ring of a byte stream. The bytes are held there until they are released, so
//! that the start of a break-out sequence can be taken back. Message streams get whole messages.

use core::task::{Context, Poll, Waker};

use super::{Kind, Source, StreamError, StreamId, Streams};
use crate::port::{Event, PortError, Result};

/// Bytes of the longest message made from UART data: a datagram that needs no fragments.
const MESSAGE: usize = 1472;
/// Bytes of the length in front of a message in the send ring.
const LENGTH: usize = 4;

/// A stream that stream mode connects to the command UART.
#[derive(Clone, Copy)]
pub struct Through {
    streams: &'static Streams,
    stream: StreamId,
    kind: Kind,
}

impl Streams {
    /// The stream for stream mode: the one opened first of those that stream mode can connect to the UART.
    pub fn through(&'static self) -> Option<Through> {
        let open = |handle| {
            let found = self.with(handle, |_, stream| {
                let stream_id = StreamId { handle, generation: stream.generation };
                (stream.is_open && stream.kind.goes_through()).then_some((stream_id, stream.kind))
            });
            found.ok().flatten()
        };
        let first = (0..self.slots.len() as u8).filter_map(open);
        let now = self.generation.get();
        let (stream, kind) = first.max_by_key(|(stream, _)| now.wrapping_sub(stream.generation))?;
        Some(Through { streams: self, stream, kind })
    }
}

impl Through {
    /// Whether one write is one message.
    pub fn keeps_messages(&self) -> bool {
        self.kind.keeps_messages()
    }

    /// Bytes of the longest message.
    pub fn longest_message(&self) -> usize {
        self.with(|slot| slot.tx.capacity()).map_or(MESSAGE, |room| MESSAGE.min(room.saturating_sub(LENGTH)).max(1))
    }

    /// Whether it is still open.
    pub fn is_open(&self) -> bool {
        self.streams.still(self.stream).is_ok()
    }

    /// Wakes `waker` when something about it changes: data, room, its end.
    pub fn watch(&self, waker: &Waker) {
        self.streams.watch(self.stream.handle, waker);
    }

    fn with<R>(&self, action: impl FnOnce(&super::Slot) -> R) -> core::result::Result<R, StreamError> {
        self.streams.room(self.stream.handle, self.stream.generation, |slot, _| action(slot))
    }

    /// Lets `sink` take received bytes in place; `None` when there are none.
    pub fn drain(&self, sink: impl FnOnce(&[u8]) -> Result<usize>) -> Option<Result<usize>> {
        let StreamId { handle, generation } = self.stream;
        let drained = self.streams.room(handle, generation, |slot, stream| {
            if !stream.kind.is_datagrams() {
                let drained = slot.rx.drain(sink);
                if drained.is_some() && slot.rx.is_empty() {
                    self.streams.emptied.borrow_mut().wake();
                }
                return drained;
            }
            // The bytes of one datagram may wrap around the end of the ring.
            stream.datagram.advance(&slot.rx).then_some(())?;
            let left = stream.datagram.left;
            let drained = slot.rx.drain(|bytes| sink(bytes.get(..left).unwrap_or(bytes)));
            if let Some(Ok(count)) = drained {
                stream.datagram.left -= count.min(left);
                self.streams.emptied.borrow_mut().wake();
            }
            drained
        });
        drained.ok().flatten()
    }

    /// Ends the stream if the peer has closed, all received bytes are taken and all written bytes are sent.
    pub fn end_when_over(&self) {
        let StreamId { handle, generation } = self.stream;
        let over = self.streams.room(handle, generation, |slot, stream| {
            let unsent = matches!(stream.source, Source::Socket(_)) && (!slot.tx.is_empty() || slot.sending.get());
            stream.peer_closed && !unsent && slot.rx.is_empty()
        });
        if over == Ok(true) {
            self.streams.abort(handle);
        }
    }

    /// Lets `source` put bytes into the send ring, where they are held; `None` when it is full.
    pub fn fill(&self, source: impl FnOnce(&mut [u8]) -> Result<usize>) -> Option<Result<usize>> {
        self.with(|slot| slot.tx.fill_held(source)).ok().flatten()
    }

    /// Bytes that are held.
    pub fn held(&self) -> usize {
        self.with(|slot| slot.tx.held()).unwrap_or(0)
    }

    /// Releases all bytes but the newest `held`.
    pub fn release(&self, held: usize) {
        // A stream that has ended holds nothing.
        let _ = self.with(|slot| slot.tx.release(held));
    }

    /// Takes back the newest `count` of the held bytes.
    pub fn take_back(&self, count: usize) {
        let _ = self.with(|slot| slot.tx.take_back(count));
    }

    /// Waits until all released bytes are sent.
    pub fn poll_sent(&self, context: &mut Context<'_>) -> Poll<()> {
        self.watch(context.waker());
        if self.with(|slot| slot.tx.has_ready() || slot.sending.get()) == Ok(true) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// Sends one message; waits for room.
    pub fn poll_message(&self, context: &mut Context<'_>, data: &[u8]) -> Poll<()> {
        let StreamId { handle, generation } = self.stream;
        let port = self.streams.base.port;
        let sent = self.streams.room(handle, generation, |slot, stream| match (&stream.source, stream.remote) {
            (Source::Socket(socket), Some(to)) => match port.sockets().udp_send(*socket, data, to) {
                Err(PortError::WouldBlock) => {
                    port.wake_when(Event::Writable(*socket), context.waker());
                    Poll::Pending
                }
                // On an error the datagram is lost, as UDP permits.
                Ok(()) | Err(_) => Poll::Ready(()),
            },
            (Source::Room, _) if slot.tx.free_capacity() >= data.len() + LENGTH => {
                slot.tx.add(&(data.len() as u32).to_le_bytes());
                slot.tx.add(data);
                slot.changed();
                Poll::Ready(())
            }
            // A server without a peer yet, or a peer that takes nothing.
            _ => Poll::Pending,
        });
        if sent == Ok(Poll::Pending) {
            self.watch(context.waker());
        }
        sent.unwrap_or(Poll::Ready(()))
    }
}
