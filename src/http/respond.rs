//! Writing answers: status line, fields, and a body that may be longer than the buffer.

use core::fmt::{self, Write};

use super::connection::{Connection, Failure};

/// The status of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status(pub u16);

impl Status {
    pub const OK: Self = Self(200);
    pub const BAD_REQUEST: Self = Self(400);
    pub const NOT_FOUND: Self = Self(404);
    pub const REQUEST_TIMEOUT: Self = Self(408);
    pub const CONTENT_TOO_LARGE: Self = Self(413);
    pub const URI_TOO_LONG: Self = Self(414);
    pub const EXPECTATION_FAILED: Self = Self(417);
    pub const HEAD_TOO_LARGE: Self = Self(431);
    pub const NOT_IMPLEMENTED: Self = Self(501);
    pub const UNAVAILABLE: Self = Self(503);
    pub const VERSION_NOT_SUPPORTED: Self = Self(505);
    pub const METHOD_NOT_ALLOWED: Self = Self(405);

    /// The words of RFC 9110.
    pub const fn reason(self) -> &'static str {
        match self.0 {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            413 => "Content Too Large",
            414 => "URI Too Long",
            417 => "Expectation Failed",
            431 => "Request Header Fields Too Large",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            505 => "HTTP Version Not Supported",
            _ => "Error",
        }
    }
}

/// Writes text into a slice. What does not fit is an error, so that no answer goes out with half a head.
pub(super) struct Pen<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl<'a> Pen<'a> {
    /// Writes from the start of `buffer`.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// Bytes written.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Begins an answer: the status line and the fields that all answers have.
    pub fn status(&mut self, status: Status) -> fmt::Result {
        write!(self, "HTTP/1.1 {} {}\r\nConnection: close\r\n", status.0, status.reason())
    }

    /// Adds a field.
    pub fn field(&mut self, name: &str, value: impl fmt::Display) -> fmt::Result {
        write!(self, "{name}: {value}\r\n")
    }

    /// Ends the head of an answer with a body of `length` bytes.
    pub fn body(&mut self, kind: &str, length: usize) -> fmt::Result {
        write!(self, "Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n")
    }
}

impl Write for Pen<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.buffer.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// A body that is produced piece by piece.
pub(super) trait Body {
    /// Writes the next bytes; zero at the end. `out` is never short of what one step needs ([`MIN_PIECE`]).
    fn fill(&mut self, out: &mut [u8]) -> usize;
}

/// The smallest room that [`Body::fill`] is given.
pub(super) const MIN_PIECE: usize = 16;

/// Sends the head that lies in the connection's buffer and the body after it, in as few pieces as fit.
pub(super) async fn send(connection: &mut Connection<'_>, head: usize, body: &mut impl Body) -> Result<(), Failure> {
    let mut used = head;
    let mut more = !connection.head_only;
    loop {
        while let Some(room) = connection.buffer.get_mut(used..).filter(|room| more && room.len() >= MIN_PIECE) {
            let filled = body.fill(room);
            used += filled;
            more = filled > 0;
        }
        connection.send(used).await?;
        if !more {
            return Ok(());
        }
        used = 0;
    }
}

/// Writes the head of an answer that must not be kept, with a body of `length` bytes, into the connection's buffer.
pub(super) fn fresh(connection: &mut Connection<'_>, kind: &str, length: usize) -> Result<usize, Failure> {
    let mut pen = Pen::new(connection.buffer);
    let written = pen.status(Status::OK).and_then(|()| pen.field("Cache-Control", "no-store"));
    written.and_then(|()| pen.body(kind, length)).map_err(|_| Failure::Gone)?;
    Ok(pen.length())
}

/// Sends an answer without a body of its own: the status in words.
pub(super) async fn status_only(connection: &mut Connection<'_>, status: Status, allow: &str) -> Result<(), Failure> {
    let length = status_answer(connection.buffer, status, allow, connection.head_only).map_err(|_| Failure::Gone)?;
    connection.send(length).await
}

fn status_answer(buffer: &mut [u8], status: Status, allow: &str, head_only: bool) -> Result<usize, fmt::Error> {
    let mut pen = Pen::new(buffer);
    pen.status(status)?;
    if !allow.is_empty() {
        pen.field("Allow", allow)?;
    }
    let reason = status.reason();
    pen.body("text/plain", 4 + reason.len() + 2)?;
    if !head_only {
        write!(pen, "{} {reason}\r\n", status.0)?;
    }
    Ok(pen.length())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_that_the_connection_ends_and_how_long_it_is() {
        let mut buffer = [0; 256];
        let length = status_answer(&mut buffer, Status::METHOD_NOT_ALLOWED, "GET, POST", false).unwrap();
        assert_eq!(
            core::str::from_utf8(&buffer[..length]).unwrap(),
            "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET, POST\r\nContent-Type: text/plain\r\n\
             Content-Length: 24\r\n\r\n405 Method Not Allowed\r\n"
        );
    }

    #[test]
    fn a_head_that_does_not_fit_is_an_error() {
        assert!(status_answer(&mut [0; 60], Status::NOT_FOUND, "", false).is_err());
    }
}
