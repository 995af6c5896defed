//! The text that breaks out of stream mode: `bus.stream.cmd_seq` (interface, serial 7).
//!
//! It counts in two cases. As documented: after 3 s of silence and with nothing after it for 3 s, with or without a CR.
//! And as most hosts send it: with CR LF directly after it and nothing more for 200 ms, whatever came before. In the
//! middle of data it is data. Bytes that may be its start are held back; if they turn out not to be, all of them are
//! data.

use embassy_time::{Duration, Instant};
use heapless::Vec;

/// The silence of the first case, before and after.
const SILENCE: Duration = Duration::from_secs(3);
/// How long a person takes from one character to the next.
const TYPED: Duration = Duration::from_secs(1);
/// The longest pause between bytes of a host that belong together.
const TOGETHER: Duration = Duration::from_millis(100);
/// The silence after CR LF.
const BEHIND: Duration = Duration::from_millis(200);

/// Bytes of the longest sequence, with CR LF.
const LONGEST: usize = 17;

/// Looks for the sequence in what the host sends.
pub(super) struct Sequence {
    /// The sequence and CR LF; empty when there is none.
    pattern: Vec<u8, LONGEST>,
    /// The newest bytes.
    tail: Vec<u8, LONGEST>,
    /// How many of them are the start of the pattern.
    matched: usize,
    /// Bytes since the last silence, while they are the start of the pattern and nothing else.
    alone: Option<usize>,
    last: Instant,
}

impl Sequence {
    /// Looks for a sequence of at most 15 bytes from now on; for none when it is empty.
    pub fn new(sequence: &[u8], now: Instant) -> Self {
        let mut pattern = Vec::new();
        if !sequence.is_empty() {
            // There is room: no value of the variable is longer.
            let _ = pattern.extend_from_slice(sequence);
            let _ = pattern.extend_from_slice(b"\r\n");
        }
        Self { pattern, tail: Vec::new(), matched: 0, alone: None, last: now }
    }

    /// How many of the newest bytes may be the start of the sequence.
    pub fn held(&self) -> usize {
        self.matched
    }

    /// Bytes have come.
    pub fn observe(&mut self, bytes: &[u8], now: Instant) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.forget();
        }
        if now.saturating_duration_since(self.last) >= SILENCE {
            self.forget();
            self.alone = Some(0);
        }
        self.last = now;
        self.alone = self.alone.and_then(|before| {
            let follows = self.pattern.get(before..before + bytes.len()) == Some(bytes);
            follows.then_some(before + bytes.len())
        });
        self.remember(bytes);
        let start = |count: &usize| self.tail.ends_with(self.pattern.get(..*count).unwrap_or_default());
        self.matched = (1..=self.pattern.len()).rev().find(start).unwrap_or(0);
    }

    /// Keeps the newest bytes.
    fn remember(&mut self, bytes: &[u8]) {
        let newest = bytes.get(bytes.len().saturating_sub(LONGEST)..).unwrap_or_default();
        let kept = self.tail.len().min(LONGEST - newest.len());
        let from = self.tail.len() - kept;
        self.tail.rotate_left(from);
        self.tail.truncate(kept);
        // There is room for it now.
        let _ = self.tail.extend_from_slice(newest);
    }

    /// The device cannot read from the host now: that is no silence.
    pub fn is_deaf(&mut self, now: Instant) {
        self.last = now;
    }

    /// The bytes held back are data.
    fn forget(&mut self) {
        self.tail.clear();
        (self.matched, self.alone) = (0, None);
    }

    /// Bytes of the sequence without its CR LF.
    fn length(&self) -> usize {
        self.pattern.len().saturating_sub(2)
    }

    /// When to decide what the bytes held back are, if nothing comes before.
    pub fn deadline(&self) -> Option<Instant> {
        let wait = match (self.matched, self.alone) {
            (0, _) => return None,
            (matched, _) if matched == self.pattern.len() => BEHIND,
            (_, Some(count)) if count >= self.length() => SILENCE,
            (_, Some(_)) => TYPED,
            (_, None) => TOGETHER,
        };
        Some(self.last + wait)
    }

    /// The deadline has passed: how many of the newest bytes are a break-out, or none.
    pub fn decide(&mut self) -> Option<usize> {
        let matched = self.matched;
        let breaks =
            matched > 0 && (matched == self.pattern.len() || self.alone.is_some_and(|count| count >= self.length()));
        self.forget();
        breaks.then_some(matched)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a host sends: milliseconds of silence, then bytes.
    fn outcome(sequence: &[u8], sent: &[(u64, &[u8])], silence: u64) -> Option<usize> {
        let mut now = Instant::from_millis(1_000_000);
        let mut automaton = Sequence::new(sequence, now);
        for (pause, bytes) in sent {
            let next = now + Duration::from_millis(*pause);
            if let Some(deadline) = automaton.deadline()
                && deadline <= next
                && let Some(count) = automaton.decide()
            {
                return Some(count);
            }
            now = next;
            automaton.observe(bytes, now);
        }
        let end = now + Duration::from_millis(silence);
        automaton.deadline().filter(|deadline| *deadline <= end).and_then(|_| automaton.decide())
    }

    #[test]
    fn silence_before_and_behind_breaks_out() {
        for (before, behind, breaks) in
            [(3000, 3000, true), (2999, 3000, false), (3000, 2999, false), (60_000, 60_000, true)]
        {
            let found = outcome(b"$$$", &[(0, b"data"), (before, b"$$$")], behind);
            assert_eq!(found, breaks.then_some(3), "{before} {behind}");
        }
        assert_eq!(outcome(b"$$$", &[(3000, b"$"), (900, b"$"), (900, b"$")], 3000), Some(3), "typed");
        assert_eq!(outcome(b"$$$", &[(3000, b"$"), (1000, b"$"), (900, b"$")], 3000), None, "typed too slowly");
        assert_eq!(outcome(b"$$$", &[(3000, b"$$$\r")], 3000), Some(4), "with the Enter key");
        assert_eq!(outcome(b"$$$", &[(3000, b"$$$"), (2999, b"x")], 9000), None);
        assert_eq!(outcome(b"$$$", &[(3000, b"$$$$")], 9000), None, "one too many");
    }

    #[test]
    fn cr_lf_at_once_breaks_out() {
        assert_eq!(outcome(b"$$$", &[(0, b"data$$$\r\n")], 200), Some(5));
        assert_eq!(outcome(b"$$$", &[(0, b"data$$$\r\n")], 199), None);
        assert_eq!(outcome(b"$$$", &[(0, b"$$$\r\n"), (199, b"more")], 9000), None, "data may contain it");
        assert_eq!(outcome(b"$$$", &[(0, b"$$$\n")], 9000), None);
        assert_eq!(outcome(b"$$$", &[(0, b"$$$$$\r\n")], 200), Some(5), "the last three count");
        assert_eq!(outcome(b"$$$", &[(0, b"$$"), (99, b"$\r\n")], 200), Some(5));
        assert_eq!(outcome(b"$$$", &[(0, b"$$"), (101, b"$\r\n")], 9000), None);
        assert_eq!(outcome(b"", &[(9000, b"\r\n")], 9000), None, "there is no sequence");
        assert_eq!(outcome(b"fifteen letters", &[(0, b"fifteen letters\r\n")], 200), Some(17));
    }

    #[test]
    fn what_may_be_its_start_is_held_back() {
        let now = Instant::from_millis(1_000_000);
        let mut automaton = Sequence::new(b"+-+", now);
        for (bytes, held) in [(&b"x+"[..], 1), (b"-", 2), (b"+", 3), (b"-", 2), (b"-", 0), (b"+-+\r", 4), (b"+", 1)] {
            automaton.observe(bytes, now);
            assert_eq!(automaton.held(), held, "{bytes:?}");
        }
        automaton.observe(&[b'y'; 100_000], now);
        assert_eq!((automaton.held(), automaton.deadline()), (0, None));
    }

    proptest! {
        /// However data are cut, the same bytes are held back at their end.
        #[test]
        fn pieces_change_nothing(data in "[$x\r\n]{0,60}", cuts in proptest::collection::vec(1..9usize, 0..60)) {
            let now = Instant::from_millis(1_000_000);
            let (mut whole, mut pieces) = (Sequence::new(b"$$$", now), Sequence::new(b"$$$", now));
            whole.observe(data.as_bytes(), now);
            let mut rest = data.as_bytes();
            for cut in cuts {
                let (piece, later) = rest.split_at(cut.min(rest.len()));
                pieces.observe(piece, now);
                rest = later;
            }
            pieces.observe(rest, now);
            prop_assert_eq!((pieces.held(), pieces.decide()), (whole.held(), whole.decide()));
        }
    }
}
