//! One connection to a server and its buffer: sends a head and the pieces of a body, then receives a head and the
//! pieces of a body.

use core::ops::Range;

use embassy_time::{Duration, with_timeout};

use super::failure::Failure;
use super::pace::Pace;
use super::request::{MAX_HEAD, Method};
use super::rooms::Rooms;
use super::transaction::Transaction;
use super::transport::{Moved, Transport};
use crate::limits;
use crate::log::Level;
use crate::port::PortError;
use crate::wire::http::body::Body;
use crate::wire::http::response::{self, Head};
use crate::wire::http::version;
use crate::wire::url::Url;

/// How long a server may take to answer.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// How long a server may neither take nor send a byte.
pub(super) const SILENCE: Duration = Duration::from_secs(30);
/// Maximum number of interim heads before the final one.
const INTERIM_HEADS: u8 = 8;

const _: () = assert!(limits::HTTP_CLIENT_BUFFER >= MAX_HEAD, "a request's head is written into the buffer");

/// The result of sending a part of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// All of it was sent.
    All,
    /// The server takes no more: it has answered already, or is gone.
    Refused,
}

/// A connection and its buffer.
pub(super) struct Link<'a> {
    pub transport: Transport,
    buffer: &'a mut [u8],
    /// Bytes of the buffer that may be used for the head of the answer.
    room: usize,
    /// Bytes received and not used yet.
    received: Range<usize>,
    /// Where the head of the answer is, until a piece of the body is received.
    head: Range<usize>,
    /// Interim heads received so far.
    interim: u8,
    /// How fast the connection must be, when a command waits for the whole transfer.
    pace: Option<Pace>,
}

impl<'a> Link<'a> {
    /// Connects to the server of the order's request. Logs what the original logs.
    pub async fn open(rooms: &Rooms, order: &Transaction, buffer: &'a mut [u8]) -> Result<Self, Failure> {
        {
            let request = order.request.borrow();
            let (method, Url { target, .. }) = (request.method.name(), &request.url);
            rooms.base.log.line(Level::Progress, format_args!("Request {method} {target}"));
        }
        let transport = Transport::connect(rooms, order.request).await?;
        order.local_port.set(transport.local_port());
        let room = buffer.len();
        Ok(Self { transport, buffer, room, received: 0..0, head: 0..0, interim: 0, pace: None })
    }

    /// Sends the head of the order's request; `queued` bytes of body are known to follow.
    pub async fn send_head(&mut self, order: &Transaction, queued: usize) -> Result<(), Failure> {
        let written = order.request.borrow().write_head(queued, self.buffer);
        let length = written.map_err(|_| Failure::TooLarge)?;
        let mut data = self.buffer.get(..length).unwrap_or_default();
        while !data.is_empty() {
            let sent = with_timeout(SILENCE, self.transport.send(data)).await.map_err(|_| Failure::TimedOut)?;
            data = data.get(sent.map_err(failure)?..).unwrap_or_default();
        }
        Ok(())
    }

    /// Room for a part of a body to send.
    pub fn outgoing(&mut self) -> &mut [u8] {
        self.halves().2
    }

    /// The connection, room for bytes to receive, room for bytes to send.
    pub fn halves(&mut self) -> (&Transport, &mut [u8], &mut [u8]) {
        let half = self.buffer.len() / 2;
        let (incoming, outgoing) = self.buffer.split_at_mut(half);
        (&self.transport, incoming, outgoing)
    }

    /// Keeps the answer out of the half of the buffer for bytes to send: the bytes received after its head stay in
    /// place while others use that half.
    pub fn keep_apart(&mut self) {
        self.room = self.buffer.len() / 2;
    }

    /// From now on bytes must move at the rate of a transfer.
    pub fn keep_pace(&mut self) {
        self.pace = Some(Pace::new());
    }

    /// Sends a part of the bytes in [`Link::outgoing`]. Keeps an answer that comes meanwhile; interim heads (100, 102,
    /// 103) do not end the body.
    pub async fn send_outgoing(&mut self, part: Range<usize>, method: Method) -> Result<Sent, Failure> {
        let Range { mut start, end } = part;
        while start < end {
            let received = self.received.clone();
            let patience = self.pace.as_ref().map_or(SILENCE, Pace::left);
            let (transport, incoming, outgoing) = self.halves();
            let data = outgoing.get(start..end).unwrap_or_default();
            let room = incoming.get_mut(received.end..).unwrap_or_default();
            match with_timeout(patience, transport.send_or_receive(data, room)).await {
                Ok(Ok(Moved::Sent(count))) => {
                    start += count;
                    self.moved(count)?;
                }
                Ok(Ok(Moved::Received(count))) => {
                    self.received.end += count;
                    if count == 0 || self.next_head(method) != Ok(None) {
                        return Ok(Sent::Refused);
                    }
                }
                // Bytes that the server sent before it closed can still be received.
                Ok(Err(_)) => return Ok(Sent::Refused),
                Err(_) => self.late()?,
            }
        }
        Ok(Sent::All)
    }

    fn moved(&mut self, count: usize) -> Result<(), Failure> {
        self.pace.as_mut().map_or(Ok(()), |pace| pace.moved(count))
    }

    /// Nothing has moved for the allowed time.
    fn late(&mut self) -> Result<(), Failure> {
        self.pace.as_mut().ok_or(Failure::TimedOut)?.moved(0)
    }

    /// Receives the head of the answer, and logs it.
    pub async fn answer(&mut self, rooms: &Rooms, method: Method) -> Result<Head, Failure> {
        let head = with_timeout(HEAD_TIME, self.receive_head(method)).await.map_err(|_| Failure::TimedOut)??;
        rooms.base.log.line(Level::Progress, format_args!("HTTP response: {}", head.status));
        if head.chunked {
            rooms.base.log.line(Level::Progress, format_args!("Chunked response"));
        }
        Ok(head)
    }

    async fn receive_head(&mut self, method: Method) -> Result<Head, Failure> {
        loop {
            if let Some(head) = self.next_head(method)? {
                let start = self.received.start;
                self.received.start += head.length;
                self.head = start..self.received.start;
                response::unfold(self.buffer.get_mut(self.head.clone()).unwrap_or_default());
                return Ok(head);
            }
            let room = self.buffer.get_mut(self.received.end..self.room).unwrap_or_default();
            if room.is_empty() {
                return Err(Failure::HeadTooLong);
            }
            match self.transport.receive(room).await.map_err(failure)? {
                0 => return Err(Failure::Closed),
                count => self.received.end += count,
            }
        }
    }

    /// The head of the answer if all of it has been received; it stays in place. Interim heads are discarded.
    fn next_head(&mut self, method: Method) -> Result<Option<Head>, Failure> {
        loop {
            version::serve_as_1_1(self.buffer.get_mut(self.received.clone()).unwrap_or_default());
            let received = self.bytes(self.received.clone());
            let head = Head::parse(received, method == Method::Head).map_err(|_| Failure::Malformed)?;
            let Some(head) = head else { break };
            if !head.is_interim() {
                return Ok(Some(head));
            }
            self.received.start += head.length;
            self.interim += 1;
            if self.interim > INTERIM_HEADS {
                return Err(Failure::Malformed);
            }
        }
        self.make_room();
        Ok(None)
    }

    /// Moves the received bytes to the front of the buffer.
    fn make_room(&mut self) {
        self.buffer.copy_within(self.received.clone(), 0);
        self.received = 0..self.received.len();
    }

    /// The redirection target of the answer, relative to `here`; `None` when the answer names none.
    pub fn location(&self, here: &Url) -> Result<Option<Url>, Failure> {
        let location = response::location(self.head());
        location.map(|location| here.join(location).map_err(|_| Failure::Malformed)).transpose()
    }

    /// The next piece of the body, to be read with [`Link::bytes`]; `None` at the end of the body. The server may be
    /// silent for `patience`.
    pub async fn piece(&mut self, body: &mut Body, patience: Duration) -> Result<Option<Range<usize>>, Failure> {
        loop {
            let start = self.received.start;
            let piece = body.take(self.bytes(self.received.clone())).map_err(|_| Failure::Malformed)?;
            self.received.start += piece.consumed;
            if !piece.content.is_empty() {
                return Ok(Some(start + piece.content.start..start + piece.content.end));
            }
            if body.is_done() {
                return Ok(None);
            }
            self.head = 0..0;
            let patience = self.pace.as_ref().map_or(patience, Pace::left);
            match with_timeout(patience, self.transport.receive(self.buffer)).await {
                Ok(Ok(0)) if body.is_whole_at_end() => return Ok(None),
                Ok(Ok(0) | Err(_)) => return Err(Failure::Incomplete),
                Ok(Ok(count)) => {
                    self.received = 0..count;
                    self.moved(count)?;
                }
                Err(_) => self.late()?,
            }
        }
    }

    /// The head of the answer.
    pub fn head(&self) -> &[u8] {
        self.bytes(self.head.clone())
    }

    /// Moves the bytes received after the head to the front of the receiving half; answers how many.
    pub fn rest_in_front(&mut self) -> usize {
        self.make_room();
        self.rest().len()
    }

    /// A part of the received bytes.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// The bytes received after the head.
    pub fn rest(&mut self) -> Range<usize> {
        let end = self.received.end;
        core::mem::replace(&mut self.received, end..end)
    }
}

fn failure(error: PortError) -> Failure {
    match error {
        PortError::TimedOut => Failure::TimedOut,
        _ => Failure::Closed,
    }
}
