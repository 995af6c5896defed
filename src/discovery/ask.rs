//! Names of others: one question to the group, answered to a port of its own (RFC 6762, 5.1). The querier need not join
//! the group.

use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_time::{Duration, Instant, with_deadline};

use super::outgoing::GROUP;
use super::responder::PORT;
use super::room::{Discovery, is_neighbour};
use crate::port::{self, Addresses, Event, Interface, OpenSocket, PortError};
use crate::wire::dns::{self, Message, Name, kind};

/// How long to wait for an answer to each question.
const WAITS: [Duration; 2] = [Duration::from_millis(700), Duration::from_millis(1300)];
/// Bytes of a question.
const QUESTION: usize = 300;

/// The domain of multicast DNS.
const DOMAIN: &str = ".local";

/// Whether a name is one of multicast DNS.
pub fn is_local(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let tail = host.len().checked_sub(DOMAIN.len()).filter(|at| *at > 0).and_then(|at| host.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(DOMAIN))
}

/// A socket for questions.
pub(super) struct Questions<'a> {
    discovery: &'a Discovery,
    open: OpenSocket<'a>,
    interface: Interface,
    id: u16,
}

impl<'a> Questions<'a> {
    pub fn open(discovery: &'a Discovery, interface: Interface) -> Result<Self, PortError> {
        let port = discovery.base.port;
        let socket = port.sockets().udp_group(interface, 0, GROUP, false)?;
        let id = discovery.dice(u32::from(u16::MAX) + 1) as u16;
        Ok(Self { discovery, open: OpenSocket::new(port, socket), interface, id })
    }

    /// Sends a question to the group.
    pub fn ask(&self, name: &Name, kind: u16) {
        let mut buffer = [0; QUESTION];
        if let Ok(size) = dns::query(&mut buffer, self.id, name, kind) {
            let to = SocketAddrV4::new(GROUP, PORT);
            let question = buffer.get(..size).unwrap_or_default();
            // A question that is lost is asked again.
            let _ = self.discovery.base.port.sockets().udp_send(self.open.socket(), question, to);
        }
    }

    /// Hands answers to `read` until it returns a result; `None` when the time is over.
    pub async fn answers<T>(&self, until: Instant, mut read: impl FnMut(&Message<'_>) -> Option<T>) -> Option<T> {
        let base = self.discovery.base;
        let (sockets, socket) = (base.port.sockets(), self.open.socket());
        let take = || {
            base.scratch.with(|buffer| {
                let (size, from) = sockets.udp_receive(socket, buffer)?;
                let own = base.status.ipv4(self.interface).get();
                let is_near = own.is_some_and(|own| is_neighbour(own, *from.ip())) && from.port() == PORT;
                let message = Message::new(buffer.get(..size).unwrap_or_default()).ok();
                let answer = message.filter(|message| is_near && message.is_response() && message.id() == self.id);
                Ok(answer.and_then(|message| read(&message)))
            })
        };
        let mut take = take;
        let wanted = async {
            loop {
                match port::io(base.port, Event::Readable(socket), &mut take).await {
                    Ok(Some(wanted)) => return Some(wanted),
                    Ok(None) => embassy_futures::yield_now().await,
                    Err(_) => return None,
                }
            }
        };
        with_deadline(until, wanted).await.ok().flatten()
    }
}

impl Discovery {
    /// The addresses of a name of multicast DNS, if a device has it.
    pub async fn resolve(&self, interface: Interface, host: &str) -> Option<Addresses> {
        if let Some(own) = self.own_address(interface, host) {
            return Some([own].into_iter().collect());
        }
        let name = Name::parse(host)?;
        let questions = Questions::open(self, interface).ok()?;
        for wait in WAITS {
            questions.ask(&name, kind::A);
            let found = questions.answers(Instant::now() + wait, |message| addresses(message, &name)).await;
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// The addresses of a name in an answer.
fn addresses(message: &Message<'_>, name: &Name) -> Option<Addresses> {
    let found: Addresses = dns::addresses(message, name).ok()?;
    Some(found).filter(|found| !found.is_empty() && !found.contains(&Ipv4Addr::UNSPECIFIED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_domain() {
        assert!(is_local("a.local") && is_local("A.b.LOCAL."));
        for other in ["local", ".local", "alocal", "a.local.b", "a.localx", "", "\u{e9}local"] {
            assert!(!is_local(other), "{other}");
        }
    }
}
