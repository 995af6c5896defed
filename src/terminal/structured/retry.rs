//! When something that was not acknowledged is said again.

use embassy_time::{Duration, Instant};

/// The first pause.
const FIRST: Duration = Duration::from_millis(500);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(2);

/// Pauses that get longer.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    due: Option<Instant>,
    pause: Duration,
}

impl Retry {
    /// Nothing was said.
    pub const fn new() -> Self {
        Self { due: None, pause: FIRST }
    }

    /// It was said now.
    pub fn said(&mut self, now: Instant) {
        self.due = Some(now + self.pause);
    }

    /// The pause is over: it must be said again, and the next pause is longer.
    pub fn is_over(&mut self, now: Instant) -> bool {
        let over = self.due.is_some_and(|due| now >= due);
        if over {
            self.due = None;
            self.pause = (self.pause * 2).min(LONGEST);
        }
        over
    }

    /// When the pause is over, if there is one.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let (mut retry, mut now, mut pauses) = (Retry::new(), Instant::from_millis(7), std::vec![]);
        assert!(!retry.is_over(now));
        for _ in 0..6 {
            retry.said(now);
            let due = retry.due().unwrap();
            assert!(!retry.is_over(due - Duration::from_millis(1)) && retry.is_over(due));
            pauses.push((due - now).as_millis());
            now = due;
        }
        assert_eq!(pauses, [500, 1000, 2000, 2000, 2000, 2000]);
    }
}
