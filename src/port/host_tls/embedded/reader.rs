//! Reads the fields of messages one after the other.

/// The unread rest of a message.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of `width` bytes, at most four.
    pub(super) fn number(&mut self, width: usize) -> Option<usize> {
        let digits = self.take(width)?;
        Some(digits.iter().fold(0, |number, digit| number << 8 | usize::from(*digit)))
    }

    /// Bytes that follow their length, a number of `width` bytes.
    pub(super) fn vector(&mut self, width: usize) -> Option<&'a [u8]> {
        let length = self.number(width)?;
        self.take(length)
    }

    /// An extension (RFC 8446, 4.2): its type and its content.
    pub(super) fn extension(&mut self) -> Option<(usize, &'a [u8])> {
        Some((self.number(2)?, self.vector(2)?))
    }

    /// Whether everything has been read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
