//! Clients of TLS servers before they become streams: each door is one task that carries out one handshake at a time.
//!
//! A client has no handle until its session is open, so that a silent client takes no handle from others. When all
//! doors are busy, a client that has been in its door for some time gives way.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::net::SocketAddrV4;
use core::task::Poll;

use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_sync::waitqueue::MultiWakerRegistration;
use embassy_time::{Duration, Instant, Timer, with_timeout};

use super::server_table::Running;
use super::{Kind, Streams};
use crate::limits;
use crate::log::Level;
use crate::port::{self, Event, OpenSocket, Socket};
use crate::tls::{ServerFiles, Tls};

/// How long a client keeps its door at least. Counts the time in which the port waits for the client, not the time in
/// which the port computes.
const STAY: Duration = Duration::from_secs(1);
/// The same for a client that has not sent anything yet.
const SILENT: Duration = Duration::from_millis(200);
/// How often to check whether another client needs the door.
const LOOK: Duration = Duration::from_millis(50);

/// A client whose session is to begin.
#[derive(Clone, Copy)]
pub(super) struct Guest {
    pub socket: Socket,
    pub remote: SocketAddrV4,
    /// The row of its server, and the server as it was when the client connected.
    pub row: u8,
    pub server: Running,
}

/// The place for the handshake of one client.
struct Door {
    busy: Cell<bool>,
    /// Its client has sent something.
    spoken: Cell<bool>,
    guest: Signal<NoopRawMutex, Guest>,
}

/// All doors.
pub(super) struct Doors {
    doors: [Door; limits::TLS_DOORS],
    /// Servers that wait for a free one.
    waiting: RefCell<MultiWakerRegistration<{ limits::SERVERS }>>,
}

impl Doors {
    pub(super) fn new() -> Self {
        let door = |_| Door { busy: Cell::new(false), spoken: Cell::new(false), guest: Signal::new() };
        Self { doors: core::array::from_fn(door), waiting: RefCell::new(MultiWakerRegistration::new()) }
    }

    fn free(&self) -> Option<&Door> {
        self.doors.iter().find(|door| !door.busy.get())
    }

    /// Waits until a door is free.
    pub(super) async fn opened(&self) {
        poll_fn(|context| {
            if self.free().is_some() {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().register(context.waker());
            Poll::Pending
        })
        .await
    }

    /// Gives a free door to a client, or gives the client back.
    pub(super) fn enter(&self, guest: Guest) -> Result<(), Guest> {
        let Some(door) = self.free() else { return Err(guest) };
        door.busy.set(true);
        door.spoken.set(false);
        door.guest.signal(guest);
        Ok(())
    }

    fn left(&self, door: &Door) {
        door.busy.set(false);
        self.waiting.borrow_mut().wake();
    }

    /// Ends when a client's time is over and every door is busy.
    async fn crowded(&self, door: &Door, is_computed: impl Fn() -> bool) {
        let mut since = Instant::now();
        loop {
            Timer::after(LOOK).await;
            if is_computed() {
                since = Instant::now();
            }
            let stay = if door.spoken.get() { STAY } else { SILENT };
            if self.free().is_none() && since.elapsed() >= stay {
                return;
            }
        }
    }
}

impl Streams {
    /// Starts the session of a client, which then becomes a stream.
    async fn welcome(&self, tls: &Tls, door: &Door, guest: &Guest) {
        let port = self.base.port;
        let open = OpenSocket::new(port, guest.socket);
        // Until the client has sent something, it costs no session.
        let mut first = [0];
        let event = Event::Readable(guest.socket);
        let saying = port::io(port, event, || port.sockets().receive(guest.socket, &mut first));
        let Ok(Ok(1)) = with_timeout(tls.patience(), saying).await else { return };
        let [first] = first;
        door.spoken.set(true);
        if !self.has_place(guest.row) {
            return;
        }
        if let Err(refusal) = tls.server(guest.socket, Some(first), ServerFiles::Streams).await {
            return tls.log(Level::Failure, refusal);
        }
        if self.is_running(guest.row, &guest.server) {
            self.admit(guest.row, Kind::Tlss, guest.server.interface, open.hand_on(), guest.remote);
        }
    }
}

/// Admits one client after another, for ever: [`limits::TLS_DOORS`] tasks, `number` from 0.
pub async fn keep_door(streams: &'static Streams, tls: &'static Tls, number: usize) {
    let Some(door) = streams.doors.doors.get(number) else { return };
    loop {
        let guest = door.guest.wait().await;
        let is_computed = || streams.base.port.sockets().handshake_is_computed(guest.socket);
        match select(streams.welcome(tls, door, &guest), streams.doors.crowded(door, is_computed)).await {
            Either::First(()) | Either::Second(()) => {}
        }
        streams.doors.left(door);
    }
}
