//! The data of a `POST /command` that are longer than the connection's buffer: they stream into the command while they
//! arrive.
//!
//! The text lies in the buffer behind its opening quote. It is decoded in place: decoded bytes first, behind them those
//! not yet decoded. The last byte is held back until the whole object was received and is valid JSON, so that a command
//! gets all its data only then.

use core::task::{Context, Poll};

use super::body::{self, Incoming};
use super::failure::Failure;
use super::patience::{self, Patience};
use super::seats::Seat;
use crate::command::DataSource;
use crate::port::{Event, Port, PortError, Socket};
use crate::wire::http::body::Body;
use crate::wire::http::status::Status;
use crate::wire::json::{BEGIN, Place, Text, is_end};

/// How much of the object was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// More of it is to come.
    Coming,
    /// All of it was received, and it is valid.
    Whole,
    /// It is not valid, or does not arrive.
    Failed(Failure),
}

/// The data, and the connection that delivers more of them.
pub(super) struct Streamed<'a> {
    port: &'static dyn Port,
    socket: Socket,
    seat: &'a Seat,
    /// Begins with the first byte of the text.
    buffer: &'a mut [u8],
    /// Bytes in use in the buffer.
    end: usize,
    body: Body,
    text: Text,
    place: Place,
    patience: Patience,
    /// Bytes received since `patience` began.
    since: usize,
    state: State,
}

impl Drop for Streamed<'_> {
    fn drop(&mut self) {
        self.seat.rest();
    }
}

impl<'a> Streamed<'a> {
    /// The data whose text begins with the first `end` bytes of `buffer`; `incoming` is the body of which it is a part.
    pub fn new(
        (port, socket, seat): (&'static dyn Port, Socket, &'a Seat),
        (buffer, end): (&'a mut [u8], usize),
        incoming: Incoming,
        is_base64: bool,
    ) -> Self {
        Self {
            port,
            socket,
            seat,
            buffer,
            end,
            body: incoming.into_body(),
            text: Text::new(is_base64),
            place: Place { written: 0, read: 0, ended: false },
            patience: Patience::begin(&patience::BODY),
            since: 0,
            state: State::Coming,
        }
    }

    /// Whether the whole object has been read; the failure if the request has failed.
    pub fn end(&self) -> Result<bool, Failure> {
        match self.state {
            State::Coming => Ok(false),
            State::Whole => Ok(true),
            State::Failed(failure) => Err(failure),
        }
    }

    /// Bytes that the command may have.
    fn available(&self) -> usize {
        match self.state {
            State::Coming => self.place.written.saturating_sub(1),
            State::Whole => self.place.written,
            State::Failed(_) => 0,
        }
    }

    /// Decodes the bytes received. False when more bytes are needed first.
    fn advance(&mut self) -> Result<bool, Failure> {
        if !self.place.ended {
            let before = self.place;
            let decoded = self.text.decode(self.buffer, before, self.end);
            self.place = decoded.map_err(|_| Status::BAD_REQUEST)?;
            return Ok(self.place != before);
        }
        if !self.body.is_done() {
            return Ok(false);
        }
        // The end of the object, behind room for the text that makes it a complete object again.
        let begin = self.place.written + BEGIN;
        let end = begin + self.end - self.place.read;
        if end > self.buffer.len() {
            return Err(Status::CONTENT_TOO_LARGE.into());
        }
        self.buffer.copy_within(self.place.read..self.end, begin);
        if !is_end(self.buffer.get_mut(self.place.written..end).unwrap_or_default()) {
            return Err(Status::BAD_REQUEST.into());
        }
        self.state = State::Whole;
        Ok(true)
    }

    /// Receives more.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        if self.body.is_done() {
            return Poll::Ready(Err(Status::BAD_REQUEST.into()));
        }
        if self.end == self.buffer.len() {
            let begin = self.place.written + self.text.pending();
            self.buffer.copy_within(self.place.read..self.end, begin);
            self.end -= self.place.read - begin;
            self.place.read = begin;
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        if room.is_empty() {
            return Poll::Ready(Err(Status::CONTENT_TOO_LARGE.into()));
        }
        match self.port.sockets().receive(self.socket, room) {
            Ok(0) => Poll::Ready(Err(Status::BAD_REQUEST.into())),
            Ok(count) => {
                self.seat.rest();
                Poll::Ready(self.received(count))
            }
            Err(PortError::WouldBlock) => {
                self.port.wake_when(Event::Readable(self.socket), context.waker());
                self.patience.poll_end(self.seat, context).map(|()| Err(Status::REQUEST_TIMEOUT.into()))
            }
            Err(_) => Poll::Ready(Err(Failure::Gone)),
        }
    }

    /// Removes the framing from the bytes received.
    fn received(&mut self, count: usize) -> Result<(), Failure> {
        let before = self.end;
        let decoded = body::decode(&mut self.body, self.buffer, before, before + count);
        (self.end, _) = decoded.map_err(|_| Status::BAD_REQUEST)?;
        self.since += self.end - before;
        if self.since >= patience::PROGRESS {
            (self.patience, self.since) = (Patience::begin(&patience::BODY), 0);
        }
        Ok(())
    }

    /// Decodes and receives until there are bytes for the command, or no more bytes follow.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        while self.available() == 0 && self.state == State::Coming {
            if !self.advance()? {
                core::task::ready!(self.poll_receive(context))?;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl DataSource for Streamed<'_> {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<&[u8]> {
        if let Err(failure) = core::task::ready!(self.poll_more(context)) {
            self.state = State::Failed(failure);
        }
        let available = self.available();
        Poll::Ready(self.buffer.get(..available).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.place.written);
        self.buffer.copy_within(count..self.place.written, 0);
        self.place.written -= count;
    }
}
