//! How slow a transfer may be: a command waits for its end, and a server that sends single bytes must not block it for
//! ever.

use embassy_time::{Duration, Instant};

use super::failure::Failure;

/// The number of bytes that must move in each [`WINDOW`]: about 34 bytes per second.
pub(super) const LEAST: usize = 1024;
/// How long a transfer is watched before it is judged.
pub(super) const WINDOW: Duration = Duration::from_secs(30);

/// The bytes of the current window.
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

    /// Counts bytes that have moved. Fails when the window is over and too few have moved in it.
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
