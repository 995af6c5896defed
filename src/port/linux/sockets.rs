//! IPv4 sockets of the host. Station and access point share its network: the interface makes no difference here.

use std::cell::{Ref, RefCell, RefMut};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketFlags, SocketType, sockopt};

use super::errors::port_error;
use super::lan::bind_to;
use super::socket_table::{RETRY, SocketKind, SocketTable};
use super::tls::Secured;
use crate::port::{Interface, Keepalive, Meter, Meters, PortError, Result, Socket, Sockets};

/// Connections the kernel keeps for a listener until they are accepted.
const BACKLOG: i32 = 1024;

/// Bytes that the system buffers for a client of a server before the client reads them (the system doubles this). With
/// a quarter of it, long files are a quarter slower; without a limit, many clients that do not read keep others
/// waiting.
const SEND_BUFFER: usize = 512 * 1024;

/// The TTL of datagrams from multicast sockets (RFC 6762, 11).
const GROUP_TTL: u32 = 255;

/// A TCP port, and what to call once the device listens on it.
type ListenHook = (u16, Box<dyn FnOnce(SocketAddrV4)>);

/// The host's interface and address for the sockets of a device interface.
pub(super) struct Place {
    /// The network interface that the sockets are bound to.
    device: Option<String>,
    /// The address that servers listen on.
    bind: Ipv4Addr,
}

impl Place {
    /// On a network interface, if one is given: servers then listen on any address that it has.
    pub(super) fn new(device: Option<&str>, bind: Ipv4Addr) -> Self {
        match device {
            Some(name) => Self { device: Some(name.to_owned()), bind: Ipv4Addr::UNSPECIFIED },
            None => Self { device: None, bind },
        }
    }
}

/// All sockets of the device.
pub(super) struct HostSockets {
    table: RefCell<SocketTable>,
    /// Where servers listen, by interface.
    places: [Place; 2],
    listen_hook: RefCell<Option<ListenHook>>,
    /// The traffic of each interface.
    meters: Meters,
}

impl HostSockets {
    /// No sockets yet; `places` are for the WLAN and the soft AP.
    pub(super) fn new(places: [Place; 2]) -> Self {
        Self { table: RefCell::default(), places, listen_hook: RefCell::new(None), meters: Meters::new() }
    }

    /// The table, for the loop.
    pub(super) fn table(&self) -> Ref<'_, SocketTable> {
        self.table.borrow()
    }

    /// The table, for the loop.
    pub(super) fn table_mut(&self) -> RefMut<'_, SocketTable> {
        self.table.borrow_mut()
    }

    /// Calls `action` once the device listens on a TCP port, at once when it does already.
    pub(super) fn when_listening(&self, port: u16, action: impl FnOnce(SocketAddrV4) + 'static) {
        let address = self.table.borrow().listening(port);
        match address {
            Some(address) => action(address),
            None => *self.listen_hook.borrow_mut() = Some((port, Box::new(action))),
        }
    }

    /// A socket on an interface.
    fn open(&self, interface: Interface, kind: SocketType) -> Result<OwnedFd> {
        let fd = self.table.borrow().open(kind)?;
        if let Some(device) = &self.places[interface as usize].device {
            bind_to(&fd, device).map_err(|_| PortError::Denied)?;
        }
        Ok(fd)
    }

    /// Calls the hook that waits for a listener on `port`.
    fn tell_listening(&self, port: u16) {
        let hook = self.listen_hook.borrow_mut().take_if(|(wanted, _)| *wanted == port);
        let address = self.table.borrow().listening(port);
        if let (Some((_, action)), Some(address)) = (hook, address) {
            action(address);
        }
    }
}

impl Sockets for HostSockets {
    fn tcp_listen(&self, interface: Interface, port: u16) -> Result<Socket> {
        let fd = self.open(interface, SocketType::STREAM)?;
        let listen = || {
            sockopt::set_socket_reuseaddr(&fd, true)?;
            // Accepted connections inherit it.
            sockopt::set_tcp_nodelay(&fd, true)?;
            rustix::net::bind(&fd, &SocketAddrV4::new(self.places[interface as usize].bind, port))?;
            // They inherit this too: a client that does not read costs no more memory and copying than this.
            sockopt::set_socket_send_buffer_size(&fd, SEND_BUFFER)?;
            rustix::net::listen(&fd, BACKLOG)?;
            rustix::net::getsockname(&fd)
        };
        let address = ipv4(listen().map_err(port_error)?);
        let socket = self.table.borrow_mut().insert(fd, interface, SocketKind::Listener { resting: None, address })?;
        self.tell_listening(port);
        Ok(socket)
    }

    /// Returns `NoRoom` once, then `WouldBlock` until there may be room again, so that a task that keeps retrying does
    /// not starve the others.
    fn tcp_accept(&self, listener: Socket) -> Result<(Socket, SocketAddrV4)> {
        let mut table = self.table.borrow_mut();
        let full = table.full();
        let entry = table.entry(listener)?;
        let SocketKind::Listener { resting, .. } = &mut entry.kind else {
            return Err(PortError::Failed(Errno::INVAL.raw_os_error()));
        };
        if resting.is_some_and(|until| until > Instant::now()) {
            return Err(PortError::WouldBlock);
        }
        let accepted = if full { Err(PortError::NoRoom) } else { accept(entry.fd.as_fd()) };
        let no_room = matches!(accepted, Err(PortError::NoRoom));
        *resting = no_room.then(|| Instant::now() + RETRY);
        let interface = entry.interface;
        table.resting |= no_room;
        let (fd, remote) = accepted?;
        Ok((table.insert(fd, interface, SocketKind::Stream { unread: true })?, remote))
    }

    fn tcp_connect(&self, interface: Interface, local_port: u16, remote: SocketAddrV4) -> Result<Socket> {
        let fd = self.open(interface, SocketType::STREAM)?;
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
        self.table.borrow_mut().insert(fd, interface, SocketKind::Stream { unread: false })
    }

    fn tcp_connected(&self, socket: Socket) -> Result<()> {
        let mut table = self.table.borrow_mut();
        let fd = table.fd(socket)?;
        sockopt::socket_error(fd).map_err(port_error)?.map_err(port_error)?;
        match rustix::net::getpeername(fd) {
            Ok(_) => Ok(()),
            Err(Errno::NOTCONN) => Err(PortError::WouldBlock),
            Err(other) => Err(port_error(other)),
        }
    }

    fn tcp_keepalive(&self, socket: Socket, keepalive: Option<Keepalive>) -> Result<()> {
        let mut table = self.table.borrow_mut();
        let fd = table.fd(socket)?;
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

    fn send(&self, socket: Socket, data: &[u8]) -> Result<usize> {
        let mut table = self.table.borrow_mut();
        let entry = table.entry(socket)?;
        let meter = self.meters.of(entry.interface);
        if let Some(secured) = &mut entry.tls {
            return meter.sends(secured.send(&entry.fd, data));
        }
        meter.sends(retry_on_intr(|| rustix::net::send(&entry.fd, data, SendFlags::NOSIGNAL)).map_err(port_error))
    }

    fn receive(&self, socket: Socket, buffer: &mut [u8]) -> Result<usize> {
        let mut table = self.table.borrow_mut();
        let entry = table.entry(socket)?;
        let meter = self.meters.of(entry.interface);
        if let Some(secured) = &mut entry.tls {
            return meter.receives(secured.receive(&entry.fd, buffer));
        }
        let received = retry_on_intr(|| rustix::net::recv(&entry.fd, &mut *buffer, RecvFlags::empty()));
        if let SocketKind::Stream { unread } = &mut entry.kind {
            *unread = matches!(received, Ok((count, _)) if count == buffer.len());
        }
        meter.receives(received.map(|(count, _)| count).map_err(port_error))
    }

    fn finish(&self, socket: Socket) -> Result<()> {
        let mut table = self.table.borrow_mut();
        let entry = table.entry(socket)?;
        match &mut entry.tls {
            Some(secured) => secured.finish(&entry.fd),
            None => rustix::net::shutdown(&entry.fd, Shutdown::Write).map_err(port_error),
        }
    }

    fn handshake_is_computed(&self, socket: Socket) -> bool {
        let mut table = self.table.borrow_mut();
        table.entry(socket).is_ok_and(|entry| entry.tls.as_ref().is_some_and(Secured::is_away))
    }

    /// A server (a socket with a chosen port) is bound to the device's address; on Linux such a socket gets no
    /// broadcasts unless that address is 0.0.0.0.
    fn udp_bind(&self, interface: Interface, port: u16) -> Result<Socket> {
        // Without an interface of its own, the soft AP has no stations, and these ports belong to the machine.
        let is_simulated = self.places[interface as usize].device.is_none();
        if interface == Interface::SoftAp && is_simulated && (1..1024).contains(&port) {
            return Err(PortError::Denied);
        }
        let fd = self.open(interface, SocketType::DGRAM)?;
        let address = if port == 0 { Ipv4Addr::UNSPECIFIED } else { self.places[interface as usize].bind };
        let bind = || {
            sockopt::set_socket_broadcast(&fd, true)?;
            rustix::net::bind(&fd, &SocketAddrV4::new(address, port))
        };
        bind().map_err(port_error)?;
        self.table.borrow_mut().insert(fd, interface, SocketKind::Datagram)
    }

    /// Uses the network interface that the sockets are bound to; otherwise that of the device's address, so that a
    /// device on the loopback address stays within the machine.
    fn udp_group(&self, interface: Interface, port: u16, group: Ipv4Addr, only: bool) -> Result<Socket> {
        let fd = self.open(interface, SocketType::DGRAM)?;
        let place = &self.places[interface as usize];
        let join = || {
            sockopt::set_socket_reuseaddr(&fd, port != 0)?;
            sockopt::set_ip_ttl(&fd, GROUP_TTL)?;
            sockopt::set_ip_multicast_ttl(&fd, GROUP_TTL)?;
            let local = if only { group } else { Ipv4Addr::UNSPECIFIED };
            rustix::net::bind(&fd, &SocketAddrV4::new(local, port))?;
            let index =
                place.device.as_deref().map(|name| rustix::net::netdevice::name_to_index(&fd, name)).transpose()?;
            match index {
                Some(index) => {
                    let any = Ipv4Addr::UNSPECIFIED;
                    sockopt::set_ip_multicast_if_with_ifindex(&fd, &any, &any, index)?;
                    sockopt::set_ip_add_membership_with_ifindex(&fd, &group, &any, index)
                }
                None => {
                    sockopt::set_ip_multicast_if(&fd, &place.bind)?;
                    sockopt::set_ip_add_membership(&fd, &group, &place.bind)
                }
            }
        };
        join().map_err(port_error)?;
        self.table.borrow_mut().insert(fd, interface, SocketKind::Datagram)
    }

    fn udp_send(&self, socket: Socket, data: &[u8], to: SocketAddrV4) -> Result<()> {
        let mut table = self.table.borrow_mut();
        let entry = table.entry(socket)?;
        match retry_on_intr(|| rustix::net::sendto(&entry.fd, data, SendFlags::NOSIGNAL, &to)) {
            Ok(_) => {
                self.meters.of(entry.interface).has_sent();
                Ok(())
            }
            // A socket bound to the loopback address reaches nothing beyond it.
            Err(Errno::INVAL) => Err(PortError::Unreachable),
            Err(other) => Err(port_error(other)),
        }
    }

    fn udp_receive(&self, socket: Socket, buffer: &mut [u8]) -> Result<(usize, SocketAddrV4)> {
        let mut table = self.table.borrow_mut();
        let entry = table.entry(socket)?;
        let received = retry_on_intr(|| rustix::net::recvfrom(&entry.fd, &mut *buffer, RecvFlags::empty()));
        let (count, _, from) = received.map_err(port_error)?;
        self.meters.of(entry.interface).has_received();
        let from = from.map_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), ipv4);
        Ok((count, from))
    }

    fn local_address(&self, socket: Socket) -> Result<SocketAddrV4> {
        rustix::net::getsockname(self.table.borrow_mut().fd(socket)?).map(ipv4).map_err(port_error)
    }

    fn meter(&self, interface: Interface) -> Option<&Meter> {
        Some(self.meters.of(interface))
    }

    fn close(&self, socket: Socket) {
        self.table.borrow_mut().close(socket);
    }
}

/// Takes the next connection of a listener.
fn accept(listener: BorrowedFd<'_>) -> Result<(OwnedFd, SocketAddrV4)> {
    loop {
        match rustix::net::acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok((fd, remote)) => return Ok((fd, remote.map_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), ipv4))),
            // The peer closed the connection before it was accepted: try the next one.
            Err(Errno::CONNABORTED | Errno::INTR) => {}
            Err(other) => return Err(port_error(other)),
        }
    }
}

/// Every socket here is an IPv4 socket.
fn ipv4(address: SocketAddrAny) -> SocketAddrV4 {
    SocketAddrV4::try_from(address).unwrap_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))
}

#[cfg(test)]
impl HostSockets {
    /// The keepalive settings as the kernel has them.
    pub(super) fn keepalive(&self, socket: Socket) -> Option<Keepalive> {
        let mut table = self.table.borrow_mut();
        let fd = table.fd(socket).unwrap();
        sockopt::socket_keepalive(fd).unwrap().then(|| Keepalive {
            idle: sockopt::tcp_keepidle(fd).unwrap().as_secs() as u16,
            interval: sockopt::tcp_keepintvl(fd).unwrap().as_secs() as u16,
            count: sockopt::tcp_keepcnt(fd).unwrap() as u8,
        })
    }
}
