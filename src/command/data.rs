//! The bytes that some commands take after their line.

use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use embassy_time::{Duration, with_timeout};

/// Where the data bytes of a command come from. They stay in the source's own buffer until they have been used.
pub trait DataSource {
    /// The bytes that have come; pending until there are some. An empty slice means that no more will come. They are
    /// lent until [`DataSource::consume`] is called: the caller should not wait for anything meanwhile.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<&[u8]>;

    /// `count` of the bytes that [`DataSource::poll_fill`] returned have been used; the others are given back.
    fn consume(&mut self, count: usize);

    /// The command takes this many bytes of data from now on: the bytes that come on the line are for it alone.
    fn begin(&mut self, _size: usize) {}

    /// How many bytes there are, when that is known beforehand (a REST body).
    fn length(&self) -> Option<usize> {
        None
    }

    /// How long to wait for the next byte, in milliseconds; `None` asks the variables.
    fn patience(&self) -> Option<u64> {
        None
    }
}

/// Data that is complete from the start: the `data` field of a REST request.
pub struct Bytes<'a>(pub &'a [u8]);

impl DataSource for Bytes<'_> {
    fn poll_fill(&mut self, _context: &mut Context<'_>) -> Poll<&[u8]> {
        Poll::Ready(self.0)
    }

    fn consume(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    fn length(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// Waits until a source has bytes, and returns how many.
struct Filled<'a, 'b>(&'a mut (dyn DataSource + 'b));

impl Future for Filled<'_, '_> {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
        self.0.poll_fill(context).map(<[u8]>::len)
    }
}

/// The data of one command: a number of bytes from a source.
pub(super) struct Data<'a> {
    source: &'a mut (dyn DataSource + 'a),
    left: usize,
    /// No more comes.
    ended: bool,
    /// How long to wait for the next byte.
    patience: Duration,
}

impl<'a> Data<'a> {
    /// The next `size` bytes of `source`.
    pub fn new(source: &'a mut (dyn DataSource + 'a), size: usize, patience: Duration) -> Self {
        Self { source, left: size, ended: false, patience }
    }

    /// Waits for each byte no longer than this.
    pub fn hurry(&mut self, limit: Duration) {
        self.patience = self.patience.min(limit);
    }

    /// Bytes that are still to come.
    pub fn left(&self) -> usize {
        self.left
    }

    /// The bytes that have come; none when no more come, or not in time.
    pub async fn piece(&mut self) -> &[u8] {
        if self.left == 0 || self.ended {
            return &[];
        }
        if with_timeout(self.patience, Filled(self.source)).await.unwrap_or(0) == 0 {
            self.ended = true;
            return &[];
        }
        match self.source.poll_fill(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(bytes) => bytes.get(..self.left).unwrap_or(bytes),
            Poll::Pending => &[],
        }
    }

    /// `count` bytes of the piece have been used.
    pub fn used(&mut self, count: usize) {
        self.source.consume(count);
        self.left = self.left.saturating_sub(count);
    }

    /// Takes the rest from the source and drops it, so that it is not read as commands.
    pub async fn skip(&mut self) {
        loop {
            let count = self.piece().await.len();
            if count == 0 {
                return;
            }
            self.used(count);
        }
    }
}
