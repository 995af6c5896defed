//! Listening, accepting, and handing connections to workers.

use core::cell::Cell;
use core::future::{pending, poll_fn};
use core::task::{Context, Poll};

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Timer};
use heapless::String;

use super::connection::{BUFFER, Connection};
use super::lobby::Lobby;
use super::state::{Accepted, HttpServer};
use super::{secure, serve, websocket};
use crate::features;
use crate::log::Level;
use crate::network::Service;
use crate::port::{self, Event, Interface, PortError, Socket};
use crate::variable::{Id, id};

const ENABLED: Id = id("http.server.enabled");
const API_ENABLED: Id = id("http.server.api_enabled");
const INTERFACE: Id = id("http.server.interface");
const PORT: Id = id("http.server.port");
const MAX_CLIENTS: Id = id("http.server.max_clients");
const ORIGIN: Id = id("http.server.cors_origin");
const TLS_ENABLED: Id = id("http.server.tls_enabled");

const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// How long to wait for others to free sockets or memory when accepting has failed, in milliseconds.
const PAUSE: u64 = 100;

/// From this number of workers on, more of them may serve clients that have sent nothing yet.
const MANY: usize = 8;

/// How often to check whether a client must give way while a connection waits for a worker.
const LOOK: Duration = Duration::from_millis(1);

impl HttpServer {
    fn listener(&self, interface: Interface) -> &Cell<Option<Socket>> {
        let [wlan, softap] = &self.listeners;
        match interface {
            Interface::Wlan => wlan,
            Interface::SoftAp => softap,
        }
    }

    /// Whether it listens on any interface.
    fn listens(&self) -> bool {
        self.listeners.iter().any(|listener| listener.get().is_some())
    }

    /// Stops listening. Connections that are open stay so until they have their answer.
    fn close(&self, interface: Interface) {
        if let Some(socket) = self.listener(interface).take() {
            self.base().port.sockets().close(socket);
            self.changed.signal(());
        }
    }

    /// Whether the server shall listen on an interface: that of `http.server.interface` while it is enabled, and the
    /// soft AP during web setup, whatever the variables say.
    fn belongs_on(&self, interface: Interface) -> bool {
        let base = self.base();
        if interface == Interface::SoftAp && base.status.web_setup.get() {
            return true;
        }
        let network = self.shell().machine().network;
        let chosen = base.variables.with(INTERFACE, |word| network.interface(word));
        base.variables.flag(ENABLED) && chosen == Some(interface)
    }

    /// The port to listen on: that of the variable, and 443 for HTTPS while the variable has the port of HTTP.
    fn port(&self) -> u16 {
        match (self.base().variables.number(PORT) as u16, self.secure.get()) {
            (HTTP_PORT, true) => HTTPS_PORT,
            (number, _) => number,
        }
    }

    fn listen(&self, interface: Interface) {
        let base = self.base();
        let number = self.port();
        match base.port.sockets().tcp_listen(interface, number) {
            Ok(socket) => {
                self.listener(interface).set(Some(socket));
                self.changed.signal(());
                let letter = if self.secure.get() { "S" } else { "" };
                let what = if self.api.get() { " and REST API" } else { "" };
                base.log.line(Level::Progress, format_args!("HTTP{letter}{what} server listening on port: {number}"));
            }
            Err(PortError::InUse) => {
                let text = format_args!("HTTP server: port {number} is in use (set http.server.port)");
                base.log.line(Level::Failure, text);
            }
            Err(PortError::Denied) => {
                let text = format_args!("HTTP server: port {number} is not allowed here (set http.server.port)");
                base.log.line(Level::Failure, text);
            }
            Err(error) => {
                let text = format_args!("HTTP server: cannot listen on port {number} ({error})");
                base.log.line(Level::Failure, text);
            }
        }
    }

    /// Accepts connections and lets workers serve them, for ever.
    async fn admit(&self) {
        let mut lobby = Lobby::new(self.base().port);
        loop {
            // While no connection waits, a free worker changes nothing.
            let waiting = !lobby.is_empty();
            let changed =
                async { if waiting { select(self.freed.wait(), Timer::after(LOOK)).await } else { pending().await } };
            let accepted = match select(self.next(&mut lobby), changed).await {
                Either::First(Ok(accepted)) => accepted,
                Either::First(Err(_)) => {
                    // A client waits, perhaps for the sockets of silent clients.
                    lobby.clear_silent();
                    self.seats.give_up_one(self.size(), 1, |client| lobby.count(client));
                    Timer::after_millis(PAUSE).await;
                    None
                }
                Either::Second(_) => None,
            };
            if let Some(accepted) = accepted {
                self.counters().accepted();
                lobby.enter(accepted);
            }
            self.seat(&mut lobby);
        }
    }

    /// Accepts the next connection, or answers `None` when a waiting one has sent something or is gone.
    async fn next(&self, lobby: &mut Lobby) -> port::Result<Option<Accepted>> {
        let mut woken = false;
        poll_fn(|context| {
            if lobby.listen(context, core::mem::replace(&mut woken, true)) {
                return Poll::Ready(Ok(None));
            }
            if !lobby.make_place(|client| self.seats.count(client)) {
                return Poll::Pending;
            }
            for interface in Interface::ALL {
                if let Poll::Ready(accepted) = self.poll_accept(interface, context) {
                    return Poll::Ready(accepted.map(Some));
                }
            }
            Poll::Pending
        })
        .await
    }

    fn poll_accept(&self, interface: Interface, context: &mut Context<'_>) -> Poll<port::Result<Accepted>> {
        let Some(listener) = self.listener(interface).get() else { return Poll::Pending };
        let port = self.base().port;
        match port.sockets().tcp_accept(listener) {
            Ok((socket, remote)) => {
                let secure = self.secure.get();
                Poll::Ready(Ok(Accepted { socket, remote, interface, first: None, secure }))
            }
            Err(PortError::WouldBlock) => {
                port.wake_when(Event::Readable(listener), context.waker());
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Gives connections to idle workers, and makes clients give way to connections that have sent something.
    fn seat(&self, lobby: &mut Lobby) {
        while !lobby.is_empty() && self.pool.idle() > 0 && self.load().0 < self.max_clients.get() {
            // A silent connection waits here for its first byte, unless more workers are idle than others may need.
            let silent = self.pool.idle() > if self.size() < MANY { self.size() / 2 } else { self.size() / 4 };
            let Some(accepted) = lobby.next(silent) else { break };
            if self.pool.give(accepted).is_err() {
                self.base().port.sockets().close(accepted.socket);
            }
        }
        let speaking = lobby.speaking();
        if speaking == 0 {
            return;
        }
        let crowd = lobby.crowd(self.size());
        while speaking > self.seats.leaving()
            && self.seats.give_up_one(self.size(), crowd, |client| lobby.count(client))
        {}
    }
}

impl Service for HttpServer {
    fn start(&self, interface: Interface) {
        let variables = &self.base().variables;
        self.close(interface);
        if !self.belongs_on(interface) {
            return;
        }
        self.secure.set(variables.flag(TLS_ENABLED));
        if self.secure.get() && !features::TLS {
            self.base().log.line(Level::Failure, format_args!("HTTP server: TLS is not available in this build"));
            return;
        }
        // During web setup the page needs the commands.
        self.api.set(variables.flag(API_ENABLED) || self.base().status.web_setup.get());
        self.max_clients.set(usize::try_from(variables.number(MAX_CLIENTS)).unwrap_or(1).max(1));
        self.origin.replace(variables.with(ORIGIN, origin));
        // Connections that wait for a worker must see the new limit.
        self.freed.signal(());
        self.listen(interface);
    }

    fn stop(&self, interface: Interface) {
        if self.listener(interface).get().is_some() {
            self.close(interface);
            self.stops.set(self.stops.get().wrapping_add(1));
            websocket::stop_all(self, interface);
        }
    }

    fn listens_on(&self, port: u16) -> bool {
        let sockets = self.base().port.sockets();
        let local = |socket| sockets.local_address(socket).ok();
        self.listeners.iter().filter_map(Cell::get).filter_map(local).any(|address| address.port() == port)
    }
}

/// An origin as the value of a field, without characters that could end the field.
fn origin(value: &[u8]) -> String<128> {
    let text = core::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
    text.and_then(|text| String::try_from(text).ok()).unwrap_or_default()
}

/// Accepts connections and hands them to workers, for ever: one task.
pub async fn accept(server: &'static HttpServer) {
    loop {
        match server.listens() {
            false => server.changed.wait().await,
            true => {
                let serving = async {
                    if server.secure.get() {
                        server.tls().provide().await;
                    }
                    server.admit().await;
                };
                select(server.changed.wait(), serving).await;
            }
        }
    }
}

/// Serves one connection after another, for ever: [`limits::HTTP_CONNECTIONS`](crate::limits::HTTP_CONNECTIONS) tasks,
/// `number` from 0.
pub async fn worker(server: &'static HttpServer, number: usize) {
    let Some(seat) = server.seats.get(number) else { return };
    let mut buffer = [0; BUFFER];
    server.workers.set(server.workers.get() + 1);
    loop {
        server.pool.rest(number);
        server.freed.signal(());
        let accepted = server.pool.work(number).await;
        seat.take(*accepted.remote.ip());
        if let Some(accepted) = secure::begin(server, seat, accepted).await {
            serve::serve(&mut Connection::new(server, seat, accepted, &mut buffer)).await;
        }
        seat.leave();
    }
}
