//! The device announces itself: `broadcast.*` (interface, network 7).
//!
//! Every `broadcast.interval` seconds, while the interface is up, the device sends a JSON object as a datagram and
//! posts it to `broadcast.http.host`. A change of a variable announces at once. Failures appear in `GET /log` only,
//! once until the next success, because no line is known that hosts would expect.

mod content;

use core::cell::Cell;
use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_futures::select::select;
use embassy_time::{Duration, Instant, Timer, with_deadline};

use crate::base::Base;
use crate::features::{self, Built, Gate};
use crate::http_client::{Client, Failure, Post};
use crate::log::Level;
use crate::network::{Network, Service};
use crate::pins::Pins;
use crate::port::{self, Interface, OpenSocket, PortError};
use crate::variable::{Id, id};
use content::Source;

const HTTP_HOST: Id = id("broadcast.http.host");
const INTERFACE: Id = id("broadcast.interface");
const INTERVAL: Id = id("broadcast.interval");
const UDP_IP: Id = id("broadcast.udp.ip");
const UDP_PORT: Id = id("broadcast.udp.port");

/// All hosts on the loopback interface.
const LOOPBACK_BROADCAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// Failures that were logged; each is logged once until the next success.
#[derive(Default)]
struct Told {
    /// A port other than `broadcast.udp.port` is used.
    port: Cell<bool>,
    datagram: Cell<bool>,
    post: Cell<bool>,
}

/// The announcements.
pub struct Broadcast {
    base: &'static Base,
    network: &'static Network,
    pins: &'static Pins,
    client: &'static Client,
    told: Told,
}

impl Broadcast {
    /// Announcements that have not begun.
    pub fn new(base: &'static Base, network: &'static Network, pins: &'static Pins, client: &'static Client) -> Self {
        Self { base, network, pins, client, told: Told::default() }
    }

    /// `broadcast.interface`.
    fn chosen(&self) -> Option<Interface> {
        self.base.variables.with(INTERFACE, |word| self.network.interface(word))
    }

    /// An interface goes up or down.
    fn turned(&self, interface: Interface) {
        if self.chosen() == Some(interface) {
            self.base.status.announcements.signal(());
        }
    }

    /// The interface over which to announce now, if any, and the time until the next announcement.
    fn due(&self) -> Option<(Interface, Duration)> {
        let chosen = self.chosen()?;
        let interval = u64::try_from(self.base.variables.number(INTERVAL)).ok().filter(|seconds| *seconds > 0)?;
        self.base.status.is_up(chosen).then_some((chosen, Duration::from_secs(interval)))
    }

    /// Announces once. Gives up a post that is not complete when the next announcement is due.
    async fn announce(&self, interface: Interface, interval: Duration) {
        let next = Instant::now() + interval;
        let source = Source { base: self.base, network: self.network, pins: self.pins, interface };
        let announcement = source.compose();
        self.send(interface, announcement.as_bytes());
        if let Some(post) = self.post(interface, announcement.len()) {
            let posted = match post {
                Ok(post) => with_deadline(next, self.client.post_quietly(&post, announcement.as_bytes())).await,
                Err(failure) => Ok(Err(failure)),
            };
            self.report(&self.told.post, posted.is_ok_and(|posted| posted.is_ok()), format_args!("not posted"));
        }
        Timer::at(next).await;
    }

    /// The post of an announcement, if the variable names a host.
    fn post(&self, interface: Interface, length: usize) -> Option<Result<Post, Failure>> {
        self.base.variables.with(HTTP_HOST, |host| {
            let host = core::str::from_utf8(host).ok().filter(|host| !host.is_empty())?;
            Some(Post::new(interface, host, length))
        })
    }

    /// Sends the announcement as a datagram. The local port is the destination port if possible, else any port.
    fn send(&self, interface: Interface, data: &[u8]) {
        let Some(to) = self.destination(interface) else { return };
        let own = self.send_from(interface, to.port(), data, to);
        let sent = own.or_else(|_| self.send_from(interface, 0, data, to));
        let is_sent = sent.is_ok();
        let error = sent.err().unwrap_or(PortError::Closed);
        self.report(&self.told.datagram, is_sent, format_args!("not sent to {to} ({error})"));
        if let (Some(error), true) = (own.err(), is_sent) {
            self.report(
                &self.told.port,
                false,
                format_args!("not sent from port {} ({error}), but from another", to.port()),
            );
        }
        if own.is_ok() {
            self.told.port.set(false);
        }
    }

    /// The destination of datagrams. A device on a loopback address belongs to one machine, and the limited broadcast
    /// would leave that machine.
    fn destination(&self, interface: Interface) -> Option<SocketAddrV4> {
        let variables = &self.base.variables;
        // `set` has checked it.
        let address: Ipv4Addr = variables.with(UDP_IP, |ip| core::str::from_utf8(ip).ok()?.parse().ok())?;
        let own = self.base.status.ipv4(interface).get()?.address;
        let is_inside = own.is_loopback() && address.is_broadcast();
        let address = if is_inside { LOOPBACK_BROADCAST } else { address };
        (!address.is_unspecified()).then(|| SocketAddrV4::new(address, variables.number(UDP_PORT) as u16))
    }

    fn send_from(&self, interface: Interface, from: u16, data: &[u8], to: SocketAddrV4) -> port::Result<()> {
        let port = self.base.port;
        // Open only while sending, so that a host may have a UDP server on this port.
        let socket = OpenSocket::new(port, port.sockets().udp_bind(interface, from)?);
        port.sockets().udp_send(socket.socket(), data, to)
    }

    /// Logs a failure, unless it was logged before.
    fn report(&self, told: &Cell<bool>, went_well: bool, what: fmt::Arguments<'_>) {
        if !told.replace(!went_well) && !went_well {
            self.base.log.line(Level::Trace, format_args!("Announcement {what}"));
        }
    }
}

impl Service for Broadcast {
    fn start(&self, interface: Interface) {
        self.turned(interface);
    }

    fn stop(&self, interface: Interface) {
        self.turned(interface);
    }
}

/// Announces the device, for ever: [`crate::limits::BROADCASTS`] tasks.
pub async fn run(broadcast: &'static Broadcast) {
    Built::<{ features::BROADCAST }>::run(broadcast, serve, |_| ()).await;
}

async fn serve(broadcast: &'static Broadcast) {
    let changed = &broadcast.base.status.announcements;
    loop {
        match broadcast.due() {
            Some((interface, interval)) => {
                select(changed.wait(), broadcast.announce(interface, interval)).await;
            }
            None => changed.wait().await,
        }
    }
}
