//! The DHCP server of the soft AP (interface, network 3; RFC 2131): one address for each client, upwards from the
//! module's own, for one day.

use core::cell::{Cell, RefCell};
use core::fmt::Write;
use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant};
use heapless::String;

use super::datagrams::{is_neighbour, open, serve};
use super::leases::{Leases, Pool};
use crate::base::Base;
use crate::ground::Clients;
use crate::network::Service;
use crate::port::{Interface, Ipv4Config, Socket};
use crate::variable::{Id, id};
use crate::wire::dhcp::{self, CLIENT_PORT, Grant, MESSAGE, MessageType, Request, SERVER_PORT};

const ENABLED: Id = id("softap.dhcp_server.enabled");
const PORTAL: Id = id("softap.captive_portal_enabled");
const SETUP_PORTAL: Id = id("setup.web.captive_portal_enabled");

/// Seconds of a lease.
const LEASE: u32 = 86_400;

/// The server.
pub struct DhcpServer {
    base: &'static Base,
    leases: RefCell<Leases>,
    socket: Cell<Option<Socket>>,
    changed: Signal<NoopRawMutex, ()>,
}

impl DhcpServer {
    /// A server that does not run yet.
    pub fn new(base: &'static Base) -> Self {
        Self { base, leases: RefCell::new(Leases::new()), socket: Cell::new(None), changed: Signal::new() }
    }

    /// Answers one message, if it is for this server. A client without an address of this network gets a broadcast
    /// (RFC 2131, 4.1).
    fn answer(&self, socket: Socket, bytes: &[u8]) {
        let Some(own) = self.base.status.ipv4(Interface::SoftAp).get() else { return };
        let Some(request) = dhcp::read_request(bytes) else { return };
        let is_for_another = request.server.is_some_and(|server| server != own.address);
        let Some((kind, grant)) = (if is_for_another { None } else { self.decide(&request, own) }) else {
            // A client that accepts another server's offer does not need ours.
            return;
        };
        let portal = self.portal(own);
        let mut buffer = [0; MESSAGE];
        let Some(size) = dhcp::write_reply(&mut buffer, &request, kind, grant, portal.as_deref()) else { return };
        // A client with an address in this network, and no address outside of it.
        let is_here = kind != MessageType::Nak && is_neighbour(own, request.client);
        let to = if is_here { request.client } else { Ipv4Addr::BROADCAST };
        // A client that does not get the answer asks again.
        let _ = self.base.port.sockets().udp_send(socket, &buffer[..size], SocketAddrV4::new(to, CLIENT_PORT));
    }

    /// What to answer; `None` for nothing.
    fn decide(&self, request: &Request, own: Ipv4Config) -> Option<(MessageType, Result<Grant, Ipv4Addr>)> {
        let (now, pool) = (Instant::now(), Pool::new(own));
        let mut leases = self.leases.borrow_mut();
        let give = |address: Ipv4Addr| {
            let config = Ipv4Config { address, netmask: own.netmask, gateway: own.address, dns: own.address };
            Ok(Grant { config, server: own.address, seconds: LEASE })
        };
        match request.kind {
            MessageType::Discover => {
                let address = leases.offer(pool, request.mac, request.requested, now)?;
                Some((MessageType::Offer, give(address)))
            }
            MessageType::Request => {
                let wish = request.requested.unwrap_or(request.client);
                let granted = leases.may_have(pool, request.mac, wish)
                    && leases.bind(request.mac, wish, Duration::from_secs(LEASE.into()), now);
                Some(if granted { (MessageType::Ack, give(wish)) } else { (MessageType::Nak, Err(own.address)) })
            }
            // The sender has an address already.
            MessageType::Inform => {
                is_neighbour(own, request.client).then(|| (MessageType::Ack, give(Ipv4Addr::UNSPECIFIED)))
            }
            MessageType::Release => {
                leases.release(request.mac, now);
                None
            }
            MessageType::Decline => {
                leases.set_aside(request.mac, request.requested?, now);
                None
            }
            _ => None,
        }
    }

    /// The URI of option 114 while there is a captive portal: the URI of the page, as first defined (RFC 7710). RFC
    /// 8910 requires the URI of an API over HTTPS, for which the device would need a certificate that phones trust.
    /// Phones that accept nothing else find the page by their probes.
    fn portal(&self, own: Ipv4Config) -> Option<String<32>> {
        let variable = if self.base.status.web_setup.get() { SETUP_PORTAL } else { PORTAL };
        let mut uri = String::new();
        // The longest address fits.
        let _ = write!(uri, "http://{}/", own.address);
        self.base.variables.flag(variable).then_some(uri)
    }
}

impl Service for DhcpServer {
    fn start(&self, interface: Interface) {
        if interface != Interface::SoftAp {
            return;
        }
        self.stop(interface);
        if self.base.variables.flag(ENABLED) {
            self.socket.set(open(self.base, "DHCP", SERVER_PORT));
            self.changed.signal(());
        }
    }

    fn stop(&self, interface: Interface) {
        if interface == Interface::SoftAp
            && let Some(socket) = self.socket.take()
        {
            self.base.port.sockets().close(socket);
            self.changed.signal(());
        }
    }
}

impl Clients for DhcpServer {
    fn address(&self, mac: [u8; 6]) -> Option<Ipv4Addr> {
        self.leases.borrow().address(mac)
    }
}

/// Serves, for ever: one task.
pub async fn run(server: &'static DhcpServer) {
    serve(server.base, &server.socket, &server.changed, |socket, bytes, _| server.answer(socket, bytes)).await;
}
