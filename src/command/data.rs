//! The bytes that some commands take after their line.

use core::future::poll_fn;
use core::task::{Context, Poll};

/// Where the data bytes of a command come from.
pub trait DataSource {
    /// Takes up to `buffer.len()` bytes; pending until there are some. Zero means that no more will come.
    fn poll_data(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<usize>;

    /// The command takes data from now on: what comes on the line is not for anybody else.
    fn begin(&mut self) {}

    /// How many bytes there are, when that is known beforehand (a REST body).
    fn length(&self) -> Option<usize> {
        None
    }

    /// How long to wait for the next byte, in milliseconds; `None` asks the variables.
    fn patience(&self) -> Option<u64> {
        None
    }
}

/// Data that is all there: the `data` field of a REST request.
pub struct Bytes<'a>(pub &'a [u8]);

impl DataSource for Bytes<'_> {
    fn poll_data(&mut self, _context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<usize> {
        let taken = self.0.len().min(buffer.len());
        let (now, later) = self.0.split_at(taken);
        buffer[..taken].copy_from_slice(now);
        self.0 = later;
        Poll::Ready(taken)
    }

    fn length(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// Waits for data.
pub(super) async fn take(source: &mut dyn DataSource, buffer: &mut [u8]) -> usize {
    poll_fn(|context| source.poll_data(context, buffer)).await
}
