//! One connection: bytes in and out, time limits, the end.

use core::future::pending;
use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Timer};

use super::failure::Failure;
use super::patience::{self, Patience};
use super::seats::Seat;
use super::state::{Accepted, HttpServer};
use crate::limits;
use crate::port::{self, Event, Interface, Port, PortError, Socket};
use crate::wire::http::request::Request;
use crate::wire::http::status::Status;
use crate::wire::http::version;

/// Unwanted bytes that are read before the server stops reading.
const UNWANTED: usize = 256 * 1024;

/// Room for the framing of a chunked body beside its content.
const SPARE: usize = 256;

/// Tells a client to go on with its request, or to go on waiting.
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How often the server checks whether a client that has finished sending is still there.
const PROBE: Duration = Duration::from_millis(50);

/// Bytes of the one buffer of a connection: a head, then a body, then pieces of an answer.
pub(super) const BUFFER: usize =
    SPARE + if limits::HTTP_HEAD > limits::HTTP_BODY { limits::HTTP_HEAD } else { limits::HTTP_BODY };

/// A connection and its buffer.
pub(super) struct Connection<'a> {
    pub server: &'static HttpServer,
    pub port: &'static dyn Port,
    pub socket: Socket,
    pub remote: SocketAddrV4,
    /// The interface over which the client has connected.
    pub interface: Interface,
    pub seat: &'static Seat,
    pub buffer: &'a mut [u8],
    /// Bytes of the buffer that have been received.
    pub received: usize,
    /// The request was HEAD: answers have no body.
    pub head_only: bool,
    /// The client has sent, or may still send, bytes that nobody reads.
    pub unread: bool,
    /// Another task serves the socket from now on.
    pub handed_on: bool,
}

impl<'a> Connection<'a> {
    /// A connection that was just accepted.
    pub fn new(server: &'static HttpServer, seat: &'static Seat, accepted: Accepted, buffer: &'a mut [u8]) -> Self {
        let Accepted { socket, remote, interface, first, .. } = accepted;
        let port = server.base().port;
        let mut received = 0;
        if let (Some(byte), Some(place)) = (first, buffer.first_mut()) {
            (*place, received) = (byte, 1);
        }
        Self {
            server,
            port,
            socket,
            remote,
            interface,
            seat,
            buffer,
            received,
            head_only: false,
            unread: false,
            handed_on: false,
        }
    }

    /// The device's own address; unspecified where the port does not know it.
    pub fn local(&self) -> SocketAddrV4 {
        self.port.sockets().local_address(self.socket).unwrap_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))
    }

    /// Receives into the free part of the buffer; zero when the client has finished sending.
    async fn receive(&mut self, patience: Patience) -> Result<usize, Failure> {
        let (port, socket) = (self.port, self.socket);
        let room = self.buffer.get_mut(self.received..).unwrap_or_default();
        let receiving = port::io(port, Event::Readable(socket), || port.sockets().receive(socket, room));
        let count = match select(receiving, patience.end(Some(self.seat))).await {
            Either::First(result) => result.map_err(|_| Failure::Gone)?,
            Either::Second(()) => return Err(Status::REQUEST_TIMEOUT.into()),
        };
        self.received += count;
        Ok(count)
    }

    /// Receives and reads the head.
    pub async fn head(&mut self) -> Result<Request, Failure> {
        // Holds until the request shows that it is otherwise.
        self.unread = true;
        let mut wait = Patience::begin(if self.received == 0 { &patience::SILENCE } else { &patience::HEAD });
        loop {
            let silent = self.received == 0;
            let count = match self.receive(wait).await {
                // A client that has sent nothing gets no answer: its next request would take that for its own.
                Err(Failure::Status(_)) if silent => return Err(Failure::Gone),
                count => count?,
            };
            if silent {
                wait = Patience::begin(&patience::HEAD);
            }
            if count == 0 {
                return Err(if self.received == 0 { Failure::Gone } else { Status::BAD_REQUEST.into() });
            }
            version::serve_as_1_1(self.buffer.get_mut(..self.received).unwrap_or_default());
            let bytes = self.buffer.get(..self.received).unwrap_or_default();
            match Request::parse(bytes)? {
                Some(request) if request.length > limits::HTTP_HEAD => return Err(too_long(bytes).into()),
                Some(request) => return Ok(request),
                None if self.received >= limits::HTTP_HEAD => return Err(too_long(bytes).into()),
                None => {}
            }
        }
    }

    /// Receives more of a body that must be complete within `patience`. A client that stops in the middle gets an error
    /// status, in case it only stopped sending.
    pub async fn more(&mut self, patience: Patience) -> Result<(), Failure> {
        match self.receive(patience.within(&patience::IDLE)).await? {
            0 => Err(Status::BAD_REQUEST.into()),
            _ => Ok(()),
        }
    }

    /// Sends the first `length` bytes of the buffer.
    pub async fn send(&mut self, length: usize) -> Result<(), Failure> {
        self.send_bytes(self.buffer.get(..length).unwrap_or_default()).await
    }

    /// Sends bytes that are not in the buffer.
    pub async fn send_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        send(self.port, self.socket, Some(self.seat), bytes).await
    }

    /// Ends when the client has gone away, see [`gone`]. Leaves the buffer untouched.
    pub async fn gone(&mut self, interim: &mut &'static [u8]) {
        gone(self.port, self.socket, self.seat, &mut self.unread, interim).await;
    }

    /// Sends the rest of an interim answer that [`gone`] has begun: no other answer may begin in the middle of it.
    pub async fn finish_interim(&self, left: &[u8]) -> Result<(), Failure> {
        if left.len() < CONTINUE.len() { self.send_bytes(left).await } else { Ok(()) }
    }

    /// Closes the connection so that the client gets everything that was sent to it.
    pub async fn close(&mut self) {
        if self.handed_on {
            return;
        }
        // A client that had to give way gets no time for that.
        if self.unread && !self.seat.is_told() && self.port.sockets().finish(self.socket).is_ok() {
            let discarding = discard(self.port, self.socket, self.buffer, &mut self.unread);
            let _ = select(discarding, Patience::begin(&patience::LINGER).end(Some(self.seat))).await;
        }
        self.port.sockets().close(self.socket);
    }
}

/// Receives and discards until the client has finished sending (true) or is gone (false); sets `any` if anything came.
/// Does not end for a client that sends without end: the kernel makes that client wait.
pub(super) async fn discard(port: &'static dyn Port, socket: Socket, scrap: &mut [u8], any: &mut bool) -> bool {
    let mut left = UNWANTED;
    while left > 0 {
        match port::io(port, Event::Readable(socket), || port.sockets().receive(socket, scrap)).await {
            Ok(0) => return true,
            Err(_) => return false,
            Ok(count) => left = left.saturating_sub(count),
        }
        *any = true;
    }
    pending().await
}

/// Ends when the client has gone away. Discards what it sends meanwhile, and notes that in `any`.
///
/// A client that has only finished sending waits for its answer (RFC 9112, section 9.6). A client that has gone looks
/// the same until it refuses bytes sent to it. So the server sends it an interim answer if it understands one:
/// `interim` is the result of [`interim`], and afterwards the unsent rest of it.
pub(super) async fn gone(
    port: &'static dyn Port,
    socket: Socket,
    seat: &Seat,
    any: &mut bool,
    interim: &mut &'static [u8],
) {
    let mut scrap = [0; 128];
    if !discard(port, socket, &mut scrap, any).await || send_rest(port, socket, Some(seat), interim).await.is_err() {
        return;
    }
    loop {
        Timer::after(PROBE).await;
        if !matches!(port.sockets().receive(socket, &mut scrap), Ok(_) | Err(PortError::WouldBlock)) {
            return;
        }
    }
}

/// The interim answer that tells a client to go on waiting; empty for a client that does not understand it.
pub(super) fn interim(understood: bool) -> &'static [u8] {
    if understood { CONTINUE } else { b"" }
}

/// The status for a head that exceeds its limit because of its target or because of its fields.
fn too_long(head: &[u8]) -> Status {
    let line = head.iter().position(|byte| *byte == b'\n').unwrap_or(head.len());
    // A request line that leaves no room for the fields is the one to blame.
    if line > limits::HTTP_HEAD / 2 { Status::URI_TOO_LONG } else { Status::HEAD_TOO_LARGE }
}

/// Sends all of `bytes`, unless the client takes them too slowly; the clock starts with the first wait.
pub(super) async fn send(
    port: &'static dyn Port,
    socket: Socket,
    seat: Option<&Seat>,
    mut bytes: &[u8],
) -> Result<(), Failure> {
    send_rest(port, socket, seat, &mut bytes).await
}

/// As [`send`]; `bytes` is always the unsent rest.
async fn send_rest(
    port: &'static dyn Port,
    socket: Socket,
    seat: Option<&Seat>,
    bytes: &mut &[u8],
) -> Result<(), Failure> {
    let limits = &patience::IDLE;
    let (mut patience, mut since) = (None, 0);
    while !bytes.is_empty() {
        let sending = port::io(port, Event::Writable(socket), || port.sockets().send(socket, bytes));
        let idle = async { patience.get_or_insert_with(|| Patience::begin(limits)).end(seat).await };
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
        *bytes = bytes.get(sent..).unwrap_or_default();
    }
    Ok(())
}
