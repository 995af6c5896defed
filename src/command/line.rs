//! Command lines: words, quotes and escapes (interface, serial 2, variables 1.4). No I/O, and no failure except
//! [`LineError`], whatever the bytes.

use heapless::Vec;

use crate::limits;

/// Why a line cannot be split into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// A quote without its end.
    OpenQuote,
    /// More words or bytes than [`limits`] allow.
    TooLong,
}

/// One command line as words, with quotes removed and escapes resolved in place.
#[derive(Clone, Debug, Default)]
pub struct Line<'a> {
    bytes: &'a [u8],
    /// End of each word in `bytes`.
    ends: Vec<u16, { limits::COMMAND_WORDS }>,
}

impl<'a> Line<'a> {
    /// Splits a line without its terminator. The words overwrite its beginning: no escape is shorter than its byte.
    pub fn parse(input: &'a mut [u8]) -> Result<Self, LineError> {
        let mut ends = Vec::new();
        let mut splitter = Splitter { bytes: input, from: 0, to: 0 };
        while splitter.skip_blanks() {
            splitter.word()?;
            let end = u16::try_from(splitter.to).map_err(|_| LineError::TooLong)?;
            ends.push(end).map_err(|_| LineError::TooLong)?;
        }
        let Splitter { bytes, to, .. } = splitter;
        Ok(Self { bytes: bytes.get(..to).unwrap_or_default(), ends })
    }

    /// The number of words.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// There is no word at all.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The `index`-th word.
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        let end = usize::from(*self.ends.get(index)?);
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| usize::from(*end));
        self.bytes.get(start..end)
    }

    /// All words in order.
    pub fn words(&self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// A line that is being split: `from` is the next byte to read; `to` is where the next one is written, never after
/// `from`.
struct Splitter<'a> {
    bytes: &'a mut [u8],
    from: usize,
    to: usize,
}

impl Splitter<'_> {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.from..).unwrap_or_default()
    }

    /// Moves to the next word; `false` when there is none.
    fn skip_blanks(&mut self) -> bool {
        self.from += self.rest().iter().take_while(|byte| is_blank(**byte)).count();
        !self.rest().is_empty()
    }

    /// Takes one word off the line.
    fn word(&mut self) -> Result<(), LineError> {
        let quoted = self.rest().first() == Some(&b'"');
        self.from += usize::from(quoted);
        loop {
            self.plain(quoted);
            match self.rest() {
                [] if quoted => return Err(LineError::OpenQuote),
                [] => return Ok(()),
                [byte, ..] if !quoted && is_blank(*byte) => return Ok(()),
                // Old clients send `"a"b"c"`: only a quote before a blank or the end closes.
                [b'"', rest @ ..] if quoted && ends_word(rest) => {
                    self.from += 1;
                    return Ok(());
                }
                // Old clients do not escape a backslash at the end either: read as an escaped quote, it would leave the
                // word open.
                [b'\\', b'"', rest @ ..] if quoted && ends_word(rest) && !rest.contains(&b'"') => self.put(1, b'\\'),
                [b'\\', ..] => {
                    let (taken, byte) = escape(self.rest());
                    self.put(taken, byte);
                }
                [byte, ..] => self.put(1, *byte),
            }
        }
    }

    /// Takes the bytes that stand for themselves.
    fn plain(&mut self, quoted: bool) {
        let is_special = |byte: u8| match byte {
            b'\\' => true,
            b'"' => quoted,
            byte => !quoted && is_blank(byte),
        };
        let rest = self.rest();
        let count = rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len());
        if self.from != self.to {
            self.bytes.copy_within(self.from..self.from + count, self.to);
        }
        self.from += count;
        self.to += count;
    }

    /// Writes what the next `taken` bytes stand for.
    fn put(&mut self, taken: usize, byte: u8) {
        self.from += taken;
        if let Some(place) = self.bytes.get_mut(self.to) {
            *place = byte;
            self.to += 1;
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn ends_word(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| is_blank(*byte))
}

/// What a backslash begins, and its length: `\xNN`, `\"` or `\\`. Before anything else it stands for itself.
fn escape(input: &[u8]) -> (usize, u8) {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    match input {
        [_, b'x', high, low, ..] => match (digit(*high), digit(*low)) {
            (Some(high), Some(low)) => (4, high << 4 | low),
            _ => (1, b'\\'),
        },
        [_, byte @ (b'"' | b'\\'), ..] => (2, *byte),
        _ => (1, b'\\'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(input: &str) -> std::vec::Vec<String> {
        let mut bytes = input.as_bytes().to_vec();
        let line = Line::parse(&mut bytes).unwrap();
        line.words().map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    #[test]
    fn words_are_split_at_blanks() {
        assert_eq!(words("get wl n s"), ["get", "wl", "n", "s"]);
        assert_eq!(words("  close      0  "), ["close", "0"]);
        assert_eq!(words("   "), [""; 0]);
    }

    #[test]
    fn quotes_and_escapes() {
        assert_eq!(words(r#"set wl s "My Net""#), ["set", "wl", "s", "My Net"]);
        assert_eq!(words(r#"set wl s """#), ["set", "wl", "s", ""]);
        assert_eq!(words(r#"set wl s "a\"b\\c""#), ["set", "wl", "s", r#"a"b\c"#]);
        assert_eq!(words(r#"set wl s "a"b"c""#), ["set", "wl", "s", r#"a"b"c"#]);
        assert_eq!(words(r"set wl s a\x41\x7e\xzz"), ["set", "wl", "s", r"aA~\xzz"]);
        assert_eq!(words(r#"a"b c"#), [r#"a"b"#, "c"]);
        assert_eq!(Line::parse(&mut br#"set wl s "open"#.to_vec()).err(), Some(LineError::OpenQuote));
    }

    /// Issue 8, 2.4: a JSON body whose client has not escaped the backslash.
    #[test]
    fn a_backslash_before_the_last_quote_is_one() {
        assert_eq!(words(r#"set wlan.passkey "abcdefgh\""#), ["set", "wlan.passkey", r"abcdefgh\"]);
        assert_eq!(words(r#"set x "a\" b"#), ["set", "x", r"a\", "b"]);
        assert_eq!(words(r#"set x "a b\"  "#), ["set", "x", r"a b\"]);
        assert_eq!(words(r#"set x "a\\""#), ["set", "x", r"a\"]);
        assert_eq!(words(r#"set x "a\" b""#), ["set", "x", r#"a" b"#]);
        assert_eq!(words(r#"set x "a\"b""#), ["set", "x", r#"a"b"#]);
        assert_eq!(words(r#"set x "\""#), ["set", "x", r"\"]);
        assert_eq!(words(r#"set x a\""#), ["set", "x", r#"a""#]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_words_or_an_error(mut input in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let length = input.len();
            if let Ok(line) = Line::parse(&mut input) {
                let total: usize = line.words().map(<[u8]>::len).sum();
                prop_assert!(total <= length);
            }
        }

        #[test]
        fn quoting_round_trips(word in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut text = b"x \"".to_vec();
            for byte in &word {
                text.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
            }
            text.push(b'"');
            let line = Line::parse(&mut text).unwrap();
            prop_assert_eq!(line.get(1).unwrap(), &word[..]);
        }
    }
}
