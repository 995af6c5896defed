//! The body of a message that arrives in pieces: with a length, in chunks (RFC 9112, 7.1), or up to the end of the
//! connection.

use core::fmt::Write;
use core::ops::Range;

use heapless::String;

/// The most bytes of one chunk extension, and of all trailer fields; more are an error.
const OVERHEAD: u16 = 4096;

/// The framing of a body is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// A body that is being received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    state: State,
    /// Bytes of extensions or trailer since the last content.
    overhead: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// This many bytes are still to come.
    Length(u64),
    /// Everything up to the end of the connection.
    ToEnd,
    /// Within a chunk size: its value and digits so far.
    Size { value: u64, digits: u8 },
    /// The rest of the line of a size, which is ignored.
    Extension(u64),
    /// The LF after a size.
    SizeEnd(u64),
    /// This many bytes of a chunk are still to come.
    Chunk(u64),
    /// The CR after a chunk.
    ChunkReturn,
    /// The LF after a chunk.
    ChunkEnd,
    /// A trailer field, or the empty line at the end.
    TrailerStart,
    /// Within a trailer field.
    Trailer,
    /// The LF after a trailer field.
    TrailerEnd,
    /// The LF of the empty line.
    LastEnd,
    /// The body is whole.
    Done,
}

/// The meaning of the first bytes of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Bytes of the input that are consumed, including content.
    pub consumed: usize,
    /// The place of the content in the input; empty when there is none yet.
    pub content: Range<usize>,
}

impl Body {
    /// No body.
    pub const fn none() -> Self {
        Self::with_length(0)
    }

    /// A body of `length` bytes.
    pub const fn with_length(length: u64) -> Self {
        Self { state: if length == 0 { State::Done } else { State::Length(length) }, overhead: 0 }
    }

    /// A body in chunks.
    pub const fn chunked() -> Self {
        Self { state: State::Size { value: 0, digits: 0 }, overhead: 0 }
    }

    /// A body that ends with the connection.
    pub const fn to_end() -> Self {
        Self { state: State::ToEnd, overhead: 0 }
    }

    /// Its length, if it was announced and nothing has been taken yet.
    pub fn length(&self) -> Option<u64> {
        match self.state {
            State::Length(length) => Some(length),
            State::Done => Some(0),
            _ => None,
        }
    }

    /// Bytes of content that must come next: the rest of a length or of the present chunk.
    pub fn announced(&self) -> u64 {
        match self.state {
            State::Length(left) | State::Chunk(left) | State::SizeEnd(left) => left,
            _ => 0,
        }
    }

    /// Whether all of it has arrived.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether all content has arrived, once the connection has ended.
    pub fn is_whole_at_end(&self) -> bool {
        // After the last chunk, only an empty line is missing.
        matches!(self.state, State::Done | State::ToEnd | State::TrailerStart | State::LastEnd)
    }

    /// Consumes framing up to the first content, and that content.
    pub fn take(&mut self, input: &[u8]) -> Result<Piece, Malformed> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            let left = match self.state {
                State::Done => break,
                State::ToEnd => u64::MAX,
                State::Length(left) | State::Chunk(left) => left,
                _ => {
                    self.frame(byte)?;
                    at += 1;
                    continue;
                }
            };
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len() - at);
            self.took(left - count as u64);
            return Ok(Piece { consumed: at + count, content: at..at + count });
        }
        Ok(Piece { consumed: at, content: at..at })
    }

    fn took(&mut self, left: u64) {
        self.overhead = 0;
        self.state = match self.state {
            State::Length(_) if left == 0 => State::Done,
            State::Length(_) => State::Length(left),
            State::Chunk(_) if left == 0 => State::ChunkReturn,
            State::Chunk(_) => State::Chunk(left),
            other => other,
        };
    }

    /// One byte that is not content.
    fn frame(&mut self, byte: u8) -> Result<(), Malformed> {
        self.overhead = self.overhead.checked_add(1).filter(|count| *count <= OVERHEAD).ok_or(Malformed)?;
        self.state = match (self.state, byte) {
            (State::Size { value, digits }, byte) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                let value = value.checked_mul(16).ok_or(Malformed)? + u64::from(digit);
                State::Size { value, digits: digits.saturating_add(1) }
            }
            (State::Size { digits: 0, .. }, _) => return Err(Malformed),
            (State::Size { value, .. } | State::Extension(value), b'\r') => State::SizeEnd(value),
            // Some servers pad with blanks.
            (State::Size { value, .. }, b';' | b' ' | b'\t') => State::Extension(value),
            (State::Extension(_), b'\n') => return Err(Malformed),
            (State::Extension(value), _) => State::Extension(value),
            (State::SizeEnd(0), b'\n') => State::TrailerStart,
            (State::SizeEnd(size), b'\n') => State::Chunk(size),
            (State::ChunkReturn, b'\r') => State::ChunkEnd,
            (State::ChunkEnd, b'\n') => State::Size { value: 0, digits: 0 },
            (State::TrailerStart, b'\r') => State::LastEnd,
            (State::Trailer, b'\r') => State::TrailerEnd,
            (State::TrailerEnd, b'\n') => State::TrailerStart,
            (State::TrailerStart | State::Trailer, b'\n') => return Err(Malformed),
            (State::TrailerStart | State::Trailer, _) => State::Trailer,
            (State::LastEnd, b'\n') => State::Done,
            _ => return Err(Malformed),
        };
        Ok(())
    }
}

/// The hexadecimal line before a chunk; CR LF follows the chunk.
pub fn chunk_line(size: usize) -> String<18> {
    let mut line = String::new();
    // 16 digits and CR LF fit.
    let _ = write!(line, "{size:x}\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Decodes input that comes in pieces: the content, the consumed bytes, and the body's state.
    fn decode(mut body: Body, input: &[u8], piece: usize) -> Result<(Vec<u8>, usize, Body), Malformed> {
        let (mut content, mut consumed) = (Vec::new(), 0);
        for mut part in input.chunks(piece) {
            while !part.is_empty() && !body.is_done() {
                let taken = body.take(part)?;
                content.extend_from_slice(&part[taken.content]);
                consumed += taken.consumed;
                part = &part[taken.consumed..];
            }
        }
        Ok((content, consumed, body))
    }

    #[test]
    fn lengths_and_ends() {
        for piece in 1..8 {
            let (content, consumed, body) = decode(Body::with_length(5), b"hello you", piece).unwrap();
            assert_eq!((content.as_slice(), consumed, body.is_done()), (b"hello".as_slice(), 5, true));
            let (content, _, body) = decode(Body::to_end(), b"hello you", piece).unwrap();
            assert_eq!(
                (content.as_slice(), body.is_done(), body.is_whole_at_end()),
                (b"hello you".as_slice(), false, true)
            );
        }
        let (_, _, body) = decode(Body::with_length(5), b"hell", 4).unwrap();
        assert!(!body.is_done() && !body.is_whole_at_end());
        assert!(Body::none().is_done());
        assert_eq!(
            (Body::none().length(), Body::with_length(7).length(), Body::to_end().length()),
            (Some(0), Some(7), None)
        );
    }

    #[test]
    fn chunks_however_they_are_cut() {
        let body = b"4\r\nWiki\r\n5;x=\"y\"\r\npedia\r\nE  \r\n in\r\n\r\nchunks.\r\n000\r\nA: b\r\nC: d\r\n\r\nHTTP";
        for piece in 1..=body.len() {
            let (content, consumed, end) = decode(Body::chunked(), body, piece).unwrap();
            assert_eq!(content, b"Wikipedia in\r\n\r\nchunks.", "{piece}");
            assert!(end.is_done());
            assert_eq!(&body[consumed..], b"HTTP");
        }
        let (_, _, end) = decode(Body::chunked(), b"1\r\na\r\n0\r\n", 99).unwrap();
        assert!(!end.is_done() && end.is_whole_at_end());
        for cut in ["", "1", "1\r\n", "1\r\na", "1\r\na\r\n", "1\r\na\r\n0", "1\r\na\r\n0\r\nA: b"] {
            assert!(!decode(Body::chunked(), cut.as_bytes(), 99).unwrap().2.is_whole_at_end(), "{cut:?}");
        }
    }

    #[test]
    fn broken_chunks() {
        let endless = std::format!("1;{}", "x".repeat(9999));
        let trailer = std::format!("0\r\n{}", "A: b\r\n".repeat(2000));
        for body in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            " 4\r\n",
            "4\nWiki",
            "4\r\nWiki5\r\n",
            "4\r\nWiki\n5\r\n",
            "0x4\r\n",
            "4\r\rWiki",
            "10000000000000000\r\n",
            "0\r\n\rx",
            "1;a\nb",
            "0\r\n\n",
            "0\r\nA: b\n\r\n",
            "0\r\nA: b\rC\r\n",
            &endless,
            &trailer,
        ] {
            assert_eq!(decode(Body::chunked(), body.as_bytes(), 3).err(), Some(Malformed), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(input in "[0-9a-f;\r\n x]{0,90}", piece in 1usize..9) {
            let _ = decode(Body::chunked(), input.as_bytes(), piece);
        }

        #[test]
        fn what_was_encoded_comes_back(
            content in prop::collection::vec(any::<u8>(), 1..300), size in 1usize..50, piece in 1usize..90,
        ) {
            let mut body = Vec::new();
            for chunk in content.chunks(size) {
                body.extend_from_slice(chunk_line(chunk.len()).as_bytes());
                body.extend_from_slice(chunk);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\n");
            let (decoded, consumed, end) = decode(Body::chunked(), &body, piece).unwrap();
            prop_assert_eq!(decoded, content);
            prop_assert_eq!((consumed, end.is_done()), (body.len(), true));
        }
    }
}
