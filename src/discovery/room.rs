//! The sockets of the room, and the one task that serves them.

use core::cell::{Cell, RefCell};
use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_futures::select::{select, select3};
use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Instant, Timer};
use heapless::Vec;

use super::browse::Browse;
use super::outgoing::{self, Outgoing};
use super::records::{Label, Records};
use super::responder::{self, Responder};
use super::{llmnr, netbios};
use crate::base::Base;
use crate::limits;
use crate::log::Level;
use crate::port::{self, Event, Interface, Ipv4Config, Result, Socket};
use crate::wire::dns::Message;
use crate::wire::dns_sd::Transport;

/// Datagrams served before other tasks get their turn.
const TURN: usize = 8;
/// Bytes of an answer of LLMNR or NetBIOS.
const ANSWER: usize = 512;

/// Answers transport and port of a service by its name.
type PlaceOf<'a> = dyn Fn(&[u8]) -> Option<(Transport, u16)> + 'a;

/// The identity of the device in a network.
pub struct Identity<'a> {
    /// Its name without domain.
    pub name: &'a str,
    /// The list of its services.
    pub services: &'a [u8],
    /// Transport and port of a service listed without them; `None` for one that does not run.
    pub place: &'a PlaceOf<'a>,
    /// Seconds for which others may keep the records.
    pub ttl: u32,
}

/// The protocols, each with a socket.
#[derive(Clone, Copy)]
enum Protocol {
    Mdns,
    Llmnr,
    Netbios,
}

impl Protocol {
    const ALL: [Self; 3] = [Self::Mdns, Self::Llmnr, Self::Netbios];

    const fn name(self) -> &'static str {
        match self {
            Self::Mdns => "mDNS",
            Self::Llmnr => "LLMNR",
            Self::Netbios => "NetBIOS",
        }
    }

    fn open(self, base: &Base, interface: Interface) -> Result<Socket> {
        let sockets = base.port.sockets();
        match self {
            Self::Mdns => sockets.udp_group(interface, responder::PORT, outgoing::GROUP, false),
            Self::Llmnr => sockets.udp_group(interface, llmnr::PORT, llmnr::GROUP, true),
            Self::Netbios => sockets.udp_bind(interface, netbios::PORT),
        }
    }
}

/// The room.
pub struct Discovery {
    pub(super) base: &'static Base,
    interface: Cell<Option<Interface>>,
    sockets: [Cell<Option<Socket>>; 3],
    changed: Signal<NoopRawMutex, ()>,
    /// The responder while the device answers; a build without the feature has no room for one.
    responder: RefCell<Vec<Responder, { limits::DISCOVERY }>>,
    /// The name that was logged last.
    told: RefCell<Label>,
    /// What a search has found.
    pub(super) browse: RefCell<Browse>,
}

impl Discovery {
    /// A room where nothing runs yet.
    pub fn new(base: &'static Base) -> Self {
        Self {
            base,
            interface: Cell::new(None),
            sockets: [const { Cell::new(None) }; 3],
            changed: Signal::new(),
            responder: RefCell::new(Vec::new()),
            told: RefCell::new(Label::new()),
            browse: RefCell::new(Browse::new()),
        }
    }

    /// The interface on which the device answers.
    pub fn interface(&self) -> Option<Interface> {
        self.interface.get()
    }

    /// Begins to answer on an interface that is up.
    pub fn start(&self, interface: Interface, identity: &Identity<'_>) {
        if let Some(before) = self.interface.get() {
            self.stop(before);
        }
        let Some(own) = self.base.status.ipv4(interface).get() else { return };
        let Some(records) = Records::new(identity.name, own.address, identity.services, identity.place) else {
            let text = format_args!("mDNS: {} is no name", identity.name);
            return self.base.log.line(Level::Failure, text);
        };
        for (protocol, place) in Protocol::ALL.into_iter().zip(&self.sockets) {
            match protocol.open(self.base, interface) {
                Ok(socket) => place.set(Some(socket)),
                Err(error) => {
                    // The device has its name even without the other protocols.
                    let level = if matches!(protocol, Protocol::Mdns) { Level::Failure } else { Level::Trace };
                    self.base.log.line(level, format_args!("{}: no socket ({error})", protocol.name()));
                }
            }
        }
        if self.socket(Protocol::Mdns).is_some() {
            self.base.log.line(Level::Progress, format_args!("Starting mDNS"));
            self.tell(&records.label());
        }
        let dice = |below| self.dice(below);
        let responder = Responder::new(records, identity.ttl, Instant::now(), &dice);
        // `stop` has removed the previous one.
        let _ = self.responder.borrow_mut().push(responder);
        self.interface.set(Some(interface));
        self.changed.signal(());
    }

    /// Says goodbye and stops, if the device answers on this interface.
    pub fn stop(&self, interface: Interface) {
        if self.interface.get() != Some(interface) {
            return;
        }
        self.interface.set(None);
        let responder = self.responder.borrow_mut().pop();
        if let Some(responder) = responder {
            self.send_with(|out| responder.goodbye(out));
        }
        for socket in self.sockets.iter().filter_map(Cell::take) {
            self.base.port.sockets().close(socket);
        }
        self.changed.signal(());
    }

    /// The device's address if `host` is its own name, with or without the dot at the end.
    pub(super) fn own_address(&self, interface: Interface, host: &str) -> Option<Ipv4Addr> {
        self.with_records(interface, |records| records.host().is(host).then_some(records.address)).flatten()
    }

    /// Calls `then` with the records if the name is the device's own on this interface.
    pub(super) fn with_records<R>(&self, interface: Interface, then: impl FnOnce(&Records) -> R) -> Option<R> {
        let responder = self.responder.borrow();
        let responder = responder.first().filter(|responder| responder.is_settled())?;
        (self.interface.get() == Some(interface)).then(|| then(&responder.records))
    }

    /// Logs the name.
    fn tell(&self, label: &Label) {
        self.base.log.line(Level::Progress, format_args!("mDNS domain: {label}.local"));
        self.told.replace(label.clone());
    }

    pub(super) fn dice(&self, below: u32) -> u32 {
        let mut bytes = [0; 4];
        self.base.port.board().random(&mut bytes);
        u32::from_le_bytes(bytes) % below.max(1)
    }

    fn socket(&self, protocol: Protocol) -> Option<Socket> {
        self.sockets.get(protocol as usize).and_then(Cell::get)
    }

    /// Lets `work` send messages by multicast DNS. For a lost message others ask again.
    fn send_with<R>(&self, work: impl FnOnce(&mut Outgoing<'_>) -> R) -> R {
        let socket = self.socket(Protocol::Mdns);
        work(&mut Outgoing::new(&mut |message, to| {
            if let Some(socket) = socket {
                let _ = self.base.port.sockets().udp_send(socket, message, to);
            }
        }))
    }

    /// Does the steps that are due; answers when the next one is due.
    fn proceed(&self) -> Option<Instant> {
        let mut responder = self.responder.borrow_mut();
        let responder = responder.first_mut()?;
        let settled = self.send_with(|out| responder.proceed(Instant::now(), out));
        let label = responder.records.label();
        if settled && *self.told.borrow() != label {
            self.tell(&label);
        }
        responder.due()
    }

    /// Receives and serves a datagram, if there is one.
    fn receive(&self, protocol: Protocol) -> bool {
        let Some(socket) = self.socket(protocol) else { return false };
        self.base.scratch.with(|buffer| match self.base.port.sockets().udp_receive(socket, buffer) {
            Ok((size, from)) => {
                self.serve(protocol, socket, buffer.get(..size).unwrap_or_default(), from);
                true
            }
            Err(_) => false,
        })
    }

    /// Answers a datagram of a neighbour; ignores those from outside the subnet (RFC 6762, 11).
    fn serve(&self, protocol: Protocol, socket: Socket, bytes: &[u8], from: SocketAddrV4) {
        let own = self.interface.get().and_then(|interface| self.base.status.ipv4(interface).get());
        let mut responder = self.responder.borrow_mut();
        let Some((own, responder)) = own.zip(responder.first_mut()) else { return };
        if !is_neighbour(own, *from.ip()) || from.port() == 0 {
            return;
        }
        let now = Instant::now();
        if matches!(protocol, Protocol::Mdns) {
            if let Ok(message) = Message::new(bytes) {
                let dice = |below| self.dice(below);
                self.send_with(|out| responder.receive(&message, from, now, &dice, out));
            }
            return;
        }
        if !responder.is_settled() {
            return;
        }
        let mut buffer = [0; ANSWER];
        let label = responder.records.label();
        let size = match protocol {
            Protocol::Llmnr => match llmnr::reply(&mut buffer, bytes, &label, own.address) {
                llmnr::Reply::Answer(size) => size,
                llmnr::Reply::Verify => return responder.probe_again(now),
                llmnr::Reply::Nothing => return,
            },
            _ => {
                let node = (own.address, self.base.port.board().mac(), responder.ttl());
                match netbios::answer(&mut buffer, bytes, &label, node) {
                    Some(size) => size,
                    None => return,
                }
            }
        };
        if responder.may_answer(now) {
            let _ = self.base.port.sockets().udp_send(socket, buffer.get(..size).unwrap_or_default(), from);
        }
    }

    /// Serves waiting datagrams up to a bound; answers whether there may be more.
    fn take_turn(&self) -> bool {
        let mut more = false;
        for protocol in Protocol::ALL {
            more |= (0..TURN).all(|_| self.receive(protocol));
        }
        more
    }
}

/// Whether an address is in the subnet.
pub(super) fn is_neighbour(own: Ipv4Config, address: Ipv4Addr) -> bool {
    let net = |address: Ipv4Addr| address.to_bits() & own.netmask.to_bits();
    net(own.address) == net(address) && !address.is_unspecified() && !address.is_broadcast()
}

async fn readable(base: &Base, socket: Option<Socket>) {
    match socket {
        Some(socket) => port::readable(base.port, Event::Readable(socket)).await,
        None => core::future::pending().await,
    }
}

/// Serves, for ever: one task.
pub async fn run(discovery: &'static Discovery) {
    loop {
        let more = discovery.take_turn();
        let due = discovery.proceed();
        if more {
            yield_now().await;
            continue;
        }
        let timer = async {
            match due {
                Some(due) => Timer::at(due).await,
                None => core::future::pending().await,
            }
        };
        let [mdns, llmnr, netbios] = Protocol::ALL.map(|protocol| readable(discovery.base, discovery.socket(protocol)));
        select(select(discovery.changed.wait(), timer), select3(mdns, llmnr, netbios)).await;
    }
}
