//! The lines that a person has typed before, and the one that waits below them.

use heapless::Deque;

use super::draft::Text;
use crate::limits;

/// Lines, newest first.
pub struct History {
    lines: Deque<Text, { limits::DRAFTS }>,
    /// How far up the arrow keys went; 0 is the line that is being typed.
    recalled: usize,
    /// That line, while an older one is shown in its place.
    kept: Text,
}

impl History {
    /// No lines yet.
    pub const fn new() -> Self {
        Self { lines: Deque::new(), recalled: 0, kept: Text::new() }
    }

    /// Adds the line that has run, unless it is empty or the same as the one before.
    pub fn add(&mut self, line: &[u8]) {
        self.recalled = 0;
        let same = self.lines.front().is_some_and(|newest| newest == line);
        let Some(line) = Text::from_slice(line).ok().filter(|line| !line.is_empty() && !same) else { return };
        if self.lines.is_full() {
            self.lines.pop_back();
        }
        let _ = self.lines.push_front(line);
    }

    /// A line by its age: 1 is the newest.
    pub fn line(&self, age: usize) -> Option<&[u8]> {
        self.lines.iter().nth(age.checked_sub(1)?).map(|line| &line[..])
    }

    /// The line above the one now shown, whose text is `shown`.
    pub fn up(&mut self, shown: &[u8]) -> Option<&[u8]> {
        self.line(self.recalled + 1)?;
        if self.recalled == 0 {
            self.kept = Text::from_slice(shown).unwrap_or_default();
        }
        self.recalled += 1;
        self.line(self.recalled)
    }

    /// The line below; the one that was being typed is the last.
    pub fn down(&mut self) -> Option<&[u8]> {
        self.recalled = self.recalled.checked_sub(1)?;
        if self.recalled == 0 { Some(&self.kept) } else { self.line(self.recalled) }
    }

    /// Goes to a line that was found; `shown` is what is typed.
    pub fn go_to(&mut self, age: usize, shown: &[u8]) {
        if self.recalled == 0 {
            self.kept = Text::from_slice(shown).unwrap_or_default();
        }
        self.recalled = age;
    }

    /// Back to the line that is being typed.
    pub fn leave(&mut self) {
        self.recalled = 0;
    }

    /// The age of the newest line with `pattern` in it that is at least as old as `from`.
    pub fn find(&self, pattern: &[u8], from: usize) -> Option<usize> {
        let has = |line: &[u8]| pattern.is_empty() || line.windows(pattern.len()).any(|part| part == pattern);
        (from.max(1)..=self.lines.len()).find(|age| self.line(*age).is_some_and(has))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_being_typed_is_below_all_others() {
        let mut history = History::new();
        ["one", "two", "two", ""].iter().for_each(|line| history.add(line.as_bytes()));
        assert_eq!(history.down(), None);
        assert_eq!(history.up(b"dra"), Some(&b"two"[..]));
        assert_eq!(history.up(b"two"), Some(&b"one"[..]));
        assert_eq!(history.up(b"one"), None, "and it stays there");
        assert_eq!(history.down(), Some(&b"two"[..]));
        assert_eq!(history.down(), Some(&b"dra"[..]));
    }

    #[test]
    fn lines_are_found_from_the_newest_on() {
        let mut history = History::new();
        ["get wlan.ssid", "version", "get wlan.mac"].iter().for_each(|line| history.add(line.as_bytes()));
        assert_eq!(history.find(b"get", 1), Some(1));
        assert_eq!(history.find(b"get", 2), Some(3));
        assert_eq!((history.find(b"get", 4), history.find(b"zz", 1)), (None, None));
        for number in 0..100 {
            history.add(format!("line {number}").as_bytes());
        }
        assert_eq!(
            (history.line(limits::DRAFTS + 1), history.find(b"version", 1)),
            (None, None),
            "the oldest fall out"
        );
    }
}
