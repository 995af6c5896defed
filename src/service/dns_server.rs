//! The DNS server of the soft AP (interface, network 3): resolves names of the device, and no others.

use core::cell::Cell;
use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;

use super::datagrams::{is_neighbour, open, serve};
use crate::base::Base;
use crate::network::Service;
use crate::port::{Interface, Socket};
use crate::variable::{Id, id};
use crate::wire::dns::{self, INTERNET, Message, Name, ResponseCode, kind};
use crate::wire::url;

const ENABLED: Id = id("softap.dns_server.enabled");
const URL: Id = id("softap.dns_server.url");
const SETUP_URL: Id = id("setup.web.url");

const PORT: u16 = 53;
/// Seconds for which an answer may be kept: the device may soon have another address, and phones must find the real
/// address of a name once they are in another network.
const TTL: u32 = 10;
/// Bytes of an answer: the limit of DNS over UDP (RFC 1035, 2.3.4).
const ANSWER: usize = 512;

/// Names by which phones and computers probe for the Internet.
const PROBES: &[&str] = &[
    "captive.apple.com",
    "www.apple.com",
    "www.msftconnecttest.com",
    "ipv6.msftconnecttest.com",
    "www.msftncsi.com",
    "dns.msftncsi.com",
    "connect.rom.miui.com",
    "clients1.google.com",
    "clients3.google.com",
    "detectportal.firefox.com",
    "nmcheck.gnome.org",
    "network-test.debian.org",
    "connectivity-check.ubuntu.com",
];

/// The first label of Android's probe names; every vendor has it in a domain of its own.
const ANDROID: &[u8] = b"connectivitycheck";

/// The entry of `softap.dns_server.url` that stands for every name.
const EVERY_NAME: &[u8] = b"*";

/// The server.
pub struct DnsServer {
    base: &'static Base,
    socket: Cell<Option<Socket>>,
    changed: Signal<NoopRawMutex, ()>,
}

impl DnsServer {
    /// A server that does not run yet.
    pub fn new(base: &'static Base) -> Self {
        Self { base, socket: Cell::new(None), changed: Signal::new() }
    }

    /// Answers one query of a station.
    fn answer(&self, socket: Socket, bytes: &[u8], from: SocketAddrV4) {
        let Some(own) = self.base.status.ipv4(Interface::SoftAp).get().filter(|own| is_neighbour(*own, *from.ip()))
        else {
            return;
        };
        let mut buffer = [0; ANSWER];
        if let Some(size) = self.response(&mut buffer, bytes, own.address) {
            // A station that does not get the response asks again.
            let _ = self.base.port.sockets().udp_send(socket, &buffer[..size], from);
        }
    }

    /// Writes the response to a query and answers its size; `None` for a message that is not a query.
    fn response(&self, buffer: &mut [u8], bytes: &[u8], own: Ipv4Addr) -> Option<usize> {
        let query = Message::new(bytes).ok().filter(|query| !query.is_response())?;
        if !query.is_standard() {
            return dns::refuse(buffer, &query, ResponseCode::NotImplemented).ok();
        }
        let Ok((question, _)) = query.question() else {
            return dns::refuse(buffer, &query, ResponseCode::FormatError).ok();
        };
        if question.class != INTERNET || !self.leads_here(&question.name) {
            return dns::respond(buffer, &query, ResponseCode::NameError, None).ok();
        }
        // Names of the device have an IPv4 address and nothing else.
        let address = matches!(question.kind, kind::A | kind::ANY).then_some((own, TTL));
        dns::respond(buffer, &query, ResponseCode::Ok, address).ok()
    }

    fn leads_here(&self, name: &Name) -> bool {
        let variables = &self.base.variables;
        let listed = |variable: Id| {
            variables.with(variable, |urls| urls.split(|byte| *byte == b',').any(|url| is_host_of(name, url)))
        };
        is_probe(name) || listed(URL) || (self.base.status.web_setup.get() && listed(SETUP_URL))
    }
}

/// Whether phones or computers probe for the Internet under this name.
fn is_probe(name: &Name) -> bool {
    let mut labels = name.labels();
    let is_androids = labels.next().is_some_and(|label| label.eq_ignore_ascii_case(ANDROID)) && labels.next().is_some();
    is_androids || PROBES.iter().any(|probe| name.is(probe))
}

/// Whether a name is the host of a URL, which may lack its scheme and have a path.
fn is_host_of(name: &Name, url: &[u8]) -> bool {
    let url = url.trim_ascii();
    if url == EVERY_NAME {
        return true;
    }
    let Ok(url) = core::str::from_utf8(url) else { return false };
    let authority = url::authority(url);
    name.is(authority.split_once(':').map_or(authority, |(host, _)| host))
}

impl Service for DnsServer {
    fn start(&self, interface: Interface) {
        if interface != Interface::SoftAp {
            return;
        }
        self.stop(interface);
        if self.base.variables.flag(ENABLED) {
            self.socket.set(open(self.base, "DNS", PORT));
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

/// Serves, for ever: one task.
pub async fn run(server: &'static DnsServer) {
    serve(server.base, &server.socket, &server.changed, |socket, bytes, from| server.answer(socket, bytes, from)).await;
}
