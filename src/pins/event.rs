//! Pins that are high while a condition of the streams of servers holds: `tcp.server.connected_gpio` and similar ones
//! (interface, serial 11).

use core::cell::Cell;

use super::output::Output;
use crate::stream::{Kind, Streams};
use crate::variable::{Id, id};

/// What a pin shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A client of a TCP or TLS server is connected.
    TcpConnected,
    /// Such a client has sent data that nobody has read.
    TcpData,
    /// The same for a UDP server.
    UdpData,
    /// A WebSocket client is connected.
    WebSocket,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 4] = [Self::TcpConnected, Self::TcpData, Self::UdpData, Self::WebSocket];

    /// The variable of its pin.
    pub const fn variable(self) -> Id {
        match self {
            Self::TcpConnected => id("tcp.server.connected_gpio"),
            Self::TcpData => id("tcp.server.data_gpio"),
            Self::UdpData => id("udp.server.data_gpio"),
            Self::WebSocket => id("http.server.notify_gpio"),
        }
    }

    /// Whether its pin changes as soon as the variable does; else when an interface comes up.
    pub const fn moves_at_once(self) -> bool {
        matches!(self, Self::WebSocket)
    }

    /// Whether the condition holds.
    pub fn is_so(self, streams: &Streams) -> bool {
        let mut handles = streams.handles();
        handles.any(|handle| {
            let waits = || streams.waiting(handle).is_ok_and(|bytes| bytes > 0);
            match (self, streams.kind(handle)) {
                (Self::TcpConnected, Ok(Kind::Tcps | Kind::Tlss)) | (Self::WebSocket, Ok(Kind::Webs)) => {
                    streams.is_peer_there(handle)
                }
                (Self::TcpData, Ok(Kind::Tcps | Kind::Tlss)) | (Self::UdpData, Ok(Kind::Udps)) => waits(),
                _ => false,
            }
        })
    }
}

/// One event and its pin.
pub(super) struct Sign {
    pub event: Event,
    pub output: Output,
    /// The pin that the variable named at the last look.
    pub wanted: Cell<Option<u8>>,
    /// How often an interface had come up then; `None` before the first time.
    pub seen: Cell<Option<u32>>,
}

impl Sign {
    /// A sign without a pin yet.
    pub fn new(event: Event) -> Self {
        Self { event, output: Output::default(), wanted: Cell::new(None), seen: Cell::new(None) }
    }
}
