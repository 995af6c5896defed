//! Listening, accepting, and handing connections to workers.

use core::future::pending;

use embassy_futures::select::{Either, select};
use embassy_time::Timer;
use heapless::String;

use super::connection::{BUFFER, Connection};
use super::serve;
use super::state::{Accepted, HttpServer};
use super::websocket;
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

/// How long to leave others time to free sockets or memory, in milliseconds, when accepting has failed.
const PAUSE: u64 = 100;

impl HttpServer {
    /// Stops listening. Connections that are open stay so until they have their answer.
    fn close(&self) {
        if let Some((socket, _)) = self.listener.take() {
            self.pressed.set(false);
            self.base().port.sockets().close(socket);
            self.changed.signal(());
        }
    }

    fn listen(&self, interface: Interface) {
        let base = self.base();
        let number = base.variables.number(PORT) as u16;
        match base.port.sockets().tcp_listen(interface, number) {
            Ok(socket) => {
                self.listener.set(Some((socket, interface)));
                self.changed.signal(());
                let what = if self.api.get() { "HTTP and REST API" } else { "HTTP" };
                base.log.line(Level::Progress, format_args!("{what} server listening on port: {number}"));
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
                let text = format_args!("HTTP server: cannot listen on port {number} ({error:?})");
                base.log.line(Level::Failure, text);
            }
        }
    }

    /// Accepts connections until that fails.
    async fn admit(&self, listener: Socket, interface: Interface) {
        let port = self.base().port;
        loop {
            self.free_worker(listener).await;
            // Nothing is accepted for which there is no worker: it waits in the backlog.
            let Ok((socket, remote)) = port::accept(port, listener).await else { return };
            self.counters().accepted();
            if self.pool.give(Accepted { socket, remote, interface }).is_err() {
                port.sockets().close(socket);
            }
        }
    }

    /// Waits until another connection can be served, and notes when somebody waits for that.
    async fn free_worker(&self, listener: Socket) {
        loop {
            self.pressed.set(false);
            let idle = self.pool.idle();
            if idle > 0 && self.workers.get() - idle < self.max_clients.get() {
                return;
            }
            select(self.freed.wait(), self.watch(listener)).await;
        }
    }

    /// Notes when a connection waits to be accepted.
    async fn watch(&self, listener: Socket) {
        port::readable(self.base().port, Event::Readable(listener)).await;
        self.pressed.set(true);
        pending().await
    }
}

impl Service for HttpServer {
    fn start(&self, interface: Interface) {
        let variables = &self.base().variables;
        let network = self.shell().machine().network;
        if variables.with(INTERFACE, |word| network.interface(word)) != Some(interface) {
            return;
        }
        self.close();
        self.api.set(variables.flag(API_ENABLED));
        self.max_clients.set(usize::try_from(variables.number(MAX_CLIENTS)).unwrap_or(1).max(1));
        self.origin.replace(variables.with(ORIGIN, origin));
        // Who waits for a worker must see the new limit.
        self.freed.signal(());
        if variables.flag(ENABLED) {
            self.listen(interface);
        }
    }

    fn stop(&self, interface: Interface) {
        if self.listener.get().is_some_and(|(_, on)| on == interface) {
            self.close();
            self.stops.set(self.stops.get().wrapping_add(1));
            websocket::stop_all(self, interface);
        }
    }

    fn listens_on(&self, port: u16) -> bool {
        let address = |(socket, _)| self.base().port.sockets().local_address(socket).ok();
        self.listener.get().and_then(address).is_some_and(|address| address.port() == port)
    }
}

/// An origin as it goes into a field: nothing that could end the field.
fn origin(value: &[u8]) -> String<128> {
    let text = core::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
    text.and_then(|text| String::try_from(text).ok()).unwrap_or_default()
}

/// Accepts connections and hands them to workers, for ever: one task.
pub async fn accept(server: &'static HttpServer) {
    loop {
        match server.listener.get() {
            None => server.changed.wait().await,
            Some((listener, interface)) => {
                if let Either::Second(()) = select(server.changed.wait(), server.admit(listener, interface)).await {
                    // Somebody waits, perhaps for the sockets of those who say nothing.
                    server.pressed.set(true);
                    Timer::after_millis(PAUSE).await;
                }
            }
        }
    }
}

/// Serves one connection after another, for ever: [`limits::HTTP_CONNECTIONS`] tasks, `number` from 0.
pub async fn worker(server: &'static HttpServer, number: usize) {
    let mut buffer = [0; BUFFER];
    server.workers.set(server.workers.get() + 1);
    loop {
        server.pool.rest(number);
        server.freed.signal(());
        let accepted = server.pool.work(number).await;
        let connection = Connection::new(server, accepted, &mut buffer);
        serve::serve(connection).await;
    }
}
