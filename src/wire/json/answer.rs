//! Answers: text of any bytes as a JSON string or as base64, piece by piece.

use core::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use heapless::String;

use crate::wire::output::Output;

/// Bits of `flags` (interface, http 2.1).
pub mod flag {
    /// `command` is base64.
    pub const COMMAND: u32 = 1;
    /// `response` shall be base64.
    pub const RESPONSE: u32 = 2;
    /// `data` is base64.
    pub const DATA: u32 = 4;
    /// All defined bits.
    pub const ALL: u32 = COMMAND | RESPONSE | DATA;
}

/// Ends a line in a list of lines; no UTF-8 text contains this byte.
pub const LINE_END: u8 = 0xFF;

/// How the text appears in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// One JSON string.
    Text,
    /// One JSON string in base64.
    Base64,
    /// A JSON string for each line, see [`LINE_END`].
    Lines,
}

/// An object with one long text.
pub struct Answer<'a> {
    before: String<96>,
    written: usize,
    text: &'a [u8],
    form: Form,
    after: &'static [u8],
}

impl<'a> Answer<'a> {
    /// The answer to a command.
    pub fn command(id: u32, code: u8, flags: u32, response: &'a [u8]) -> Self {
        let [mut id_digits, mut code_digits, mut flags_digits] = [itoa::Buffer::new(); 3];
        let mut before = String::new();
        for part in [
            "{\"id\":",
            id_digits.format(id),
            ",\"code\":",
            code_digits.format(code),
            ",\"flags\":",
            flags_digits.format(flags),
            ",\"response\":\"",
        ] {
            // There is room for all of them.
            let _ = before.push_str(part);
        }
        let form = if flags & flag::RESPONSE != 0 { Form::Base64 } else { Form::Text };
        Self { before, written: 0, text: response, form, after: b"\"}" }
    }

    /// The answer to `/log`; each line ends in [`LINE_END`].
    pub fn log(lines: &'a [u8]) -> Self {
        let mut before = String::new();
        let (opening, after): (_, &[u8]) = if lines.is_empty() { ("", b"]}") } else { ("\"", b"\"]}") };
        let _ = write!(before, "{{\"logs\":[{opening}");
        let text = lines.strip_suffix(&[LINE_END]).unwrap_or(lines);
        Self { before, written: 0, text, form: Form::Lines, after }
    }

    /// Bytes of the whole object.
    pub fn length(&self) -> usize {
        let text = match self.form {
            Form::Base64 => self.text.len().div_ceil(3) * 4,
            form => escaped_length(self.text, form),
        };
        self.before.len() - self.written + text + self.after.len()
    }
}

impl Output for Answer<'_> {
    fn fill(&mut self, out: &mut [u8]) -> usize {
        let mut rest = self.before.as_bytes().get(self.written..).unwrap_or_default();
        if !rest.is_empty() {
            let count = copy(&mut rest, out);
            self.written += count;
            return count;
        }
        if self.text.is_empty() {
            return copy(&mut self.after, out);
        }
        let (taken, count) = match self.form {
            Form::Base64 => encode(self.text, out),
            form => escape(self.text, form, out),
        };
        self.text = self.text.get(taken..).unwrap_or_default();
        count
    }
}

/// Moves as many bytes as fit from the front of `from` into `out`.
fn copy(from: &mut &[u8], out: &mut [u8]) -> usize {
    let count = from.len().min(out.len());
    let (now, later) = from.split_at(count);
    if let Some(place) = out.get_mut(..count) {
        place.copy_from_slice(now);
    }
    *from = later;
    count
}

/// Encodes as much as fits, in whole groups of three bytes except at the end; returns the bytes taken and written.
fn encode(text: &[u8], out: &mut [u8]) -> (usize, usize) {
    let fits = out.len() / 4 * 3;
    let taken = text.len().min(fits);
    let written = STANDARD.encode_slice(text.get(..taken).unwrap_or_default(), out).unwrap_or(0);
    (taken, written)
}

/// The next unit of a text, and its escaped form.
enum Unit<'a> {
    /// These bytes as they are.
    Plain(&'a [u8]),
    /// This many bytes are replaced by these.
    Replaced(usize, [u8; 6], usize),
}

/// The next unit of a non-empty text: a run of plain characters, or one unit to replace.
fn unit(text: &[u8], form: Form) -> Unit<'_> {
    let plain = text.iter().position(|byte| !matches!(byte, b' '..=0x7F) || matches!(byte, b'"' | b'\\'));
    let plain = plain.unwrap_or(text.len());
    if plain > 0 {
        return Unit::Plain(text.get(..plain).unwrap_or_default());
    }
    match text.first().copied().unwrap_or_default() {
        LINE_END if form == Form::Lines => replaced(1, b"\",\""),
        0x80.. => beyond_ascii(text),
        b'"' => replaced(1, b"\\\""),
        b'\\' => replaced(1, b"\\\\"),
        b'\r' => replaced(1, b"\\r"),
        b'\n' => replaced(1, b"\\n"),
        b'\t' => replaced(1, b"\\t"),
        control => {
            let digit = |value: u8| b"0123456789abcdef"[usize::from(value & 0xF)];
            replaced(1, &[b'\\', b'u', b'0', b'0', digit(control >> 4), digit(control)])
        }
    }
}

/// A valid UTF-8 character stays; each invalid sequence becomes U+FFFD.
fn beyond_ascii(text: &[u8]) -> Unit<'_> {
    // The longest character has four bytes, so four bytes are enough to decide.
    let next = text.get(..4).unwrap_or(text);
    let Some(chunk) = next.utf8_chunks().next() else { return Unit::Plain(text) };
    match chunk.valid().chars().next() {
        Some(character) => Unit::Plain(text.get(..character.len_utf8()).unwrap_or_default()),
        None => replaced(chunk.invalid().len().max(1), b"\xEF\xBF\xBD"),
    }
}

fn replaced<'a, const N: usize>(taken: usize, by: &[u8; N]) -> Unit<'a> {
    let mut bytes = [0; 6];
    if let Some(place) = bytes.first_chunk_mut() {
        *place = *by;
    }
    Unit::Replaced(taken, bytes, N)
}

/// Writes a text of any bytes as one JSON string, including the quotes.
pub fn write_text(mut text: &[u8], out: &mut dyn Write) -> fmt::Result {
    let put = |bytes: &[u8], out: &mut dyn Write| out.write_str(core::str::from_utf8(bytes).map_err(|_| fmt::Error)?);
    out.write_char('"')?;
    while !text.is_empty() {
        let taken = match unit(text, Form::Text) {
            Unit::Plain(plain) => {
                put(plain, out)?;
                plain.len()
            }
            Unit::Replaced(taken, bytes, length) => {
                put(bytes.get(..length).unwrap_or_default(), out)?;
                taken
            }
        };
        text = text.get(taken..).unwrap_or_default();
    }
    out.write_char('"')
}

/// Escapes as much as fits; returns the bytes taken and written.
fn escape(text: &[u8], form: Form, out: &mut [u8]) -> (usize, usize) {
    let (mut taken, mut written) = (0, 0);
    while let Some(rest) = text.get(taken..).filter(|rest| !rest.is_empty()) {
        let room = out.get_mut(written..).unwrap_or_default();
        match unit(rest, form) {
            Unit::Plain(mut plain) if plain.first().is_some_and(u8::is_ascii) || plain.len() <= room.len() => {
                let count = copy(&mut plain, room);
                taken += count;
                written += count;
                if count == 0 || !plain.is_empty() {
                    break;
                }
            }
            Unit::Replaced(count, bytes, length) if length <= room.len() => {
                written += copy(&mut bytes.get(..length).unwrap_or_default(), room);
                taken += count;
            }
            Unit::Plain(_) | Unit::Replaced(..) => break,
        }
    }
    (taken, written)
}

fn escaped_length(mut text: &[u8], form: Form) -> usize {
    let mut length = 0;
    while !text.is_empty() {
        let (taken, written) = match unit(text, form) {
            Unit::Plain(plain) => (plain.len(), plain.len()),
            Unit::Replaced(taken, _, written) => (taken, written),
        };
        length += written;
        text = text.get(taken..).unwrap_or_default();
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::output::MIN_PIECE;
    use proptest::prelude::*;

    fn written(mut answer: Answer<'_>, piece: usize) -> std::vec::Vec<u8> {
        let length = answer.length();
        let mut all = std::vec::Vec::new();
        let mut out = std::vec![0; piece];
        loop {
            match answer.fill(&mut out) {
                0 => break,
                count => all.extend_from_slice(&out[..count]),
            }
        }
        assert_eq!(all.len(), length);
        all
    }

    fn text(answer: Answer<'_>) -> std::string::String {
        std::string::String::from_utf8(written(answer, 64)).unwrap()
    }

    #[test]
    fn the_answer_of_a_published_client() {
        assert_eq!(
            text(Answer::command(25, 0, 0, b"Set OK\r\n")),
            r#"{"id":25,"code":0,"flags":0,"response":"Set OK\r\n"}"#
        );
        assert_eq!(
            text(Answer::command(u32::MAX, 9, u32::MAX, b"Set OK\r\n")),
            r#"{"id":4294967295,"code":9,"flags":4294967295,"response":"U2V0IE9LDQo="}"#
        );
    }

    #[test]
    fn every_byte_becomes_valid_json() {
        let all: std::vec::Vec<u8> = (0..=255).collect();
        let json = text(Answer::command(0, 0, 0, &all));
        assert!(json.contains(r#"\u0000\u0001"#) && json.contains(r#"\u0008\t\n\u000b\u000c\r\u000e"#));
        assert!(json.contains("\\u001f !\\\"#") && json.contains(r#"[\\]"#) && json.contains("~\u{7f}\u{fffd}"));
        let mixed = "aä€😀b".as_bytes();
        let mut broken = mixed.to_vec();
        broken.extend_from_slice(b"\xf0\x9f\x98\xe4z\xff");
        assert!(text(Answer::command(0, 0, 0, &broken)).contains("\"aä€😀b\u{fffd}\u{fffd}z\u{fffd}\""));
    }

    #[test]
    fn any_bytes_are_a_text() {
        let mut out = std::string::String::new();
        write_text(b"a\"\\\n\x01\xFF\xC3\xA4", &mut out).unwrap();
        assert_eq!(out, "\"a\\\"\\\\\\n\\u0001\u{fffd}\u{e4}\"");
        out.clear();
        write_text(b"", &mut out).unwrap();
        assert_eq!(out, "\"\"");
    }

    #[test]
    fn log_lines_are_a_list() {
        assert_eq!(text(Answer::log(b"")), r#"{"logs":[]}"#);
        assert_eq!(text(Answer::log(b"[Ready]\xff")), r#"{"logs":["[Ready]"]}"#);
        assert_eq!(text(Answer::log(b"a\"\xff\xffb\xff")), r#"{"logs":["a\"","","b"]}"#);
    }

    proptest! {
        #[test]
        fn pieces_make_the_same_answer(bytes in prop::collection::vec(any::<u8>(), 0..200), piece in MIN_PIECE..200, flags in 0u32..8) {
            let whole = written(Answer::command(1, 0, flags, &bytes), 4096);
            prop_assert_eq!(written(Answer::command(1, 0, flags, &bytes), piece), whole);
        }

        #[test]
        fn text_comes_back(text in any::<std::string::String>()) {
            #[derive(serde::Deserialize)]
            struct Read<'a> { #[serde(borrow)] response: serde_json_core::str::EscapedStr<'a> }
            let json = written(Answer::command(1, 0, 0, text.as_bytes()), 50);
            let (read, _) = serde_json_core::from_slice::<Read<'_>>(&json).unwrap();
            let mut back = std::string::String::new();
            for fragment in read.response.fragments() {
                match fragment.unwrap() {
                    serde_json_core::str::EscapedStringFragment::NotEscaped(part) => back.push_str(part),
                    serde_json_core::str::EscapedStringFragment::Escaped(character) => back.push(character),
                }
            }
            prop_assert_eq!(back, text);
        }
    }
}
