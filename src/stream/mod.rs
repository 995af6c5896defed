//! The eight streams: handles, buffers and states. The code that moves bytes between a stream and its peer is in
//! [`pump`] (TCP, UDP) or in the room that opened the stream (WebSocket, HTTP).

use core::cell::{Cell, RefCell};
use core::net::SocketAddrV4;
use core::task::Waker;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_sync::waitqueue::MultiWakerRegistration;

use crate::base::Base;
use crate::buffer::Buffer;
use crate::file::{Files, Reader, Writer};
use crate::limits;
use crate::place::place_all;
use crate::port::{Interface, Socket};
use crate::variable::Message;

mod access;
mod bus;
mod datagram;
mod door;
mod error;
mod far_side;
mod handover;
mod intake;
mod kind;
mod list;
mod open;
mod pipe;
pub mod pump;
mod ring;
mod room;
mod server;
mod server_table;
mod through;
mod usage;
mod writing;

pub use crate::wire::url::HostName;
pub use bus::BusDevice;
pub use door::keep_door;
pub use error::StreamError;
pub use far_side::{FarSide, Over};
pub use handover::Peeked;
pub use intake::Intake;
pub use kind::Kind;
pub use list::HEADING;
pub use open::Reservation;
pub use pipe::Pipe;
pub use server::{ServerError, serve};
pub use server_table::Protocol;
pub use through::Through;
pub use usage::Usage;

use datagram::Datagram;
use ring::{Ring, RxRing, TxRing};

/// Tasks that wait for a stream to be opened: stream mode, the pins.
const OPENINGS: usize = 4;

/// Identifies one stream, as distinct from earlier and later ones on the same handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamId {
    /// Its handle.
    pub handle: u8,
    /// Its number since boot.
    pub generation: u32,
}

/// Who has ended a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Its peer, or a fault of the connection.
    Peer,
    /// The device: the host has closed it, or its interface went down.
    Owner,
}

/// The two ends of a stream, for listings.
#[derive(Clone, Debug)]
pub enum Ends {
    /// A client: the host as given, its port, the local port.
    Client {
        /// Host as given.
        host: HostName,
        /// Remote port.
        port: u16,
        /// Local port.
        local: u16,
    },
    /// A client of one of our servers, or the UDP server with the last peer.
    Server {
        /// Our end.
        local: SocketAddrV4,
        /// The other end.
        remote: SocketAddrV4,
    },
    /// Nothing to show (files and commands show their own state).
    None,
}

/// What is behind a stream.
enum Source {
    /// A socket that the slot's pump serves.
    Socket(Socket),
    /// Another room moves the bytes: see [`Streams::rx_write`] and [`Streams::tx_read`].
    Room,
    /// A file being read.
    Reader(Reader),
    /// A file being created.
    Writer(Writer),
    /// The text of a buffered command and how much of it was read.
    Text(Buffer, usize),
    /// A device on a bus, and the maximum number of bytes from it that are kept.
    Bus(BusDevice, u16),
}

/// State of one open stream.
struct Stream {
    kind: Kind,
    source: Source,
    ends: Ends,
    /// The peer has closed; received data may be left.
    peer_closed: bool,
    /// `[Closed: h]` was logged when the peer closed: `stream.auto_close` is 0.
    end_logged: bool,
    /// It is open, not only its handle taken.
    is_open: bool,
    /// The owner has not asked for the outcome yet: the handle stays until then.
    outcome_unread: bool,
    /// What may be written.
    intake: Intake,
    /// UDP: where writes go. For a server: the peer heard last.
    remote: Option<SocketAddrV4>,
    /// UDP: the datagram that is being read.
    datagram: Datagram,
    /// The network interface, unless the stream is within the device.
    interface: Option<Interface>,
    /// The server it belongs to.
    server: Option<u8>,
    /// Distinguishes this stream from an earlier one on the same handle.
    generation: u32,
}

/// Work for the pump of a slot.
#[derive(Clone, Copy)]
struct Work {
    socket: Socket,
    kind: Kind,
    generation: u32,
}

/// One handle. Its buffers stay in place, whatever stream uses them.
struct Slot {
    stream: RefCell<Option<Stream>>,
    rx: RxRing,
    tx: TxRing,
    /// Gives the pump a socket to serve.
    start: Signal<NoopRawMutex, Work>,
    /// Tells the pump or room that the stream of this generation is closed.
    stop: Signal<NoopRawMutex, u32>,
    /// A room has taken bytes from `tx` that the peer does not have yet.
    sending: Cell<bool>,
    /// The generation of the stream to which a command is writing.
    writing: Cell<Option<u32>>,
    /// The stream that ended last on this handle, and whether its peer had closed it.
    ended: Cell<Option<(u32, EndedBy)>>,
    /// Tasks that wait for data, room or an end of this stream.
    watchers: RefCell<MultiWakerRegistration<{ limits::WATCHERS }>>,
}

impl Slot {
    fn new() -> Self {
        Self {
            stream: RefCell::new(None),
            rx: Ring::new(),
            tx: Ring::new(),
            start: Signal::new(),
            stop: Signal::new(),
            sending: Cell::new(false),
            writing: Cell::new(None),
            ended: Cell::new(None),
            watchers: RefCell::new(MultiWakerRegistration::new()),
        }
    }

    fn changed(&self) {
        self.watchers.borrow_mut().wake();
    }
}

/// All streams and servers.
pub struct Streams {
    base: &'static Base,
    files: &'static Files,
    slots: &'static [Slot],
    servers: [server_table::Server; limits::SERVERS],
    doors: door::Doors,
    /// Tasks that wait for a stream to be opened.
    openings: RefCell<MultiWakerRegistration<OPENINGS>>,
    /// Tasks that wait until all received bytes are read.
    emptied: RefCell<MultiWakerRegistration<OPENINGS>>,
    generation: Cell<u32>,
}

impl Streams {
    /// No stream is open yet.
    pub fn new(base: &'static Base, files: &'static Files) -> Self {
        Self {
            base,
            files,
            slots: place_all!(Slot, limits::STREAMS, Slot::new()),
            servers: core::array::from_fn(|_| server_table::Server::new()),
            doors: door::Doors::new(),
            openings: RefCell::new(MultiWakerRegistration::new()),
            emptied: RefCell::new(MultiWakerRegistration::new()),
            generation: Cell::new(0),
        }
    }

    fn slot(&self, handle: u8) -> Result<&Slot, StreamError> {
        self.slots.get(usize::from(handle)).ok_or(StreamError::NoStream)
    }

    /// Runs `action` on an open stream.
    fn with<R>(&self, handle: u8, action: impl FnOnce(&Slot, &mut Stream) -> R) -> Result<R, StreamError> {
        let slot = self.slot(handle)?;
        let mut stream = slot.stream.borrow_mut();
        stream.as_mut().map(|stream| action(slot, stream)).ok_or(StreamError::NoStream)
    }

    /// The handles in use, in order.
    pub fn handles(&self) -> impl Iterator<Item = u8> {
        (0..limits::STREAMS as u8).filter(|handle| self.with(*handle, |_, _| ()).is_ok())
    }

    /// The kind of an open stream.
    pub fn kind(&self, handle: u8) -> Result<Kind, StreamError> {
        self.with(handle, |_, stream| stream.kind)
    }

    /// The interface of an open stream; `None` for one within the device.
    pub fn interface(&self, handle: u8) -> Result<Option<Interface>, StreamError> {
        self.with(handle, |_, stream| stream.interface)
    }

    /// Wakes `waker` when something about the stream changes: data, room, an end.
    pub fn watch(&self, handle: u8, waker: &Waker) {
        if let Ok(slot) = self.slot(handle) {
            slot.watchers.borrow_mut().register(waker);
        }
    }

    /// Wakes `waker` when a stream is opened.
    pub fn watch_openings(&self, waker: &Waker) {
        self.openings.borrow_mut().register(waker);
    }

    /// Wakes `waker` when the owner of some stream has read all bytes received.
    pub fn watch_reads(&self, waker: &Waker) {
        self.emptied.borrow_mut().register(waker);
    }

    /// Ends a stream at once and frees its handle.
    fn release(&self, handle: u8) {
        let Ok(slot) = self.slot(handle) else { return };
        let Some(stream) = slot.stream.borrow_mut().take() else { return };
        let end_logged = stream.end_logged;
        let by = if stream.peer_closed { EndedBy::Peer } else { EndedBy::Owner };
        slot.ended.set(Some((stream.generation, by)));
        slot.stop.signal(stream.generation);
        self.dispose(stream.source);
        if let (Kind::Udps, Some(row)) = (stream.kind, stream.server) {
            self.udp_server_gone(row);
        }
        slot.rx.clear();
        slot.tx.clear();
        slot.changed();
        if !end_logged {
            self.base.tell(Message::StreamClosed(handle));
        }
    }

    /// Releases the source of a stream.
    fn dispose(&self, source: Source) {
        match source {
            Source::Socket(socket) => self.base.port.sockets().close(socket),
            Source::Reader(reader) => self.files.close(reader),
            Source::Writer(writer) => self.files.release(writer),
            Source::Bus(BusDevice::Spi(_, Some(select)), _) => self.base.release_select(select),
            Source::Text(..) | Source::Room | Source::Bus(..) => {}
        }
    }
}
