//! Bodies made of pieces: long texts from tables, written straight into the connection's buffer.
//!
//! A piece is short (a row of a table, say) and can be written again at any time with the same result, so nothing
//! needs to be kept but the number of the piece and how much of it has been sent.

use core::fmt::{self, Write};

use crate::wire::output::Output;

/// A text in numbered pieces.
pub(super) trait Pieces {
    /// Writes piece `number`. `None` beyond the last one.
    fn write(&self, number: usize, out: &mut dyn Write) -> Option<fmt::Result>;
}

/// The body that the pieces make.
pub(super) struct Text<P> {
    pieces: P,
    number: usize,
    /// Bytes of the current piece that have been sent.
    sent: usize,
}

impl<P: Pieces> Text<P> {
    /// A body of which nothing has been sent.
    pub fn new(pieces: P) -> Self {
        Self { pieces, number: 0, sent: 0 }
    }

    /// Bytes of the whole body, counted by writing it without storing it.
    pub fn length(&self) -> usize {
        let mut counter = Window { out: &mut [], skip: usize::MAX, written: 0, passed: 0 };
        let mut number = 0;
        while self.pieces.write(number, &mut counter).is_some() {
            number += 1;
        }
        counter.passed
    }
}

impl<P: Pieces> Output for Text<P> {
    fn fill(&mut self, out: &mut [u8]) -> usize {
        loop {
            let mut window = Window { out: &mut *out, skip: self.sent, written: 0, passed: 0 };
            if self.pieces.write(self.number, &mut window).is_none() {
                return 0;
            }
            let (written, whole) = (window.written, window.passed);
            self.sent += written;
            if self.sent >= whole {
                self.number += 1;
                self.sent = 0;
            }
            // A piece may be empty, but only the end has nothing to send.
            if written > 0 {
                return written;
            }
        }
    }
}

/// Writes the part of a text that follows the first `skip` bytes and fits into `out`.
struct Window<'a> {
    out: &'a mut [u8],
    skip: usize,
    written: usize,
    /// Bytes of the text so far, whether written to `out` or not.
    passed: usize,
}

impl Write for Window<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let new = text.as_bytes().get(self.skip.saturating_sub(self.passed)..).unwrap_or_default();
        let count = new.len().min(self.out.len() - self.written);
        if let (Some(place), Some(new)) = (self.out.get_mut(self.written..self.written + count), new.get(..count)) {
            place.copy_from_slice(new);
        }
        self.written += count;
        self.passed += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::output::MIN_PIECE;

    struct Sample(&'static [&'static [&'static str]]);

    impl Pieces for Sample {
        fn write(&self, number: usize, out: &mut dyn Write) -> Option<fmt::Result> {
            Some(self.0.get(number)?.iter().try_for_each(|text| out.write_str(text)))
        }
    }

    #[test]
    fn any_buffer_gives_the_same_text() {
        const LONG: &str = "A text that is longer than the smallest buffer, by far.";
        let parts: &[&[&str]] = &[&["ab", "", "c"], &[], &[LONG, "-", LONG], &[""], &["ä€"], &[]];
        let whole: std::string::String = parts.iter().flat_map(|piece| piece.iter().copied()).collect();
        for size in MIN_PIECE..150 {
            let mut body = Text::new(Sample(parts));
            assert_eq!(body.length(), whole.len());
            let (mut all, mut out) = (std::vec::Vec::new(), std::vec![0; size]);
            loop {
                match body.fill(&mut out) {
                    0 => break,
                    count => all.extend_from_slice(&out[..count]),
                }
            }
            assert_eq!(std::string::String::from_utf8(all).unwrap(), whole, "{size}");
        }
    }

    #[test]
    fn no_pieces_make_an_empty_text() {
        let mut body = Text::new(Sample(&[&[], &[]]));
        assert_eq!((body.length(), body.fill(&mut [0; 16])), (0, 0));
    }
}
