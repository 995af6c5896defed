//! The TLS session of a connection to the HTTPS server, before the request is read.

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Timer};

use super::patience::{self, Patience};
use super::seats::Seat;
use super::state::{Accepted, HttpServer};
use crate::log::Level;
use crate::port::{self, Event, OpenSocket, Port, Socket};
use crate::tls::{Refusal, ServerFiles};

/// How often to check whether the port or the client is to continue a handshake.
const LOOK: Duration = Duration::from_millis(50);
/// How long to wait for others to end their sessions when no session is free.
const PAUSE: Duration = Duration::from_millis(20);

/// Begins the session of a connection that needs one. If that fails, closes the connection and answers `None`. A slow
/// client gives way to others, as everywhere.
pub(super) async fn begin(server: &HttpServer, seat: &Seat, mut accepted: Accepted) -> Option<Accepted> {
    if !accepted.secure {
        return Some(accepted);
    }
    let port = server.base().port;
    let open = OpenSocket::new(port, accepted.socket);
    let first = match accepted.first.take() {
        Some(first) => first,
        None => first_byte(port, seat, accepted.socket).await?,
    };
    let shaking = shake_hands(server, accepted.socket, first);
    match select(shaking, client_is_late(port, seat, accepted.socket)).await {
        Either::First(Ok(())) => {
            open.hand_on();
            Some(accepted)
        }
        Either::First(Err(refusal)) => {
            // At a higher level any client could fill the log.
            server.tls().log(Level::Detail, refusal);
            None
        }
        Either::Second(()) => None,
    }
}

/// Ends when the client delays the handshake for too long. The time in which the port computes does not count.
async fn client_is_late(port: &dyn Port, seat: &Seat, socket: Socket) {
    let mut patience = Patience::begin(&patience::HANDSHAKE);
    loop {
        if port.sockets().handshake_is_computed(socket) {
            Timer::after(LOOK).await;
            patience = Patience::begin(&patience::HANDSHAKE);
        } else if let Either::First(()) = select(patience.end(Some(seat)), Timer::after(LOOK)).await {
            return;
        }
    }
}

/// The first byte of the client. Until the client has sent something, it costs no session.
async fn first_byte(port: &dyn Port, seat: &Seat, socket: Socket) -> Option<u8> {
    let mut first = [0];
    let receiving = port::io(port, Event::Readable(socket), || port.sockets().receive(socket, &mut first));
    match select(receiving, Patience::begin(&patience::SILENCE).end(Some(seat))).await {
        Either::First(Ok(1)) => Some(first[0]),
        _ => None,
    }
}

/// Runs the handshake once a session is free; a client with several connections at once may hold the sessions itself.
async fn shake_hands(server: &HttpServer, socket: Socket, first: u8) -> Result<(), Refusal> {
    loop {
        match server.tls().server(socket, Some(first), ServerFiles::Http).await {
            Err(refusal) if refusal.is_for_a_session() => Timer::after(PAUSE).await,
            other => return other,
        }
    }
}
