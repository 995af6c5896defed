//! Opening streams: a handle is reserved first, so that a full table is noticed before anything is connected.

use core::net::SocketAddrV4;

use super::datagram::NOBODY;
use super::{BusDevice, Ends, HostName, Kind, Slot, Source, Stream, StreamError, Streams, Work};
use crate::buffer::Buffer;
use crate::file::{Reader, Writer};
use crate::port::{Interface, Socket};
use crate::variable::Message;

/// A handle that is taken but not open yet. Dropping it frees the handle again.
///
/// The owner may close the handle before it is open, and another stream may then use it. So the reservation knows its
/// generation, and opening it answers `None` when it no longer exists.
pub struct Reservation<'a> {
    streams: &'a Streams,
    handle: u8,
    generation: u32,
    open: bool,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.open {
            return;
        }
        let Ok(slot) = self.streams.slot(self.handle) else { return };
        let mut stream = slot.stream.borrow_mut();
        if stream.as_ref().is_some_and(|stream| stream.generation == self.generation) {
            stream.take();
            drop(stream);
            slot.changed();
        }
    }
}

impl Streams {
    /// Takes the lowest free handle for a stream within the device.
    pub fn reserve(&self, kind: Kind) -> Result<Reservation<'_>, StreamError> {
        self.take_handle(kind, None)
    }

    /// Takes the lowest free handle for a stream on an interface. The handle is freed when the interface goes down.
    pub fn reserve_on(&self, kind: Kind, interface: Interface) -> Result<Reservation<'_>, StreamError> {
        self.take_handle(kind, Some(interface))
    }

    fn take_handle(&self, kind: Kind, interface: Option<Interface>) -> Result<Reservation<'_>, StreamError> {
        debug_assert_eq!(kind.needs_interface(), interface.is_some(), "{kind:?} on {interface:?}");
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
                    end_logged: false,
                    is_open: false,
                    outcome_unread: false,
                    intake: Default::default(),
                    remote: None,
                    datagram: Default::default(),
                    interface,
                    server: None,
                    generation,
                });
                return Ok(Reservation { streams: self, handle: handle as u8, generation, open: false });
            }
        }
        Err(StreamError::Full)
    }

    /// Opens the text of a buffered command, and keeps its buffer. The number of buffers limits how many may be open.
    pub fn open_text(&self, text: Buffer) -> Result<u8, StreamError> {
        let reservation = self.reserve(Kind::Cmd)?;
        reservation.finish(Source::Text(text, 0), |_, _| {}).ok_or(StreamError::NoStream)
    }
}

impl Reservation<'_> {
    /// The reserved handle.
    pub fn handle(&self) -> u8 {
        self.handle
    }

    /// Opens a client on a connected socket (TCP) or a bound one (UDP). If the owner or the end of the network has
    /// closed the handle meanwhile, closes the socket and answers `None`. The functions that follow do the same.
    pub fn client(self, socket: Socket, host: HostName, remote: SocketAddrV4) -> Option<u8> {
        let local = self.streams.base.port.sockets().local_address(socket).map_or(0, |address| address.port());
        self.socket(socket, |stream| {
            stream.ends = Ends::Client { host, port: remote.port(), local };
            stream.remote = Some(remote);
        })
    }

    /// Opens a client that one of our servers accepted.
    pub fn accepted(self, socket: Socket, server: u8, remote: SocketAddrV4) -> Option<u8> {
        let local = self.streams.base.port.sockets().local_address(socket).unwrap_or(NOBODY);
        self.socket(socket, |stream| {
            stream.ends = Ends::Server { local, remote };
            stream.server = Some(server);
        })
    }

    /// Opens the stream of a UDP server.
    pub fn udp_server(self, socket: Socket, server: u8, preset: Option<SocketAddrV4>) -> Option<u8> {
        let local = self.streams.base.port.sockets().local_address(socket).unwrap_or(NOBODY);
        self.socket(socket, |stream| {
            stream.ends = Ends::Server { local, remote: preset.unwrap_or(NOBODY) };
            stream.remote = preset;
            stream.server = Some(server);
        })
    }

    /// Opens a stream whose bytes another room moves.
    pub fn room(self, ends: Ends) -> Option<u8> {
        self.finish(Source::Room, |_, stream| stream.ends = ends)
    }

    /// Opens a file for reading.
    pub fn reader(self, reader: Reader) -> Option<u8> {
        self.finish(Source::Reader(reader), |_, _| {})
    }

    /// Opens a file that is being created.
    pub fn writer(self, writer: Writer) -> Option<u8> {
        self.finish(Source::Writer(writer), |_, _| {})
    }

    /// Opens a device on a bus. At most `keeps` bytes from it are kept.
    pub fn bus(self, device: BusDevice, keeps: u16) -> Option<u8> {
        self.finish(Source::Bus(device, keeps), |_, _| {})
    }

    fn socket(self, socket: Socket, fill: impl FnOnce(&mut Stream)) -> Option<u8> {
        self.finish(Source::Socket(socket), |slot, stream| {
            fill(stream);
            slot.start.signal(Work { socket, kind: stream.kind, generation: stream.generation });
        })
    }

    fn finish(mut self, source: Source, fill: impl FnOnce(&Slot, &mut Stream)) -> Option<u8> {
        let mut given = Some(source);
        let opened = self.streams.room(self.handle, self.generation, |slot, stream| {
            if let Some(source) = given.take() {
                stream.source = source;
            }
            stream.is_open = true;
            fill(slot, stream);
            slot.changed();
        });
        if opened.is_err() {
            if let Some(source) = given {
                self.streams.dispose(source);
            }
            return None;
        }
        self.open = true;
        self.streams.openings.borrow_mut().wake();
        self.streams.base.tell(Message::StreamOpened(self.handle));
        Some(self.handle)
    }
}
