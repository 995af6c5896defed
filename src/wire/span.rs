//! Pieces of a buffer, held as offsets, so that the buffer can be changed meanwhile.

/// A piece of a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// The bytes of the piece.
    pub fn of(self, buffer: &[u8]) -> &[u8] {
        buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The bytes of the piece, to change them.
    pub fn of_mut(self, buffer: &mut [u8]) -> &mut [u8] {
        buffer.get_mut(self.start..self.end).unwrap_or_default()
    }

    /// The piece without its first `count` bytes.
    pub fn skip(self, count: usize) -> Self {
        Self { start: (self.start + count).min(self.end), end: self.end }
    }

    /// The place of `part`, a slice of `buffer`, in `buffer`.
    pub fn within(buffer: &[u8], part: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(buffer.as_ptr() as usize);
        Self { start, end: start.saturating_add(part.len()) }
    }
}
