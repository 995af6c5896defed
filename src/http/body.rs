//! The body of a request, brought to the front of the connection's buffer.

use super::connection::{CONTINUE, Connection};
use super::failure::Failure;
use super::patience::{self, Patience};
use crate::limits;
use crate::wire::http::body::{Body, Malformed};
use crate::wire::http::request::{Framing, Request};
use crate::wire::http::status::Status;

/// How much of a body was received.
pub(super) enum Received {
    /// All of it: its length in bytes.
    Whole(usize),
    /// As much as the buffer holds.
    Begun(Incoming),
}

/// Receives the whole body, or as much as fits. Afterwards the buffer begins with the body; the head is gone.
pub(super) async fn read(connection: &mut Connection<'_>, request: &Request) -> Result<Received, Failure> {
    let mut incoming = Incoming::begin(connection, request).await?;
    loop {
        if incoming.is_whole() {
            return Ok(Received::Whole(incoming.decoded));
        }
        if incoming.decoded >= limits::HTTP_BODY {
            return Ok(Received::Begun(incoming));
        }
        incoming.more(connection).await?;
    }
}

/// Whether the whole body came together with the head.
pub(super) fn has_come(connection: &Connection<'_>, request: &Request) -> bool {
    let came = connection.buffer.get(request.length..connection.received).unwrap_or_default();
    match request.framing {
        Framing::Length(length) => came.len() >= length,
        Framing::Chunked => came.ends_with(b"0\r\n\r\n"),
    }
}

/// A partly received body: the decoded bytes are at the front of the buffer, those not yet decoded follow.
pub(super) struct Incoming {
    body: Body,
    /// Bytes of content at the front of the buffer.
    decoded: usize,
    patience: Patience,
    /// Bytes of content received since `patience` began.
    since: usize,
}

impl Incoming {
    /// Moves the received part of the body to the front of the buffer, and lets the client send the rest.
    pub async fn begin(connection: &mut Connection<'_>, request: &Request) -> Result<Self, Failure> {
        connection.buffer.copy_within(request.length..connection.received, 0);
        connection.received -= request.length;
        if request.expects_continue && connection.received == 0 && request.framing != Framing::Length(0) {
            connection.send_bytes(CONTINUE).await?;
        }
        let body = match request.framing {
            Framing::Length(length) => Body::with_length(length as u64),
            Framing::Chunked => Body::chunked(),
        };
        let mut incoming = Self { body, decoded: 0, patience: Patience::begin(&patience::BODY), since: 0 };
        incoming.decode(connection)?;
        Ok(incoming)
    }

    /// Bytes of content at the front of the buffer.
    pub fn decoded(&self) -> usize {
        self.decoded
    }

    /// The framing, for what is still to come.
    pub fn into_body(self) -> Body {
        self.body
    }

    /// The whole body was received.
    pub fn is_whole(&self) -> bool {
        self.body.is_done()
    }

    /// Receives more of it.
    async fn more(&mut self, connection: &mut Connection<'_>) -> Result<(), Failure> {
        connection.more(self.patience).await?;
        let before = self.decoded;
        self.decode(connection)?;
        self.since += self.decoded - before;
        if self.since >= patience::PROGRESS {
            self.renew();
        }
        Ok(())
    }

    /// Removes the framing from the bytes received.
    fn decode(&mut self, connection: &mut Connection<'_>) -> Result<(), Status> {
        let decoded = decode(&mut self.body, connection.buffer, self.decoded, connection.received);
        (self.decoded, connection.received) = decoded.map_err(|Malformed| Status::BAD_REQUEST)?;
        connection.unread = !self.is_whole() || connection.received > self.decoded;
        Ok(())
    }

    /// Receives the next piece. Answers its length; it lies at the front of the buffer until [`Incoming::taken`]. Zero
    /// is the end of the body.
    pub async fn next(&mut self, connection: &mut Connection<'_>) -> Result<usize, Failure> {
        while self.decoded == 0 && !self.is_whole() {
            self.more(connection).await?;
        }
        Ok(self.decoded)
    }

    /// Restarts the client's time limit: it has sent enough, or the host made it wait.
    pub fn renew(&mut self) {
        self.patience = Patience::begin(&patience::BODY);
        self.since = 0;
    }

    /// Removes a used piece from the front of the buffer.
    pub fn taken(&mut self, connection: &mut Connection<'_>, piece: usize) {
        connection.buffer.copy_within(piece..connection.received, 0);
        connection.received = connection.received.saturating_sub(piece);
        self.decoded = self.decoded.saturating_sub(piece);
    }
}

/// Decodes the bytes from `decoded` to `received`. Answers how many bytes are then decoded, and how many are in use.
pub(super) fn decode(
    body: &mut Body,
    buffer: &mut [u8],
    mut decoded: usize,
    received: usize,
) -> Result<(usize, usize), Malformed> {
    let mut at = decoded;
    while !body.is_done() && at < received {
        let piece = body.take(buffer.get(at..received).unwrap_or_default())?;
        let content = at + piece.content.start..at + piece.content.end;
        at += piece.consumed;
        let length = content.len();
        if content.start != decoded {
            buffer.copy_within(content, decoded);
        }
        decoded += length;
    }
    if at != decoded {
        buffer.copy_within(at..received, decoded);
    }
    Ok((decoded, decoded + received - at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_in_place_however_they_are_cut() {
        let sent = b"4\r\nWiki\r\n5;x=\"y\"\r\npedia\r\nE \r\n in\r\n\r\nchunks.\r\n000\r\nA: b\r\n\r\nGET";
        for piece in 1..=sent.len() {
            let (mut body, mut buffer) = (Body::chunked(), vec![0; sent.len()]);
            let (mut decoded, mut received) = (0, 0);
            for part in sent.chunks(piece) {
                buffer[received..received + part.len()].copy_from_slice(part);
                (decoded, received) = decode(&mut body, &mut buffer, decoded, received + part.len()).unwrap();
            }
            assert!(body.is_done());
            assert_eq!(&buffer[..decoded], b"Wikipedia in\r\n\r\nchunks.", "{piece}");
            assert_eq!(&buffer[decoded..received], b"GET", "{piece}");
        }
    }
}
