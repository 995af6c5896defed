//! The table of servers.

use core::cell::Cell;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;

use crate::port::{Interface, Socket};

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Each client becomes a stream.
    Tcp,
    /// Each client becomes a stream when its session is open.
    Tls,
    /// One stream serves all peers.
    Udp,
}

impl Protocol {
    /// Whether its clients are connections.
    pub(super) const fn has_clients(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls)
    }
}

/// A server that runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Running {
    pub protocol: Protocol,
    pub interface: Interface,
    pub port: u16,
    pub socket: Socket,
    /// Of a UDP server: its stream.
    pub stream: Option<u8>,
}

/// One row of the server table.
pub(super) struct Server {
    pub running: Cell<Option<Running>>,
    /// The row has changed.
    pub changed: Signal<NoopRawMutex, ()>,
}

impl Server {
    pub(super) fn new() -> Self {
        Self { running: Cell::new(None), changed: Signal::new() }
    }
}
