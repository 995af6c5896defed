//! The text of a line in the units in which it is shown: a character with the marks that combine with it.

use heapless::Vec;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Bytes of the longest UTF-8 character.
const LONGEST: usize = 4;

/// The character at the start of `text`, with its length; `None` and 1 for a byte that begins none.
fn first(text: &[u8]) -> (Option<char>, usize) {
    (1..=LONGEST.min(text.len()))
        .find_map(|length| one(text.get(..length)?).map(|it| (Some(it), length)))
        .unwrap_or((None, 1))
}

/// The character at the end of `text`, as [`first`].
fn last(text: &[u8]) -> (Option<char>, usize) {
    let start = |length| text.len().checked_sub(length);
    (1..=LONGEST).find_map(|length| one(text.get(start(length)?..)?).map(|it| (Some(it), length))).unwrap_or((None, 1))
}

/// The character, if `bytes` are exactly one.
fn one(bytes: &[u8]) -> Option<char> {
    let mut chars = core::str::from_utf8(bytes).ok()?.chars();
    chars.next().filter(|_| chars.as_str().is_empty())
}

/// Whether it is shown in the same place as the character before it.
fn combines(character: Option<char>) -> bool {
    character.is_some_and(|character| character.width() == Some(0))
}

/// The end of the unit that begins at `at`.
pub fn next(text: &[u8], at: usize) -> usize {
    let rest = |at| text.get(at..).unwrap_or_default();
    if at >= text.len() {
        return text.len();
    }
    let mut end = at + first(rest(at)).1;
    while end < text.len() {
        let (character, length) = first(rest(end));
        if !combines(character) {
            break;
        }
        end += length;
    }
    end
}

/// The start of the unit that ends at `at`.
pub fn previous(text: &[u8], at: usize) -> usize {
    let mut start = at.min(text.len());
    while start > 0 {
        let (character, length) = last(text.get(..start).unwrap_or_default());
        start -= length;
        if !combines(character) {
            break;
        }
    }
    start
}

/// Columns that text takes on a terminal; a byte that is no character takes one.
pub fn columns(text: &[u8]) -> usize {
    let (mut at, mut columns) = (0, 0);
    while at < text.len() {
        let end = next(text, at);
        let unit = text.get(at..end).unwrap_or_default();
        columns += core::str::from_utf8(unit).map_or(unit.len(), UnicodeWidthStr::width);
        at = end;
    }
    columns
}

/// Collects the bytes of a character.
#[derive(Default)]
pub struct Collector(Vec<u8, LONGEST>);

impl Collector {
    /// With no byte.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Takes a byte and calls `each` with every whole character, and with every byte that is not part of one.
    pub fn byte(&mut self, byte: u8, each: &mut dyn FnMut(&[u8])) {
        // There is room: four bytes are a character or none.
        let _ = self.0.push(byte);
        while !self.0.is_empty() {
            let length = match core::str::from_utf8(&self.0) {
                Ok(_) => self.0.len(),
                Err(error) if error.error_len().is_none() => return,
                Err(_) => 1,
            };
            self.give(length, each);
        }
    }

    /// No more bytes come: passes on the bytes of an incomplete character one by one.
    pub fn end(&mut self, each: &mut dyn FnMut(&[u8])) {
        while !self.0.is_empty() {
            self.give(1, each);
        }
    }

    fn give(&mut self, length: usize, each: &mut dyn FnMut(&[u8])) {
        let whole: Vec<u8, LONGEST> = self.0.iter().copied().take(length).collect();
        self.0 = self.0.iter().copied().skip(length).collect();
        // C1 control codes would drive the terminal that shows them.
        if !one(&whole).is_some_and(char::is_control) {
            each(&whole);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_what_is_shown_in_one_place() {
        let text = "aä€😀e\u{301}\u{327}字".as_bytes();
        let (mut at, mut ends) = (0, std::vec::Vec::new());
        while at < text.len() {
            at = next(text, at);
            ends.push(at);
        }
        assert_eq!(ends, [1, 3, 6, 10, 15, 18]);
        assert_eq!(columns(text), 1 + 1 + 1 + 2 + 1 + 2);
        assert_eq!(columns(b"\xff\xc3x\xe2\x82"), 5, "invalid bytes count as one each");
        assert_eq!((columns("\u{301}".as_bytes()), columns(b"")), (0, 0));
    }

    proptest! {
        #[test]
        fn there_and_back_meet_the_same_places(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let (mut forth, mut at) = (std::vec::Vec::from([0]), 0);
            while at < bytes.len() {
                at = next(&bytes, at);
                forth.push(at);
            }
            let mut back = std::vec::Vec::from([at]);
            while at > 0 {
                at = previous(&bytes, at);
                back.push(at);
            }
            back.reverse();
            prop_assert_eq!(forth, back);
        }

        #[test]
        fn a_collector_loses_and_invents_nothing(bytes in proptest::collection::vec(0x20u8..=0xFF, 0..40)) {
            let (mut collector, mut out) = (Collector::new(), std::vec::Vec::new());
            for byte in &bytes {
                collector.byte(*byte, &mut |whole| out.extend_from_slice(whole));
            }
            collector.end(&mut |whole| out.extend_from_slice(whole));
            let text = std::string::String::from_utf8_lossy(&bytes);
            prop_assume!(!text.chars().any(char::is_control));
            prop_assert_eq!(out, bytes);
        }
    }
}
