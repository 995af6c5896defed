//! Texts in the header fields of a message: unchanged where possible, else in encoded words (RFC 2047).

use core::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::address::Mailbox;
use crate::wire::date::Date;

/// Bytes of text in one encoded word. With the marks around the word and a short field name before it, they fit into
/// the 76 characters of a line.
const WORD: usize = 39;
/// The longest text that is written unchanged: a line has at most 998 bytes (RFC 5322, 2.1.1).
const PLAIN: usize = 900;

/// Writes a text without control characters as the content of a field.
pub fn write_text(out: &mut dyn Write, text: &str) -> fmt::Result {
    // Text that looks like an encoded word would be read as one.
    if text.is_ascii() && text.len() <= PLAIN && !has_word_mark(text) {
        return out.write_str(text);
    }
    write_words(out, text)
}

fn has_word_mark(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| pair == b"=?")
}

fn write_words(out: &mut dyn Write, text: &str) -> fmt::Result {
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(WORD);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (word, tail) = rest.split_at_checked(end).ok_or(fmt::Error)?;
        let mut encoded = [0; WORD.div_ceil(3) * 4];
        let length = STANDARD.encode_slice(word, &mut encoded).map_err(|_| fmt::Error)?;
        let encoded = encoded.get(..length).and_then(|encoded| core::str::from_utf8(encoded).ok()).ok_or(fmt::Error)?;
        // Blanks between two encoded words do not count.
        let fold = if rest.len() == text.len() { "" } else { "\r\n " };
        write!(out, "{fold}=?UTF-8?B?{encoded}?=")?;
        rest = tail;
    }
    Ok(())
}

/// Writes a mailbox as the content of a field.
pub fn write_mailbox(out: &mut dyn Write, mailbox: Mailbox<'_>) -> fmt::Result {
    let Mailbox { name, address } = mailbox;
    let is_quotable = |byte: u8| byte == b' ' || (byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
    match name {
        "" => return out.write_str(address),
        name if name.bytes().all(|byte| byte == b' ' || byte.is_ascii_alphanumeric()) => out.write_str(name)?,
        name if name.bytes().all(is_quotable) && !has_word_mark(name) => write!(out, "\"{name}\"")?,
        name => write_words(out, name)?,
    }
    write!(out, " <{address}>")
}

/// Writes a time in milliseconds since 1970 as the content of a `Date` field (RFC 5322, 3.3).
pub fn write_date(out: &mut dyn Write, millis: u64) -> fmt::Result {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Date { year, month, day, hour, minute, second, .. } = Date::from_millis(millis);
    let weekday = DAYS.get((millis / 86_400_000 % 7) as usize).unwrap_or(&"");
    let month = MONTHS.get(usize::from(month).wrapping_sub(1)).unwrap_or(&"");
    write!(out, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
}

/// Writes a unique name, made from random bytes, as the content of a `Message-ID` field (RFC 5322, 3.6.4).
pub fn write_message_id(out: &mut dyn Write, random: &[u8], sender: &str) -> fmt::Result {
    out.write_str("<")?;
    random.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
    write!(out, "@{}>", sender.rsplit_once('@').map_or(sender, |(_, domain)| domain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Text = std::string::String;

    fn text(text: &str) -> Text {
        let mut out = Text::new();
        write_text(&mut out, text).unwrap();
        out
    }

    fn mailbox(name: &str) -> Text {
        let mut out = Text::new();
        write_mailbox(&mut out, Mailbox { name, address: "a@b" }).unwrap();
        out
    }

    /// Reads encoded words, as a mail reader does.
    fn decoded(field: &str) -> Text {
        let words =
            field.split("\r\n ").map(|word| word.strip_prefix("=?UTF-8?B?").unwrap().strip_suffix("?=").unwrap());
        let decode = |word: &str| {
            let mut bytes = [0; 60];
            let length = STANDARD.decode_slice(word, &mut bytes).unwrap();
            bytes[..length].to_vec()
        };
        let bytes: std::vec::Vec<u8> = words.flat_map(decode).collect();
        Text::from_utf8(bytes).unwrap()
    }

    #[test]
    fn texts() {
        assert_eq!(text("Door open: 3 times"), "Door open: 3 times");
        assert_eq!(text("T\u{fc}r"), "=?UTF-8?B?VMO8cg==?=");
        assert_eq!(text("=?UTF-8?B?eA==?="), "=?UTF-8?B?PT9VVEYtOD9CP2VBPT0/PQ==?=");
        let long = "\u{20ac}".repeat(30);
        assert_eq!(decoded(&text(&long)), long);
        assert!(text(&"x".repeat(2000)).lines().all(|line| line.len() <= 66));
    }

    #[test]
    fn names() {
        assert_eq!(mailbox(""), "a@b");
        assert_eq!(mailbox("My Device 7"), "My Device 7 <a@b>");
        assert_eq!(mailbox("Smith, J."), "\"Smith, J.\" <a@b>");
        assert_eq!(mailbox("K\u{e4}the"), "=?UTF-8?B?S8OkdGhl?= <a@b>");
        assert_eq!(mailbox("a\"b"), "=?UTF-8?B?YSJi?= <a@b>");
    }

    #[test]
    fn dates() {
        let mut out = Text::new();
        write_date(&mut out, 1_795_780_805_999).unwrap();
        assert_eq!(out, "Fri, 27 Nov 2026 12:00:05 +0000");
        out.clear();
        write_date(&mut out, 0).unwrap();
        assert_eq!(out, "Thu, 01 Jan 1970 00:00:00 +0000");
    }

    #[test]
    fn ids() {
        let mut out = Text::new();
        write_message_id(&mut out, &[0xAB; 12], "me@my.org").unwrap();
        assert_eq!(out, "<abababababababababababab@my.org>");
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_no_line_is_long(content in "\\PC{1,300}") {
            let field = text(&content);
            prop_assert!(field == content && content.is_ascii() || decoded(&field) == content);
            if field != content {
                prop_assert!(field.split("\r\n").all(|line| line.len() <= 67 && line.is_ascii()));
                prop_assert!(field.len() <= 2 * content.len() + 16);
            }
        }
    }
}
