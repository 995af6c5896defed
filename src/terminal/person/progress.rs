//! The data that a command reads, as far as a person has typed them so far.

use core::fmt::Write;

use heapless::{String, Vec};

use crate::limits;

/// How much of a command's data has come.
#[derive(Clone, Default)]
pub struct Progress {
    /// Bytes that the command reads.
    size: usize,
    /// Bytes that it has read.
    taken: usize,
    /// The last of them, as they can be shown.
    shown: Vec<u8, { limits::DATA_SHOWN }>,
}

impl Progress {
    /// None of `size` bytes has come.
    pub const fn of(size: usize) -> Self {
        Self { size, taken: 0, shown: Vec::new() }
    }

    /// The number of bytes that have come.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// These bytes have come. If not all fit, the oldest are not shown any more.
    pub fn take(&mut self, bytes: &[u8]) {
        self.taken += bytes.len();
        let newest = bytes.get(bytes.len().saturating_sub(limits::DATA_SHOWN)..).unwrap_or_default();
        let surplus = (self.shown.len() + newest.len()).saturating_sub(limits::DATA_SHOWN);
        self.shown.copy_within(surplus.., 0);
        self.shown.truncate(self.shown.len() - surplus);
        // The terminal would execute a control code.
        let visible = newest.iter().map(|byte| if byte.is_ascii_control() { b'.' } else { *byte });
        self.shown.extend(visible);
    }

    /// What stands before the bytes.
    pub fn count(&self) -> String<48> {
        let mut text = String::new();
        let _ = write!(text, "[{} of {}] ", self.taken, self.size);
        text
    }

    /// The last bytes, from a whole character on.
    pub fn shown(&self) -> &[u8] {
        let broken = self.shown.iter().take_while(|byte| **byte & 0xC0 == 0x80).count();
        self.shown.get(broken..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_shown_without_what_would_move_the_cursor() {
        let mut progress = Progress::of(500);
        progress.take(b"ab\r\n\x1b[2Jc");
        assert_eq!((progress.count().as_str(), progress.shown()), ("[9 of 500] ", &b"ab...[2Jc"[..]));
        progress.take("ä".repeat(100).as_bytes());
        assert_eq!(progress.taken(), 209);
        assert_eq!(progress.shown(), "ä".repeat(limits::DATA_SHOWN / 2).as_bytes());
        progress.take(b"x");
        assert_eq!(
            progress.shown(),
            format!("{}x", "ä".repeat(limits::DATA_SHOWN / 2 - 1)).as_bytes(),
            "no half of one"
        );
        progress.take(&[b'y'; 400]);
        assert_eq!(progress.shown(), &[b'y'; limits::DATA_SHOWN][..]);
    }
}
