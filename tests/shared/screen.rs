//! A terminal: what it shows of the bytes it gets (the part of ECMA-48 that the device uses; anything else fails).

use unicode_width::UnicodeWidthChar;

/// Rows of text, and the cursor.
pub struct Screen {
    columns: usize,
    rows: Vec<Vec<String>>,
    row: usize,
    column: usize,
    /// Bytes of a character or sequence that is not complete.
    rest: Vec<u8>,
}

impl Screen {
    /// An empty screen with this many columns; rows are added as they are written.
    pub fn new(columns: usize) -> Self {
        Self { columns, rows: vec![Vec::new()], row: 0, column: 0, rest: Vec::new() }
    }

    /// Shows bytes.
    pub fn show(&mut self, bytes: &[u8]) {
        self.rest.extend(bytes);
        let bytes = std::mem::take(&mut self.rest);
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => {
                assert_eq!(error.error_len(), None, "{}", bytes.escape_ascii());
                self.rest = bytes[error.valid_up_to()..].to_vec();
                std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap()
            }
        };
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = match rest.strip_prefix("\x1b[") {
                Some(sequence) => {
                    let end = sequence.find(|letter: char| letter.is_ascii_alphabetic()).expect("a whole sequence");
                    self.sequence(&sequence[..end], &sequence[end..=end]);
                    &sequence[end + 1..]
                }
                None => {
                    self.character(first);
                    &rest[first.len_utf8()..]
                }
            }
        }
    }

    fn sequence(&mut self, number: &str, last: &str) {
        let count = number.parse().unwrap_or(1);
        match (number, last) {
            (_, "A") => self.row -= count,
            // A cursor that waits after the last column counts as in it.
            (_, "C") => self.column = (self.column + count).min(self.columns - 1),
            ("", "H") => (self.row, self.column) = (0, 0),
            ("", "J") => {
                self.rows.truncate(self.row + 1);
                self.rows[self.row].truncate(self.column.min(self.columns - 1));
            }
            ("2", "J") => self.rows = vec![Vec::new()],
            other => panic!("{other:?} is nothing that the device should send"),
        }
    }

    fn character(&mut self, character: char) {
        match (character, character.width()) {
            ('\r', _) => self.column = 0,
            ('\n', _) => self.down(),
            (_, None) => panic!("{character:?} is nothing that the device should send"),
            (_, Some(0)) => self.rows[self.row][self.column - 1].push(character),
            (_, Some(width)) => {
                if self.column + width > self.columns {
                    self.column = 0;
                    self.down();
                }
                for part in 0..width {
                    let row = &mut self.rows[self.row];
                    row.resize(row.len().max(self.column + 1), " ".into());
                    row[self.column] = if part == 0 { character.into() } else { String::new() };
                    self.column += 1;
                }
            }
        }
    }

    fn down(&mut self) {
        self.row += 1;
        self.rows.resize(self.rows.len().max(self.row + 1), Vec::new());
    }

    /// The rows, without blanks at their ends.
    pub fn rows(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.concat().trim_end().to_owned()).collect()
    }

    /// The last rows with the cursor as `|`, `count` of them.
    pub fn last(&self, count: usize) -> Vec<String> {
        let mut rows: Vec<String> = self.rows.iter().map(|row| row.concat()).collect();
        let row = &self.rows[self.row];
        let part = |cells: &[String]| cells.concat();
        let at = self.column.min(row.len());
        rows[self.row] = format!("{}|{}", part(&row[..at]), part(&row[at..]));
        rows.split_off(rows.len().saturating_sub(count)).iter().map(|row| row.trim_end().to_owned()).collect()
    }
}
