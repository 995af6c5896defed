//! What the server knows: one value for all its tasks.

use core::cell::{Cell, RefCell};
use core::net::SocketAddrV4;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use heapless::String;

use super::counters::Counters;
use super::pool::Pool;
use super::seats::Seats;
use super::session::Session;
use crate::access::attempts::Attempts;
use crate::base::Base;
use crate::command::Shell;
use crate::file::Files;
use crate::limits;
use crate::port::{Interface, Socket};
use crate::stream::{Pipe, Streams};
use crate::tls::Tls;
use crate::variable::{Id, id};

const METRICS: Id = id("http.server.metrics_enabled");

/// A connection that was accepted.
#[derive(Clone, Copy)]
pub(super) struct Accepted {
    pub socket: Socket,
    /// The client.
    pub remote: SocketAddrV4,
    /// The interface over which it was accepted.
    pub interface: Interface,
    /// The first byte, if it was received already to find out whether the client sends anything.
    pub first: Option<u8>,
    /// It speaks TLS.
    pub secure: bool,
}

/// The HTTP server. Its variables take effect when it starts, that is with `network_restart`.
pub struct HttpServer {
    shell: &'static Shell,
    pub(super) listeners: [Cell<Option<Socket>>; 2],
    /// A listener was added or removed.
    pub(super) changed: Signal<NoopRawMutex, ()>,
    /// Connections speak TLS (`http.server.tls_enabled`).
    pub(super) secure: Cell<bool>,
    /// The REST API is offered (`http.server.api_enabled`).
    pub(super) api: Cell<bool>,
    /// Connections served at once (`http.server.max_clients`).
    pub(super) max_clients: Cell<usize>,
    /// Workers that run, busy or not.
    pub(super) workers: Cell<usize>,
    /// Hands one connection to each worker.
    pub(super) pool: Pool<Accepted, { limits::HTTP_CONNECTIONS }>,
    /// A worker has become idle.
    pub(super) freed: Signal<NoopRawMutex, ()>,
    /// What the workers do.
    pub(super) seats: Seats,
    /// Hands one WebSocket to each session task.
    pub(super) sessions: Pool<Session, { limits::WEBSOCKETS }>,
    /// The other end of a WebSocket that speaks the structured protocol.
    pub(super) pipe: &'static Pipe,
    /// How often the server was stopped. A session that sees a change closes with "going away".
    pub(super) stops: Cell<u32>,
    /// `http.server.cors_origin`; empty without CORS.
    pub(super) origin: RefCell<String<128>>,
    attempts: Attempts,
    /// The `id` of the last answer.
    id: Cell<u32>,
    counters: Counters,
}

impl HttpServer {
    /// A server that does not listen yet; [`crate::network::Service::start`] makes it listen.
    pub const fn new(shell: &'static Shell, pipe: &'static Pipe) -> Self {
        Self {
            shell,
            pipe,
            listeners: [Cell::new(None), Cell::new(None)],
            changed: Signal::new(),
            secure: Cell::new(false),
            api: Cell::new(false),
            max_clients: Cell::new(limits::HTTP_CONNECTIONS),
            workers: Cell::new(0),
            pool: Pool::new(),
            freed: Signal::new(),
            seats: Seats::new(),
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

    pub(super) fn tls(&self) -> &'static Tls {
        self.shell.machine().tls
    }

    pub(super) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// Calls `look` with the origin whose pages may use the server; empty when only its own pages may.
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

    /// How many connections can be served at once.
    pub(super) fn size(&self) -> usize {
        self.max_clients.get().min(self.workers.get())
    }

    /// The `id` of the next answer.
    pub(super) fn next_id(&self) -> u32 {
        let id = self.id.get().wrapping_add(1);
        self.id.set(id);
        id
    }
}
