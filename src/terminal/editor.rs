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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn type_in(editor: &mut Editor, bytes: &[u8], echo: bool) -> (std::vec::Vec<String>, String) {
        let (mut lines, mut shown) = (std::vec::Vec::new(), std::vec::Vec::new());
        for byte in bytes {
            match editor.byte(*byte, echo, &mut |bytes| shown.extend_from_slice(bytes)) {
                Typed::More => {}
                Typed::Line => {
                    lines.push(String::from_utf8_lossy(editor.line()).into_owned());
                    editor.next(false);
                }
                Typed::TooLong => {
                    lines.push("TOO LONG".into());
                    editor.next(false);
                }
            }
        }
        (lines, String::from_utf8_lossy(&shown).into_owned())
    }

    #[test]
    fn every_terminator_ends_one_line() {
        for end in ["\r", "\n", "\r\n", "\n\r"] {
            let text = format!("ver{end}list{end}{end}");
            let (lines, shown) = type_in(&mut Editor::new(), text.as_bytes(), true);
            assert_eq!(lines, ["ver", "list", ""], "{end:?}");
            assert_eq!(shown, "ver\r\nlist\r\n\r\n");
        }
    }

    #[test]
    fn a_line_end_after_data_is_a_line_of_its_own() {
        let mut editor = Editor::new();
        assert_eq!(editor.byte(b'\r', false, &mut |_| {}), Typed::Line);
        editor.next(true);
        assert_eq!(editor.byte(b'\n', false, &mut |_| {}), Typed::Line);
    }

    #[test]
    fn the_line_end_before_data_is_that_of_the_host() {
        for (typed, half) in [
            ("w 0 1\r", Some(b'\n')),
            ("w 0 1\n", None),
            ("ver\r\nw 0 1\r", Some(b'\n')),
            ("ver\rver\rver\rver\rw 0 1\r", None),
            ("ver\n\rw 0 1\n", Some(b'\r')),
            // Decision 13: a host that has used CR LF once may end other lines in CR alone.
            ("get wl n s\rw 0 1\r", Some(b'\n')),
            ("ver\r\nver\rver\rver\rver\rver\rw 0 1\r", Some(b'\n')),
        ] {
            let mut editor = Editor::new();
            for byte in typed.bytes() {
                if editor.byte(byte, false, &mut |_| {}) == Typed::Line && editor.line() != b"w 0 1" {
                    editor.next(false);
                }
            }
            assert_eq!(editor.second_half(), half, "{typed:?}");
        }
    }

    #[test]
    fn editing_keys() {
        let (lines, _) = type_in(&mut Editor::new(), b"vxr\x1b[D\x08e\r", true);
        assert_eq!(lines, ["ver"]);
        let (lines, shown) = type_in(&mut Editor::new(), b"verr\x7f\r", true);
        assert_eq!((lines[0].as_str(), shown.as_str()), ("ver", "verr\x08 \x08\r\n"));
        let (lines, _) = type_in(&mut Editor::new(), b"er\x1b[Hv\x1b[F!\x1b[D\x1b[3~\r", true);
        assert_eq!(lines, ["ver"]);
        let (lines, _) = type_in(&mut Editor::new(), b"one\rtwo\r\x1b[A\x1b[A\r\x1b[A\x1b[B\r", true);
        assert_eq!(lines, ["one", "two", "one", ""]);
    }

    /// A terminal of one line: what it shows, and where its cursor is.
    fn shown(bytes: &[u8]) -> (String, usize) {
        let (mut cells, mut at) = (std::vec::Vec::<String>::new(), 0);
        for chunk in String::from_utf8_lossy(bytes).chars() {
            match (chunk, unicode_width::UnicodeWidthChar::width(chunk)) {
                ('\x08', _) => at -= 1,
                (_, Some(0)) => cells[at - 1].push(chunk),
                (_, width) => {
                    for part in 0..width.unwrap_or(1) {
                        cells.resize(cells.len().max(at + 1), String::new());
                        cells[at] = if part == 0 { chunk.into() } else { String::new() };
                        at += 1;
                    }
                }
            }
        }
        (cells.concat().trim_end().to_owned(), at)
    }

    /// Types keys; the terminal must show the line, with the cursor where the editor has it.
    fn edited(keys: &str) -> String {
        let (mut editor, mut out) = (Editor::new(), std::vec::Vec::new());
        for byte in keys.bytes() {
            assert_eq!(editor.byte(byte, true, &mut |bytes| out.extend_from_slice(bytes)), Typed::More);
        }
        let line = String::from_utf8_lossy(editor.line()).into_owned();
        let (seen, column) = shown(&out);
        assert_eq!(seen, line.trim_end(), "{keys:?}");
        assert_eq!(column, text::columns(&editor.line[..editor.cursor]), "{keys:?}");
        line
    }

    #[test]
    fn backspace_delete_and_insertion_work_on_characters() {
        for (keys, line) in [
            ("aé\x7f", "a"),
            ("字x\x7f\x7fy", "y"),
            ("€uro\x1b[D\x1b[D\x1b[D\x1b[Dä", "ä€uro"),
            ("a😀b\x1b[H\x1b[C\x1b[3~", "ab"),
            ("a😀b\x1b[D\x1b[D字", "a字😀b"),
            ("cafe\u{301}s\x1b[D\x7f", "cafs"),
            ("xy\x1b[De\u{301}", "xe\u{301}y"),
            ("字字\x1b[D\x7f!", "!字"),
        ] {
            assert_eq!(edited(keys), line, "{keys:?}");
        }
    }

    #[test]
    fn a_recalled_line_replaces_wide_characters() {
        let mut editor = Editor::new();
        let (lines, _) = type_in(&mut editor, "ä字\rver\r字字é\x1b[A\x1b[A\x7f!\r".as_bytes(), true);
        assert_eq!(lines, ["ä字", "ver", "ä!"]);
        let mut out = std::vec::Vec::new();
        for byte in "字字é\x1b[A\x1b[A".bytes() {
            editor.byte(byte, true, &mut |bytes| out.extend_from_slice(bytes));
        }
        assert_eq!(shown(&out), ("ver".into(), 3));
    }

    #[test]
    fn bytes_that_are_no_characters_count_as_one_each() {
        let (lines, _) = type_in(&mut Editor::new(), b"a\xff\xc3b\x7f\x7f\x7fc\r\xe2\x82\x7f\r\xc3\r", true);
        let want = [&b"ac"[..], b"\xe2", b"\xc3"].map(|line| String::from_utf8_lossy(line).into_owned());
        assert_eq!(lines, want);
        let (lines, _) = type_in(&mut Editor::new(), "a\u{9b}Ab\r".as_bytes(), true);
        assert_eq!(lines, ["aAb"], "C1 control codes are not echoed");
    }

    #[test]
    fn sequences_with_parameters_do_not_print_into_the_line() {
        for sequence in ["\x1b[1;5C", "\x1b[200~", "\x1b[24;80R", "\x1bO5D", "\x1b]0;x\x07", "\x1bP+r\x1b\\", "\x1b[[A"]
        {
            assert_eq!(edited(&format!("ve{sequence}r")), "ver", "{sequence:?}");
        }
    }

    #[test]
    fn nul_bytes_between_commands_are_ignored() {
        for echo in [true, false] {
            let (lines, shown) = type_in(&mut Editor::new(), b"\0ver\r\n\0\0get x\r\0\nls\n\0\rver\r", echo);
            assert_eq!(lines, ["ver", "get x", "ls", "ver"]);
            assert!(!shown.contains('\0'));
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_dropped_whole() {
        let mut text = vec![b'x'; limits::COMMAND_LINE + 1];
        text.extend_from_slice(b"\rver\r");
        assert_eq!(type_in(&mut Editor::new(), &text, false).0, ["TOO LONG", "ver"]);
        let fits = [&[b'x'; limits::COMMAND_LINE][..], b"\r"].concat();
        assert_eq!(type_in(&mut Editor::new(), &fits, false).0[0].len(), limits::COMMAND_LINE);
    }

    proptest! {
        #[test]
        fn any_keys_keep_the_editor_sound(bytes in proptest::collection::vec(any::<u8>(), 0..3000), echo: bool) {
            let mut editor = Editor::new();
            type_in(&mut editor, &bytes, echo);
            prop_assert!(editor.cursor <= editor.line.len());
        }

        #[test]
        fn text_at_once_is_text_byte_by_byte(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(0), any::<u8>()], 0..80),
            size in 1..9usize,
        ) {
            let (mut editor, mut lines) = (Editor::new(), std::vec::Vec::new());
            for mut piece in bytes.chunks(size) {
                while !piece.is_empty() {
                    piece = &piece[editor.text(piece)..];
                    let Some((byte, rest)) = piece.split_first() else { break };
                    lines.extend(type_in(&mut editor, &[*byte], false).0);
                    piece = rest;
                }
            }
            prop_assert_eq!(lines, type_in(&mut Editor::new(), &bytes, false).0);
        }
    }
}
