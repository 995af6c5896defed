//! What is drawn of a line on a terminal, over as many rows as it takes (ECMA-48 8.3: CUU, CUF, ED).

use core::fmt::Write;

use heapless::{String, Vec};

use crate::limits;
use crate::terminal::text;

/// Bytes for a terminal.
pub type Drawing = Vec<u8, { limits::DRAWING }>;

/// What to show: a prompt, the text after it, and the cursor in the text, in bytes.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// What stands before the text.
    pub prompt: &'a [u8],
    /// The text.
    pub text: &'a [u8],
    /// Where the cursor is in it.
    pub cursor: usize,
}

/// What a terminal shows of a line.
pub struct Canvas {
    /// Something is drawn.
    drawn: bool,
    /// Rows from the first drawn row to the cursor.
    row: usize,
    /// Bytes of the text that are drawn, if the cursor is at their end.
    length: Option<usize>,
}

/// A place on a terminal: rows and columns from where the drawing begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    row: usize,
    column: usize,
}

impl Place {
    /// Where the cursor is after these texts. When a row is full, the cursor counts as being in the next one.
    fn behind(texts: &[&[u8]], columns: usize) -> Self {
        let mut place = Self { row: 0, column: 0 };
        for bytes in texts {
            let mut at = 0;
            while at < bytes.len() {
                let end = text::next(bytes, at);
                let width = text::columns(bytes.get(at..end).unwrap_or_default());
                if place.column + width > columns {
                    place = Self { row: place.row + 1, column: 0 };
                }
                place.column += width;
                at = end;
            }
        }
        if place.column >= columns { Self { row: place.row + 1, column: 0 } } else { place }
    }
}

impl View<'_> {
    fn end(&self, columns: usize) -> Place {
        Place::behind(&[self.prompt, self.text], columns)
    }

    fn place(&self, columns: usize) -> Place {
        Place::behind(&[self.prompt, self.text.get(..self.cursor).unwrap_or(self.text)], columns)
    }
}

impl Canvas {
    /// Nothing is drawn.
    pub const fn new() -> Self {
        Self { drawn: false, row: 0, length: None }
    }

    /// Whether something is drawn.
    pub fn is_drawn(&self) -> bool {
        self.drawn
    }

    /// Draws the view in place of the previous one. `appended`: since then, text was only added at its end.
    pub fn draw(&mut self, view: View<'_>, columns: usize, appended: bool, out: &mut Drawing) {
        let end = view.end(columns);
        let at = view.place(columns);
        let known = self.length.filter(|_| self.drawn && appended && at == end);
        match known.and_then(|length| view.text.get(length..)) {
            Some(more) => put(out, more),
            None => self.draw_whole(view, out),
        }
        // A terminal moves to the next row only with the next character.
        if end.column == 0 && end.row > 0 && known != Some(view.text.len()) {
            put(out, b"\r\n");
        }
        if known.is_none() && self.drawn {
            put(out, b"\x1b[J");
        }
        if at != end {
            up(end.row - at.row, out);
            put(out, b"\r");
            if at.column > 0 {
                sequence(at.column, 'C', out);
            }
        }
        *self = Self { drawn: true, row: at.row, length: (at == end).then_some(view.text.len()) };
    }

    fn draw_whole(&mut self, view: View<'_>, out: &mut Drawing) {
        self.to_start(out);
        put(out, view.prompt);
        put(out, view.text);
    }

    /// Erases what is drawn; the cursor is then where the drawing began.
    pub fn erase(&mut self, out: &mut Drawing) {
        if self.drawn {
            self.to_start(out);
            put(out, b"\x1b[J");
        }
        *self = Self::new();
    }

    /// Leaves the view where it is and goes to the row below it.
    pub fn leave(&mut self, view: View<'_>, columns: usize, appended: bool, out: &mut Drawing) {
        self.draw(View { cursor: view.text.len(), ..view }, columns, appended, out);
        let end = view.end(columns);
        if end.column > 0 || end.row == 0 {
            put(out, b"\r\n");
        }
        *self = Self::new();
    }

    /// Empties the screen; the next view is drawn at its top.
    pub fn clear(&mut self, out: &mut Drawing) {
        put(out, b"\x1b[H\x1b[2J");
        *self = Self::new();
    }

    fn to_start(&self, out: &mut Drawing) {
        if self.drawn {
            up(self.row, out);
            put(out, b"\r");
        }
    }
}

/// Moves the cursor up.
fn up(rows: usize, out: &mut Drawing) {
    if rows > 0 {
        sequence(rows, 'A', out);
    }
}

fn sequence(count: usize, last: char, out: &mut Drawing) {
    let mut text: String<24> = String::new();
    let _ = write!(text, "\x1b[{count}{last}");
    put(out, text.as_bytes());
}

/// There is room for a line and what is drawn around it.
fn put(out: &mut Drawing, bytes: &[u8]) {
    let _ = out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, columns: usize) -> (usize, usize) {
        let place = Place::behind(&[b"> ", text.as_bytes()], columns);
        (place.row, place.column)
    }

    #[test]
    fn rows_are_counted_as_a_terminal_fills_them() {
        assert_eq!(place("", 10), (0, 2));
        assert_eq!(place("1234567", 10), (0, 9));
        assert_eq!(place("12345678", 10), (1, 0), "full");
        assert_eq!(place("123456789", 10), (1, 1));
        assert_eq!(place("1234567字", 10), (1, 2), "a wide character is not cut in two");
        assert_eq!(place("e\u{301}e\u{301}", 10), (0, 4));
    }

    fn drawn(canvas: &mut Canvas, text: &str, cursor: usize, appended: bool) -> std::string::String {
        let mut out = Drawing::new();
        canvas.draw(View { prompt: b"> ", text: text.as_bytes(), cursor }, 10, appended, &mut out);
        std::string::String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn what_is_added_at_the_end_is_all_that_is_sent() {
        let mut canvas = Canvas::new();
        assert_eq!(drawn(&mut canvas, "", 0, true), "> ");
        assert_eq!(drawn(&mut canvas, "ve", 2, true), "ve");
        assert_eq!(drawn(&mut canvas, "ver", 3, true), "r");
        assert_eq!(drawn(&mut canvas, "ver", 1, false), "\r> ver\x1b[J\r\x1b[3C");
        assert_eq!(drawn(&mut canvas, "ver 5678", 8, false), "\r> ver 5678\r\n\x1b[J", "to the next row");
        assert_eq!(drawn(&mut canvas, "ver 56789", 9, true), "9");
        assert_eq!(drawn(&mut canvas, "ver 56789", 0, false), "\x1b[1A\r> ver 56789\x1b[J\x1b[1A\r\x1b[2C");
        let mut out = Drawing::new();
        canvas.erase(&mut out);
        assert_eq!(&out[..], b"\r\x1b[J");
        assert_eq!(drawn(&mut canvas, "x", 1, true), "> x");
    }
}
