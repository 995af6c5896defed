//! One connection: bytes in and out, time limits, the end.

use core::future::pending;
use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_futures::select::{Either, select};

use super::failure::Failure;
use super::patience::{self, Patience};
use super::state::{Accepted, HttpServer};
use crate::limits;
use crate::port::{self, Event, Interface, Port, Socket};
use crate::wire::http::request::Request;
use crate::wire::http::status::Status;

/// Unwanted bytes that are read before the server stops reading.
const UNWANTED: usize = 256 * 1024;

/// Room for the framing of a chunked body beside its content.
const SPARE: usize = 256;

/// Bytes of the one buffer of a connection: a head, then a body, then pieces of an answer.
pub(super) const BUFFER: usize =
    SPARE + if limits::HTTP_HEAD > limits::HTTP_BODY { limits::HTTP_HEAD } else { limits::HTTP_BODY };

/// A connection and its buffer.
pub(super) struct Connection<'a> {
    pub server: &'static HttpServer,
    pub port: &'static dyn Port,
    pub socket: Socket,
    pub remote: SocketAddrV4,
    /// Over which interface the client has come.
    pub interface: Interface,
    pub buffer: &'a mut [u8],
    /// Bytes of the buffer that have been received.
    pub received: usize,
    /// The request was HEAD: answers have no body.
    pub head_only: bool,
    /// The client has sent, or may still send, what nobody reads.
    pub unread: bool,
    /// Another task serves the socket from now on.
    pub handed_on: bool,
}

impl<'a> Connection<'a> {
    /// A connection that was just accepted.
    pub fn new(server: &'static HttpServer, accepted: Accepted, buffer: &'a mut [u8]) -> Self {
        let Accepted { socket, remote, interface } = accepted;
        let port = server.base().port;
        Self {
            server,
            port,
            socket,
            remote,
            interface,
            buffer,
            received: 0,
            head_only: false,
            unread: false,
            handed_on: false,
        }
    }

    /// The device's own end; unspecified where the port cannot tell.
    pub fn local(&self) -> SocketAddrV4 {
        self.port.sockets().local_address(self.socket).unwrap_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))
    }

    /// Receives into the free part of the buffer; zero when the client has finished sending.
    async fn receive(&mut self, patience: Patience) -> Result<usize, Failure> {
        let (port, socket, server) = (self.port, self.socket, self.server);
        let room = self.buffer.get_mut(self.received..).unwrap_or_default();
        let receiving = port::io(port, Event::Readable(socket), || port.sockets().receive(socket, room));
        let count = match select(receiving, patience.end(server)).await {
            Either::First(result) => result.map_err(|_| Failure::Gone)?,
            Either::Second(()) => return Err(Status::REQUEST_TIMEOUT.into()),
        };
        self.received += count;
        Ok(count)
    }

    /// Receives and reads the head.
    pub async fn head(&mut self) -> Result<Request, Failure> {
        let patience = Patience::begin(&patience::HEAD);
        // Until it is known to be otherwise.
        self.unread = true;
        loop {
            let count = match self.receive(patience).await {
                // Who has said nothing gets no answer that its next request would take for its own.
                Err(Failure::Status(_)) if self.received == 0 => return Err(Failure::Gone),
                count => count?,
            };
            if count == 0 {
                return Err(if self.received == 0 { Failure::Gone } else { Status::BAD_REQUEST.into() });
            }
            let bytes = self.buffer.get(..self.received).unwrap_or_default();
            match Request::parse(bytes)? {
                Some(request) if request.length > limits::HTTP_HEAD => return Err(too_long(bytes).into()),
                Some(request) => return Ok(request),
                None if self.received >= limits::HTTP_HEAD => return Err(too_long(bytes).into()),
                None => {}
            }
        }
    }

    /// Receives more of a body that must be whole within `patience`. A client that stops in the middle is told, in case
    /// it only stopped sending.
    pub async fn more(&mut self, patience: Patience) -> Result<(), Failure> {
        match self.receive(Patience::begin(&patience::IDLE).within(patience)).await? {
            0 => Err(Status::BAD_REQUEST.into()),
            _ => Ok(()),
        }
    }

    /// Sends the first `length` bytes of the buffer.
    pub async fn send(&mut self, length: usize) -> Result<(), Failure> {
        let bytes = self.buffer.get(..length).unwrap_or_default();
        send(self.server, self.socket, bytes, &patience::IDLE).await
    }

    /// Sends bytes that are not in the buffer.
    pub async fn send_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        send(self.server, self.socket, bytes, &patience::IDLE).await
    }

    /// Ends when the client has gone away. What it sends meanwhile is thrown away. For use while the buffer is needed.
    pub async fn gone(&mut self) {
        let mut scrap = [0; 128];
        discard(self.port, self.socket, &mut scrap, &mut self.unread).await;
    }

    /// Closes the connection so that the client gets all that was sent to it.
    pub async fn close(mut self) {
        if self.handed_on {
            return;
        }
        if self.unread && self.port.sockets().finish(self.socket).is_ok() {
            let discarding = discard(self.port, self.socket, self.buffer, &mut self.unread);
            let _ = select(discarding, Patience::begin(&patience::LINGER).end(self.server)).await;
        }
        self.port.sockets().close(self.socket);
    }
}

/// Receives and throws away until the client has finished sending or is gone, and notes whether there was anything. It
/// does not end for a client that sends without end: the kernel makes that one wait.
pub(super) async fn discard(port: &'static dyn Port, socket: Socket, scrap: &mut [u8], any: &mut bool) {
    let mut left = UNWANTED;
    while left > 0 {
        match port::io(port, Event::Readable(socket), || port.sockets().receive(socket, scrap)).await {
            Ok(0) | Err(_) => return,
            Ok(count) => left = left.saturating_sub(count),
        }
        *any = true;
    }
    pending().await
}

/// Ends when the connection is broken. A client that has only finished sending still waits for its answer (RFC 9112,
/// section 9.6).
pub(super) async fn broken(port: &'static dyn Port, socket: Socket, any: &mut bool) {
    let (mut scrap, mut left) = ([0; 128], UNWANTED);
    while left > 0 {
        match port::io(port, Event::Readable(socket), || port.sockets().receive(socket, &mut scrap)).await {
            Ok(0) => break,
            Ok(count) => left = left.saturating_sub(count),
            Err(_) => return,
        }
        *any = true;
    }
    pending().await
}

/// A head that exceeds its limit: because of its target or because of its fields.
fn too_long(head: &[u8]) -> Status {
    let line = head.iter().position(|byte| *byte == b'\n').unwrap_or(head.len());
    // A request line that leaves no room for the fields is the one to blame.
    if line > limits::HTTP_HEAD / 2 { Status::URI_TOO_LONG } else { Status::HEAD_TOO_LARGE }
}

/// Sends all of `bytes`, unless the client takes them too slowly; the clock starts with the first wait.
pub(super) async fn send(
    server: &HttpServer,
    socket: Socket,
    mut bytes: &[u8],
    limits: &patience::Limits,
) -> Result<(), Failure> {
    let port = server.base().port;
    let (mut patience, mut since) = (None, 0);
    while !bytes.is_empty() {
        let sending = port::io(port, Event::Writable(socket), || port.sockets().send(socket, bytes));
        let idle = async { patience.get_or_insert_with(|| Patience::begin(limits)).end(server).await };
        let sent = match select(sending, idle).await {
            Either::First(Ok(sent)) => sent,
            Either::First(Err(_)) | Either::Second(()) => return Err(Failure::Gone),
        };
        since += sent;
        if since >= patience::PROGRESS {
            (patience, since) = (None, 0);
        } else if let Some(patience) = &mut patience {
            patience.go_on(limits);
        }
        bytes = bytes.get(sent..).unwrap_or_default();
    }
    Ok(())
}
