//! The event log: short lines with a level, kept in a ring. The serial side prints them as they come, `GET /log` shows
//! the last ones; the device never waits for a reader.

use core::cell::RefCell;
use core::fmt::{self, Write};
use core::task::Waker;

use embassy_sync::waitqueue::MultiWakerRegistration;
use heapless::{Deque, Vec};

use super::clock::Clock;
use crate::limits;

/// When a line is printed (interface, serial 5.1): at `system.print_level` of at least this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Network and stream state, in brackets and with the time.
    State = 1,
    /// Failures and their reason.
    Failure = 2,
    /// Progress.
    Progress = 3,
    /// Details.
    Detail = 4,
    /// Everything else.
    Debug = 5,
    /// Never printed on a line, because hosts do not expect it: only `GET /log` shows it.
    Trace = 6,
}

/// One line as it was logged, without CR LF.
pub type Line = Vec<u8, { limits::LOG_LINE }>;

/// The ring of lines.
pub struct Log {
    ring: RefCell<Ring>,
    /// Tasks that follow the log: serial, remote terminal, consoles.
    followers: RefCell<MultiWakerRegistration<4>>,
}

struct Ring {
    /// Length (two bytes, little endian), level, text; again and again.
    bytes: Deque<u8, { limits::LOG }>,
    /// Number of the oldest line in the ring.
    first: u32,
    /// Number that the next line gets.
    next: u32,
}

/// A text as a line; text beyond [`limits::LOG_LINE`] is cut off.
pub fn line_of(text: fmt::Arguments<'_>) -> Line {
    let mut line = Line::new();
    // A full line accepts the rest, too, and drops it.
    let _ = write!(Bounded(&mut line), "{text}");
    line
}

impl Log {
    /// An empty log.
    pub const fn new() -> Self {
        Self {
            ring: RefCell::new(Ring { bytes: Deque::new(), first: 0, next: 0 }),
            followers: RefCell::new(MultiWakerRegistration::new()),
        }
    }

    /// Adds a state change, printed in brackets: `[Ready]`, or `[2014-04-23 | 19:40:23: Ready]` with a clock.
    pub fn state(&self, clock: Option<&Clock>, text: fmt::Arguments<'_>) {
        let mut line = Line::new();
        let date = clock.and_then(Clock::local);
        let _ = match date {
            Some(date) => write!(Bounded(&mut line), "[{date}: {text}]"),
            None => write!(Bounded(&mut line), "[{text}]"),
        };
        self.push(Level::State, &line);
    }

    /// Adds a line without brackets. Text beyond [`limits::LOG_LINE`] is cut off.
    pub fn line(&self, level: Level, text: fmt::Arguments<'_>) {
        let mut line = Line::new();
        let _ = write!(Bounded(&mut line), "{text}");
        self.push(level, &line);
    }

    fn push(&self, level: Level, line: &[u8]) {
        let mut ring = self.ring.borrow_mut();
        while ring.bytes.capacity() - ring.bytes.len() < line.len() + 3 {
            ring.drop_oldest();
        }
        let length = (line.len() as u16).to_le_bytes();
        for byte in length.iter().chain(&[level as u8]).chain(line) {
            // Room was made above.
            let _ = ring.bytes.push_back(*byte);
        }
        ring.next = ring.next.wrapping_add(1);
        drop(ring);
        self.followers.borrow_mut().wake();
    }

    /// The number that the next line will get; a follower starts here.
    pub fn next(&self) -> u32 {
        self.ring.borrow().next
    }

    /// The number of the oldest line kept.
    pub fn first(&self) -> u32 {
        self.ring.borrow().first
    }

    /// The first line with a number of at least `number`, as `(its number, its level, its text)`.
    pub fn get(&self, number: u32) -> Option<(u32, u8, Line)> {
        let ring = self.ring.borrow();
        let number = number.max(ring.first);
        if number >= ring.next {
            return None;
        }
        let mut bytes = ring.bytes.iter().copied();
        for _ in ring.first..number {
            let length = header(&mut bytes)?.0;
            for _ in 0..length {
                bytes.next()?;
            }
        }
        let (length, level) = header(&mut bytes)?;
        Some((number, level, bytes.take(usize::from(length)).collect()))
    }

    /// Wakes `waker` at the next line.
    pub fn follow(&self, waker: &Waker) {
        self.followers.borrow_mut().register(waker);
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

fn header(bytes: &mut impl Iterator<Item = u8>) -> Option<(u16, u8)> {
    let length = u16::from_le_bytes([bytes.next()?, bytes.next()?]);
    Some((length, bytes.next()?))
}

impl Ring {
    fn drop_oldest(&mut self) {
        let mut take = || self.bytes.pop_front().unwrap_or(0);
        let length = u16::from_le_bytes([take(), take()]);
        for _ in 0..=length {
            self.bytes.pop_front();
        }
        self.first = self.first.wrapping_add(1);
    }
}

/// Writes until the line is full and drops the rest.
struct Bounded<'a>(&'a mut Line);

impl Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.0.capacity() - self.0.len();
        let mut cut = text.len().min(room);
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        self.0.extend_from_slice(&text.as_bytes()[..cut]).map_err(|_| fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_lines_fall_out_and_numbers_go_on() {
        let log = Log::new();
        let count = limits::LOG as u32;
        for number in 0..count {
            log.line(Level::Detail, format_args!("line {number}"));
        }
        assert!(log.first() > 0);
        let (number, level, text) = log.get(0).unwrap();
        assert_eq!((number, level), (log.first(), 4));
        assert_eq!(text.as_slice(), format!("line {number}").as_bytes());
        let (number, _, text) = log.get(count - 1).unwrap();
        assert_eq!(text.as_slice(), format!("line {number}").as_bytes());
        assert_eq!(log.get(count), None);
    }

    #[test]
    fn an_empty_line_and_a_long_line_are_kept_apart() {
        let log = Log::new();
        log.line(Level::Debug, format_args!(""));
        log.line(Level::Debug, format_args!("{}", "ä".repeat(300)));
        log.state(None, format_args!("Ready"));
        assert_eq!(log.get(0).unwrap().2.len(), 0);
        assert_eq!(log.get(1).unwrap().2.len(), limits::LOG_LINE);
        assert_eq!(log.get(2).unwrap().2.as_slice(), b"[Ready]");
    }
}
