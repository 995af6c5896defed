//! Where printed variables go.

use core::fmt;

/// The answer has no room left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Where printed variables go. Values may hold any byte.
pub trait Sink {
    /// Takes all the bytes, or none.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full>;
}

impl<const N: usize> Sink for heapless::Vec<u8, N> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.extend_from_slice(bytes).map_err(|_| Full)
    }
}

#[cfg(any(feature = "host", test))]
impl Sink for std::vec::Vec<u8> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// A sink for one value that also takes formatted text and knows whether anything was written.
pub struct Output<'a> {
    sink: &'a mut dyn Sink,
    /// Whether anything was written.
    pub(super) written: bool,
}

impl<'a> Output<'a> {
    /// Writes into `sink`.
    pub fn new(sink: &'a mut dyn Sink) -> Self {
        Self { sink, written: false }
    }

    /// Writes bytes.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.written |= !bytes.is_empty();
        self.sink.put(bytes)
    }
}

impl fmt::Write for Output<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes()).map_err(|_| fmt::Error)
    }
}
