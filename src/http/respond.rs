//! Writing answers: status line, fields, and a body that may be longer than the buffer.

use core::fmt::{self, Write};

use super::connection::Connection;
use super::failure::Failure;
use super::state::HttpServer;
use crate::wire::http::status::Status;
use crate::wire::output::{MIN_PIECE, Output};

/// Writes text into a slice. Text that does not fit is an error, so that no answer has an incomplete head.
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
        let mut code = itoa::Buffer::new();
        self.all(&["HTTP/1.1 ", code.format(status.0), " ", status.reason(), "\r\nConnection: close\r\n"])?;
        server.with_origin(|origin| match origin {
            "" => Ok(()),
            origin => self.field("Access-Control-Allow-Origin", origin),
        })
    }

    /// Adds a field.
    pub fn field(&mut self, name: &str, value: &str) -> fmt::Result {
        self.all(&[name, ": ", value, "\r\n"])
    }

    /// Adds a field whose value must be formatted.
    pub fn field_of(&mut self, name: &str, value: impl fmt::Display) -> fmt::Result {
        write!(self, "{name}: {value}\r\n")
    }

    /// Ends the head of an answer without a body.
    pub fn end(&mut self) -> fmt::Result {
        self.write_str("\r\n")
    }

    /// Ends the head of an answer with a body of `length` bytes.
    pub fn body(&mut self, kind: &str, length: usize) -> fmt::Result {
        let mut digits = itoa::Buffer::new();
        self.all(&["Content-Type: ", kind, "\r\nContent-Length: ", digits.format(length), "\r\n\r\n"])
    }

    /// Writes texts one after another, which costs a fifth of what a format string costs.
    fn all(&mut self, texts: &[&str]) -> fmt::Result {
        texts.iter().try_for_each(|text| self.write_str(text))
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

/// Sends the head that lies in the connection's buffer and the body after it, in as few pieces as fit.
pub(super) async fn send(connection: &mut Connection<'_>, head: usize, body: &mut impl Output) -> Result<(), Failure> {
    let mut used = head;
    loop {
        let (filled, more) = fill(connection, used, body);
        connection.send(filled).await?;
        if !more {
            return Ok(());
        }
        used = 0;
    }
}

/// Writes as much of a body as fits behind the `used` bytes of the connection's buffer. Answers how many bytes are then
/// in use, and whether there may be more.
pub(super) fn fill(connection: &mut Connection<'_>, mut used: usize, body: &mut impl Output) -> (usize, bool) {
    let mut more = !connection.head_only;
    while let Some(room) = connection.buffer.get_mut(used..).filter(|room| more && room.len() >= MIN_PIECE) {
        let filled = body.fill(room);
        used += filled;
        more = filled > 0;
    }
    (used, more)
}

/// Fields that belong to one kind of answer.
pub(super) type Extra<'a> = &'a [(&'static str, &'a dyn fmt::Display)];

/// Writes the head of an answer that must not be cached, with a body of `length` bytes, into the connection's buffer.
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

/// The rest of a status-only answer, behind the status line.
fn words(pen: &mut Pen<'_>, status: Status, extra: Extra<'_>, head_only: bool) -> fmt::Result {
    extra.iter().try_for_each(|(name, value)| pen.field_of(name, value))?;
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
        words(&mut pen, Status::METHOD_NOT_ALLOWED, &[("Allow", &"GET, POST")], false).unwrap();
        let length = pen.length();
        assert_eq!(
            core::str::from_utf8(&buffer[..length]).unwrap(),
            "Allow: GET, POST\r\nContent-Type: text/plain\r\nContent-Length: 24\r\n\r\n405 Method Not Allowed\r\n"
        );
    }

    #[test]
    fn a_head_that_does_not_fit_is_an_error() {
        assert!(words(&mut Pen::new(&mut [0; 60]), Status::NOT_FOUND, &[], false).is_err());
    }
}
