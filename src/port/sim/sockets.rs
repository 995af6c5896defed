//! The device's side of the simulated network.

use core::net::{Ipv4Addr, SocketAddrV4};
use std::collections::VecDeque;

use embassy_time::Duration;

use super::super::{Event, Interface, Keepalive, Meter, PortError, Radio, Result, Socket, Sockets};
use super::network::{Datagram, Entry, Progress};
use super::{Call, SimPort};

/// The largest UDP payload over IPv4.
const LARGEST_DATAGRAM: usize = 65_507;

impl SimPort {
    /// The device's address on an interface: the one set by the test, or that of the radio.
    pub fn address(&self, interface: Interface) -> Option<Ipv4Addr> {
        self.network.borrow().addresses[interface as usize]
            .or_else(|| self.radio.radio_state(interface).ipv4.map(|config| config.address))
    }

    /// The source address for calls that need a route.
    pub(super) fn route(&self, interface: Interface) -> Result<Ipv4Addr> {
        self.address(interface).ok_or(PortError::Unreachable)
    }

    /// The meter of a connection's interface.
    fn meter_of(&self, socket: Socket) -> &Meter {
        let network = self.network.borrow();
        let own = match network.sockets.get(&socket.0) {
            Some(Entry::Tcp(number)) => network.connections.get(number).map(|connection| *connection.device.ip()),
            _ => None,
        };
        drop(network);
        let is_softap = own.is_some() && own == self.address(Interface::SoftAp);
        self.meters.of(if is_softap { Interface::SoftAp } else { Interface::Wlan })
    }

    /// Checks that no other socket of the same kind has the port, and chooses one for port 0.
    fn choose_port(&self, interface: Interface, port: u16, udp: bool) -> Result<u16> {
        let mut network = self.network.borrow_mut();
        if port == 0 {
            return Ok(network.ephemeral());
        }
        let taken = network.sockets.values().any(|entry| match entry {
            Entry::Listener { interface: on, port: bound, .. } => !udp && (*on, *bound) == (interface, port),
            Entry::Udp { interface: on, port: bound, group: None, .. } => udp && (*on, *bound) == (interface, port),
            Entry::Udp { .. } | Entry::Tcp(_) => false,
        });
        if taken { Err(PortError::InUse) } else { Ok(port) }
    }
}

impl SimPort {
    /// Delivers a datagram to the devices in the same network, and, if it is for a group, back to this device's own
    /// sockets.
    fn carry(&self, interface: Interface, datagram: &Datagram) {
        let Datagram { from, to, .. } = *datagram;
        let group = Some(*to.ip()).filter(Ipv4Addr::is_multicast);
        let is_own = |port: &SimPort| port.address(interface) == Some(*to.ip());
        let to_all = group.is_some() || to.ip().is_broadcast();
        let others = self.neighbours.borrow().clone();
        for port in others.into_iter().filter(|port| to_all || is_own(port)) {
            let data = datagram.data.clone();
            port.after(Duration::from_ticks(0), move |port| {
                port.network.borrow_mut().deliver(interface, to.port(), &data, from, group);
            });
        }
        if group.is_some() || is_own(self) {
            let data = datagram.data.clone();
            self.after(Duration::from_ticks(0), move |port| {
                port.network.borrow_mut().deliver(interface, to.port(), &data, from, group);
            });
        }
    }
}

impl Sockets for SimPort {
    fn tcp_listen(&self, interface: Interface, port: u16) -> Result<Socket> {
        self.check(Call::TcpListen)?;
        let port = self.choose_port(interface, port, false)?;
        self.network.borrow_mut().new_socket(Entry::Listener { interface, port, backlog: VecDeque::new() })
    }

    fn tcp_accept(&self, listener: Socket) -> Result<(Socket, SocketAddrV4)> {
        self.check(Call::TcpAccept)?;
        let mut network = self.network.borrow_mut();
        let Entry::Listener { backlog, .. } = network.entry(listener)? else { return Err(PortError::Unsupported) };
        let number = backlog.pop_front().ok_or(PortError::WouldBlock)?;
        let peer = network.connections[&number].peer;
        match network.new_socket(Entry::Tcp(number)) {
            Ok(socket) => Ok((socket, peer)),
            Err(error) => {
                // Like a process without file descriptors: the connection goes on waiting.
                if let Entry::Listener { backlog, .. } = network.entry(listener)? {
                    backlog.push_front(number);
                }
                Err(error)
            }
        }
    }

    fn tcp_connect(&self, interface: Interface, local_port: u16, remote: SocketAddrV4) -> Result<Socket> {
        self.check(Call::TcpConnect)?;
        let address = self.route(interface)?;
        let local_port = self.choose_port(interface, local_port, false)?;
        let mut network = self.network.borrow_mut();
        let number = network.new_connection(SocketAddrV4::new(address, local_port), remote, Progress::Connecting);
        let socket = network.new_socket(Entry::Tcp(number));
        if socket.is_err() {
            network.connections.remove(&number);
        } else if let Some((delay, result)) = network.answer(remote) {
            self.after(delay, move |port| port.network.borrow_mut().end_attempt(number, result));
        }
        socket
    }

    fn tcp_connected(&self, socket: Socket) -> Result<()> {
        self.check(Call::TcpConnected)?;
        match self.network.borrow_mut().tcp(socket)?.progress {
            Progress::Connecting => Err(PortError::WouldBlock),
            Progress::Established => Ok(()),
            Progress::Failed(error) => Err(error),
        }
    }

    fn tcp_keepalive(&self, socket: Socket, keepalive: Option<Keepalive>) -> Result<()> {
        self.network.borrow_mut().tcp(socket)?.keepalive = keepalive;
        Ok(())
    }

    fn send(&self, socket: Socket, data: &[u8]) -> Result<usize> {
        self.check(Call::Send)?;
        let meter = self.meter_of(socket);
        let mut network = self.network.borrow_mut();
        meter.sends(match network.secured(socket) {
            Some((session, connection)) => session.send(connection, data),
            None => network.tcp(socket)?.send(data),
        })
    }

    fn receive(&self, socket: Socket, buffer: &mut [u8]) -> Result<usize> {
        self.check(Call::Receive)?;
        let meter = self.meter_of(socket);
        let mut network = self.network.borrow_mut();
        meter.receives(match network.secured(socket) {
            Some((session, connection)) => session.receive(connection, buffer),
            None => network.tcp(socket)?.receive(buffer),
        })
    }

    fn finish(&self, socket: Socket) -> Result<()> {
        self.check(Call::Finish)?;
        let mut network = self.network.borrow_mut();
        match network.secured(socket) {
            Some((session, connection)) => session.finish(connection),
            None => network.tcp(socket)?.finish(),
        }
    }

    fn udp_bind(&self, interface: Interface, port: u16) -> Result<Socket> {
        self.check(Call::UdpBind)?;
        let port = self.choose_port(interface, port, true)?;
        self.network.borrow_mut().new_socket(Entry::Udp { interface, port, queue: VecDeque::new(), group: None })
    }

    fn udp_group(&self, interface: Interface, port: u16, group: Ipv4Addr, _only: bool) -> Result<Socket> {
        self.check(Call::UdpBind)?;
        self.route(interface)?;
        let mut network = self.network.borrow_mut();
        let port = if port == 0 { network.ephemeral() } else { port };
        network.new_socket(Entry::Udp { interface, port, queue: VecDeque::new(), group: Some(group) })
    }

    fn udp_send(&self, socket: Socket, data: &[u8], to: SocketAddrV4) -> Result<()> {
        self.check(Call::UdpSend)?;
        let (interface, port) = match self.network.borrow_mut().entry(socket)? {
            Entry::Udp { interface, port, .. } => (*interface, *port),
            _ => return Err(PortError::Unsupported),
        };
        let from = SocketAddrV4::new(self.route(interface)?, port);
        if data.len() > LARGEST_DATAGRAM {
            return Err(PortError::NoRoom);
        }
        let datagram = Datagram { from, to, data: data.to_vec() };
        self.network.borrow_mut().spread(&datagram);
        self.carry(interface, &datagram);
        self.meters.of(interface).has_sent();
        Ok(())
    }

    fn udp_receive(&self, socket: Socket, buffer: &mut [u8]) -> Result<(usize, SocketAddrV4)> {
        self.check(Call::UdpReceive)?;
        let mut network = self.network.borrow_mut();
        let Entry::Udp { queue, interface, .. } = network.entry(socket)? else { return Err(PortError::Unsupported) };
        let (data, from) = queue.pop_front().ok_or(PortError::WouldBlock)?;
        let length = data.len().min(buffer.len());
        buffer[..length].copy_from_slice(&data[..length]);
        self.meters.of(*interface).has_received();
        Ok((length, from))
    }

    fn local_address(&self, socket: Socket) -> Result<SocketAddrV4> {
        let mut network = self.network.borrow_mut();
        let (interface, port) = match network.entry(socket)? {
            Entry::Listener { interface, port, .. } | Entry::Udp { interface, port, .. } => (*interface, *port),
            Entry::Tcp(_) => return Ok(network.tcp(socket)?.device),
        };
        drop(network);
        Ok(SocketAddrV4::new(self.address(interface).unwrap_or(Ipv4Addr::UNSPECIFIED), port))
    }

    fn meter(&self, interface: Interface) -> Option<&Meter> {
        Some(self.meters.of(interface))
    }

    fn close(&self, socket: Socket) {
        self.forget_wakers(|event| event == Event::Readable(socket) || event == Event::Writable(socket));
        let mut network = self.network.borrow_mut();
        network.close_tls(socket);
        let numbers = match network.sockets.remove(&socket.0) {
            None => return network.stale_calls += 1,
            Some(Entry::Tcp(number)) => VecDeque::from([number]),
            Some(Entry::Listener { backlog, .. }) => backlog,
            Some(Entry::Udp { .. }) => VecDeque::new(),
        };
        for number in numbers {
            if let Some(connection) = network.connections.get_mut(&number) {
                connection.device_closes();
            }
        }
    }
}
