//! Listening, accepting, and handing connections to workers.

use core::cell::{Cell, RefCell};
use core::future::pending;
use core::net::SocketAddrV4;

use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::Timer;
use heapless::{String, Vec};

use super::attempts::Attempts;
use super::connection::{BUFFER, Connection};
use super::counters::Counters;
use super::exchange;
use super::websocket::{self, Session};
use crate::base::Base;
use crate::command::{Reply, Shell};
use crate::file::Files;
use crate::limits;
use crate::log::Level;
use crate::network::Service;
use crate::port::{self, Event, Interface, PortError, Socket};
use crate::stream::Streams;
use crate::variable::{Id, id};

const ENABLED: Id = id("http.server.enabled");
const API_ENABLED: Id = id("http.server.api_enabled");
const INTERFACE: Id = id("http.server.interface");
const PORT: Id = id("http.server.port");
const METRICS: Id = id("http.server.metrics_enabled");
const MAX_CLIENTS: Id = id("http.server.max_clients");
const ORIGIN: Id = id("http.server.cors_origin");

/// How long to leave others time to free sockets or memory, in milliseconds, when accepting has failed.
const PAUSE: u64 = 100;

/// A connection that was accepted.
#[derive(Clone, Copy)]
pub(super) struct Accepted {
    pub socket: Socket,
    /// The client.
    pub remote: SocketAddrV4,
}

/// Tasks that wait for something to serve. The one that was busy last is taken first: its memory is at hand.
pub(super) struct Pool<T, const N: usize> {
    idle: RefCell<Vec<u8, N>>,
    work: [Signal<NoopRawMutex, T>; N],
}

impl<T, const N: usize> Pool<T, N> {
    const fn new() -> Self {
        const { assert!(N <= 256, "the tasks are numbered by a byte") };
        Self { idle: RefCell::new(Vec::new()), work: [const { Signal::new() }; N] }
    }

    /// Gives work to an idle task, or back when there is none.
    pub fn give(&self, work: T) -> Result<(), T> {
        let task = self.idle.borrow_mut().pop();
        match task.and_then(|task| self.work.get(usize::from(task))) {
            Some(signal) => {
                signal.signal(work);
                Ok(())
            }
            None => Err(work),
        }
    }

    /// How many tasks are idle.
    pub fn idle(&self) -> usize {
        self.idle.borrow().len()
    }

    /// The task of this number is idle now.
    pub fn rest(&self, number: usize) {
        if let Ok(number) = u8::try_from(number) {
            // There is room for every task.
            let _ = self.idle.borrow_mut().push(number);
        }
    }

    /// Waits for work for the task of this number.
    pub async fn work(&self, number: usize) -> T {
        match self.work.get(number) {
            Some(signal) => signal.wait().await,
            None => core::future::pending().await,
        }
    }
}

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
    /// One connection for each.
    pool: Pool<Accepted, { limits::HTTP_CONNECTIONS }>,
    /// A worker has become idle.
    freed: Signal<NoopRawMutex, ()>,
    /// A connection waits, and there is no worker for it.
    pressed: Cell<bool>,
    /// One WebSocket for each.
    pub(super) sessions: Pool<Session, { limits::WEBSOCKETS }>,
    /// How often the server was stopped: who sees it change says good-bye.
    pub(super) stops: Cell<u32>,
    /// `http.server.cors_origin`; empty without CORS.
    origin: RefCell<String<128>>,
    attempts: Attempts,
    /// The `id` of the last answer.
    id: Cell<u32>,
    counters: Counters,
}

impl HttpServer {
    /// A server that does not listen yet; [`Service::start`] makes it.
    pub const fn new(shell: &'static Shell) -> Self {
        Self {
            shell,
            listener: Cell::new(None),
            changed: Signal::new(),
            api: Cell::new(false),
            max_clients: Cell::new(limits::HTTP_CONNECTIONS),
            workers: Cell::new(0),
            pool: Pool::new(),
            freed: Signal::new(),
            pressed: Cell::new(false),
            sessions: Pool::new(),
            stops: Cell::new(0),
            origin: RefCell::new(String::new()),
            attempts: Attempts::new(),
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

    pub(super) fn files(&self) -> &'static Files {
        self.shell.machine().files
    }

    pub(super) fn streams(&self) -> &'static Streams {
        self.shell.machine().streams
    }

    pub(super) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// Looks at the origin whose pages may use the server; empty for none but its own.
    pub(super) fn with_origin<R>(&self, look: impl FnOnce(&str) -> R) -> R {
        look(&self.origin.borrow())
    }

    pub(super) fn offers_api(&self) -> bool {
        self.api.get()
    }

    /// `/metrics` is offered.
    pub(super) fn offers_metrics(&self) -> bool {
        self.base().variables.flag(METRICS)
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Connections being served, and how many can be.
    pub(super) fn load(&self) -> (usize, usize) {
        let workers = self.workers.get();
        (workers - self.pool.idle().min(workers), self.max_clients.get().min(workers))
    }

    /// A connection waits, and there is no worker for it: others should not take their time.
    pub(super) fn is_pressed(&self) -> bool {
        self.pressed.get()
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
    async fn admit(&self, listener: Socket) {
        let port = self.base().port;
        loop {
            self.free_worker(listener).await;
            // Nothing is accepted for which there is no worker: it waits in the backlog.
            let Ok((socket, remote)) = port::accept(port, listener).await else { return };
            self.counters.accepted();
            if self.pool.give(Accepted { socket, remote }).is_err() {
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
        let network = self.shell.machine().network;
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
            websocket::stop_all(self);
        }
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
            Some((listener, _)) => {
                if let Either::Second(()) = select(server.changed.wait(), server.admit(listener)).await {
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
    let mut reply = Reply::new();
    server.workers.set(server.workers.get() + 1);
    loop {
        server.pool.rest(number);
        server.freed.signal(());
        let accepted = server.pool.work(number).await;
        let connection = Connection::new(server, accepted, &mut buffer);
        exchange::serve(connection, &mut reply).await;
    }
}
