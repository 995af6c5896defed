//! Clients that open by themselves with their interface: `tcp.client.auto_start`, `udp.client.auto_start`, `ioconn.*`
//! (interface, serial 7).
//!
//! Each client is one task. A client has one stream at a time: it opens the next one when the handle of the previous
//! one is free, so that a server that accepts and closes again and again takes no handle from others.

use core::cell::Cell;

use embassy_futures::select::select;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Timer};

use crate::base::Base;
use crate::features::{self, Built, Gate};
use crate::limits;
use crate::log::Level;
use crate::network::{Network, Remote, Secure, Service};
use crate::pins::Pins;
use crate::port::Interface;
use crate::stream::{EndedBy, HostName, Kind, StreamId, Streams};
use crate::tls::{ClientFiles, Tls};
use crate::variable::{Id, id};

const TCP_TLS: Id = id("tcp.client.tls_enabled");
const TCP_RETRIES: Id = id("tcp.client.auto_retries");
const RETRY_PERIOD: Id = id("tcp.client.retry_period");
const UDP_RETRY: Id = id("udp.client.auto_retry");
const PROTOCOL: Id = id("ioconn.protocol");
const DEFAULT_INTERFACE: Id = id("network.default_interface");

/// The value of `tcp.client.auto_retries` that means "for ever".
const FOR_EVER: i64 = 255;
/// The pause between attempts of a UDP client.
const UDP_PAUSE: Duration = Duration::from_secs(1);
/// The shortest pause between attempts of a TCP client, whatever `tcp.client.retry_period` says.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// The variables of one client.
struct Client {
    what: What,
    enabled: Id,
    interface: Id,
    host: Id,
    port: Id,
    local_port: Id,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Tcp,
    Udp,
    /// The connection that a pin opens.
    Pin,
}

const CLIENTS: [Client; 3] = [
    Client {
        what: What::Tcp,
        enabled: id("tcp.client.auto_start"),
        interface: id("tcp.client.auto_interface"),
        host: id("tcp.client.remote_host"),
        port: id("tcp.client.remote_port"),
        local_port: id("tcp.client.local_port"),
    },
    Client {
        what: What::Udp,
        enabled: id("udp.client.auto_start"),
        interface: id("udp.client.auto_interface"),
        host: id("udp.client.remote_host"),
        port: id("udp.client.remote_port"),
        local_port: id("udp.client.local_port"),
    },
    Client {
        what: What::Pin,
        enabled: id("ioconn.enabled"),
        interface: DEFAULT_INTERFACE,
        host: id("ioconn.remote_host"),
        port: id("ioconn.remote_port"),
        local_port: id("ioconn.local_port"),
    },
];

const _: () = assert!(limits::AUTO_CLIENTS == 0 || limits::AUTO_CLIENTS == CLIENTS.len());

/// What a client opens, read from the variables when its interface came up.
struct Target {
    kind: Kind,
    remote: Remote,
}

/// The interface on which one client runs now, if it does.
struct Place {
    interface: Cell<Option<Interface>>,
    changed: Signal<NoopRawMutex, ()>,
}

/// The clients.
pub struct AutoConnect {
    base: &'static Base,
    network: &'static Network,
    streams: &'static Streams,
    tls: &'static Tls,
    pins: &'static Pins,
    places: [Place; limits::AUTO_CLIENTS],
}

/// Signals that the connection of the pin is open, until this is dropped.
struct Connected(&'static Base);

impl Connected {
    fn new(base: &'static Base) -> Self {
        base.status.ioconn.set(true);
        base.status.changed();
        Self(base)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.status.ioconn.set(false);
        self.0.status.changed();
    }
}

impl AutoConnect {
    /// Clients that do not run yet.
    pub fn new(
        base: &'static Base,
        network: &'static Network,
        streams: &'static Streams,
        tls: &'static Tls,
        pins: &'static Pins,
    ) -> Self {
        let place = |_| Place { interface: Cell::new(None), changed: Signal::new() };
        Self { base, network, streams, tls, pins, places: core::array::from_fn(place) }
    }

    /// Whether a client is to run on an interface.
    fn wants(&self, client: &Client, interface: Interface) -> bool {
        let variables = &self.base.variables;
        variables.flag(client.enabled)
            && variables.with(client.interface, |word| self.network.interface(word)) == Some(interface)
    }

    /// The target that the variables name. Without a host there is none, and the log says so.
    fn target(&self, client: &Client, interface: Interface) -> Option<Target> {
        let variables = &self.base.variables;
        let name = |host: &[u8]| HostName::try_from(core::str::from_utf8(host).ok()?).ok();
        let host = variables.with(client.host, name).filter(|host| !host.is_empty());
        let Some(host) = host else {
            let text = format_args!("Client not started: {} is empty", client.host.row().name);
            self.base.log.line(Level::Failure, text);
            return None;
        };
        let kind = match client.what {
            What::Tcp if variables.flag(TCP_TLS) => Kind::Tlsc,
            What::Tcp => Kind::Tcpc,
            What::Udp => Kind::Udpc,
            What::Pin => variables.with(PROTOCOL, |protocol| match protocol {
                b"udp" => Kind::Udpc,
                b"tls" => Kind::Tlsc,
                _ => Kind::Tcpc,
            }),
        };
        let number = |id| variables.number(id) as u16;
        let (port, local_port) = (number(client.port), number(client.local_port));
        Some(Target { kind, remote: Remote { interface, host, port, local_port } })
    }

    /// Opens the client once.
    async fn open(&self, target: &Target) -> Option<StreamId> {
        let files = ClientFiles { authorities: None, certificate: None, key: None };
        let secure = (target.kind == Kind::Tlsc).then_some(Secure { tls: self.tls, files });
        let handle = self.network.open_client(target.kind, &target.remote, secure.as_ref()).await.ok()?;
        self.streams.id(handle).ok()
    }

    /// Runs a client for as long as its interface is up.
    async fn keep(&self, client: &Client, interface: Interface) {
        match client.what {
            What::Pin => self.follow_pin(client, interface).await,
            What::Tcp | What::Udp => {
                if let Some(target) = self.target(client, interface) {
                    self.hold(&target).await;
                }
            }
        }
        core::future::pending().await
    }

    /// Opens a client, and reopens it as often as its variables say; ends when it is not to be opened again.
    async fn hold(&self, target: &Target) {
        let mut retries = 0;
        loop {
            let opened = self.open(target).await;
            if let Some(stream) = opened
                && self.streams.ended(stream).await == EndedBy::Owner
            {
                return;
            }
            let Some(pause) = self.pause(target.kind, retries) else { return };
            retries += 1;
            Timer::after(pause).await;
        }
    }

    /// How long to wait before a client is reopened after `retries` earlier retries; `None` if it is not reopened.
    fn pause(&self, kind: Kind, retries: i64) -> Option<Duration> {
        let variables = &self.base.variables;
        if kind == Kind::Udpc {
            return variables.flag(UDP_RETRY).then_some(UDP_PAUSE);
        }
        let allowed = variables.number(TCP_RETRIES);
        (allowed == FOR_EVER || retries < allowed).then(|| self.retry_period())
    }

    fn retry_period(&self) -> Duration {
        Duration::from_millis(self.base.variables.number(RETRY_PERIOD).max(0) as u64).max(LEAST_PAUSE)
    }

    /// Keeps a connection open while the control pin is high.
    async fn follow_pin(&self, client: &Client, interface: Interface) {
        let Some(input) = self.pins.connects() else { return };
        loop {
            input.becomes(true).await;
            if let Some(target) = self.target(client, interface) {
                let open = Cell::new(None);
                select(input.becomes(false), self.hold_open(&target, &open)).await;
                self.let_go(open.take()).await;
            }
            input.becomes(false).await;
        }
    }

    /// Opens a connection again and again, until the owner closes it. `open` is the stream that is open now.
    async fn hold_open(&self, target: &Target, open: &Cell<Option<StreamId>>) {
        loop {
            if let Some(stream) = self.open(target).await {
                open.set(Some(stream));
                let _connected = Connected::new(self.base);
                if self.streams.ended(stream).await == EndedBy::Owner {
                    return;
                }
                open.set(None);
            }
            Timer::after(self.retry_period()).await;
        }
    }

    /// The pin is low: closes the open stream. Bytes already written still go out.
    async fn let_go(&self, stream: Option<StreamId>) {
        if let Some(stream) = stream.filter(|stream| self.streams.still(*stream).is_ok()) {
            // It was open just now.
            let _ = self.streams.close(stream.handle).await;
        }
    }
}

impl Service for AutoConnect {
    fn start(&self, interface: Interface) {
        for (client, place) in CLIENTS.iter().zip(&self.places) {
            if self.wants(client, interface) {
                place.interface.set(Some(interface));
                place.changed.signal(());
            }
        }
    }

    fn stop(&self, interface: Interface) {
        for place in self.places.iter().filter(|place| place.interface.get() == Some(interface)) {
            place.interface.set(None);
            place.changed.signal(());
        }
    }
}

/// Runs one client, for ever: [`limits::AUTO_CLIENTS`] tasks, `number` from 0.
pub async fn run(clients: &'static AutoConnect, number: usize) {
    Built::<{ features::AUTO_CONNECT }>::run((clients, number), serve, |_| ()).await;
}

async fn serve((clients, number): (&'static AutoConnect, usize)) {
    let (Some(client), Some(place)) = (CLIENTS.get(number), clients.places.get(number)) else { return };
    loop {
        match place.interface.get() {
            Some(interface) => {
                select(place.changed.wait(), clients.keep(client, interface)).await;
            }
            None => place.changed.wait().await,
        }
    }
}
