//! Opening clients: the name, the connection, the handle (interface, network 4.2, 4.5).

use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::{Duration, Instant, Timer, with_deadline};

use super::interfaces::Network;
use super::lookup::addresses_of;
use crate::log::Level;
use crate::port::{self, Addresses, Interface, OpenSocket, PortError, Socket};
use crate::stream::{HostName, Kind};
use crate::tls::{ClientFiles, Tls};
use crate::variable::{Id, Message, id};

const CONNECT_TIMEOUT: Id = id("tcp.client.connect_timeout");
const CONNECT_RETRIES: Id = id("tcp.client.retries");
const RETRY_PERIOD: Id = id("tcp.client.retry_period");

/// The peer of a client, and how to reach it.
#[derive(Clone, Debug)]
pub struct Remote {
    /// The network interface to use.
    pub interface: Interface,
    /// Host name or dotted address.
    pub host: HostName,
    /// The server's port.
    pub port: u16,
    /// The local port; 0 takes a free one.
    pub local_port: u16,
}

/// Why a client was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// The interface is not up.
    Down,
    /// All streams are in use.
    Full,
    /// The name has no address.
    NotFound,
    /// A server of the device itself would have answered.
    OwnServer,
    /// No peer has accepted the connection, or the port has refused it.
    Failed,
    /// There is no TLS session with the server; the log says why.
    Tls,
}

/// What a connection with TLS needs.
#[derive(Clone, Copy)]
pub struct Secure<'a> {
    /// Starts the sessions.
    pub tls: &'static Tls,
    /// Certificates and key.
    pub files: ClientFiles<'a>,
}

/// Whether a client may reach the device's own servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnServers {
    /// The owner names the peer itself.
    Allowed,
    /// Others can influence the destination: a device that sends requests to itself could be made to command itself.
    Refused,
}

impl Network {
    /// Opens a TCP, TLS or UDP client as a stream and answers its handle; logs what happens. The interface must be up.
    pub async fn open_client(
        &self,
        kind: Kind,
        remote: &Remote,
        secure: Option<&Secure<'_>>,
    ) -> Result<u8, ConnectError> {
        self.base.log_state(format_args!("Opening: {}:{}", remote.host, remote.port));
        let opened = self.open(kind, remote, secure).await;
        if opened.is_err() {
            self.base.tell(Message::StreamFailed);
        }
        opened
    }

    async fn open(&self, kind: Kind, remote: &Remote, secure: Option<&Secure<'_>>) -> Result<u8, ConnectError> {
        let interface = remote.interface;
        if !self.is_up(interface) {
            return Err(ConnectError::Down);
        }
        let reservation = self.streams.reserve_on(kind, interface).map_err(|_| ConnectError::Full)?;
        let (socket, peer) = self.reach(kind, remote).await?;
        if let Some(secure) = secure {
            let open = OpenSocket::new(self.base.port, socket);
            secure.tls.client(socket, &remote.host, &secure.files).await.map_err(|_| ConnectError::Tls)?;
            open.hand_on();
        }
        reservation.client(socket, remote.host.clone(), peer).ok_or(ConnectError::Failed)
    }

    /// Looks up the host and makes a socket for it: a connected one, or for datagrams a bound one.
    async fn reach(&self, kind: Kind, remote: &Remote) -> Result<(Socket, SocketAddrV4), ConnectError> {
        let Remote { interface, host, port, local_port } = remote;
        self.base.log.line(Level::Progress, format_args!("Resolving host: {host}"));
        let addresses = addresses_of(self, *interface, host).await.map_err(|_| ConnectError::NotFound)?;
        self.base.log.line(Level::Progress, format_args!("Connecting: {host}:{port}"));
        match kind {
            Kind::Udpc => {
                let socket = self.base.port.sockets().udp_bind(*interface, *local_port);
                let first = addresses.first().copied().ok_or(ConnectError::NotFound)?;
                Ok((socket.map_err(|_| ConnectError::Failed)?, SocketAddrV4::new(first, *port)))
            }
            _ => self.connect_to(remote, &addresses, OwnServers::Allowed).await,
        }
    }

    /// Looks up the host and connects to it; logs nothing.
    pub async fn connect(&self, remote: &Remote, own: OwnServers) -> Result<Socket, ConnectError> {
        let addresses = addresses_of(self, remote.interface, &remote.host).await.map_err(|_| ConnectError::NotFound)?;
        self.connect_to(remote, &addresses, own).await.map(|(socket, _)| socket)
    }

    /// Connects as `tcp.client.*` say: each attempt tries all addresses in their order, within its time limit.
    async fn connect_to(
        &self,
        remote: &Remote,
        addresses: &Addresses,
        own: OwnServers,
    ) -> Result<(Socket, SocketAddrV4), ConnectError> {
        let variables = &self.base.variables;
        let limit = Duration::from_millis(variables.number(CONNECT_TIMEOUT).max(1) as u64);
        let attempts = variables.number(CONNECT_RETRIES).max(1);
        for attempt in 1..=attempts {
            match self.attempt(remote, addresses, own, Instant::now() + limit).await {
                Err(Attempt::Again) if attempt < attempts => {
                    Timer::after_millis(variables.number(RETRY_PERIOD).max(0) as u64).await;
                }
                Err(Attempt::Again) => break,
                Err(Attempt::Never(error)) => return Err(error),
                Ok(connected) => return Ok(connected),
            }
        }
        Err(ConnectError::Failed)
    }

    /// Tries one address after another. Each gets its share of the remaining time, so that an address that never
    /// answers leaves time for the others.
    async fn attempt(
        &self,
        remote: &Remote,
        addresses: &Addresses,
        own: OwnServers,
        deadline: Instant,
    ) -> Result<(Socket, SocketAddrV4), Attempt> {
        let mut refusal = Attempt::Again;
        for (at, address) in addresses.iter().enumerate() {
            let peer = SocketAddrV4::new(*address, remote.port);
            if own == OwnServers::Refused && self.is_own_server(peer, None) {
                refusal = Attempt::Never(ConnectError::OwnServer);
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / (addresses.len() - at) as u32;
            let connecting = port::connect(self.base.port, remote.interface, remote.local_port, peer);
            match with_deadline(Instant::now() + share, connecting).await {
                Ok(Ok(socket)) if own == OwnServers::Refused && self.is_own_server(peer, Some(socket)) => {
                    self.base.port.sockets().close(socket);
                    refusal = Attempt::Never(ConnectError::OwnServer);
                }
                Ok(Ok(socket)) => return Ok((socket, peer)),
                Ok(Err(PortError::InUse | PortError::Denied | PortError::Unsupported)) => {
                    return Err(Attempt::Never(ConnectError::Failed));
                }
                Ok(Err(_)) | Err(_) => {}
            }
        }
        Err(refusal)
    }

    /// Whether `peer` is an address of the device, and a server of the device listens on its port. A `connected` socket
    /// also reveals addresses of the device that are not known here: both ends have the same address.
    fn is_own_server(&self, peer: SocketAddrV4, connected: Option<Socket>) -> bool {
        let local = connected.and_then(|socket| self.base.port.sockets().local_address(socket).ok());
        let is_own = is_this_host(*peer.ip())
            || local.is_some_and(|local| local.ip() == peer.ip())
            || Interface::ALL.iter().any(|interface| self.address(*interface) == Some(*peer.ip()));
        is_own && self.listens_on(peer.port())
    }

    fn address(&self, interface: Interface) -> Option<Ipv4Addr> {
        self.state(interface).ipv4().map(|config| config.address)
    }
}

/// How an attempt has failed.
enum Attempt {
    /// The next one may succeed.
    Again,
    /// No other attempt can succeed.
    Never(ConnectError),
}

/// Addresses that lead back to where they are used: 127.0.0.0/8 and 0.0.0.0/8 (RFC 1122, 3.2.1.3).
fn is_this_host(address: Ipv4Addr) -> bool {
    matches!(address.octets()[0], 0 | 127)
}
