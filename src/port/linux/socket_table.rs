//! The table of sockets: descriptors with a waker for each direction.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::net::{AddressFamily, RecvFlags, Shutdown, SocketFlags, SocketType};

use super::errors::port_error;
use super::tls::{Lingering, Order, Outcome, Secured, Step, Worker};
use super::wakers::{earliest, keep, wake};
use crate::limits;
use crate::port::{Interface, Job, PortError, Result, Socket};

/// Sockets at once, listeners included.
pub(super) const MAX_SOCKETS: usize = 1 << INDEX_BITS;
/// Bits of a [`Socket`] that hold its place in the table; the others count how often the place was used.
const INDEX_BITS: u32 = 7;
/// How long a listener without room for a connection rests, unless a socket is closed earlier.
pub(super) const RETRY: Duration = Duration::from_millis(100);
/// Unread bytes discarded when a connection is closed, so that the peer still receives everything sent to it.
const DRAIN: usize = 64 * 1024;

/// One open socket.
pub(super) struct Entry {
    pub(super) fd: Arc<OwnedFd>,
    pub(super) kind: SocketKind,
    pub(super) interface: Interface,
    pub(super) tls: Option<Secured>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// What a socket is.
pub(super) enum SocketKind {
    /// `resting`: until when the listener rests, because there was no room for a connection.
    Listener {
        resting: Option<Instant>,
        address: SocketAddrV4,
    },
    /// `unread`: the kernel may hold received bytes.
    Stream {
        unread: bool,
    },
    Datagram,
}

#[derive(Default)]
struct SocketPlace {
    generation: u16,
    entry: Option<Entry>,
}

/// All sockets of the device.
#[derive(Default)]
pub(super) struct SocketTable {
    slots: Vec<SocketPlace>,
    /// Freed places, the longest unused first, so that an old [`Socket`] stays invalid for long.
    free: VecDeque<u16>,
    /// A listener may be resting.
    pub(super) resting: bool,
    /// Unsent bytes of sessions whose sockets are closed.
    lingering: Vec<Lingering>,
    /// The handshake thread, once it has been started.
    pub(super) worker: Option<Worker>,
}

impl SocketTable {
    pub(super) fn full(&self) -> bool {
        self.free.is_empty() && self.slots.len() == MAX_SOCKETS
    }

    pub(super) fn insert(&mut self, fd: OwnedFd, interface: Interface, kind: SocketKind) -> Result<Socket> {
        let index = match self.free.pop_front() {
            Some(index) => index,
            None if self.slots.len() < MAX_SOCKETS => {
                self.slots.push(SocketPlace::default());
                (self.slots.len() - 1) as u16
            }
            None => return Err(PortError::NoRoom),
        };
        let slot = &mut self.slots[usize::from(index)];
        slot.entry = Some(Entry { fd: Arc::new(fd), kind, interface, tls: None, reader: None, writer: None });
        Ok(Socket(slot.generation << INDEX_BITS | index))
    }

    /// The place of a socket, if it is still the same socket.
    fn slot(&mut self, socket: Socket) -> Option<&mut SocketPlace> {
        let slot = self.slots.get_mut(usize::from(socket.0) % MAX_SOCKETS)?;
        let same = slot.generation << INDEX_BITS == socket.0 >> INDEX_BITS << INDEX_BITS;
        (same && slot.entry.is_some()).then_some(slot)
    }

    pub(super) fn entry(&mut self, socket: Socket) -> Result<&mut Entry> {
        self.slot(socket).and_then(|slot| slot.entry.as_mut()).ok_or(PortError::Closed)
    }

    pub(super) fn fd(&mut self, socket: Socket) -> Result<BorrowedFd<'_>> {
        Ok(self.entry(socket)?.fd.as_fd())
    }

    /// A new socket. The check for room comes first: it is cheap, and the socket is not.
    pub(super) fn open(&self, kind: SocketType) -> Result<OwnedFd> {
        if self.full() {
            return Err(PortError::NoRoom);
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        rustix::net::socket_with(AddressFamily::INET, kind, flags, None).map_err(port_error)
    }

    /// The address on which something listens at `port`.
    pub(super) fn listening(&self, port: u16) -> Option<SocketAddrV4> {
        self.slots.iter().find_map(|slot| match slot.entry.as_ref()?.kind {
            SocketKind::Listener { address, .. } if address.port() == port => Some(address),
            _ => None,
        })
    }

    /// Closes a socket and forgets its wakers; listeners that found no room try again.
    pub(super) fn close(&mut self, socket: Socket) {
        let Some(slot) = self.slot(socket) else { return };
        let Some(entry) = slot.entry.take() else { return };
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push_back(socket.0 % MAX_SOCKETS as u16);
        match entry.tls {
            Some(secured) => self.lingering.extend(secured.close(entry.fd)),
            None if matches!(entry.kind, SocketKind::Stream { unread: true }) => drain(&entry.fd),
            None => {}
        }
        if self.resting {
            self.rouse_listeners();
        }
    }

    /// There is room again: resting listeners try at once.
    fn rouse_listeners(&mut self) {
        self.resting = false;
        for entry in self.slots.iter_mut().filter_map(|slot| slot.entry.as_mut()) {
            if let SocketKind::Listener { resting, .. } = &mut entry.kind {
                *resting = None;
            }
        }
    }

    /// See [`crate::port::Port::wake_when`]. A task that waits for a closed socket is woken at once, to find out.
    pub(super) fn wake_reader(&mut self, socket: Socket, waker: &Waker) {
        match self.entry(socket) {
            Ok(entry) => {
                // `poll` cannot see bytes that are already decrypted.
                if entry.tls.as_mut().is_some_and(Secured::is_readable) {
                    waker.wake_by_ref();
                } else {
                    keep(&mut entry.reader, waker);
                }
            }
            Err(_) => waker.wake_by_ref(),
        }
    }

    /// See [`SocketTable::wake_reader`].
    pub(super) fn wake_writer(&mut self, socket: Socket, waker: &Waker) {
        match self.entry(socket) {
            Ok(entry) => keep(&mut entry.writer, waker),
            Err(_) => waker.wake_by_ref(),
        }
    }

    /// Calls `each` with every socket that a task waits for; returns when the first resting listener must be retried.
    pub(super) fn watch<'fd>(&'fd self, each: &mut dyn FnMut(u16, BorrowedFd<'fd>, PollFlags)) -> Option<Instant> {
        let mut retry = None;
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(entry) = &slot.entry else { continue };
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, entry.reader.is_some());
            flags.set(PollFlags::OUT, entry.writer.is_some());
            if let Some(secured) = &entry.tls {
                flags = secured.watched(flags);
            }
            if flags.is_empty() {
                continue;
            }
            match entry.kind {
                SocketKind::Listener { resting: Some(until), .. } if until > Instant::now() => {
                    retry = earliest(retry, Some(until));
                }
                _ => each(index as u16, entry.fd.as_fd(), flags),
            }
        }
        for (number, rest) in self.lingering.iter().enumerate() {
            each((MAX_SOCKETS + number) as u16, rest.fd.as_fd(), PollFlags::OUT);
            retry = earliest(retry, Some(rest.until));
        }
        retry
    }

    /// Wakes the tasks that wait for what `poll` has reported.
    pub(super) fn ready(&mut self, index: u16, flags: PollFlags) {
        if let Some(rest) =
            usize::from(index).checked_sub(MAX_SOCKETS).and_then(|number| self.lingering.get_mut(number))
        {
            return rest.go_on();
        }
        let Some(slot) = self.slots.get_mut(usize::from(index)) else { return };
        let Some(entry) = &mut slot.entry else { return };
        if let Some(secured) = &mut entry.tls {
            let socket = Socket(slot.generation << INDEX_BITS | index);
            if secured.ready(socket, &entry.fd, flags, self.worker.as_ref()) {
                return;
            }
        }
        let ended = flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
        if ended || flags.contains(PollFlags::IN) {
            wake(&mut entry.reader);
        }
        if ended || flags.contains(PollFlags::OUT) {
            wake(&mut entry.writer);
        }
        if let SocketKind::Stream { unread } = &mut entry.kind {
            *unread |= flags.contains(PollFlags::IN);
        }
    }
}

impl SocketTable {
    /// The number of sessions that are open, in their handshake, or still sending.
    fn sessions(&self) -> usize {
        let open = self.slots.iter().filter_map(|slot| slot.entry.as_ref()).filter(|entry| entry.tls.is_some());
        open.count() + self.lingering.len()
    }

    /// Begins a session on a connection; `job` waits for its handshake.
    pub(super) fn secure(&mut self, socket: Socket, job: Job, order: Order) -> Result<()> {
        let entry = self.entry(socket)?;
        if entry.tls.is_some() || !matches!(entry.kind, SocketKind::Stream { .. }) {
            return Err(PortError::Unsupported);
        }
        if self.sessions() >= limits::TLS_SESSIONS {
            return Err(PortError::NoRoom);
        }
        if self.worker.is_none() {
            self.worker = Some(Worker::start().map_err(|_| PortError::NoRoom)?);
        }
        let Some(worker) = self.worker.take() else { return Err(PortError::NoRoom) };
        let begun = self.entry(socket).map(|entry| {
            entry.tls = Some(Secured::begin(job, socket, &entry.fd, order, &worker));
        });
        self.worker = Some(worker);
        begun
    }

    /// Takes a session back from the thread; returns the job that has ended with it, and its outcome.
    pub(super) fn take_back(&mut self, step: Step) -> Option<(Job, Outcome)> {
        // A socket that was closed meanwhile takes its session with it.
        let entry = self.entry(step.socket).ok()?;
        let ended = entry.tls.as_mut()?.take_back(step.session, step.outcome);
        wake(&mut entry.reader);
        wake(&mut entry.writer);
        ended
    }

    /// The job of this handshake was cancelled.
    pub(super) fn give_up(&mut self, job: Job) {
        for entry in self.slots.iter_mut().filter_map(|slot| slot.entry.as_mut()) {
            if let Some(secured) = &mut entry.tls {
                secured.give_up(job);
            }
        }
    }

    /// Forgets closed sessions that have sent everything or have waited too long.
    pub(super) fn tidy(&mut self) {
        let now = Instant::now();
        self.lingering.retain(|rest| !rest.is_over(now));
    }
}

/// Discards unread bytes: if a connection is closed with unread bytes, the kernel resets it, and the peer loses what it
/// has not read yet.
pub(super) fn drain(fd: &OwnedFd) {
    let _ = rustix::net::shutdown(fd, Shutdown::Write);
    let mut scrap = [0; 4096];
    for _ in 0..DRAIN / scrap.len() {
        match rustix::net::recv(fd, &mut scrap[..], RecvFlags::DONTWAIT) {
            Ok((1.., _)) => {}
            _ => return,
        }
    }
}

#[cfg(test)]
impl SocketTable {
    /// How many sockets are open.
    pub(super) fn open_sockets(&self) -> usize {
        self.slots.iter().filter(|slot| slot.entry.is_some()).count()
    }
}
