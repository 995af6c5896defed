//! The body of a request, brought to the front of the connection's buffer.

use super::connection::{Connection, Failure};
use super::patience::{self, Patience};
use super::request::{Framing, Request};
use super::respond::Status;
use crate::limits;

/// The longest line of chunk framing: a size with extensions, a trailer field.
const LINE: usize = 128;
/// Trailer fields that are read and dropped.
const TRAILERS: usize = 16;

/// Receives the whole body and answers its length. It then begins the buffer; the head is gone.
pub(super) async fn read(connection: &mut Connection<'_>, request: &Request) -> Result<usize, Failure> {
    if matches!(request.framing, Framing::Length(length) if length > limits::HTTP_BODY) {
        return Err(Status::CONTENT_TOO_LARGE.into());
    }
    begin(connection, request).await?;
    match request.framing {
        Framing::Length(length) => counted(connection, length).await,
        Framing::Chunked => chunked(connection).await,
    }
}

/// Brings what has come of the body to the front of the buffer, and lets the client send the rest.
async fn begin(connection: &mut Connection<'_>, request: &Request) -> Result<(), Failure> {
    connection.buffer.copy_within(request.length..connection.received, 0);
    connection.received -= request.length;
    if request.expects_continue && connection.received == 0 && request.framing != Framing::Length(0) {
        connection.send_bytes(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    Ok(())
}

async fn counted(connection: &mut Connection<'_>, length: usize) -> Result<usize, Failure> {
    if connection.received < length {
        let patience = Patience::begin(&patience::BODY);
        while connection.received < length {
            connection.more(patience).await?;
        }
    }
    connection.unread = connection.received > length;
    Ok(length)
}

async fn chunked(connection: &mut Connection<'_>) -> Result<usize, Failure> {
    let patience = Patience::begin(&patience::BODY);
    let mut chunks = Chunks::new(limits::HTTP_BODY);
    loop {
        connection.received = chunks.decode(connection.buffer, connection.received)?;
        if chunks.state == State::Done {
            connection.unread = connection.received > chunks.decoded;
            return Ok(chunks.decoded);
        }
        connection.more(patience).await?;
    }
}

/// A body of any length that is taken piece by piece.
pub(super) struct Pieces {
    source: Source,
    patience: Patience,
    /// Bytes taken since `patience` began.
    since: usize,
}

enum Source {
    /// So many bytes are still to come.
    Counted(usize),
    Chunked(Chunks),
}

impl Pieces {
    /// Begins to take the body.
    pub async fn begin(connection: &mut Connection<'_>, request: &Request) -> Result<Self, Failure> {
        begin(connection, request).await?;
        let source = match request.framing {
            Framing::Length(length) => Source::Counted(length),
            Framing::Chunked => Source::Chunked(Chunks::new(usize::MAX)),
        };
        Ok(Self { source, patience: Patience::begin(&patience::BODY), since: 0 })
    }

    /// Receives the next piece: so many bytes at the front of the buffer, to be given up with [`Pieces::taken`]. Zero
    /// is the end of the body.
    pub async fn next(&mut self, connection: &mut Connection<'_>) -> Result<usize, Failure> {
        loop {
            let (piece, whole) = match &mut self.source {
                Source::Counted(left) => (connection.received.min(*left), *left == 0),
                Source::Chunked(chunks) => {
                    connection.received = chunks.decode(connection.buffer, connection.received)?;
                    (chunks.decoded, chunks.state == State::Done)
                }
            };
            if piece > 0 || whole {
                connection.unread = !whole || connection.received > piece;
                return Ok(piece);
            }
            connection.more(self.patience).await?;
        }
    }

    /// The client gets its time anew: it has sent enough, or somebody else made it wait.
    pub fn renew(&mut self) {
        self.patience = Patience::begin(&patience::BODY);
        self.since = 0;
    }

    /// The piece at the front of the buffer has been used.
    pub fn taken(&mut self, connection: &mut Connection<'_>, piece: usize) {
        connection.buffer.copy_within(piece..connection.received, 0);
        connection.received = connection.received.saturating_sub(piece);
        self.since += piece;
        if self.since >= patience::PROGRESS {
            self.renew();
        }
        match &mut self.source {
            Source::Counted(left) => *left -= piece.min(*left),
            Source::Chunked(chunks) => chunks.decoded = chunks.decoded.saturating_sub(piece),
        }
    }
}

/// Decodes chunks in place: what was decoded is at the front of the buffer, what was not yet follows.
struct Chunks {
    decoded: usize,
    state: State,
    /// Bytes of content that may still come.
    room: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A size comes.
    Size,
    /// So many bytes of content come.
    Content(usize),
    /// The line end after the content comes.
    End,
    /// Trailer fields or the last, empty line come.
    Trailer,
    /// The body is whole.
    Done,
}

impl Chunks {
    fn new(room: usize) -> Self {
        Self { decoded: 0, state: State::Size, room }
    }

    /// Decodes what it can of the `length` bytes in the buffer and answers how many are in use afterwards.
    fn decode(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Status> {
        let mut at = self.decoded;
        while self.state != State::Done {
            let raw = buffer.get(at..length).unwrap_or_default();
            let Some((taken, next)) = self.step(raw)? else { break };
            if let State::Content(_) = self.state {
                buffer.copy_within(at..at + taken, self.decoded);
                self.decoded += taken;
                self.room -= taken;
            }
            at += taken;
            self.state = next;
        }
        buffer.copy_within(at..length, self.decoded);
        Ok(self.decoded + length - at)
    }

    /// What the next bytes are: how many, and the state after them. `None` when they are not all there.
    fn step(&self, raw: &[u8]) -> Result<Option<(usize, State)>, Status> {
        match self.state {
            State::Size => match httparse::parse_chunk_size(raw) {
                Ok(httparse::Status::Complete((taken, size))) => Ok(Some((taken, self.chunk(raw, taken, size)?))),
                Ok(httparse::Status::Partial) if raw.len() < LINE => Ok(None),
                _ => Err(Status::BAD_REQUEST),
            },
            State::Content(left) => match raw.len().min(left) {
                0 => Ok(None),
                taken if taken == left => Ok(Some((taken, State::End))),
                taken => Ok(Some((taken, State::Content(left - taken)))),
            },
            State::End => match raw {
                [b'\r', b'\n', ..] => Ok(Some((2, State::Size))),
                [] | [b'\r'] => Ok(None),
                _ => Err(Status::BAD_REQUEST),
            },
            State::Trailer => trailer(raw),
            State::Done => Ok(None),
        }
    }

    fn chunk(&self, raw: &[u8], taken: usize, size: u64) -> Result<State, Status> {
        // The parser takes a size without any digit for zero.
        if !raw.first().is_some_and(u8::is_ascii_hexdigit) || taken > LINE {
            return Err(Status::BAD_REQUEST);
        }
        match usize::try_from(size) {
            Ok(0) => Ok(State::Trailer),
            Ok(size) if size <= self.room => Ok(State::Content(size)),
            _ => Err(Status::CONTENT_TOO_LARGE),
        }
    }
}

/// Trailer fields are allowed, and dropped.
fn trailer(raw: &[u8]) -> Result<Option<(usize, State)>, Status> {
    let mut fields = [httparse::EMPTY_HEADER; TRAILERS];
    match httparse::parse_headers(raw, &mut fields) {
        Ok(httparse::Status::Complete((taken, _))) => Ok(Some((taken, State::Done))),
        Ok(httparse::Status::Partial) if raw.len() < LINE => Ok(None),
        _ => Err(Status::BAD_REQUEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The content of a body, and what follows it.
    type Decoded = (Vec<u8>, Vec<u8>);

    /// Decodes a body that comes in pieces of `piece` bytes.
    fn decode(body: &[u8], piece: usize) -> Result<Option<Decoded>, Status> {
        let mut chunks = Chunks::new(limits::HTTP_BODY);
        let mut buffer = vec![0; body.len().max(1)];
        let mut length = 0;
        for piece in body.chunks(piece) {
            buffer[length..length + piece.len()].copy_from_slice(piece);
            length = chunks.decode(&mut buffer, length + piece.len())?;
        }
        let whole = chunks.state == State::Done;
        Ok(whole.then(|| (buffer[..chunks.decoded].to_vec(), buffer[chunks.decoded..length].to_vec())))
    }

    #[test]
    fn chunks_are_joined_however_they_are_cut() {
        let body = b"4\r\nWiki\r\n5;x=\"y\"\r\npedia\r\nE \r\n in\r\n\r\nchunks.\r\n000\r\nA: b\r\n\r\nGET";
        for piece in 1..=body.len() {
            let (content, rest) = decode(body, piece).unwrap().unwrap();
            assert_eq!(content, b"Wikipedia in\r\n\r\nchunks.", "{piece}");
            assert_eq!(rest, b"GET", "{piece}");
        }
        assert_eq!(decode(&body[..body.len() - 4], 7), Ok(None));
        assert_eq!(decode(b"0\r\n\r\n", 1).unwrap().unwrap().0, b"");
    }

    #[test]
    fn broken_chunks_are_refused() {
        for body in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "0x4\r\n",
            " 4\r\n",
            "4\nWiki",
            "4\r\nWiki5\r\n",
            "4\r\nWiki\n5\r\n",
            "11111111111111111\r\n",
        ] {
            for piece in [1, body.len()] {
                assert_eq!(decode(body.as_bytes(), piece), Err(Status::BAD_REQUEST), "{body:?}");
            }
        }
        assert_eq!(decode(format!("4;{}", "x".repeat(LINE)).as_bytes(), 1), Err(Status::BAD_REQUEST));
        assert_eq!(decode(format!("0\r\nA: {}", "x".repeat(LINE)).as_bytes(), 1), Err(Status::BAD_REQUEST));
    }

    #[test]
    fn a_body_over_the_limit_is_refused_before_it_has_come() {
        let first = format!("1\r\na\r\n{:x}\r\n", limits::HTTP_BODY);
        assert_eq!(decode(first.as_bytes(), 1), Err(Status::CONTENT_TOO_LARGE));
        assert_eq!(decode(b"ffffffffffffffff\r\n", 1), Err(Status::CONTENT_TOO_LARGE));
        assert_eq!(decode(format!("{:X}\r\n", limits::HTTP_BODY).as_bytes(), 1), Ok(None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_without_panic(body in "[0-9a-f;\r\n x]{0,80}", piece in 1usize..9) {
            let _ = decode(body.as_bytes(), piece);
        }

        #[test]
        fn what_was_encoded_comes_back(content in prop::collection::vec(any::<u8>(), 1..300), size in 1usize..50, piece in 1usize..90) {
            let mut body = Vec::new();
            for chunk in content.chunks(size) {
                body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                body.extend_from_slice(chunk);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\n");
            prop_assert_eq!(decode(&body, piece).unwrap().unwrap().0, content);
        }
    }
}
