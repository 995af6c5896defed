//! An open WebSocket that moves from its worker to a task of its own.

use crate::access::token::Ticket;
use crate::port::Socket;
use crate::stream::FarSide;

/// A WebSocket for a task to serve.
pub(super) struct Session {
    pub socket: Socket,
    pub far: FarSide,
    /// `HttpServer::stops` at the beginning.
    pub stops: u32,
    /// The token with which it was opened, if one was needed.
    pub ticket: Option<Ticket>,
}
