//! Sockets.

use core::cell::{Cell, RefCell};
use core::net::{Ipv4Addr, SocketAddrV4};

use openzentri::port::{Interface, Keepalive, Meter, Meters, Result, Socket, Sockets};

use super::tls;
use super::wakers::{SOCKETS, Wakers};
use crate::shim::{self, Endpoint};

/// Zephyr's sockets, and the wakers.
pub struct ZephyrSockets {
    pub wakers: RefCell<Wakers>,
    /// The interface of each socket, and the traffic of each interface.
    interfaces: [Cell<Interface>; SOCKETS],
    meters: Meters,
}

impl ZephyrSockets {
    /// No sockets yet.
    pub const fn new() -> Self {
        Self {
            wakers: RefCell::new(Wakers::new()),
            interfaces: [const { Cell::new(Interface::Wlan) }; SOCKETS],
            meters: Meters::new(),
        }
    }

    /// A new socket on an interface.
    fn opened(&self, fd: usize, interface: Interface) -> Socket {
        if let Some(place) = self.interfaces.get(fd) {
            place.set(interface);
        }
        socket(fd)
    }

    fn interface_of(&self, socket: Socket) -> Interface {
        self.interfaces.get(usize::from(socket.0)).map_or(Interface::Wlan, Cell::get)
    }

    fn meter_of(&self, socket: Socket) -> &Meter {
        self.meters.of(self.interface_of(socket))
    }
}

/// Descriptors of Zephyr are small: there are `CONFIG_ZVFS_OPEN_MAX` of them.
fn socket(fd: usize) -> Socket {
    Socket(fd as u16)
}

fn fd(socket: Socket) -> i32 {
    i32::from(socket.0)
}

fn from_endpoint(endpoint: Endpoint) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::from_bits(endpoint.address), endpoint.port)
}

impl Sockets for ZephyrSockets {
    fn tcp_listen(&self, interface: Interface, port: u16) -> Result<Socket> {
        shim::tcp_listen(interface, port).map(|fd| self.opened(fd, interface))
    }

    fn tcp_accept(&self, listener: Socket) -> Result<(Socket, SocketAddrV4)> {
        let interface = self.interface_of(listener);
        shim::tcp_accept(fd(listener)).map(|(fd, peer)| (self.opened(fd, interface), from_endpoint(peer)))
    }

    fn tcp_connect(&self, interface: Interface, local_port: u16, remote: SocketAddrV4) -> Result<Socket> {
        let connecting = shim::tcp_connect(interface, local_port, remote.ip().to_bits(), remote.port());
        connecting.map(|fd| self.opened(fd, interface))
    }

    fn tcp_connected(&self, socket: Socket) -> Result<()> {
        shim::tcp_connected(fd(socket))
    }

    fn tcp_keepalive(&self, socket: Socket, keepalive: Option<Keepalive>) -> Result<()> {
        let (idle, interval, count) = keepalive.map_or((0, 0, 0), |keep| (keep.idle.max(1), keep.interval, keep.count));
        shim::tcp_keepalive(fd(socket), idle, interval, count)
    }

    fn send(&self, socket: Socket, data: &[u8]) -> Result<usize> {
        self.meter_of(socket).sends(shim::send(fd(socket), data))
    }

    fn receive(&self, socket: Socket, buffer: &mut [u8]) -> Result<usize> {
        self.meter_of(socket).receives(shim::receive(fd(socket), buffer))
    }

    fn finish(&self, socket: Socket) -> Result<()> {
        shim::finish(fd(socket))
    }

    fn handshake_is_computed(&self, socket: Socket) -> bool {
        tls::is_computed(fd(socket))
    }

    fn udp_bind(&self, interface: Interface, port: u16) -> Result<Socket> {
        shim::udp_bind(interface, port).map(|fd| self.opened(fd, interface))
    }

    fn udp_group(&self, interface: Interface, port: u16, group: Ipv4Addr, only: bool) -> Result<Socket> {
        shim::udp_group(interface, port, group.to_bits(), only).map(|fd| self.opened(fd, interface))
    }

    fn udp_send(&self, socket: Socket, data: &[u8], to: SocketAddrV4) -> Result<()> {
        shim::udp_send(fd(socket), data, Endpoint { address: to.ip().to_bits(), port: to.port() })?;
        self.meter_of(socket).has_sent();
        Ok(())
    }

    fn udp_receive(&self, socket: Socket, buffer: &mut [u8]) -> Result<(usize, SocketAddrV4)> {
        let (count, from) = shim::udp_receive(fd(socket), buffer)?;
        self.meter_of(socket).has_received();
        Ok((count, from_endpoint(from)))
    }

    fn local_address(&self, socket: Socket) -> Result<SocketAddrV4> {
        shim::local_address(fd(socket)).map(from_endpoint)
    }

    fn meter(&self, interface: Interface) -> Option<&Meter> {
        Some(self.meters.of(interface))
    }

    fn close(&self, socket: Socket) {
        self.wakers.borrow_mut().forget(socket);
        shim::close(fd(socket));
    }
}
