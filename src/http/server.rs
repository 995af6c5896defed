//! Listening, accepting, and handing connections to workers.

use core::cell::{Cell, RefCell};

use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::Timer;
use heapless::Vec;

use super::connection::{BUFFER, Connection};
use super::counters::Counters;
use super::exchange;
use crate::base::Base;
use crate::command::{Reply, Shell};
use crate::limits;
use crate::log::Level;
use crate::network::Service;
use crate::port::{self, Interface, PortError, Socket};
use crate::token;
use crate::variable::{Id, id};

const ENABLED: Id = id("http.server.enabled");
const API_ENABLED: Id = id("http.server.api_enabled");
const INTERFACE: Id = id("http.server.interface");
const PORT: Id = id("http.server.port");
const METRICS: Id = id("http.server.metrics_enabled");
const MAX_CLIENTS: Id = id("http.server.max_clients");

/// How long to leave others time to free sockets or memory, in milliseconds, when accepting has failed.
const PAUSE: u64 = 100;

/// The HTTP server. Its variables take effect when it starts, that is with `network_restart`.
pub struct HttpServer {
    shell: &'static Shell,
    listener: Cell<Option<(Socket, Interface)>>,
    /// The listener is another one, or none.
    changed: Signal<NoopRawMutex, ()>,
    /// The REST API is offered (`http.server.api_enabled`).
    api: Cell<bool>,
    /// Connections served at once (`http.server.max_clients`).
    max_clients: Cell<usize>,
    /// Workers that run, busy or not.
    workers: Cell<usize>,
    /// Workers without a connection; the one that was busy last is taken first, its memory is at hand.
    idle: RefCell<Vec<u8, { limits::HTTP_CONNECTIONS }>>,
    /// A worker has become idle.
    freed: Signal<NoopRawMutex, ()>,
    /// A connection for each worker.
    tasks: [Signal<NoopRawMutex, Socket>; limits::HTTP_CONNECTIONS],
    /// The `id` of the last answer.
    id: Cell<u32>,
    counters: Counters,
}

impl HttpServer {
    /// A server that does not listen yet; [`Service::start`] makes it.
    pub const fn new(shell: &'static Shell) -> Self {
        const { assert!(limits::HTTP_CONNECTIONS <= 256, "workers are numbered by a byte") };
        Self {
            shell,
            listener: Cell::new(None),
            changed: Signal::new(),
            api: Cell::new(false),
            max_clients: Cell::new(limits::HTTP_CONNECTIONS),
            workers: Cell::new(0),
            idle: RefCell::new(Vec::new()),
            freed: Signal::new(),
            tasks: [const { Signal::new() }; limits::HTTP_CONNECTIONS],
            id: Cell::new(0),
            counters: Counters::new(),
        }
    }

    pub(super) fn shell(&self) -> &'static Shell {
        self.shell
    }

    pub(super) fn base(&self) -> &'static Base {
        self.shell.machine().base
    }

    pub(super) fn offers_api(&self) -> bool {
        self.api.get()
    }

    /// `/metrics` is offered.
    pub(super) fn offers_metrics(&self) -> bool {
        self.base().variables.flag(METRICS)
    }

    /// Name and password, or a token, are needed.
    pub(super) fn needs_credentials(&self) -> bool {
        token::are_needed(self.base())
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Connections being served, and how many can be.
    pub(super) fn load(&self) -> (usize, usize) {
        let workers = self.workers.get();
        (workers - self.idle.borrow().len().min(workers), self.max_clients.get().min(workers))
    }

    /// The `id` of the next answer.
    pub(super) fn next_id(&self) -> u32 {
        let id = self.id.get().wrapping_add(1);
        self.id.set(id);
        id
    }

    /// Stops listening. Connections that are open stay so until they have their answer.
    fn close(&self) {
        if let Some((socket, _)) = self.listener.take() {
            self.base().port.close(socket);
            self.changed.signal(());
        }
    }

    fn listen(&self, interface: Interface) {
        let base = self.base();
        let number = base.variables.number(PORT) as u16;
        match base.port.tcp_listen(interface, number) {
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
    async fn admit(&self, listener: Socket) {
        let port = self.base().port;
        loop {
            self.free_worker().await;
            // Nothing is accepted for which there is no worker: it waits in the backlog.
            let Ok((socket, _)) = port::accept(port, listener).await else { return };
            self.counters.accepted();
            let worker = self.idle.borrow_mut().pop();
            match worker.and_then(|worker| self.tasks.get(usize::from(worker))) {
                Some(task) => task.signal(socket),
                None => port.close(socket),
            }
        }
    }

    /// Waits until another connection can be served.
    async fn free_worker(&self) {
        loop {
            let idle = self.idle.borrow().len();
            if idle > 0 && self.workers.get() - idle < self.max_clients.get() {
                return;
            }
            self.freed.wait().await;
        }
    }
}

impl Service for HttpServer {
    fn start(&self, interface: Interface) {
        let variables = &self.base().variables;
        let network = self.shell.machine().network;
        if variables.with(INTERFACE, |word| network.interface(word)) != Some(interface) {
            return;
        }
        self.close();
        self.api.set(variables.flag(API_ENABLED));
        self.max_clients.set(usize::try_from(variables.number(MAX_CLIENTS)).unwrap_or(1).max(1));
        // Who waits for a worker must see the new limit.
        self.freed.signal(());
        if variables.flag(ENABLED) {
            self.listen(interface);
        }
    }

    fn stop(&self, interface: Interface) {
        if self.listener.get().is_some_and(|(_, on)| on == interface) {
            self.close();
        }
    }
}

/// Accepts connections and hands them to workers, for ever: one task.
pub async fn accept(server: &'static HttpServer) {
    loop {
        match server.listener.get() {
            None => server.changed.wait().await,
            Some((listener, _)) => {
                if let Either::Second(()) = select(server.changed.wait(), server.admit(listener)).await {
                    Timer::after_millis(PAUSE).await;
                }
            }
        }
    }
}

/// Serves one connection after another, for ever: [`limits::HTTP_CONNECTIONS`] tasks, `number` from 0.
pub async fn worker(server: &'static HttpServer, number: usize) {
    let (Some(task), Ok(name)) = (server.tasks.get(number), u8::try_from(number)) else { return };
    let mut buffer = [0; BUFFER];
    let mut reply = Reply::new();
    server.workers.set(server.workers.get() + 1);
    loop {
        // There is room for every worker.
        let _ = server.idle.borrow_mut().push(name);
        server.freed.signal(());
        let socket = task.wait().await;
        let connection = Connection::new(server.base().port, socket, &mut buffer);
        exchange::serve(server, connection, &mut reply).await;
    }
}
