//! How slow a transfer may be: a command waits for all of it, and a server that drips must not keep it for ever.

use embassy_time::{Duration, Instant};

use super::failure::Failure;

/// So many bytes must move in each [`WINDOW`]: about 34 bytes a second.
pub(super) const LEAST: usize = 1024;
/// How long a transfer is watched before it is judged.
pub(super) const WINDOW: Duration = Duration::from_secs(30);

/// The bytes of the present window.
pub(super) struct Pace {
    end: Instant,
    bytes: usize,
}

impl Pace {
    /// A window that begins now.
    pub fn new() -> Self {
        Self { end: Instant::now() + WINDOW, bytes: 0 }
    }

    /// How long until the window is judged.
    pub fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// So many bytes have moved. Fails when a window is over and too few have moved in it.
    pub fn moved(&mut self, bytes: usize) -> Result<(), Failure> {
        self.bytes = self.bytes.saturating_add(bytes);
        if Instant::now() < self.end {
            return Ok(());
        }
        match self.bytes {
            0 => return Err(Failure::TimedOut),
            1..LEAST => return Err(Failure::TooSlow),
            _ => {}
        }
        *self = Self::new();
        Ok(())
    }
}
