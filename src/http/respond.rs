//! Writing answers: status line, fields, and a body that may be longer than the buffer.

use core::fmt::{self, Write};

use super::connection::{Connection, Failure};
use super::server::HttpServer;

/// The status of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status(pub u16);

impl Status {
    pub const SWITCHING: Self = Self(101);
    pub const OK: Self = Self(200);
    pub const PARTIAL: Self = Self(206);
    pub const FOUND: Self = Self(302);
    pub const NOT_MODIFIED: Self = Self(304);
    pub const BAD_REQUEST: Self = Self(400);
    pub const UNAUTHORIZED: Self = Self(401);
    pub const FORBIDDEN: Self = Self(403);
    pub const NOT_FOUND: Self = Self(404);
    pub const METHOD_NOT_ALLOWED: Self = Self(405);
    pub const REQUEST_TIMEOUT: Self = Self(408);
    pub const CONTENT_TOO_LARGE: Self = Self(413);
    pub const URI_TOO_LONG: Self = Self(414);
    pub const RANGE_NOT_SATISFIABLE: Self = Self(416);
    pub const EXPECTATION_FAILED: Self = Self(417);
    pub const UPGRADE_REQUIRED: Self = Self(426);
    pub const TOO_MANY_REQUESTS: Self = Self(429);
    pub const HEAD_TOO_LARGE: Self = Self(431);
    pub const INTERNAL_ERROR: Self = Self(500);
    pub const NOT_IMPLEMENTED: Self = Self(501);
    pub const UNAVAILABLE: Self = Self(503);
    pub const GATEWAY_TIMEOUT: Self = Self(504);
    pub const VERSION_NOT_SUPPORTED: Self = Self(505);

    /// The words of RFC 9110 and RFC 6585.
    pub const fn reason(self) -> &'static str {
        match self.0 {
            101 => "Switching Protocols",
            200 => "OK",
            206 => "Partial Content",
            302 => "Found",
            304 => "Not Modified",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            413 => "Content Too Large",
            414 => "URI Too Long",
            416 => "Range Not Satisfiable",
            417 => "Expectation Failed",
            426 => "Upgrade Required",
            429 => "Too Many Requests",
            431 => "Request Header Fields Too Large",
            500 => "Internal Server Error",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
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
    pub fn answer(&mut self, server: &HttpServer, status: Status) -> fmt::Result {
        server.counters().answered(status);
        write!(self, "HTTP/1.1 {} {}\r\nConnection: close\r\n", status.0, status.reason())?;
        server.with_origin(|origin| match origin {
            "" => Ok(()),
            origin => self.field("Access-Control-Allow-Origin", origin),
        })
    }

    /// Adds a field.
    pub fn field(&mut self, name: &str, value: impl fmt::Display) -> fmt::Result {
        write!(self, "{name}: {value}\r\n")
    }

    /// Ends the head of an answer without a body.
    pub fn end(&mut self) -> fmt::Result {
        self.write_str("\r\n")
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

/// A field that belongs to one kind of answer.
pub(super) type Extra<'a> = Option<(&'static str, &'a dyn fmt::Display)>;
/// Writes the head of an answer that must not be kept, with a body of `length` bytes, into the connection's buffer.
pub(super) fn fresh(connection: &mut Connection<'_>, kind: &str, length: usize) -> Result<usize, Failure> {
    let mut pen = Pen::new(connection.buffer);
    let begun = pen.answer(connection.server, Status::OK).and_then(|()| pen.field("Cache-Control", "no-store"));
    begun.and_then(|()| pen.body(kind, length)).map_err(|_| Failure::Gone)?;
    Ok(pen.length())
}

/// Sends an answer without a body of its own: the status in words.
pub(super) async fn status_only(
    connection: &mut Connection<'_>,
    status: Status,
    extra: Extra<'_>,
) -> Result<(), Failure> {
    let mut pen = Pen::new(connection.buffer);
    let begun = pen.answer(connection.server, status);
    begun.and_then(|()| words(&mut pen, status, extra, connection.head_only)).map_err(|_| Failure::Gone)?;
    let length = pen.length();
    connection.send(length).await
}

/// The rest of such an answer behind the status line.
fn words(pen: &mut Pen<'_>, status: Status, extra: Extra<'_>, head_only: bool) -> fmt::Result {
    if let Some((name, value)) = extra {
        pen.field(name, value)?;
    }
    let reason = status.reason();
    pen.body("text/plain", 4 + reason.len() + 2)?;
    if head_only { Ok(()) } else { write!(pen, "{} {reason}\r\n", status.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_it_is_and_how_long_that_is() {
        let mut buffer = [0; 256];
        let mut pen = Pen::new(&mut buffer);
        words(&mut pen, Status::METHOD_NOT_ALLOWED, Some(("Allow", &"GET, POST")), false).unwrap();
        let length = pen.length();
        assert_eq!(
            core::str::from_utf8(&buffer[..length]).unwrap(),
            "Allow: GET, POST\r\nContent-Type: text/plain\r\nContent-Length: 24\r\n\r\n405 Method Not Allowed\r\n"
        );
    }

    #[test]
    fn a_head_that_does_not_fit_is_an_error() {
        assert!(words(&mut Pen::new(&mut [0; 60]), Status::NOT_FOUND, None, false).is_err());
    }
}
