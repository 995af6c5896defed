//! Command lines: words, quotes and escapes (serial reference 2, variables reference 1.4). No I/O, no failure but
//! [`LineError`], whatever the bytes.

use heapless::Vec;
use nom::IResult;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while_m_n};
use nom::character::complete::space0;
use nom::combinator::{map, map_opt};
use nom::sequence::preceded;

use crate::limits;

/// Why a line cannot be split into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// A quote without its end.
    OpenQuote,
    /// More words or bytes than [`limits`] allow.
    TooLong,
}

/// One command line as words, quotes removed and escapes resolved.
#[derive(Clone, Debug, Default)]
pub struct Line {
    bytes: Vec<u8, { limits::COMMAND_LINE }>,
    /// End of each word in `bytes`.
    ends: Vec<u16, { limits::COMMAND_WORDS }>,
}

impl Line {
    /// Splits a line without its terminator.
    pub fn parse(input: &[u8]) -> Result<Self, LineError> {
        let mut line = Self::default();
        let mut rest = skip_blanks(input);
        while !rest.is_empty() {
            rest = skip_blanks(line.word(rest)?);
        }
        Ok(line)
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
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = usize::from(*self.ends.get(index)?);
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| usize::from(*end));
        self.bytes.get(start..end)
    }

    /// All words in order.
    pub fn words(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Takes one word off the input; answers the rest.
    fn word<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], LineError> {
        let quoted = input.first() == Some(&b'"');
        let mut rest = if quoted { &input[1..] } else { input };
        loop {
            match rest.first() {
                None if quoted => return Err(LineError::OpenQuote),
                None => break,
                Some(b' ' | b'\t') if !quoted => break,
                // Old clients send `"a"b"c"`: only a quote before a blank or the end closes.
                Some(b'"') if quoted && matches!(rest.get(1), None | Some(b' ' | b'\t')) => {
                    rest = &rest[1..];
                    break;
                }
                Some(_) => {}
            }
            let Ok((after, byte)) = character(rest) else { break };
            self.bytes.push(byte).map_err(|_| LineError::TooLong)?;
            rest = after;
        }
        let end = u16::try_from(self.bytes.len()).map_err(|_| LineError::TooLong)?;
        self.ends.push(end).map_err(|_| LineError::TooLong)?;
        Ok(rest)
    }
}

/// One byte of a word: `\xNN`, `\"`, `\\` or a plain byte. A backslash before anything else stands for itself.
fn character(input: &[u8]) -> IResult<&[u8], u8> {
    let hex = map_opt(
        preceded(tag(&b"\\x"[..]), take_while_m_n(2, 2, |byte: u8| byte.is_ascii_hexdigit())),
        |digits: &[u8]| u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok(),
    );
    let quote = map(tag(&b"\\\""[..]), |_| b'"');
    let backslash = map(tag(&b"\\\\"[..]), |_| b'\\');
    let plain = map_opt(take(1usize), |byte: &[u8]| byte.first().copied());
    alt((hex, quote, backslash, plain)).parse(input)
}

fn skip_blanks(input: &[u8]) -> &[u8] {
    // `space0` takes blanks and tabs and cannot fail.
    let result: IResult<&[u8], &[u8]> = space0(input);
    result.map_or(input, |(rest, _)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(input: &str) -> std::vec::Vec<String> {
        let line = Line::parse(input.as_bytes()).unwrap();
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
        assert_eq!(Line::parse(br#"set wl s "open"#).err(), Some(LineError::OpenQuote));
    }

    proptest! {
        #[test]
        fn any_bytes_are_words_or_an_error(input in proptest::collection::vec(any::<u8>(), 0..2000)) {
            if let Ok(line) = Line::parse(&input) {
                let total: usize = line.words().map(<[u8]>::len).sum();
                prop_assert!(total <= input.len());
            }
        }

        #[test]
        fn quoting_round_trips(word in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut text = b"x \"".to_vec();
            for byte in &word {
                text.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
            }
            text.push(b'"');
            let line = Line::parse(&text).unwrap();
            prop_assert_eq!(line.get(1).unwrap(), &word[..]);
        }
    }
}
