//! Opening streams: a handle is reserved first, so that a full table is noticed before anything is connected.

use core::net::SocketAddrV4;

use super::pump::NOBODY;
use super::{Ends, HostName, Kind, Slot, Source, Stream, StreamError, Streams, Work};
use crate::file::{Reader, Writer};
use crate::limits;
use crate::port::Socket;

/// A handle that is taken but not open yet. Dropping it frees the handle again.
pub struct Reservation<'a> {
    streams: &'a Streams,
    handle: u8,
    open: bool,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if !self.open
            && let Ok(slot) = self.streams.slot(self.handle)
        {
            slot.stream.borrow_mut().take();
            slot.changed();
        }
    }
}

impl Streams {
    /// Takes the lowest free handle.
    pub fn reserve(&self, kind: Kind) -> Result<Reservation<'_>, StreamError> {
        for (handle, slot) in self.slots.iter().enumerate() {
            let mut stream = slot.stream.borrow_mut();
            if stream.is_none() {
                let generation = self.generation.get().wrapping_add(1);
                self.generation.set(generation);
                slot.rx.clear();
                slot.tx.clear();
                slot.sending.set(false);
                *stream = Some(Stream {
                    kind,
                    source: Source::Room,
                    ends: Ends::None,
                    peer_closed: false,
                    intake: Default::default(),
                    remote: None,
                    datagram: Default::default(),
                    server: None,
                    generation,
                });
                return Ok(Reservation { streams: self, handle: handle as u8, open: false });
            }
        }
        Err(StreamError::Full)
    }

    /// Opens the text of a buffered command; `Full` while another one is still open, and for a longer one
    /// than [`limits::TEXT`].
    pub fn open_text(&self, text: &[u8]) -> Result<u8, StreamError> {
        let busy = self.handles().any(|handle| self.kind(handle) == Ok(Kind::Cmd));
        if busy || text.len() > limits::TEXT {
            return Err(StreamError::Full);
        }
        let reservation = self.reserve(Kind::Cmd)?;
        let mut kept = self.text.borrow_mut();
        kept.clear();
        kept.extend_from_slice(text).map_err(|_| StreamError::TooLarge)?;
        drop(kept);
        Ok(reservation.finish(Source::Text(0), |_| {}))
    }
}

impl Reservation<'_> {
    /// The handle this will be.
    pub fn handle(&self) -> u8 {
        self.handle
    }

    /// Opens a client on a connected socket (TCP) or a bound one (UDP).
    pub fn client(self, socket: Socket, host: HostName, remote: SocketAddrV4) -> u8 {
        let local = self.streams.base.port.local_address(socket).map_or(0, |address| address.port());
        self.socket(socket, |stream| {
            stream.ends = Ends::Client { host, port: remote.port(), local };
            stream.remote = Some(remote);
        })
    }

    /// Opens a client that one of our servers accepted.
    pub fn accepted(self, socket: Socket, server: u8, remote: SocketAddrV4) -> u8 {
        let local = self.streams.base.port.local_address(socket).unwrap_or(NOBODY);
        self.socket(socket, |stream| {
            stream.ends = Ends::Server { local, remote };
            stream.server = Some(server);
        })
    }

    /// Opens the stream of a UDP server.
    pub fn udp_server(self, socket: Socket, server: u8, preset: Option<SocketAddrV4>) -> u8 {
        let local = self.streams.base.port.local_address(socket).unwrap_or(NOBODY);
        self.socket(socket, |stream| {
            stream.ends = Ends::Server { local, remote: preset.unwrap_or(NOBODY) };
            stream.remote = preset;
            stream.server = Some(server);
        })
    }

    /// Opens a stream whose bytes another room moves.
    pub fn room(self, ends: Ends) -> u8 {
        self.finish(Source::Room, |stream| stream.ends = ends)
    }

    /// Opens a file for reading.
    pub fn reader(self, reader: Reader) -> u8 {
        self.finish(Source::Reader(reader), |_| {})
    }

    /// Opens a file that is being created.
    pub fn writer(self, writer: Writer) -> u8 {
        self.finish(Source::Writer(writer), |_| {})
    }

    fn socket(self, socket: Socket, fill: impl FnOnce(&mut Stream)) -> u8 {
        let (streams, handle) = (self.streams, self.handle);
        let handle_out = self.finish(Source::Socket(socket), fill);
        let _ = streams.with(handle, |slot: &Slot, stream| {
            slot.start.signal(Work { socket, kind: stream.kind, generation: stream.generation });
        });
        handle_out
    }

    fn finish(mut self, source: Source, fill: impl FnOnce(&mut Stream)) -> u8 {
        self.open = true;
        let _ = self.streams.with(self.handle, |_, stream| {
            stream.source = source;
            fill(stream);
        });
        self.streams.log_state(format_args!("Opened: {}", self.handle));
        self.handle
    }
}
