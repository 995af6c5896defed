//! Servers that start by themselves with their interface: `tcp.server.auto_start`, `udp.server.auto_start`
//! (interface, network 4.3, 4.4).

use crate::base::Base;
use crate::log::Level;
use crate::network::Service;
use crate::port::Interface;
use crate::stream::{Protocol, Streams};
use crate::variable::{Id, id};

/// The variables of one protocol.
struct Server {
    protocol: Protocol,
    auto_start: Id,
    interface: Id,
    port: Id,
    name: &'static str,
}

const SERVERS: [Server; 2] = [
    Server {
        protocol: Protocol::Tcp,
        auto_start: id("tcp.server.auto_start"),
        interface: id("tcp.server.auto_interface"),
        port: id("tcp.server.port"),
        name: "tcp.server.port",
    },
    Server {
        protocol: Protocol::Udp,
        auto_start: id("udp.server.auto_start"),
        interface: id("udp.server.auto_interface"),
        port: id("udp.server.port"),
        name: "udp.server.port",
    },
];

const TLS_ENABLED: Id = id("tcp.server.tls_enabled");
const DEFAULT_INTERFACE: Id = id("network.default_interface");

/// Starts the servers whose variables ask for it. They stop with the interface, as all servers do.
pub struct AutoStart {
    base: &'static Base,
    streams: &'static Streams,
}

impl AutoStart {
    /// The service for these rooms.
    pub fn new(base: &'static Base, streams: &'static Streams) -> Self {
        Self { base, streams }
    }

    /// The protocol of a server: TLS instead of TCP, when `tcp.server.tls_enabled` says so.
    fn protocol(&self, protocol: Protocol) -> Protocol {
        match protocol {
            Protocol::Tcp if self.base.variables.flag(TLS_ENABLED) => Protocol::Tls,
            other => other,
        }
    }

    fn wants(&self, server: &Server, interface: Interface) -> bool {
        let variables = &self.base.variables;
        let is_softap = |word: &[u8]| word == b"softap";
        let softap = variables.with(server.interface, |word| match word {
            b"default" => variables.with(DEFAULT_INTERFACE, is_softap),
            word => is_softap(word),
        });
        variables.flag(server.auto_start) && softap == (interface == Interface::SoftAp)
    }
}

impl Service for AutoStart {
    fn start(&self, interface: Interface) {
        for server in SERVERS.iter().filter(|server| self.wants(server, interface)) {
            let port = self.base.variables.number(server.port) as u16;
            if self.streams.server_start(self.protocol(server.protocol), interface, port).is_err() {
                let name = server.name;
                self.base.log.line(Level::Failure, format_args!("Server not started, see {name}: {port}"));
            }
        }
    }

    fn stop(&self, _interface: Interface) {}
}
