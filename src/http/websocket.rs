//! WebSockets. `/structured` speaks the structured protocol (`docs/structured-protocol.md`), `/stream` is a stream of
//! the kind WEBS (interface, http 3.2).

use core::fmt::{self, Write};
use core::future::pending;
use core::pin::pin;

use embassy_time::with_timeout;
use heapless::String;

use super::connection::{Connection, discard};
use super::exchange::Exchange;
use super::failure::Failure;
use super::respond::Pen;
use super::session::Session;
use super::state::HttpServer;
use super::{bearer, origin};
use crate::access::token::Ticket;
use crate::base::Base;
use crate::limits;
use crate::port::Interface;
use crate::stream::{Ends, FarSide, Kind};
use crate::websocket::{self, CLOSE_TIME, End, Outbox, Side};
use crate::wire::http::status::Status;
use crate::wire::websocket::code;
use crate::wire::websocket::handshake::accept;

/// A client that may open a WebSocket.
struct Guest {
    accept: String<28>,
    ticket: Option<Ticket>,
}

/// Opens a WebSocket and its stream.
pub(super) async fn open(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let guest = look_at(exchange)?;
    let connection = &mut *exchange.connection;
    let (streams, interface) = (connection.server.streams(), connection.interface);
    let taken = || streams.handles().any(|handle| streams.kind(handle) == Ok(Kind::Webs));
    // In stream mode there is one host for one client.
    if connection.server.base().status.is_bridged() && taken() {
        return Err(Status::UNAVAILABLE.into());
    }
    let reservation = streams.reserve_on(Kind::Webs, interface).map_err(|_| Status::UNAVAILABLE)?;
    let ends = Ends::Server { local: connection.local(), remote: connection.remote };
    welcome(connection, &guest).await?;
    // The owner may have closed the stream while the answer was sent.
    let handle = reservation.room(ends).ok_or(Failure::Gone)?;
    let far = FarSide::of(streams, handle).map_err(|_| Failure::Gone)?;
    hand_on(connection, far, guest)
}

/// Opens a WebSocket that speaks the structured protocol; there is one at a time.
pub(super) async fn structured(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let guest = look_at(exchange)?;
    let connection = &mut *exchange.connection;
    let far = FarSide::through(connection.server.pipe, connection.interface).map_err(|_| Status::UNAVAILABLE)?;
    if let Err(failure) = welcome(connection, &guest).await {
        far.abort();
        return Err(failure);
    }
    hand_on(connection, far, guest)
}

/// Checks that the client may open a WebSocket and that a task is free for it.
fn look_at(exchange: &mut Exchange<'_, '_>) -> Result<Guest, Failure> {
    let Exchange { connection, request, access, .. } = exchange;
    let fields = &request.fields;
    if !fields.upgrade.is_websocket() || !fields.websocket_13 || !request.is_1_1 {
        return Err(Failure::Upgrade);
    }
    let key = fields.websocket_key.ok_or(Status::BAD_REQUEST)?;
    let accept = accept(key.of(connection.buffer)).ok_or(Status::BAD_REQUEST)?;
    if connection.unread {
        // A client must not send anything else before it has the answer (RFC 6455, section 4.1).
        return Err(Status::BAD_REQUEST.into());
    }
    origin::check(connection, request)?;
    let ticket = bearer::ticket(connection, request, *access);
    if connection.server.sessions.idle() == 0 {
        return Err(Status::UNAVAILABLE.into());
    }
    Ok(Guest { accept, ticket })
}

/// Switches the protocol.
async fn welcome(connection: &mut Connection<'_>, guest: &Guest) -> Result<(), Failure> {
    let mut pen = Pen::new(connection.buffer);
    connection.server.counters().answered(Status::SWITCHING);
    switch(&mut pen, &guest.accept).map_err(|_| Failure::Gone)?;
    let length = pen.length();
    connection.send(length).await
}

/// Gives the connection to a task of its own.
fn hand_on(connection: &mut Connection<'_>, far: FarSide, guest: Guest) -> Result<(), Failure> {
    let server = connection.server;
    let session = Session { socket: connection.socket, far, stops: server.stops.get(), ticket: guest.ticket };
    match server.sessions.give(session) {
        Ok(()) => connection.handed_on = true,
        Err(session) => {
            session.far.abort();
            return Err(Failure::Gone);
        }
    }
    Ok(())
}

fn switch(pen: &mut Pen<'_>, accept: &str) -> fmt::Result {
    write!(pen, "HTTP/1.1 {} {}\r\n", Status::SWITCHING.0, Status::SWITCHING.reason())?;
    pen.field("Upgrade", "websocket")?;
    pen.field("Connection", "Upgrade")?;
    pen.field("Sec-WebSocket-Accept", accept)?;
    pen.end()
}

/// Closes the streams of all WebSockets of an interface that goes down.
pub(super) fn stop_all(server: &HttpServer, interface: Interface) {
    let streams = server.streams();
    for handle in 0..limits::STREAMS as u8 {
        if streams.kind(handle) == Ok(Kind::Webs) && streams.interface(handle) == Ok(Some(interface)) {
            streams.abort(handle);
        }
    }
    server.pipe.interface_down(interface);
}

/// Serves one WebSocket after another, for ever: [`limits::WEBSOCKETS`] tasks, `number` from 0.
pub async fn session(server: &'static HttpServer, number: usize) {
    let mut inbound = [0; limits::CHUNK];
    let mut outbound = [0; limits::CHUNK];
    loop {
        server.sessions.rest(number);
        let session = server.sessions.work(number).await;
        session.serve(server, &mut inbound, &mut outbound).await;
    }
}

impl Session {
    async fn serve(&self, server: &'static HttpServer, inbound: &mut [u8], outbound: &mut [u8]) {
        let (base, socket) = (server.base(), self.socket);
        let sockets = base.port.sockets();
        let _ = sockets.tcp_keepalive(socket, server.streams().keepalive());
        let session = websocket::Session { base, socket, far: self.far, side: Side::Server };
        let mut revoked = pin!(self.revoked(base));
        let farewell = || if server.stops.get() == self.stops { code::NORMAL } else { code::GOING_AWAY };
        let outbox = Outbox::new();
        let polite = session.serve(&outbox, (inbound, 0), outbound, revoked.as_mut(), &farewell).await;
        if polite && sockets.finish(socket).is_ok() {
            let _ = with_timeout(CLOSE_TIME, discard(base.port, socket, inbound, &mut false)).await;
        }
        sockets.close(socket);
    }

    /// Ends when the token with which it was opened is revoked.
    async fn revoked(&self, base: &'static Base) -> End {
        match &self.ticket {
            Some(ticket) => ticket.revoked(base).await,
            None => pending().await,
        }
        End::Refused(code::POLICY)
    }
}
