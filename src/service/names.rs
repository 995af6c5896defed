//! When the device answers for its name, and under which name: `mdns.*` (interface, network 6).

use heapless::Vec;

use crate::base::Base;
use crate::discovery::{Discovery, Identity};
use crate::features;
use crate::limits;
use crate::network::{Network, Service};
use crate::port::Interface;
use crate::variable::{Id, expand_name, id};
use crate::wire::dns::LABEL;
use crate::wire::dns_sd::Transport;

const ENABLED: Id = id("mdns.enabled");
const INTERFACE: Id = id("mdns.interface");
const NAME: Id = id("mdns.name");
const SERVICE: Id = id("mdns.service");
const TTL: Id = id("mdns.ttl");
const HTTP_ENABLED: Id = id("http.server.enabled");
const HTTP_INTERFACE: Id = id("http.server.interface");
const HTTP_PORT: Id = id("http.server.port");
const HTTPS: Id = id("http.server.tls_enabled");

/// The domain, which may be part of the name or not.
const DOMAIN: &[u8] = b".local";

/// Ports of HTTP and HTTPS. With TLS, the port of HTTP in the variable stands for that of HTTPS.
const PORTS: (u16, u16) = (80, 443);

/// The service.
pub struct Names {
    base: &'static Base,
    network: &'static Network,
    discovery: &'static Discovery,
}

impl Names {
    /// A service that does not run yet.
    pub fn new(base: &'static Base, network: &'static Network, discovery: &'static Discovery) -> Self {
        Self { base, network, discovery }
    }

    /// `mdns.name` as it is announced.
    fn name(&self) -> Vec<u8, LABEL> {
        let mac = self.base.port.board().mac();
        self.base.variables.with(NAME, |name| {
            let at = name.len().saturating_sub(DOMAIN.len());
            let (stem, tail) = name.split_at_checked(at).unwrap_or((name, b""));
            expand_name(mac, if tail.eq_ignore_ascii_case(DOMAIN) { stem } else { name })
        })
    }

    /// Transport and port of a service for which `mdns.service` has the name only. It is announced only if it runs.
    fn place(&self, service: &[u8], interface: Interface) -> Option<(Transport, u16)> {
        let variables = &self.base.variables;
        let is_secure = variables.flag(HTTPS);
        let is_asked = service.eq_ignore_ascii_case(if is_secure { b"https" } else { b"http" });
        let is_here = variables.with(HTTP_INTERFACE, |word| self.network.interface(word)) == Some(interface);
        let port = match (variables.number(HTTP_PORT) as u16, is_secure) {
            (number, true) if number == PORTS.0 => PORTS.1,
            (number, _) => number,
        };
        (is_asked && is_here && variables.flag(HTTP_ENABLED)).then_some((Transport::Tcp, port))
    }
}

impl Service for Names {
    fn start(&self, interface: Interface) {
        self.stop(interface);
        let variables = &self.base.variables;
        let chosen = variables.with(INTERFACE, |word| self.network.interface(word));
        if !features::DISCOVERY || !variables.flag(ENABLED) || chosen != Some(interface) {
            return;
        }
        let (name, ttl) = (self.name(), variables.number(TTL).max(1) as u32);
        let list: Vec<u8, { limits::VALUE }> =
            variables.with(SERVICE, |list| Vec::from_slice(list).unwrap_or_default());
        let identity = Identity {
            // The kind of the variable allows letters, digits, dashes and dots.
            name: core::str::from_utf8(&name).unwrap_or_default(),
            services: &list,
            place: &|service| self.place(service, interface),
            ttl,
        };
        self.discovery.start(interface, &identity);
    }

    fn stop(&self, interface: Interface) {
        self.discovery.stop(interface);
    }
}
