//! `/stream` as a WebSocket: a stream of the kind WEBS (http-and-files reference 3.2).
//!
//! Data of the client goes into the stream, frame boundaries are not kept; each `stream_write` goes out as one binary
//! message. Nothing is read from the client while the stream is full, nothing is taken from the stream while the client
//! does not read.

use core::cell::{Cell, RefCell};
use core::fmt::{self, Write};
use core::future::pending;
use core::pin::pin;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, with_timeout};
use heapless::String;
use sha1_smol::Sha1;

use super::connection::{discard, send};
use super::exchange::Exchange;
use super::failure::Failure;
use super::far_side::FarSide;
use super::respond::Pen;
use super::session::Session;
use super::state::HttpServer;
use super::{bearer, origin};
use crate::base::Base;
use crate::limits;
use crate::port::{self, Event, Interface, Port};
use crate::stream::{Ends, Kind};
use crate::wire::http::status::Status;
use crate::wire::websocket::{self as wire, Payload, Reader, Step, code};

/// How long the two sides may take to say good-bye.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// How long a ping waits for the pong before it to be on its way; then that pong is left out, so that a client that does
/// not read can still send.
const PONG_TIME: Duration = Duration::from_secs(1);

/// What the server proves with its answer that it has read the key (RFC 6455, section 1.3).
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A length of the key: 16 bytes in base64.
const KEY: usize = 24;

/// Opens a WebSocket and its stream.
pub(super) async fn open(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
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
    let server = connection.server;
    let local = connection.local();
    origin::check(connection, request)?;
    let ticket = bearer::ticket(connection, request, *access);
    if server.sessions.idle() == 0 {
        return Err(Status::UNAVAILABLE.into());
    }
    let reservation = server.streams().reserve_on(Kind::Webs, connection.interface).map_err(|_| Status::UNAVAILABLE)?;
    let mut pen = Pen::new(connection.buffer);
    server.counters().answered(Status::SWITCHING);
    switch(&mut pen, &accept).map_err(|_| Failure::Gone)?;
    let length = pen.length();
    connection.send(length).await?;
    // The owner may have closed it while the answer was sent.
    let ends = Ends::Server { local, remote: connection.remote };
    let handle = reservation.room(ends).ok_or(Failure::Gone)?;
    let far = FarSide::of(server.streams(), handle).map_err(|_| Failure::Gone)?;
    let session = Session { socket: connection.socket, far, stops: server.stops.get(), ticket };
    match server.sessions.give(session) {
        Ok(()) => connection.handed_on = true,
        Err(session) => {
            session.far.abort();
            return Err(Failure::Gone);
        }
    }
    Ok(())
}

/// The value of `Sec-WebSocket-Accept` for a key; `None` when it is not 16 bytes in base64.
fn accept(key: &[u8]) -> Option<String<28>> {
    let mut nonce = [0; KEY / 4 * 3];
    if key.len() != KEY || STANDARD.decode_slice(key, &mut nonce) != Ok(16) {
        return None;
    }
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(MAGIC);
    let mut text = [0; 28];
    let length = STANDARD.encode_slice(hash.digest().bytes(), &mut text).ok()?;
    let text = core::str::from_utf8(text.get(..length)?).ok()?;
    String::try_from(text).ok()
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

/// What one half of a session wants the other to send between its messages.
struct Outbox {
    /// The payload of a ping that has not been answered.
    pong: RefCell<Option<Payload>>,
    close: Cell<Option<Option<u16>>>,
    changed: Signal<NoopRawMutex, ()>,
    pong_taken: Signal<NoopRawMutex, ()>,
    /// A close frame has been sent: nothing may follow it.
    ended: Cell<bool>,
}

impl Outbox {
    fn new() -> Self {
        Self {
            pong: RefCell::new(None),
            close: Cell::new(None),
            changed: Signal::new(),
            pong_taken: Signal::new(),
            ended: Cell::new(false),
        }
    }

    /// Every ping is answered as long as the client reads; otherwise only the last one has to be (RFC 6455, section
    /// 5.5.3).
    async fn answer(&self, ping: Payload) {
        let is_pending = self.pong.borrow().is_some();
        if is_pending && !self.ended.get() {
            self.pong_taken.reset();
            let _ = with_timeout(PONG_TIME, self.pong_taken.wait()).await;
        }
        self.pong.replace(Some(ping));
        self.changed.signal(());
    }

    fn close(&self, code: Option<u16>) {
        self.close.set(Some(code));
        self.changed.signal(());
    }

    /// The next control frame, and whether it is the last.
    async fn next(&self) -> (wire::Control, bool) {
        loop {
            // A ping that came before the end of the conversation is answered before it.
            if let Some(ping) = self.pong.take() {
                self.pong_taken.signal(());
                return (wire::pong(&ping), false);
            }
            if let Some(code) = self.close.get() {
                return (wire::close(code), true);
            }
            self.changed.wait().await;
        }
    }
}

impl Session {
    async fn serve(&self, server: &'static HttpServer, inbound: &mut [u8], outbound: &mut [u8]) {
        let port = server.base().port;
        let _ = port.sockets().tcp_keepalive(self.socket, server.streams().keepalive());
        let outbox = Outbox::new();
        let polite = {
            let mut sending = pin!(self.send(server, outbound, &outbox));
            let mut receiving = pin!(self.until_end(server.base(), inbound, &outbox));
            match select(sending.as_mut(), receiving.as_mut()).await {
                // The owner has closed the stream: the client may answer to that.
                Either::First(Ok(())) => {
                    outbox.ended.set(true);
                    with_timeout(CLOSE_TIME, receiving).await.is_ok()
                }
                Either::Second(Some(code)) => {
                    outbox.close(code);
                    self.far.peer_gone();
                    matches!(with_timeout(CLOSE_TIME, sending).await, Ok(Ok(())))
                }
                Either::First(Err(_)) | Either::Second(None) => false,
            }
        };
        self.far.peer_gone();
        if polite && port.sockets().finish(self.socket).is_ok() {
            let _ = with_timeout(CLOSE_TIME, discard(port, self.socket, inbound, &mut false)).await;
        }
        port.sockets().close(self.socket);
    }

    /// Sends what the owner writes, and control frames between that, until a close frame has been sent.
    async fn send(&self, server: &'static HttpServer, buffer: &mut [u8], outbox: &Outbox) -> Result<(), Failure> {
        loop {
            let mut length = [0; 4];
            let first = match select3(outbox.next(), self.far.closed(), self.far.take(&mut length)).await {
                Either3::First((frame, is_last)) => {
                    self.put(server, &frame).await?;
                    if is_last {
                        return Ok(());
                    }
                    continue;
                }
                Either3::Third(Ok(count)) => count,
                Either3::Second(()) | Either3::Third(Err(_)) => {
                    let stopped = server.stops.get() != self.stops;
                    let code = if stopped { code::GOING_AWAY } else { code::NORMAL };
                    return self.put(server, &wire::close(Some(code))).await;
                }
            };
            // The length may lie across the end of the ring.
            self.fill(length.get_mut(first..).unwrap_or_default()).await?;
            self.message(server, u32::from_le_bytes(length) as usize, buffer).await?;
            self.far.sent();
        }
    }

    /// Sends one message of the owner.
    async fn message(&self, server: &'static HttpServer, length: usize, buffer: &mut [u8]) -> Result<(), Failure> {
        let (header, mut used) = wire::binary(length);
        buffer.get_mut(..used).ok_or(Failure::Gone)?.copy_from_slice(header.get(..used).unwrap_or_default());
        let mut left = length;
        loop {
            let count = left.min(buffer.len() - used);
            self.fill(buffer.get_mut(used..used + count).unwrap_or_default()).await?;
            self.put(server, buffer.get(..used + count).unwrap_or_default()).await?;
            left -= count;
            used = 0;
            if left == 0 {
                return Ok(());
            }
        }
    }

    async fn put(&self, server: &'static HttpServer, bytes: &[u8]) -> Result<(), Failure> {
        send(server.base().port, self.socket, None, bytes).await
    }

    /// Takes what the owner has certainly written: a message and its length are written in one step. When the owner has
    /// given up waiting for it to be sent, half a message cannot be ended in order.
    async fn fill(&self, mut part: &mut [u8]) -> Result<(), Failure> {
        while !part.is_empty() {
            let count = self.far.take(part).await.map_err(|_| Failure::Gone)?;
            part = part.get_mut(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Receives until the client ends the connection or its token is revoked; answers as [`Session::receive`].
    async fn until_end(&self, base: &Base, buffer: &mut [u8], outbox: &Outbox) -> Option<Option<u16>> {
        let revoked = async {
            match &self.ticket {
                Some(ticket) => ticket.revoked(base).await,
                None => pending().await,
            }
        };
        match select(self.receive(base.port, buffer, outbox), revoked).await {
            Either::First(end) => end,
            Either::Second(()) => Some(Some(code::POLICY)),
        }
    }

    /// Receives until the client closes or breaks the protocol: then what to answer. `None` when it is gone.
    async fn receive(&self, port: &'static dyn Port, buffer: &mut [u8], outbox: &Outbox) -> Option<Option<u16>> {
        let mut reader = Reader::default();
        loop {
            let event = Event::Readable(self.socket);
            let received = port::io(port, event, || port.sockets().receive(self.socket, buffer)).await;
            let count = received.ok().filter(|count| *count > 0)?;
            let mut rest = buffer.get_mut(..count).unwrap_or_default();
            while !rest.is_empty() {
                let (taken, step) = match reader.read(rest) {
                    Ok(step) => step,
                    Err(code) => return Some(Some(code)),
                };
                let (now, later) = rest.split_at_mut_checked(taken)?;
                match step {
                    Step::More => {}
                    // After the owner has closed the stream the data is for nobody.
                    Step::Data => self.far.deliver(now).await.unwrap_or_default(),
                    Step::Ping(payload) => outbox.answer(payload).await,
                    Step::Close(code) => return Some(code),
                }
                rest = later;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::accept;

    #[test]
    fn the_answer_proves_that_the_key_was_read() {
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ==").unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for key in ["", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZTEy", "dGhlIHNhbXBsZSBub25j!Q=="] {
            assert_eq!(accept(key.as_bytes()), None, "{key}");
        }
    }
}
