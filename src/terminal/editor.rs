//! The line editor: bytes from the UART become command lines; the echo goes to a sink (interface, serial 2).

use heapless::{Deque, Vec};

use super::complete;
use super::keys::{Key, Keys};
use super::text::{self, Collector};
use crate::limits;

/// After this many lines in a row that end in CR alone, an LF after CR counts as data.
const LONE_CRS: u8 = 4;

/// A command line being typed.
pub type LineBuffer = Vec<u8, { limits::COMMAND_LINE }>;

/// What a byte has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Nothing yet.
    More,
    /// A line; it is in [`Editor::line`].
    Line,
    /// A line that did not fit; it is gone.
    TooLong,
}

/// State of the line that is being typed.
#[derive(Default)]
pub struct Editor {
    line: LineBuffer,
    cursor: usize,
    overflow: bool,
    /// The terminator just seen: its other half, CR or LF, belongs to it.
    terminator: Option<u8>,
    /// The host has ended a line in CR LF.
    cr_lf: bool,
    /// The host has ended a line in LF CR, and its last line too.
    lf_cr: bool,
    /// Lines in a row that the host has ended in CR alone.
    lone_crs: u8,
    keys: Keys,
    /// The character that is being typed.
    collector: Collector,
    /// Newest first.
    history: Deque<LineBuffer, { limits::HISTORY }>,
    /// How far up the arrow keys went; 0 is the line being typed.
    recalled: usize,
}

impl Editor {
    /// An editor with no line and no history.
    pub const fn new() -> Self {
        Self {
            line: Vec::new(),
            cursor: 0,
            overflow: false,
            terminator: None,
            cr_lf: false,
            lf_cr: false,
            lone_crs: 0,
            keys: Keys::new(),
            collector: Collector::new(),
            history: Deque::new(),
            recalled: 0,
        }
    }

    /// The line that [`Typed::Line`] announced; running the command overwrites it with its words.
    pub fn line(&mut self) -> &mut [u8] {
        &mut self.line
    }

    /// Starts the next line. `data_taken`: the bytes since the last line were data, so a line end that follows is a
    /// line of its own (interface, serial 2).
    pub fn next(&mut self, data_taken: bool) {
        self.line.clear();
        self.cursor = 0;
        self.overflow = false;
        self.recalled = 0;
        if data_taken {
            self.terminator = None;
        }
    }

    /// The byte that still belongs to the line end when data follow the line. After CR that is LF, unless the host has
    /// shown that it ends its lines in a lone CR (interface, serial 2); after LF it is CR only if the host is known to
    /// end its lines in LF CR.
    pub fn second_half(&self) -> Option<u8> {
        match self.terminator {
            Some(b'\r') if self.cr_lf || self.lone_crs < LONE_CRS => Some(b'\n'),
            Some(b'\n') if self.lf_cr => Some(b'\r'),
            _ => None,
        }
    }

    /// Takes one byte. With `echo` the editing keys work and `out` gets what the terminal must show.
    pub fn byte(&mut self, byte: u8, echo: bool, out: &mut dyn FnMut(&[u8])) -> Typed {
        if byte == 0 && self.line.is_empty() {
            // Hosts send the NUL of a C string after a line, and Telnet clients send one after a CR.
            return Typed::More;
        }
        match self.line_end(byte) {
            Some(Typed::Line) => return self.end(echo, out),
            Some(typed) => return typed,
            None if !echo => self.insert(&[byte], &mut |_| {}),
            None => self.key(byte, out),
        }
        Typed::More
    }

    /// Takes at once, for a host without echo, the bytes before the next line end; returns their number. What needs a closer
    /// look is left to [`Editor::byte`].
    pub fn text(&mut self, bytes: &[u8]) -> usize {
        if self.terminator.is_some() || (self.line.is_empty() && bytes.first() == Some(&0)) {
            return 0;
        }
        let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
        let text = bytes.get(..end).unwrap_or_default();
        if !text.is_empty() {
            self.insert(text, &mut |_| {});
        }
        end
    }

    /// Takes half a line end: [`Typed::Line`] for its first byte, [`Typed::More`] for its other half. `None`: the byte is no
    /// part of one.
    pub fn line_end(&mut self, byte: u8) -> Option<Typed> {
        let terminator = self.terminator.take();
        let second_half = matches!(byte, b'\r' | b'\n') && terminator.is_some_and(|first| first != byte);
        if let Some(first) = terminator {
            self.learn(first, second_half);
        }
        match byte {
            _ if second_half => Some(Typed::More),
            b'\r' | b'\n' => {
                self.terminator = Some(byte);
                Some(Typed::Line)
            }
            _ => None,
        }
    }

    /// Takes over a line that was typed elsewhere.
    pub fn set_line(&mut self, line: &[u8]) {
        self.line.clear();
        self.overflow = self.line.extend_from_slice(line).is_err();
    }

    /// Notes that a line has ended in `first`, and with `pair` in its other half too.
    fn learn(&mut self, first: u8, pair: bool) {
        if first == b'\n' {
            self.lf_cr = pair;
        } else {
            self.cr_lf |= pair;
            self.lone_crs = if pair { 0 } else { self.lone_crs.saturating_add(1) };
        }
    }

    fn end(&mut self, echo: bool, out: &mut dyn FnMut(&[u8])) -> Typed {
        self.keys.reset();
        self.collected(None, out);
        if echo {
            out(b"\r\n");
        }
        if self.overflow {
            return Typed::TooLong;
        }
        let newest = self.history.front();
        if echo && !self.line.is_empty() && newest != Some(&self.line) {
            if self.history.is_full() {
                self.history.pop_back();
            }
            let _ = self.history.push_front(self.line.clone());
        }
        Typed::Line
    }

    fn key(&mut self, byte: u8, out: &mut dyn FnMut(&[u8])) {
        let key = self.keys.byte(byte);
        if let Key::Text(byte) = key {
            return self.collected(Some(byte), out);
        }
        self.collected(None, out);
        match key {
            Key::None | Key::Text(_) | Key::Control(_) => {}
            Key::Backspace => self.rub_out(out),
            Key::Delete if self.cursor < self.line.len() => {
                self.right(out);
                self.rub_out(out);
            }
            Key::Delete => {}
            Key::Tab => self.complete(out),
            Key::Up => self.recall(self.recalled + 1, out),
            Key::Down => self.recall(self.recalled.saturating_sub(1), out),
            Key::Right => self.right(out),
            Key::Left => self.left(out),
            Key::Home => {
                while self.cursor > 0 {
                    self.left(out);
                }
            }
            Key::End => self.go_to_end(out),
        }
    }

    /// Inserts characters once they are complete. `None`: no more bytes come for an incomplete one.
    fn collected(&mut self, byte: Option<u8>, out: &mut dyn FnMut(&[u8])) {
        let mut collector = core::mem::take(&mut self.collector);
        match byte {
            Some(byte) => collector.byte(byte, &mut |whole| self.insert(whole, out)),
            None => collector.end(&mut |whole| self.insert(whole, out)),
        }
        self.collector = collector;
    }

    /// Inserts a character, or a byte that is not part of one.
    fn insert(&mut self, character: &[u8], out: &mut dyn FnMut(&[u8])) {
        if self.overflow || character.len() > self.line.capacity() - self.line.len() {
            self.overflow = true;
            return;
        }
        let start = self.cursor;
        if start == self.line.len() {
            // There is room, and nothing after the cursor must move.
            let _ = self.line.extend_from_slice(character);
            self.cursor = self.line.len();
            return out(character);
        }
        for byte in character {
            // There is room.
            let _ = self.line.insert(self.cursor, *byte);
            self.cursor += 1;
        }
        self.redraw(start, 0, out);
    }

    /// Removes the character before the cursor.
    fn rub_out(&mut self, out: &mut dyn FnMut(&[u8])) {
        let start = text::previous(&self.line, self.cursor);
        if start == self.cursor {
            return;
        }
        let gone = self.columns(start, self.cursor);
        back(gone, out);
        while self.cursor > start {
            self.cursor -= 1;
            self.line.remove(self.cursor);
        }
        self.redraw(start, gone, out);
    }

    /// Shows the line from `start` on and `blanks` empty columns after it. The terminal's cursor is at `start` before,
    /// and at the editor's cursor afterwards.
    fn redraw(&self, start: usize, blanks: usize, out: &mut dyn FnMut(&[u8])) {
        out(self.line.get(start..).unwrap_or_default());
        (0..blanks).for_each(|_| out(b" "));
        back(self.columns(self.cursor, self.line.len()) + blanks, out);
    }

    fn columns(&self, start: usize, end: usize) -> usize {
        text::columns(self.line.get(start..end).unwrap_or_default())
    }

    fn left(&mut self, out: &mut dyn FnMut(&[u8])) {
        let start = text::previous(&self.line, self.cursor);
        back(self.columns(start, self.cursor), out);
        self.cursor = start;
    }

    fn right(&mut self, out: &mut dyn FnMut(&[u8])) {
        let end = text::next(&self.line, self.cursor);
        out(self.line.get(self.cursor..end).unwrap_or_default());
        self.cursor = end;
    }

    fn go_to_end(&mut self, out: &mut dyn FnMut(&[u8])) {
        out(self.line.get(self.cursor..).unwrap_or_default());
        self.cursor = self.line.len();
    }

    fn recall(&mut self, older: usize, out: &mut dyn FnMut(&[u8])) {
        let line = match older {
            0 => LineBuffer::new(),
            _ => match self.history.iter().nth(older - 1) {
                Some(line) => line.clone(),
                None => return,
            },
        };
        self.go_to_end(out);
        let shown = self.columns(0, self.line.len());
        back(shown, out);
        (0..shown).for_each(|_| out(b" "));
        back(shown, out);
        self.line = line;
        self.cursor = self.line.len();
        self.recalled = older;
        out(&self.line);
    }

    /// Tab: adds what is certain at the end of the line.
    fn complete(&mut self, out: &mut dyn FnMut(&[u8])) {
        if self.cursor < self.line.len() {
            return;
        }
        let tail = complete::tail(&self.line);
        for byte in tail {
            self.insert(&[byte], out);
        }
    }
}

/// Moves the terminal's cursor to the left.
fn back(columns: usize, out: &mut dyn FnMut(&[u8])) {
    (0..columns).for_each(|_| out(b"\x08"));
}

#[cfg(test)]
mod tests;
