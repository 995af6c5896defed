//! IPv4 sockets: a table of descriptors with a waker for each direction.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::Waker;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketFlags, SocketType, sockopt};

use super::{earliest, keep, port_error, wake};
use crate::port::{Keepalive, PortError, Result, Socket};

/// Sockets at once, listeners included.
pub(super) const MAX_SOCKETS: usize = 1 << INDEX_BITS;
/// Bits of a [`Socket`] that say its place in the table; the others count how often the place was used.
const INDEX_BITS: u32 = 7;
/// Connections the kernel keeps for a listener until they are accepted.
const BACKLOG: i32 = 1024;
/// How long a listener that found no room sleeps, unless a socket is closed before.
pub(super) const RETRY: Duration = Duration::from_millis(100);
/// Unread bytes thrown away when a connection is closed, so that the peer still gets what was sent to it.
const DRAIN: usize = 64 * 1024;

/// One open socket.
struct Entry {
    fd: OwnedFd,
    kind: Kind,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

enum Kind {
    /// Found no room for a connection: rests until then.
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
struct Slot {
    generation: u16,
    entry: Option<Entry>,
}

/// All sockets of the device.
pub(super) struct SocketTable {
    slots: Vec<Slot>,
    /// Places used before, the longest unused first, so that an old [`Socket`] stays invalid for long.
    free: VecDeque<u16>,
    /// A listener may be resting.
    resting: bool,
    bind: Ipv4Addr,
}

impl SocketTable {
    /// An empty table; servers listen on `bind`.
    pub(super) fn new(bind: Ipv4Addr) -> Self {
        Self { slots: Vec::new(), free: VecDeque::new(), resting: false, bind }
    }

    fn full(&self) -> bool {
        self.free.is_empty() && self.slots.len() == MAX_SOCKETS
    }

    fn insert(&mut self, fd: OwnedFd, kind: Kind) -> Result<Socket> {
        let index = match self.free.pop_front() {
            Some(index) => index,
            None if self.slots.len() < MAX_SOCKETS => {
                self.slots.push(Slot::default());
                (self.slots.len() - 1) as u16
            }
            None => return Err(PortError::NoRoom),
        };
        let slot = &mut self.slots[usize::from(index)];
        slot.entry = Some(Entry { fd, kind, reader: None, writer: None });
        Ok(Socket(slot.generation << INDEX_BITS | index))
    }

    /// The place of a socket, when it is still the same socket.
    fn slot(&mut self, socket: Socket) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(usize::from(socket.0) % MAX_SOCKETS)?;
        let same = slot.generation << INDEX_BITS == socket.0 >> INDEX_BITS << INDEX_BITS;
        (same && slot.entry.is_some()).then_some(slot)
    }

    fn entry(&mut self, socket: Socket) -> Result<&mut Entry> {
        self.slot(socket).and_then(|slot| slot.entry.as_mut()).ok_or(PortError::Closed)
    }

    fn fd(&mut self, socket: Socket) -> Result<BorrowedFd<'_>> {
        Ok(self.entry(socket)?.fd.as_fd())
    }

    /// A new socket. The check for room comes first: it is cheap, and the socket is not.
    fn open(&self, kind: SocketType) -> Result<OwnedFd> {
        if self.full() {
            return Err(PortError::NoRoom);
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        rustix::net::socket_with(AddressFamily::INET, kind, flags, None).map_err(port_error)
    }

    /// See [`crate::port::Sockets::tcp_listen`].
    pub(super) fn tcp_listen(&mut self, port: u16) -> Result<Socket> {
        let fd = self.open(SocketType::STREAM)?;
        let listen = || {
            sockopt::set_socket_reuseaddr(&fd, true)?;
            // Accepted connections inherit it.
            sockopt::set_tcp_nodelay(&fd, true)?;
            rustix::net::bind(&fd, &SocketAddrV4::new(self.bind, port))?;
            rustix::net::listen(&fd, BACKLOG)?;
            rustix::net::getsockname(&fd)
        };
        let address = ipv4(listen().map_err(port_error)?);
        self.insert(fd, Kind::Listener { resting: None, address })
    }

    /// The address on which something listens at `port`.
    pub(super) fn listening(&self, port: u16) -> Option<SocketAddrV4> {
        self.slots.iter().find_map(|slot| match slot.entry.as_ref()?.kind {
            Kind::Listener { address, .. } if address.port() == port => Some(address),
            _ => None,
        })
    }

    /// See [`crate::port::Sockets::tcp_accept`]. `NoRoom` is said once; then the listener would block until there may
    /// be room again, so that a task that tries again and again does not starve the others.
    pub(super) fn tcp_accept(&mut self, listener: Socket) -> Result<(Socket, SocketAddrV4)> {
        let full = self.full();
        let entry = self.entry(listener)?;
        let Kind::Listener { resting, .. } = &mut entry.kind else {
            return Err(PortError::Failed(Errno::INVAL.raw_os_error()));
        };
        if resting.is_some_and(|until| until > Instant::now()) {
            return Err(PortError::WouldBlock);
        }
        let accepted = if full { Err(PortError::NoRoom) } else { accept(entry.fd.as_fd()) };
        let no_room = matches!(accepted, Err(PortError::NoRoom));
        *resting = no_room.then(|| Instant::now() + RETRY);
        self.resting |= no_room;
        let (fd, remote) = accepted?;
        Ok((self.insert(fd, Kind::Stream { unread: true })?, remote))
    }

    /// See [`crate::port::Sockets::tcp_connect`].
    pub(super) fn tcp_connect(&mut self, local_port: u16, remote: SocketAddrV4) -> Result<Socket> {
        let fd = self.open(SocketType::STREAM)?;
        let connect = || {
            sockopt::set_tcp_nodelay(&fd, true)?;
            if local_port != 0 {
                sockopt::set_socket_reuseaddr(&fd, true)?;
                rustix::net::bind(&fd, &SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, local_port))?;
            }
            match rustix::net::connect(&fd, &remote) {
                Err(Errno::INPROGRESS | Errno::INTR) => Ok(()),
                other => other,
            }
        };
        connect().map_err(port_error)?;
        self.insert(fd, Kind::Stream { unread: false })
    }

    /// See [`crate::port::Sockets::tcp_connected`].
    pub(super) fn tcp_connected(&mut self, socket: Socket) -> Result<()> {
        let fd = self.fd(socket)?;
        sockopt::socket_error(fd).map_err(port_error)?.map_err(port_error)?;
        match rustix::net::getpeername(fd) {
            Ok(_) => Ok(()),
            Err(Errno::NOTCONN) => Err(PortError::WouldBlock),
            Err(other) => Err(port_error(other)),
        }
    }

    /// See [`crate::port::Sockets::tcp_keepalive`].
    pub(super) fn tcp_keepalive(&mut self, socket: Socket, keepalive: Option<Keepalive>) -> Result<()> {
        let fd = self.fd(socket)?;
        let set = || {
            if let Some(Keepalive { idle, interval, count }) = keepalive {
                sockopt::set_tcp_keepidle(fd, Duration::from_secs(idle.max(1).into()))?;
                sockopt::set_tcp_keepintvl(fd, Duration::from_secs(interval.max(1).into()))?;
                sockopt::set_tcp_keepcnt(fd, count.max(1).into())?;
            }
            sockopt::set_socket_keepalive(fd, keepalive.is_some())
        };
        set().map_err(port_error)
    }

    /// See [`crate::port::Sockets::send`].
    pub(super) fn send(&mut self, socket: Socket, data: &[u8]) -> Result<usize> {
        let fd = self.fd(socket)?;
        retry_on_intr(|| rustix::net::send(fd, data, SendFlags::NOSIGNAL)).map_err(port_error)
    }

    /// See [`crate::port::Sockets::receive`].
    pub(super) fn receive(&mut self, socket: Socket, buffer: &mut [u8]) -> Result<usize> {
        let entry = self.entry(socket)?;
        let received = retry_on_intr(|| rustix::net::recv(&entry.fd, &mut *buffer, RecvFlags::empty()));
        if let Kind::Stream { unread } = &mut entry.kind {
            *unread = matches!(received, Ok((count, _)) if count == buffer.len());
        }
        received.map(|(count, _)| count).map_err(port_error)
    }

    /// See [`crate::port::Sockets::finish`].
    pub(super) fn finish(&mut self, socket: Socket) -> Result<()> {
        rustix::net::shutdown(self.fd(socket)?, Shutdown::Write).map_err(port_error)
    }

    /// See [`crate::port::Sockets::udp_bind`]. A server (a port of its own choice) is bound to the device's address; on
    /// Linux such a socket gets no broadcasts unless that address is 0.0.0.0.
    pub(super) fn udp_bind(&mut self, port: u16) -> Result<Socket> {
        let fd = self.open(SocketType::DGRAM)?;
        let address = if port == 0 { Ipv4Addr::UNSPECIFIED } else { self.bind };
        let bind = || {
            sockopt::set_socket_broadcast(&fd, true)?;
            rustix::net::bind(&fd, &SocketAddrV4::new(address, port))
        };
        bind().map_err(port_error)?;
        self.insert(fd, Kind::Datagram)
    }

    /// See [`crate::port::Sockets::udp_send`].
    pub(super) fn udp_send(&mut self, socket: Socket, data: &[u8], to: SocketAddrV4) -> Result<()> {
        let fd = self.fd(socket)?;
        match retry_on_intr(|| rustix::net::sendto(fd, data, SendFlags::NOSIGNAL, &to)) {
            Ok(_) => Ok(()),
            // A socket bound to the loopback address reaches nothing beyond it.
            Err(Errno::INVAL) => Err(PortError::Unreachable),
            Err(other) => Err(port_error(other)),
        }
    }

    /// See [`crate::port::Sockets::udp_receive`].
    pub(super) fn udp_receive(&mut self, socket: Socket, buffer: &mut [u8]) -> Result<(usize, SocketAddrV4)> {
        let fd = self.fd(socket)?;
        let (count, _, from) =
            retry_on_intr(|| rustix::net::recvfrom(fd, &mut *buffer, RecvFlags::empty())).map_err(port_error)?;
        let from = from.map_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), ipv4);
        Ok((count, from))
    }

    /// See [`crate::port::Sockets::local_address`].
    pub(super) fn local_address(&mut self, socket: Socket) -> Result<SocketAddrV4> {
        rustix::net::getsockname(self.fd(socket)?).map(ipv4).map_err(port_error)
    }

    /// See [`crate::port::Sockets::close`].
    pub(super) fn close(&mut self, socket: Socket) {
        let Some(slot) = self.slot(socket) else { return };
        let Some(entry) = slot.entry.take() else { return };
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push_back(socket.0 % MAX_SOCKETS as u16);
        if let Kind::Stream { unread: true } = entry.kind {
            drain(&entry.fd);
        }
        drop(entry);
        if self.resting {
            self.rouse_listeners();
        }
    }

    /// There is room again: listeners that rest try at once.
    fn rouse_listeners(&mut self) {
        self.resting = false;
        for entry in self.slots.iter_mut().filter_map(|slot| slot.entry.as_mut()) {
            if let Kind::Listener { resting, .. } = &mut entry.kind {
                *resting = None;
            }
        }
    }

    /// See [`crate::port::Port::wake_when`]. Who waits for a socket that is gone is woken at once, to find out.
    pub(super) fn wake_reader(&mut self, socket: Socket, waker: &Waker) {
        match self.entry(socket) {
            Ok(entry) => keep(&mut entry.reader, waker),
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

    /// Names every socket that somebody waits for; answers when the first resting listener wants to be looked at.
    pub(super) fn watch<'fd>(&'fd self, each: &mut dyn FnMut(u16, BorrowedFd<'fd>, PollFlags)) -> Option<Instant> {
        let mut retry = None;
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(entry) = &slot.entry else { continue };
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, entry.reader.is_some());
            flags.set(PollFlags::OUT, entry.writer.is_some());
            if flags.is_empty() {
                continue;
            }
            match entry.kind {
                Kind::Listener { resting: Some(until), .. } if until > Instant::now() => {
                    retry = earliest(retry, Some(until));
                }
                _ => each(index as u16, entry.fd.as_fd(), flags),
            }
        }
        retry
    }

    /// Wakes who waits for what `poll` has found.
    pub(super) fn ready(&mut self, index: u16, flags: PollFlags) {
        let Some(entry) = self.slots.get_mut(usize::from(index)).and_then(|slot| slot.entry.as_mut()) else { return };
        let ended = flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
        if ended || flags.contains(PollFlags::IN) {
            wake(&mut entry.reader);
        }
        if ended || flags.contains(PollFlags::OUT) {
            wake(&mut entry.writer);
        }
        if let Kind::Stream { unread } = &mut entry.kind {
            *unread |= flags.contains(PollFlags::IN);
        }
    }
}

/// Takes the next connection of a listener.
fn accept(listener: BorrowedFd<'_>) -> Result<(OwnedFd, SocketAddrV4)> {
    loop {
        match rustix::net::acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok((fd, remote)) => return Ok((fd, remote.map_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), ipv4))),
            // The peer had gone before it was accepted: the next one.
            Err(Errno::CONNABORTED | Errno::INTR) => {}
            Err(other) => return Err(port_error(other)),
        }
    }
}

/// Throws unread bytes away: closing a connection that has some makes the kernel reset it, and the peer loses what it
/// has not read yet.
fn drain(fd: &OwnedFd) {
    let _ = rustix::net::shutdown(fd, Shutdown::Write);
    let mut scrap = [0; 4096];
    for _ in 0..DRAIN / scrap.len() {
        match rustix::net::recv(fd, &mut scrap[..], RecvFlags::DONTWAIT) {
            Ok((1.., _)) => {}
            _ => return,
        }
    }
}

/// Every socket here is an IPv4 socket.
fn ipv4(address: SocketAddrAny) -> SocketAddrV4 {
    SocketAddrV4::try_from(address).unwrap_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))
}

#[cfg(test)]
impl SocketTable {
    /// How many sockets are open.
    pub(super) fn open_sockets(&self) -> usize {
        self.slots.iter().filter(|slot| slot.entry.is_some()).count()
    }

    /// The keepalive settings as the kernel has them.
    pub(super) fn keepalive(&mut self, socket: Socket) -> Option<Keepalive> {
        let fd = self.fd(socket).unwrap();
        sockopt::socket_keepalive(fd).unwrap().then(|| Keepalive {
            idle: sockopt::tcp_keepidle(fd).unwrap().as_secs() as u16,
            interval: sockopt::tcp_keepintvl(fd).unwrap().as_secs() as u16,
            count: sockopt::tcp_keepcnt(fd).unwrap() as u8,
        })
    }
}
