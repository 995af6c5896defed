//! The state of the simulated network: the device's sockets, the connections, and the world's answers.

use core::net::{Ipv4Addr, SocketAddrV4};
use std::collections::{BTreeMap, VecDeque};
use std::string::String;
use std::vec::Vec;

use embassy_time::Duration;

use super::super::{Interface, Job, JobOutput, Keepalive, PortError, Result, Socket};

/// The answer to calls with a socket or job that was never given, or was closed (EBADF).
const STALE: PortError = PortError::Failed(9);
/// Where ephemeral ports start.
const EPHEMERAL: u16 = 49_152;
/// Datagrams that may wait in a socket of the device; further ones are lost.
const DATAGRAMS: usize = 256;

/// The world's answer to a connection attempt of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Accepts, whether or not there is a listener (see [`super::SimPort::listen`]).
    Accept,
    /// Refuses.
    Refuse,
    /// Never answers.
    Silence,
    /// The attempt ends with this error.
    Error(PortError),
}

/// One UDP datagram of the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The device's address and port.
    pub from: SocketAddrV4,
    /// Its destination.
    pub to: SocketAddrV4,
    /// The payload.
    pub data: Vec<u8>,
}

/// One socket of the device.
pub(super) enum Entry {
    Listener {
        interface: Interface,
        port: u16,
        backlog: VecDeque<u32>,
    },
    Tcp(u32),
    /// `group`: the group that it has joined; it then shares its port.
    Udp {
        interface: Interface,
        port: u16,
        queue: VecDeque<(Vec<u8>, SocketAddrV4)>,
        group: Option<Ipv4Addr>,
    },
}

/// The state of a connection, as the device sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Connecting,
    Established,
    Failed(PortError),
}

/// A TCP connection; it is kept for the test after the device has closed its socket.
pub(super) struct Connection {
    pub(super) device: SocketAddrV4,
    pub(super) peer: SocketAddrV4,
    pub(super) progress: Progress,
    /// Bytes on their way to the device, and whether they are the last.
    pub(super) inbound: VecDeque<u8>,
    pub(super) inbound_finished: bool,
    /// Bytes on their way to the peer, and whether they are the last.
    pub(super) outbound: Vec<u8>,
    pub(super) outbound_finished: bool,
    /// The device has closed its socket.
    pub(super) device_closed: bool,
    /// The peer accepts nothing any more.
    pub(super) peer_closed: bool,
    pub(super) reset_by_peer: bool,
    pub(super) reset_by_device: bool,
    /// Bytes that the device may send before the peer takes them.
    pub(super) window: usize,
    /// The most bytes that one call of the device receives, and sends.
    pub(super) limits: (usize, usize),
    /// Neither direction moves.
    pub(super) stalled: bool,
    pub(super) keepalive: Option<Keepalive>,
    /// Successful send calls of the device.
    pub(super) sends: usize,
}

/// A listener in the world.
pub(super) struct WorldListener {
    pub(super) address: SocketAddrV4,
    pub(super) waiting: VecDeque<u32>,
}

/// A name look-up or ping of the device; `None` while it runs.
pub(super) type Pending = Option<Result<JobOutput>>;

pub(super) struct State {
    next_socket: u16,
    pub(super) sockets: BTreeMap<u16, Entry>,
    pub(super) socket_limit: usize,
    next_connection: u32,
    pub(super) connections: BTreeMap<u32, Connection>,
    next_port: u16,
    next_job: u16,
    pub(super) jobs: BTreeMap<u16, Pending>,
    /// Sessions by their sockets.
    pub(super) tls: BTreeMap<u16, super::tls::Secured>,
    /// The library of TLS clients.
    pub(super) tls_client: super::super::TlsClient,
    /// The configurations of its sessions.
    pub(super) tls_setups: super::super::host_tls::Setups,
    /// Sessions at once.
    pub(super) session_limit: usize,
    /// The identity that the device has made and not taken yet.
    pub(super) identity: Option<super::super::host_tls::MadeIdentity>,
    /// The request for a certificate that the device has made.
    pub(super) request: Option<Vec<u8>>,
    /// Calls with a socket or job that did not exist.
    pub(super) stale_calls: usize,
    /// Addresses that do not depend on the radio.
    pub(super) addresses: [Option<Ipv4Addr>; 2],
    pub(super) delay: Duration,
    pub(super) window: usize,
    pub(super) backlog: usize,
    pub(super) answers: BTreeMap<SocketAddrV4, (Duration, Answer)>,
    pub(super) listeners: BTreeMap<u32, WorldListener>,
    pub(super) udp_peers: BTreeMap<u32, (SocketAddrV4, Vec<Datagram>)>,
    pub(super) names: BTreeMap<String, (Duration, Result<Vec<Ipv4Addr>>)>,
    pub(super) pings: BTreeMap<Ipv4Addr, Duration>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            next_socket: 0,
            sockets: BTreeMap::new(),
            socket_limit: usize::MAX,
            next_connection: 0,
            connections: BTreeMap::new(),
            next_port: EPHEMERAL,
            next_job: 0,
            jobs: BTreeMap::new(),
            tls: BTreeMap::new(),
            tls_client: Default::default(),
            tls_setups: Default::default(),
            session_limit: crate::limits::TLS_SESSIONS,
            identity: None,
            request: None,
            stale_calls: 0,
            addresses: [None, None],
            delay: Duration::from_ticks(0),
            window: 65_536,
            backlog: 16,
            answers: BTreeMap::new(),
            listeners: BTreeMap::new(),
            udp_peers: BTreeMap::new(),
            names: BTreeMap::new(),
            pings: BTreeMap::new(),
        }
    }
}

impl State {
    pub(super) fn is_readable(&mut self, socket: Socket) -> bool {
        if let Some(secured) = self.tls.get_mut(&socket.0) {
            return secured.session.is_readable();
        }
        match self.sockets.get(&socket.0) {
            Some(Entry::Listener { backlog, .. }) => !backlog.is_empty(),
            Some(Entry::Udp { queue, .. }) => !queue.is_empty(),
            Some(Entry::Tcp(number)) => self.connections[number].is_readable(),
            None => true,
        }
    }

    pub(super) fn is_writable(&self, socket: Socket) -> bool {
        if let Some(secured) = self.tls.get(&socket.0) {
            return secured.session.is_writable();
        }
        match self.sockets.get(&socket.0) {
            Some(Entry::Tcp(number)) => self.connections[number].is_writable(),
            _ => true,
        }
    }

    pub(super) fn is_job_done(&self, job: Job) -> bool {
        self.jobs.get(&job.0).is_none_or(|job| job.is_some())
    }

    /// The device loses power: its connections break, its sockets and jobs end. The world stays.
    pub(super) fn power_cycle(&mut self) {
        for connection in self.connections.values_mut().filter(|connection| !connection.device_closed) {
            connection.device_closed = true;
            connection.reset_by_device = true;
        }
        for listener in self.listeners.values_mut() {
            listener.waiting.clear();
        }
        self.sockets.clear();
        self.tls.clear();
        self.jobs.clear();
    }

    pub(super) fn new_socket(&mut self, entry: Entry) -> Result<Socket> {
        if self.sockets.len() >= self.socket_limit {
            return Err(PortError::NoRoom);
        }
        while self.sockets.contains_key(&self.next_socket) {
            self.next_socket = self.next_socket.wrapping_add(1);
        }
        let number = self.next_socket;
        self.next_socket = number.wrapping_add(1);
        self.sockets.insert(number, entry);
        Ok(Socket(number))
    }

    /// The next ephemeral port.
    pub(super) fn ephemeral(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(EPHEMERAL);
        port
    }

    pub(super) fn new_connection(&mut self, device: SocketAddrV4, peer: SocketAddrV4, progress: Progress) -> u32 {
        let number = self.next_connection;
        self.next_connection += 1;
        let connection = Connection {
            device,
            peer,
            progress,
            inbound: VecDeque::new(),
            inbound_finished: false,
            outbound: Vec::new(),
            outbound_finished: false,
            device_closed: false,
            peer_closed: false,
            reset_by_peer: false,
            reset_by_device: false,
            window: self.window,
            limits: (usize::MAX, usize::MAX),
            stalled: false,
            keepalive: None,
            sends: 0,
        };
        self.connections.insert(number, connection);
        number
    }

    /// The connection of a socket, or an error that counts as a stale call.
    pub(super) fn tcp(&mut self, socket: Socket) -> Result<&mut Connection> {
        match self.sockets.get(&socket.0) {
            Some(Entry::Tcp(number)) => self.connections.get_mut(number).ok_or(STALE),
            Some(_) => Err(PortError::Unsupported),
            None => Err(self.stale()),
        }
    }

    pub(super) fn entry(&mut self, socket: Socket) -> Result<&mut Entry> {
        if !self.sockets.contains_key(&socket.0) {
            return Err(self.stale());
        }
        self.sockets.get_mut(&socket.0).ok_or(STALE)
    }

    pub(super) fn stale(&mut self) -> PortError {
        self.stale_calls += 1;
        STALE
    }

    pub(super) fn new_job(&mut self) -> Job {
        let number = self.next_job;
        self.next_job = number.wrapping_add(1);
        self.jobs.insert(number, None);
        Job(number)
    }

    /// Ends a job, unless it was cancelled.
    pub(super) fn end_job(&mut self, job: Job, result: Result<JobOutput>) {
        if let Some(pending) = self.jobs.get_mut(&job.0) {
            *pending = Some(result);
        }
    }

    /// The outcome of a connection attempt and its delay; `None` for no answer.
    pub(super) fn answer(&self, peer: SocketAddrV4) -> Option<(Duration, Result<()>)> {
        let listened = self.listeners.values().any(|listener| listener.hears(peer));
        let rule = if listened { Answer::Accept } else { Answer::Refuse };
        let (delay, answer) = self.answers.get(&peer).copied().unwrap_or((self.delay, rule));
        match answer {
            Answer::Accept => Some((delay, Ok(()))),
            Answer::Refuse => Some((delay, Err(PortError::Refused))),
            Answer::Error(error) => Some((delay, Err(error))),
            Answer::Silence => None,
        }
    }

    /// Ends a connection attempt, unless the device has closed the socket.
    pub(super) fn end_attempt(&mut self, number: u32, result: Result<()>) {
        let Some(connection) = self.connections.get_mut(&number).filter(|connection| !connection.device_closed) else {
            return;
        };
        connection.progress = match result {
            Ok(()) => Progress::Established,
            Err(error) => Progress::Failed(error),
        };
        let peer = connection.peer;
        if result.is_ok()
            && let Some(listener) = self.listeners.values_mut().find(|listener| listener.hears(peer))
        {
            listener.waiting.push_back(number);
        }
    }

    /// Delivers a datagram to the device's sockets on that port; a datagram to a group goes to the members of the
    /// group.
    pub(super) fn deliver(
        &mut self,
        to: Interface,
        port: u16,
        data: &[u8],
        from: SocketAddrV4,
        group: Option<Ipv4Addr>,
    ) {
        for entry in self.sockets.values_mut() {
            if let Entry::Udp { interface, port: bound, queue, group: own } = entry
                && (*interface, *bound) == (to, port)
                && (group.is_none() || group == *own)
                && queue.len() < DATAGRAMS
            {
                queue.push_back((data.to_vec(), from));
            }
        }
    }

    /// Delivers a datagram of the device to every host in the world that hears it.
    pub(super) fn spread(&mut self, datagram: &Datagram) {
        let to = datagram.to;
        let to_all = to.ip().is_multicast() || to.ip().is_broadcast() || to.ip().octets()[3] == 255;
        for (address, received) in self.udp_peers.values_mut() {
            let to_it = to.ip() == address.ip() || to_all || address.ip().is_unspecified();
            if to_it && to.port() == address.port() {
                received.push(datagram.clone());
            }
        }
    }
}

impl WorldListener {
    /// An unspecified address listens on that port of every address.
    fn hears(&self, peer: SocketAddrV4) -> bool {
        self.address.port() == peer.port() && (self.address.ip().is_unspecified() || self.address.ip() == peer.ip())
    }
}

impl Connection {
    fn is_readable(&self) -> bool {
        match self.progress {
            Progress::Connecting => false,
            Progress::Failed(_) => true,
            Progress::Established => {
                self.reset_by_peer || !self.stalled && (!self.inbound.is_empty() || self.inbound_finished)
            }
        }
    }

    fn is_writable(&self) -> bool {
        match self.progress {
            Progress::Connecting => false,
            Progress::Failed(_) => true,
            Progress::Established => {
                self.reset_by_peer || self.peer_closed || !self.stalled && self.outbound.len() < self.window
            }
        }
    }

    /// The device takes bytes.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.usable()?;
        if self.stalled {
            return Err(PortError::WouldBlock);
        }
        if self.inbound.is_empty() {
            return if self.inbound_finished { Ok(0) } else { Err(PortError::WouldBlock) };
        }
        let length = buffer.len().min(self.inbound.len()).min(self.limits.0);
        for (place, byte) in buffer.iter_mut().zip(self.inbound.drain(..length)) {
            *place = byte;
        }
        Ok(length)
    }

    /// The device sends bytes.
    pub(super) fn send(&mut self, data: &[u8]) -> Result<usize> {
        self.usable()?;
        if self.peer_closed || self.outbound_finished {
            return Err(PortError::Closed);
        }
        let room = if self.stalled { 0 } else { self.window.saturating_sub(self.outbound.len()) };
        let length = data.len().min(room).min(self.limits.1);
        if length == 0 && !data.is_empty() {
            return Err(PortError::WouldBlock);
        }
        self.outbound.extend_from_slice(&data[..length]);
        self.sends += 1;
        Ok(length)
    }

    /// The device has finished sending.
    pub(super) fn finish(&mut self) -> Result<()> {
        match self.progress {
            Progress::Established if !self.reset_by_peer => self.outbound_finished = true,
            _ => return Err(PortError::Closed),
        }
        Ok(())
    }

    fn usable(&self) -> Result<()> {
        match self.progress {
            Progress::Connecting => Err(PortError::WouldBlock),
            Progress::Failed(error) => Err(error),
            Progress::Established if self.reset_by_peer => Err(PortError::Closed),
            Progress::Established => Ok(()),
        }
    }

    /// The device closes its socket. As in TCP, this is a reset if it has not read all data.
    pub(super) fn device_closes(&mut self) {
        self.device_closed = true;
        self.outbound_finished = true;
        self.reset_by_device |= !self.inbound.is_empty();
    }
}
