//! TCP, TLS and UDP servers: several of each run at once, each on its own port (interface, network 4.4).

use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_futures::select::{Either, select};
use embassy_time::Timer;

use super::door::Guest;
use super::server_table::{Protocol, Running};
use super::{Kind, StreamError, Streams};
use crate::port::{self, Interface, PortError, Socket};
use crate::variable::{Id, id};

const MAX_CLIENTS: Id = id("tcp.server.max_clients");
const PRESET_HOST: Id = id("udp.server.remote_host");
const PRESET_PORT: Id = id("udp.server.remote_port");

/// Why a server could not be started or stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerError {
    /// A server of this protocol already uses the port, or another program does.
    PortInUse,
    /// All servers or all streams are in use.
    Full,
    /// The interface is not up.
    Down,
    /// The network refused for another reason.
    Network,
    /// There is no such server.
    NotRunning,
}

impl Streams {
    /// Starts a server. For a UDP server the answer is its stream.
    pub fn server_start(&self, protocol: Protocol, interface: Interface, port: u16) -> Result<Option<u8>, ServerError> {
        if !self.base.status.is_up(interface) {
            return Err(ServerError::Down);
        }
        if self.server_on(protocol, port).is_some() {
            return Err(ServerError::PortInUse);
        }
        let free = self.servers.iter().position(|server| server.running.get().is_none()).ok_or(ServerError::Full)?;
        let (socket, stream) = match protocol {
            Protocol::Tcp | Protocol::Tls => {
                (self.base.port.sockets().tcp_listen(interface, port).map_err(failure)?, None)
            }
            Protocol::Udp => {
                let reservation = self.reserve_on(Kind::Udps, interface).map_err(|_| ServerError::Full)?;
                let socket = self.base.port.sockets().udp_bind(interface, port).map_err(failure)?;
                let stream = reservation.udp_server(socket, free as u8, self.preset_peer());
                (socket, Some(stream.ok_or(ServerError::Full)?))
            }
        };
        let Some(server) = self.servers.get(free) else { return Err(ServerError::Full) };
        server.running.set(Some(Running { protocol, interface, port, socket, stream }));
        server.changed.signal(());
        Ok(stream)
    }

    /// The peer that `udp.server.remote_*` presets. Only a dotted address is accepted: a name cannot be looked up here.
    fn preset_peer(&self) -> Option<SocketAddrV4> {
        let port = self.base.variables.number(PRESET_PORT) as u16;
        let parse = |host: &[u8]| core::str::from_utf8(host).ok()?.parse::<Ipv4Addr>().ok();
        let host = self.base.variables.with(PRESET_HOST, parse)?;
        (port != 0).then_some(SocketAddrV4::new(host, port))
    }

    /// Whether a TCP or TLS server listens on a port.
    pub fn listens_on(&self, port: u16) -> bool {
        [Protocol::Tcp, Protocol::Tls].iter().any(|protocol| self.server_on(*protocol, port).is_some())
    }

    fn server_on(&self, protocol: Protocol, port: u16) -> Option<u8> {
        let matches = |running: Running| running.protocol == protocol && running.port == port;
        let row = self.servers.iter().position(|server| server.running.get().is_some_and(matches))?;
        Some(row as u8)
    }

    /// The stream of the UDP server on `port`, or of any UDP server with `None`.
    pub fn udp_server_stream(&self, port: Option<u16>) -> Option<u8> {
        let mut running = self.servers.iter().filter_map(|server| server.running.get());
        running.find(|row| row.protocol == Protocol::Udp && port.is_none_or(|port| row.port == port))?.stream
    }

    /// Stops the server on `port`, or all of the protocol with `None`. The streams of their clients are closed.
    pub fn server_stop(&self, protocol: Protocol, port: Option<u16>) -> Result<(), ServerError> {
        let wanted = |row: &Running| row.protocol == protocol && port.is_none_or(|port| row.port == port);
        self.stop_where(wanted).then_some(()).ok_or(ServerError::NotRunning)
    }

    /// Closes all streams and servers of an interface that goes down.
    pub fn interface_down(&self, interface: Interface) {
        self.stop_where(|row| row.interface == interface);
        for handle in 0..self.slots.len() as u8 {
            // The HTTP server closes its own clients: it ends WebSockets with a close frame.
            let on_it = self.with(handle, |_, stream| stream.interface == Some(interface) && stream.kind != Kind::Webs);
            if on_it == Ok(true) {
                self.abort(handle);
            }
        }
    }

    fn stop_where(&self, wanted: impl Fn(&Running) -> bool) -> bool {
        let mut any = false;
        for (row, server) in self.servers.iter().enumerate() {
            let Some(running) = server.running.get().filter(|running| wanted(running)) else { continue };
            any = true;
            server.running.set(None);
            server.changed.signal(());
            if running.protocol.has_clients() {
                self.base.port.sockets().close(running.socket);
            }
            self.abort_clients(row as u8);
        }
        any
    }

    /// The stream of a UDP server was closed, and the server with it.
    pub(super) fn udp_server_gone(&self, row: u8) {
        if let Some(server) = self.servers.get(usize::from(row)) {
            server.running.set(None);
        }
    }

    fn abort_clients(&self, row: u8) {
        for handle in 0..self.slots.len() as u8 {
            if self.with(handle, |_, stream| stream.server == Some(row)) == Ok(true) {
                self.abort(handle);
            }
        }
    }

    fn clients(&self, row: u8) -> usize {
        let mine = |handle: &u8| self.with(*handle, |_, stream| stream.server == Some(row)) == Ok(true);
        (0..self.slots.len() as u8).filter(mine).count()
    }

    /// Whether a server may have one more client.
    pub(super) fn has_place(&self, row: u8) -> bool {
        let allowed = self.base.variables.number(MAX_CLIENTS).max(0) as usize;
        self.clients(row) < if self.base.status.is_bridged() { allowed.min(1) } else { allowed }
    }

    /// Whether exactly this server still runs.
    pub(super) fn is_running(&self, row: u8, server: &Running) -> bool {
        self.servers.get(usize::from(row)).is_some_and(|row| row.running.get().as_ref() == Some(server))
    }

    /// Admits a new client, or closes its socket when there is no place (interface, network 4.4).
    pub(super) fn admit(&self, row: u8, kind: Kind, interface: Interface, socket: Socket, remote: SocketAddrV4) {
        let reservation = if self.has_place(row) { self.reserve_on(kind, interface) } else { Err(StreamError::Full) };
        match reservation {
            Ok(reservation) => {
                // The handle was reserved just now, so this cannot fail.
                let _ = reservation.accepted(socket, row, remote);
            }
            Err(_) => self.base.port.sockets().close(socket),
        }
    }
}

fn failure(error: PortError) -> ServerError {
    match error {
        PortError::InUse => ServerError::PortInUse,
        PortError::NoRoom => ServerError::Full,
        _ => ServerError::Network,
    }
}

/// Accepts the clients of one row of the server table, for ever.
pub async fn serve(streams: &'static Streams, row: u8) {
    let Some(server) = streams.servers.get(usize::from(row)) else { return };
    loop {
        match server.running.get().filter(|running| running.protocol.has_clients()) {
            None => server.changed.wait().await,
            Some(running) => {
                if let Either::Second(()) = select(server.changed.wait(), accept(streams, row, &running)).await {
                    // Accepting failed for lack of sockets or memory: give others time to free some.
                    Timer::after_millis(100).await;
                }
            }
        }
    }
}

async fn accept(streams: &'static Streams, row: u8, server: &Running) {
    let secure = server.protocol == Protocol::Tls;
    loop {
        if secure {
            streams.doors.opened().await;
        }
        let Ok((socket, remote)) = port::accept(streams.base.port, server.socket).await else { return };
        match secure {
            false => streams.admit(row, Kind::Tcps, server.interface, socket, remote),
            true => {
                let guest = Guest { socket, remote, row, server: *server };
                if streams.doors.enter(guest).is_err() {
                    // Another server has taken the door first.
                    streams.base.port.sockets().close(socket);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;
    use std::vec::Vec;

    use super::*;
    use crate::base::Base;
    use crate::file::Files;
    use crate::ground::Buffers;
    use crate::port::sim::SimPort;
    use crate::port::{Ipv4Config, Port};
    use crate::stream::Ends;

    fn streams() -> &'static Streams {
        let port: &'static dyn Port = SimPort::new();
        let base: &Base = Box::leak(Box::new(Base::new(port)));
        Box::leak(Box::new(Streams::new(base, Box::leak(Box::new(Files::new(&base.flash))))))
    }

    fn up(streams: &Streams, interface: Interface) {
        let address = Ipv4Addr::new(10, 0, 0, 1);
        let config = Ipv4Config { address, netmask: address, gateway: address, dns: address };
        streams.base.status.ipv4(interface).set(Some(config));
    }

    #[test]
    fn an_interface_that_goes_down_takes_its_own_streams_and_servers_only() {
        let streams = streams();
        for interface in Interface::ALL {
            up(streams, interface);
        }
        streams.server_start(Protocol::Udp, Interface::Wlan, 4000).unwrap();
        streams.server_start(Protocol::Udp, Interface::SoftAp, 4001).unwrap();
        streams.server_start(Protocol::Tcp, Interface::SoftAp, 4002).unwrap();
        let open = |reservation: super::super::Reservation<'_>| reservation.room(Ends::None).unwrap();
        open(streams.reserve_on(Kind::Http, Interface::Wlan).unwrap());
        open(streams.reserve_on(Kind::Upload, Interface::SoftAp).unwrap());
        let text = crate::place::place!(crate::buffer::Pool, crate::buffer::Pool::new()).take().unwrap();
        streams.open_text(text).unwrap();
        open(streams.reserve(Kind::File).unwrap());
        streams.interface_down(Interface::Wlan);
        assert_eq!(streams.handles().collect::<Vec<_>>(), [1, 3, 4, 5]);
        assert_eq!((streams.udp_server_stream(Some(4000)), streams.udp_server_stream(Some(4001))), (None, Some(1)));
        assert!(streams.listens_on(4002));
        streams.interface_down(Interface::SoftAp);
        assert_eq!(streams.handles().collect::<Vec<_>>(), [4, 5]);
        assert!(!streams.listens_on(4002));
    }

    #[test]
    fn a_server_needs_an_interface_that_is_up() {
        let streams = streams();
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            assert_eq!(streams.server_start(protocol, Interface::SoftAp, 4000), Err(ServerError::Down));
            up(streams, Interface::Wlan);
            assert_eq!(streams.server_start(protocol, Interface::SoftAp, 4000), Err(ServerError::Down));
            assert!(streams.server_start(protocol, Interface::Wlan, 4000).is_ok());
        }
    }

    #[test]
    fn buffers_tell_how_full_they_are() {
        let streams = streams();
        assert_eq!(streams.percent(), (0, 0));
        let handle = streams.reserve_on(Kind::Http, Interface::Wlan).unwrap().room(Ends::None).unwrap();
        let slot = streams.slot(handle).unwrap();
        assert_eq!(slot.rx.add(b"x"), 1);
        assert_eq!(streams.percent(), (1, 0));
        while slot.tx.add(&[0; 1000]) > 0 {}
        assert_eq!(streams.percent(), (1, 100u8.div_ceil(crate::limits::STREAMS as u8)));
    }

    #[test]
    fn an_upload_counts_as_an_open_stream() {
        let streams = streams();
        streams.reserve_on(Kind::Upload, Interface::Wlan).unwrap().room(Ends::None).unwrap();
        assert_eq!(streams.usage().open[Kind::Upload as usize], 1);
        assert_eq!(streams.usage().open.iter().sum::<u8>(), 1);
    }
}
