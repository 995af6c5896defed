//! The line that a person types, and where the cursor is in it.

use heapless::Vec;

use crate::limits;
use crate::terminal::text;

/// The bytes of a line.
pub type Text = Vec<u8, { limits::DRAFT }>;

/// A line that is being typed.
#[derive(Default)]
pub struct Draft {
    text: Text,
    cursor: usize,
    /// More was typed than a line may have: a cut-off line must not run.
    overflow: bool,
}

impl Draft {
    /// An empty line.
    pub const fn new() -> Self {
        Self { text: Text::new(), cursor: 0, overflow: false }
    }

    /// The whole line.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where the cursor is, in bytes from the start.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Whether more was typed than a line may have.
    pub fn is_too_long(&self) -> bool {
        self.overflow
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The line up to the cursor.
    pub fn before(&self) -> &[u8] {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    /// Replaces the line, with the cursor at its end.
    pub fn set(&mut self, text: &[u8]) {
        self.text.clear();
        self.overflow = self.text.extend_from_slice(text).is_err();
        self.cursor = self.text.len();
    }

    /// Inserts a character, or a byte that is not part of one, before the cursor.
    pub fn insert(&mut self, character: &[u8]) {
        if self.overflow || character.len() > self.text.capacity() - self.text.len() {
            self.overflow = true;
            return;
        }
        for byte in character {
            // There is room.
            let _ = self.text.insert(self.cursor, *byte);
            self.cursor += 1;
        }
    }

    /// One character to the left.
    pub fn left(&mut self) {
        self.cursor = text::previous(&self.text, self.cursor);
    }

    /// One character to the right.
    pub fn right(&mut self) {
        self.cursor = text::next(&self.text, self.cursor);
    }

    /// To the start.
    pub fn home(&mut self) {
        self.cursor = 0;
    }

    /// To the end.
    pub fn end(&mut self) {
        self.cursor = self.text.len();
    }

    /// Removes the character before the cursor.
    pub fn rub_out(&mut self) {
        self.cut(text::previous(&self.text, self.cursor), self.cursor);
    }

    /// Removes the character under the cursor.
    pub fn delete(&mut self) {
        self.cut(self.cursor, text::next(&self.text, self.cursor));
    }

    /// Removes everything before the cursor.
    pub fn cut_before(&mut self) {
        self.cut(0, self.cursor);
    }

    /// Removes everything from the cursor on.
    pub fn cut_behind(&mut self) {
        self.cut(self.cursor, self.text.len());
    }

    /// Removes the word before the cursor, and the blanks behind it.
    pub fn cut_word(&mut self) {
        let word = self.before().trim_ascii_end();
        let start = word.iter().rposition(|byte| *byte == b' ').map_or(0, |blank| blank + 1);
        self.cut(start, self.cursor);
    }

    fn cut(&mut self, start: usize, end: usize) {
        let rest = self.text.len().saturating_sub(end);
        self.text.copy_within(end..end + rest, start);
        self.text.truncate(start + rest);
        self.cursor = start;
        self.overflow = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(before: &str, behind: &str, edit: fn(&mut Draft)) -> (String, String) {
        let mut draft = Draft::new();
        draft.set(format!("{before}{behind}").as_bytes());
        draft.cursor = before.len();
        edit(&mut draft);
        let behind = String::from_utf8(draft.text[draft.cursor..].to_vec()).unwrap();
        (String::from_utf8(draft.before().to_vec()).unwrap(), behind)
    }

    #[test]
    fn keys_cut_where_the_cursor_is() {
        for (edit, before, behind) in [
            (Draft::cut_before as fn(&mut Draft), "", "ssid  x"),
            (Draft::cut_behind, "set wlan.", ""),
            (Draft::cut_word, "set ", "ssid  x"),
            (Draft::rub_out, "set wlan", "ssid  x"),
            (Draft::delete, "set wlan.", "sid  x"),
            (Draft::home, "", "set wlan.ssid  x"),
            (Draft::end, "set wlan.ssid  x", ""),
            (Draft::left, "set wlan", ".ssid  x"),
            (Draft::right, "set wlan.s", "sid  x"),
        ] {
            assert_eq!(edited("set wlan.", "ssid  x", edit), (before.into(), behind.into()));
        }
        assert_eq!(edited("get wlan  ", "", Draft::cut_word), ("get ".into(), String::new()));
        assert_eq!(edited("", "", Draft::cut_word), (String::new(), String::new()));
        assert_eq!(edited("", "é", Draft::delete), (String::new(), String::new()), "characters, not bytes");
    }

    #[test]
    fn a_line_that_is_too_long_is_known_for_one() {
        let mut draft = Draft::new();
        (0..limits::DRAFT).for_each(|_| draft.insert(b"x"));
        assert!(!draft.is_too_long());
        draft.insert(b"x");
        assert!(draft.is_too_long() && draft.text().len() == limits::DRAFT);
        draft.rub_out();
        assert!(!draft.is_too_long(), "what is there now is what is seen");
    }
}
