//! The world's side of the simulated network: the actions of a test as the peer of the device.

use core::net::{Ipv4Addr, SocketAddrV4};
use std::vec::Vec;

use embassy_time::Duration;

use super::super::{Interface, Keepalive, PortError, Result};
use super::network::{Answer, Connection, Datagram, Entry, Progress, WorldListener};
use super::{SimPort, text};

/// The address of peers unless the test chooses another.
const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 5, 6, 200);

/// How the device has ended its direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It finished or closed in order.
    Finished,
    /// It reset the connection: it closed with data unread, or lost its power.
    Reset,
}

impl SimPort {
    /// Gives an interface an address that does not depend on the radio, or removes it.
    pub fn set_address(&self, interface: Interface, address: Option<Ipv4Addr>) {
        self.network.borrow_mut().addresses[interface as usize] = address;
    }

    /// Sets how long connection attempts of the device take, and how long bytes from peers need to arrive. Initially
    /// zero.
    pub fn set_delay(&self, delay: Duration) {
        self.network.borrow_mut().delay = delay;
    }

    /// Sets how many bytes the device may send on a new connection before the peer takes them; initially 64 KiB.
    pub fn set_window(&self, bytes: usize) {
        self.network.borrow_mut().window = bytes;
    }

    /// Sets how many sockets the device can have, listeners included.
    pub fn limit_sockets(&self, sockets: usize) {
        self.network.borrow_mut().socket_limit = sockets;
    }

    /// Sockets that the device has open.
    pub fn open_sockets(&self) -> usize {
        self.network.borrow().sockets.len()
    }

    /// Jobs whose result the device has not taken, and that it has not cancelled.
    pub fn open_jobs(&self) -> usize {
        self.network.borrow().jobs.len()
    }

    /// Calls with a socket or job that was closed or never existed: faults of the device.
    pub fn stale_calls(&self) -> usize {
        self.network.borrow().stale_calls
    }

    /// Sets the answer to connection attempts to `remote`, and its delay. Without this, addresses with a listener
    /// accept and all others refuse.
    pub fn set_answer(&self, remote: SocketAddrV4, delay: Duration, answer: Answer) {
        self.network.borrow_mut().answers.insert(remote, (delay, answer));
    }

    /// Sets the name server's answer for a name, and its delay. Other names are unknown.
    pub fn set_name(&self, name: &str, delay: Duration, answer: Result<Ipv4Addr>) {
        let answer = answer.map(|address| Vec::from([address]));
        self.network.borrow_mut().names.insert(name.to_ascii_lowercase(), (delay, answer));
    }

    /// As [`SimPort::set_name`], for a name with several addresses, in the order of the answer.
    pub fn set_names(&self, name: &str, delay: Duration, addresses: &[Ipv4Addr]) {
        self.network.borrow_mut().names.insert(name.to_ascii_lowercase(), (delay, Ok(addresses.to_vec())));
    }

    /// Makes a host answer echo requests after `round_trip`. Other hosts are silent.
    pub fn set_ping(&self, address: Ipv4Addr, round_trip: Duration) {
        self.network.borrow_mut().pings.insert(address, round_trip);
    }

    /// Listens for connections of the device; an unspecified address stands for every host.
    pub fn listen(&'static self, address: SocketAddrV4) -> PeerListener {
        let mut network = self.network.borrow_mut();
        let number = network.listeners.last_key_value().map_or(0, |(number, _)| number + 1);
        network.listeners.insert(number, WorldListener { address, waiting: Default::default() });
        PeerListener { port: self, number }
    }

    /// Connects to a port of the device over the WLAN, from some host.
    pub fn connect(&'static self, to: u16) -> Result<Peer> {
        let from = SocketAddrV4::new(STRANGER, self.network.borrow_mut().ephemeral());
        self.connect_from(Interface::Wlan, from, to)
    }

    /// Connects to a port of the device. `Unreachable` when the interface has no address, `Refused` without a listener
    /// or when its backlog is full.
    pub fn connect_from(&'static self, over: Interface, from: SocketAddrV4, to: u16) -> Result<Peer> {
        let address = self.address(over).ok_or(PortError::Unreachable)?;
        let mut network = self.network.borrow_mut();
        let room = network.backlog;
        let number = network.new_connection(SocketAddrV4::new(address, to), from, Progress::Established);
        let waiting = network.sockets.values_mut().find_map(|entry| match entry {
            Entry::Listener { interface, port, backlog } if (*interface, *port) == (over, to) => Some(backlog),
            _ => None,
        });
        match waiting {
            Some(backlog) if backlog.len() < room => backlog.push_back(number),
            _ => {
                network.connections.remove(&number);
                return Err(PortError::Refused);
            }
        }
        drop(network);
        self.notify();
        Ok(Peer { port: self, number })
    }

    /// The peer's end of a connection that the device has opened to an address with [`Answer::Accept`] but without a
    /// listener: the newest one.
    pub fn peer_of(&'static self, remote: SocketAddrV4) -> Option<Peer> {
        let network = self.network.borrow();
        let newest = network.connections.iter().rev().find(|(_, connection)| connection.peer == remote);
        newest.map(|(number, _)| Peer { port: self, number: *number })
    }

    /// A host that sends and receives datagrams at an address. It also hears broadcasts and multicasts to its port;
    /// with an unspecified address it hears everything that goes to its port.
    pub fn udp_peer(&'static self, address: SocketAddrV4) -> UdpPeer {
        let mut network = self.network.borrow_mut();
        let number = network.udp_peers.last_key_value().map_or(0, |(number, _)| number + 1);
        network.udp_peers.insert(number, (address, Vec::new()));
        UdpPeer { port: self, number, address }
    }
}

/// A listener in the world for connections of the device.
#[derive(Clone, Copy)]
pub struct PeerListener {
    port: &'static SimPort,
    number: u32,
}

impl PeerListener {
    /// Takes the next connection of the device.
    pub fn accept(&self) -> Option<Peer> {
        let number = self.port.network.borrow_mut().listeners.get_mut(&self.number)?.waiting.pop_front()?;
        Some(Peer { port: self.port, number })
    }

    /// Stops listening; later attempts are refused.
    pub fn close(self) {
        self.port.network.borrow_mut().listeners.remove(&self.number);
    }
}

/// The peer's end of a TCP connection with the device.
#[derive(Clone, Copy)]
pub struct Peer {
    port: &'static SimPort,
    number: u32,
}

impl Peer {
    /// Changes the connection and wakes the tasks that wait for it.
    fn with<T>(&self, action: impl FnOnce(&mut Connection) -> T) -> T {
        let result = {
            let mut network = self.port.network.borrow_mut();
            // Only connections without a `Peer` are ever removed.
            action(network.connections.get_mut(&self.number).expect("the connection of a peer exists"))
        };
        self.port.notify();
        result
    }

    /// Does something when it arrives at the device: now, or after the delay of the network.
    fn arrive(&self, action: impl FnOnce(&mut Connection) + 'static) {
        let delay = self.port.network.borrow().delay;
        if delay.as_ticks() == 0 {
            return self.with(action);
        }
        let number = self.number;
        self.port.after(delay, move |port| {
            let mut network = port.network.borrow_mut();
            action(network.connections.get_mut(&number).expect("the connection of a peer exists"));
        });
    }

    /// The device's end.
    pub fn device_address(&self) -> SocketAddrV4 {
        self.with(|connection| connection.device)
    }

    /// This end.
    pub fn address(&self) -> SocketAddrV4 {
        self.with(|connection| connection.peer)
    }

    /// Sends any number of bytes to the device; see [`Peer::unread`].
    pub fn send(&self, data: impl AsRef<[u8]>) {
        let data = data.as_ref().to_vec();
        self.arrive(move |connection| {
            if !connection.inbound_finished && !connection.device_closed {
                connection.inbound.extend(data);
            }
        });
    }

    /// Bytes that have arrived but that the device has not read: with TCP they would fill its window.
    pub fn unread(&self) -> usize {
        self.with(|connection| connection.inbound.len())
    }

    /// Takes the bytes that the device has sent since the last call.
    pub fn received(&self) -> Vec<u8> {
        self.with(|connection| std::mem::take(&mut connection.outbound))
    }

    /// Takes at most `bytes` bytes that the device has sent.
    pub fn receive(&self, bytes: usize) -> Vec<u8> {
        self.with(|connection| connection.outbound.drain(..bytes.min(connection.outbound.len())).collect())
    }

    /// [`Peer::received`] as text.
    pub fn received_text(&self) -> std::string::String {
        text(&self.received())
    }

    /// How the device has ended the connection; `None` while it has not, or while bytes before the end wait for
    /// [`Peer::received`]. A reset does not wait for them.
    pub fn end(&self) -> Option<End> {
        self.with(|connection| match connection {
            Connection { reset_by_device: true, .. } => Some(End::Reset),
            Connection { outbound_finished: true, outbound, .. } if outbound.is_empty() => Some(End::Finished),
            _ => None,
        })
    }

    /// The device has closed its socket: it can no longer read either.
    pub fn is_device_gone(&self) -> bool {
        self.with(|connection| connection.device_closed)
    }

    /// Finishes sending, and goes on receiving (half-close).
    pub fn finish(&self) {
        self.arrive(|connection| connection.inbound_finished = true);
    }

    /// Closes: the device reads the bytes sent before, then the end; its own sends fail.
    pub fn close(&self) {
        self.arrive(|connection| {
            connection.inbound_finished = true;
            connection.peer_closed = true;
        });
    }

    /// Resets: bytes that the device has not read are lost, and both directions fail.
    pub fn reset(&self) {
        self.arrive(|connection| {
            connection.inbound.clear();
            connection.reset_by_peer = true;
        });
    }

    /// Sets how many bytes the device may send before the test takes them.
    pub fn set_window(&self, bytes: usize) {
        self.with(|connection| connection.window = bytes);
    }

    /// Limits the bytes that one receive and one send of the device move.
    pub fn limit_calls(&self, receive: usize, send: usize) {
        self.with(|connection| connection.limits = (receive, send));
    }

    /// Lets nothing move in either direction for a while.
    pub fn stall(&self, duration: Duration) {
        self.with(|connection| connection.stalled = true);
        let peer = *self;
        self.port.after(duration, move |_| peer.with(|connection| connection.stalled = false));
    }

    /// The number of pieces in which the device has sent its bytes so far.
    pub fn pieces(&self) -> usize {
        self.with(|connection| connection.sends)
    }

    /// The keepalive that the device has set.
    pub fn keepalive(&self) -> Option<Keepalive> {
        self.with(|connection| connection.keepalive)
    }
}

/// A host in the world that speaks UDP.
#[derive(Clone, Copy)]
pub struct UdpPeer {
    port: &'static SimPort,
    number: u32,
    address: SocketAddrV4,
}

impl UdpPeer {
    /// Sends a datagram to a port of the device over the WLAN; it is lost when no socket receives there.
    pub fn send(&self, to: u16, data: impl AsRef<[u8]>) {
        self.send_over(Interface::Wlan, to, data);
    }

    /// Sends a datagram to a port of the device. It arrives after the delay of the network.
    pub fn send_over(&self, interface: Interface, to: u16, data: impl AsRef<[u8]>) {
        let (data, from) = (data.as_ref().to_vec(), self.address);
        let delay = self.port.network.borrow().delay;
        if delay.as_ticks() == 0 {
            self.port.network.borrow_mut().deliver(interface, to, &data, from, None);
            return self.port.notify();
        }
        self.port.after(delay, move |port| port.network.borrow_mut().deliver(interface, to, &data, from, None));
    }

    /// Takes the datagrams heard since the last call.
    pub fn received(&self) -> Vec<Datagram> {
        let mut network = self.port.network.borrow_mut();
        network.udp_peers.get_mut(&self.number).map(|(_, heard)| std::mem::take(heard)).unwrap_or_default()
    }
}
