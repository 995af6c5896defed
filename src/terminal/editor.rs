//! The line editor: bytes from the UART become command lines; what is to be echoed goes to a sink (serial reference 2).

use heapless::{Deque, Vec};

use super::complete;
use crate::limits;

/// A command line being typed.
pub type LineBuffer = Vec<u8, { limits::COMMAND_LINE }>;

/// What a byte has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Nothing yet.
    More,
    /// A line; it is in [`Editor::line`].
    Line,
    /// A line that did not fit; it is gone.
    TooLong,
}

/// Where an escape sequence stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    /// ESC was seen.
    Started,
    /// ESC `[` or ESC `O` was seen, and this digit after it.
    Bracket(u8),
}

/// State of the line that is being typed.
#[derive(Default)]
pub struct Editor {
    line: LineBuffer,
    cursor: usize,
    overflow: bool,
    /// The terminator just seen: its other half, CR or LF, belongs to it.
    terminator: Option<u8>,
    /// Whether the host's lines end in two bytes, as far as is known.
    pairs: Option<bool>,
    escape: Escape,
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
            pairs: None,
            escape: Escape::None,
            history: Deque::new(),
            recalled: 0,
        }
    }

    /// The line that [`Input::Line`] announced.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Starts the next line. `data_taken`: the bytes since then were data, so a line end that follows is a line of its
    /// own (reference README, decision 1).
    pub fn next(&mut self, data_taken: bool) {
        self.line.clear();
        self.cursor = 0;
        self.overflow = false;
        self.recalled = 0;
        if data_taken {
            self.terminator = None;
        }
    }

    /// The byte that still belongs to the line end when data follow the line. After CR that is LF, unless the host is
    /// known to end its lines in a lone CR; after LF it is CR only with a host that is known to end its lines so.
    pub fn second_half(&self) -> Option<u8> {
        match (self.terminator, self.pairs) {
            (Some(b'\r'), None | Some(true)) => Some(b'\n'),
            (Some(b'\n'), Some(true)) => Some(b'\r'),
            _ => None,
        }
    }

    /// Takes one byte. With `echo` the editing keys work and `out` gets what the terminal must show.
    pub fn byte(&mut self, byte: u8, echo: bool, out: &mut dyn FnMut(&[u8])) -> Input {
        let terminator = self.terminator.take();
        let second_half = matches!(byte, b'\r' | b'\n') && terminator.is_some_and(|first| first != byte);
        if terminator.is_some() {
            self.pairs = Some(second_half);
        }
        match byte {
            _ if second_half => Input::More,
            b'\r' | b'\n' => self.end(byte, echo, out),
            _ if !echo => {
                self.insert(byte, &mut |_| {});
                Input::More
            }
            _ => {
                self.key(byte, out);
                Input::More
            }
        }
    }

    fn end(&mut self, byte: u8, echo: bool, out: &mut dyn FnMut(&[u8])) -> Input {
        self.terminator = Some(byte);
        self.escape = Escape::None;
        if echo {
            out(b"\r\n");
        }
        if self.overflow {
            return Input::TooLong;
        }
        let newest = self.history.front();
        if echo && !self.line.is_empty() && newest != Some(&self.line) {
            if self.history.is_full() {
                self.history.pop_back();
            }
            let _ = self.history.push_front(self.line.clone());
        }
        Input::Line
    }

    fn key(&mut self, byte: u8, out: &mut dyn FnMut(&[u8])) {
        match (core::mem::take(&mut self.escape), byte) {
            (_, 0x1B) => self.escape = Escape::Started,
            (Escape::Started, b'[' | b'O') => self.escape = Escape::Bracket(0),
            (Escape::Bracket(_), digit @ b'0'..=b'9') => self.escape = Escape::Bracket(digit),
            (Escape::Bracket(digit), last) => self.sequence(digit, last, out),
            (Escape::Started, _) => {}
            (Escape::None, 0x08 | 0x7F) => self.rub_out(out),
            (Escape::None, b'\t') => self.complete(out),
            // Other control bytes have no meaning on a command line.
            (Escape::None, 0..=0x1F) => {}
            (Escape::None, byte) => self.insert(byte, out),
        }
    }

    fn sequence(&mut self, digit: u8, last: u8, out: &mut dyn FnMut(&[u8])) {
        match (digit, last) {
            (0, b'A') => self.recall(self.recalled + 1, out),
            (0, b'B') => self.recall(self.recalled.saturating_sub(1), out),
            (0, b'C') => self.right(1, out),
            (0, b'D') => self.left(1, out),
            (0, b'H') | (b'1' | b'7', b'~') => self.left(self.cursor, out),
            (0, b'F') | (b'4' | b'8', b'~') => self.right(self.line.len() - self.cursor, out),
            (b'3', b'~') if self.cursor < self.line.len() => {
                self.right(1, out);
                self.rub_out(out);
            }
            _ => {}
        }
    }

    fn insert(&mut self, byte: u8, out: &mut dyn FnMut(&[u8])) {
        if self.overflow || self.line.insert(self.cursor, byte).is_err() {
            self.overflow = true;
            return;
        }
        self.cursor += 1;
        self.redraw(self.cursor - 1, out);
    }

    /// Removes the byte before the cursor.
    fn rub_out(&mut self, out: &mut dyn FnMut(&[u8])) {
        if self.cursor == 0 {
            return;
        }
        self.cursor -= 1;
        self.line.remove(self.cursor);
        out(b"\x08");
        out(self.line.get(self.cursor..).unwrap_or_default());
        out(b" ");
        for _ in self.cursor..=self.line.len() {
            out(b"\x08");
        }
    }

    /// Shows the line from `start` on; the terminal's cursor is there, and ends where the editor's is.
    fn redraw(&self, start: usize, out: &mut dyn FnMut(&[u8])) {
        out(self.line.get(start..).unwrap_or_default());
        for _ in self.cursor..self.line.len() {
            out(b"\x08");
        }
    }

    fn left(&mut self, steps: usize, out: &mut dyn FnMut(&[u8])) {
        for _ in 0..steps.min(self.cursor) {
            self.cursor -= 1;
            out(b"\x08");
        }
    }

    fn right(&mut self, steps: usize, out: &mut dyn FnMut(&[u8])) {
        let end = (self.cursor + steps).min(self.line.len());
        out(self.line.get(self.cursor..end).unwrap_or_default());
        self.cursor = end;
    }

    fn recall(&mut self, back: usize, out: &mut dyn FnMut(&[u8])) {
        let line = match back {
            0 => LineBuffer::new(),
            _ => match self.history.iter().nth(back - 1) {
                Some(line) => line.clone(),
                None => return,
            },
        };
        self.right(self.line.len() - self.cursor, out);
        while !self.line.is_empty() {
            self.rub_out(out);
        }
        self.line = line;
        self.cursor = self.line.len();
        self.recalled = back;
        out(&self.line);
    }

    /// Tab: adds what is certain at the end of the line.
    fn complete(&mut self, out: &mut dyn FnMut(&[u8])) {
        if self.cursor < self.line.len() {
            return;
        }
        let tail = complete::tail(&self.line);
        for byte in tail {
            self.insert(byte, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn type_in(editor: &mut Editor, bytes: &[u8], echo: bool) -> (std::vec::Vec<String>, String) {
        let (mut lines, mut shown) = (std::vec::Vec::new(), std::vec::Vec::new());
        for byte in bytes {
            match editor.byte(*byte, echo, &mut |bytes| shown.extend_from_slice(bytes)) {
                Input::More => {}
                Input::Line => {
                    lines.push(String::from_utf8_lossy(editor.line()).into_owned());
                    editor.next(false);
                }
                Input::TooLong => {
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
        assert_eq!(editor.byte(b'\r', false, &mut |_| {}), Input::Line);
        editor.next(true);
        assert_eq!(editor.byte(b'\n', false, &mut |_| {}), Input::Line);
    }

    #[test]
    fn the_line_end_before_data_is_that_of_the_host() {
        for (typed, half) in [
            ("w 0 1\r", Some(b'\n')),
            ("w 0 1\n", None),
            ("ver\r\nw 0 1\r", Some(b'\n')),
            ("ver\rw 0 1\r", None),
            ("ver\n\rw 0 1\n", Some(b'\r')),
        ] {
            let mut editor = Editor::new();
            for byte in typed.bytes() {
                if editor.byte(byte, false, &mut |_| {}) == Input::Line && editor.line() != b"w 0 1" {
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
    }
}
