//! The object that `POST /command` takes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json_core::str::EscapedStr;

use super::{flag, number};
use crate::wire::http::status::Status;
use crate::wire::span::Span;

/// The deepest nesting of objects and lists in values that are skipped.
const DEPTH: usize = 16;

/// A command with its data, both decoded in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// See [`flag`].
    pub flags: u32,
    /// The command line.
    pub command: Span,
    /// Its data.
    pub data: Span,
}

/// The keys that are read; others are skipped.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    command: Option<EscapedStr<'a>>,
    #[serde(borrow)]
    data: Option<EscapedStr<'a>>,
}

impl Call {
    /// Reads the object and decodes its strings in place.
    pub fn parse(body: &mut [u8]) -> Result<Self, Status> {
        let flags = check(body).ok_or(Status::BAD_REQUEST)?.unwrap_or(0);
        let (object, _) = serde_json_core::from_slice::<Object<'_>>(body).map_err(|_| Status::BAD_REQUEST)?;
        if flags & !flag::ALL != 0 {
            // A client that sets an undefined bit expects something that would not happen.
            return Err(Status::BAD_REQUEST);
        }
        let command = object.command.ok_or(Status::BAD_REQUEST)?;
        let command = Span::within(body, command.0.as_bytes());
        let data = object.data.map_or(Span::default(), |data| Span::within(body, data.0.as_bytes()));
        let decode = |body: &mut [u8], span: Span, base64: bool| {
            let bytes = span.of_mut(body);
            let mut length = unescape(bytes)?;
            if base64 {
                length = decode_base64(bytes.get_mut(..length)?)?;
            }
            Some(Span { start: span.start, end: span.start + length })
        };
        let command = decode(body, command, flags & flag::COMMAND != 0).ok_or(Status::BAD_REQUEST)?;
        let data = decode(body, data, flags & flag::DATA != 0).ok_or(Status::BAD_REQUEST)?;
        Ok(Self { flags, command, data })
    }
}

/// A call whose data do not fit into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Flags and command; no data.
    pub call: Call,
    /// Where the text of the data begins, after its quote.
    pub data: usize,
}

impl Opening {
    /// Reads the beginning of an object: flags, if there are any, and the command must come before the data. The
    /// command is decoded in place.
    pub fn parse(body: &mut [u8]) -> Result<Self, Status> {
        let data = data_begin(body).ok_or(Status::CONTENT_TOO_LARGE)?;
        // With its data cut off, the object is complete.
        let end = body.get_mut(data..data + 2).ok_or(Status::CONTENT_TOO_LARGE)?;
        let mut kept = [0; 2];
        kept.copy_from_slice(end);
        end.copy_from_slice(b"\"}");
        let call = Call::parse(body.get_mut(..data + 2).unwrap_or_default());
        if let Some(end) = body.get_mut(data..data + 2) {
            end.copy_from_slice(&kept);
        }
        Ok(Self { call: call?, data })
    }
}

/// Bytes to put before the end of an object, to make it a whole object.
pub const BEGIN: usize = 6;

/// Whether the bytes after the data are the end of the object, without any key that is read. `object` begins with
/// [`BEGIN`] bytes that may be overwritten.
pub fn is_end(object: &mut [u8]) -> bool {
    let Some(begin) = object.first_chunk_mut::<BEGIN>() else { return false };
    *begin = *b"{\"\":0 ";
    let named = |object: &Object<'_>| object.command.is_some() || object.data.is_some();
    check(object) == Some(None)
        && serde_json_core::from_slice::<Object<'_>>(object).is_ok_and(|(object, _)| !named(&object))
}

/// Where the text of the data begins, after its quote, in the beginning of an object. `None` when the command does not
/// come before it.
fn data_begin(body: &[u8]) -> Option<usize> {
    let (mut depth, mut at, mut has_command) = (0u32, 0, false);
    let (mut string, mut comes) = (&[][..], false);
    while let Some(&byte) = body.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b'"' if comes && depth == 1 => return has_command.then_some(at),
            b'"' => {
                let after = body.get(at..)?;
                let rest = string_end(after)?;
                string = after.get(..after.len() - rest.len() - 1)?;
                at = body.len() - rest.len();
            }
            b':' => {
                comes = depth == 1 && string == b"data";
                has_command |= depth == 1 && string == b"command";
            }
            _ => {}
        }
    }
    None
}

/// Checks what the parser ignores: the nesting depth of skipped values (the parser recurses as deep), bare words in
/// them that are not JSON, and control characters in strings. Returns `flags` if there are any; they may be any
/// notation of a whole number.
fn check(body: &[u8]) -> Option<Option<u32>> {
    let mut depth = 0;
    let mut rest = body;
    let mut flags = None;
    // The last string, and whether the value of `flags` comes next.
    let (mut string, mut comes) = (&[][..], false);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'{' | b'[' => {
                (!comes && depth < DEPTH).then_some(())?;
                depth += 1;
            }
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b'"' => {
                (!comes).then_some(())?;
                rest = string_end(after)?;
                string = after.get(..after.len() - rest.len() - 1)?;
            }
            b':' => comes = depth == 1 && string == b"flags",
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {}
            first => {
                let end = after.iter().position(|byte| !is_word(*byte)).unwrap_or(after.len());
                let (word, after) = after.split_at(end);
                is_value(first, word).then_some(())?;
                if core::mem::take(&mut comes) {
                    let value = if first == b'n' { 0 } else { number::whole(first, word)? };
                    flags.replace(value).is_none().then_some(())?;
                }
                rest = after;
            }
        }
    }
    (depth == 0).then_some(flags)
}

/// The rest after the closing quote of a string.
fn string_end(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let at = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' '))?;
        rest = match rest.get(at..)? {
            [b'"', after @ ..] => return Some(after),
            [b'\\', _, after @ ..] => after,
            _ => return None,
        };
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// Whether it is `true`, `false`, `null` or looks like a number.
fn is_value(first: u8, rest: &[u8]) -> bool {
    match first {
        b't' => rest == b"rue",
        b'f' => rest == b"alse",
        b'n' => rest == b"ull",
        b'-' | b'0'..=b'9' => rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')),
        _ => false,
    }
}

/// Resolves the escapes of a JSON string in place and returns the new length. No escape is shorter than its character.
fn unescape(bytes: &mut [u8]) -> Option<usize> {
    let Some(first) = bytes.iter().position(|byte| *byte == b'\\') else { return Some(bytes.len()) };
    let (mut from, mut to) = (first, first);
    while let Some(&byte) = bytes.get(from) {
        let mut encoded = [byte, 0, 0, 0];
        let (taken, length) = match byte {
            b'\\' => {
                let (character, taken) = escape(bytes.get(from + 1..)?)?;
                (1 + taken, character.encode_utf8(&mut encoded).len())
            }
            _ => (1, 1),
        };
        bytes.get_mut(to..to + length)?.copy_from_slice(encoded.get(..length)?);
        from += taken;
        to += length;
    }
    Some(to)
}

/// The character of an escape, and the length of the escape after the backslash.
pub(super) fn escape(bytes: &[u8]) -> Option<(char, usize)> {
    let character = match bytes.first()? {
        b'u' => return unicode(bytes),
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{C}',
        same @ (b'"' | b'\\' | b'/') => char::from(*same),
        _ => return None,
    };
    Some((character, 1))
}

/// `uXXXX`, or two of them with a backslash in between for a character beyond the first plane.
fn unicode(bytes: &[u8]) -> Option<(char, usize)> {
    let first = hex(bytes.get(1..5)?)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first.into())?, 5));
    }
    let second = hex(bytes.get(5..11)?.strip_prefix(b"\\u")?)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, 11))
}

fn hex(digits: &[u8]) -> Option<u16> {
    let add = |sum: u32, digit: &u8| Some(sum << 4 | char::from(*digit).to_digit(16)?);
    u16::try_from(digits.iter().try_fold(0, add)?).ok()
}

/// Decodes base64 in place and returns the new length.
fn decode_base64(bytes: &mut [u8]) -> Option<usize> {
    const BLOCK: usize = 64;
    let (mut from, mut to) = (0, 0);
    while from < bytes.len() {
        let taken = BLOCK.min(bytes.len() - from);
        let mut block = [0; BLOCK];
        let block = block.get_mut(..taken)?;
        block.copy_from_slice(bytes.get(from..from + taken)?);
        let decoded = STANDARD.decode_slice(block, bytes.get_mut(to..from + taken)?).ok()?;
        from += taken;
        to += decoded;
        // Padding ends the text.
        if decoded < taken / 4 * 3 && from < bytes.len() {
            return None;
        }
    }
    Some(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    fn read(body: &[u8]) -> Result<(u32, Vec<u8>, Vec<u8>), Status> {
        let mut body = body.to_vec();
        let call = Call::parse(&mut body)?;
        Ok((call.flags, call.command.of(&body).to_vec(), call.data.of(&body).to_vec()))
    }

    #[test]
    fn the_bodies_of_published_clients() {
        let zentriospy = br#"{"flags": 7, "command": "aGVscCBjb21tYW5kcw==", "data": ""}"#;
        assert_eq!(read(zentriospy).unwrap(), (7, b"help commands".to_vec(), Vec::new()));
        let javascript = br#"{"data":"SGVsbG8=","command":"write 0 5","flags":4,"retries":3}"#;
        assert_eq!(read(javascript).unwrap(), (4, b"write 0 5".to_vec(), b"Hello".to_vec()));
        let app = br#"{ "flags" : 0, "command" : "set wl s \"a b\"" }"#;
        assert_eq!(read(app).unwrap(), (0, br#"set wl s "a b""#.to_vec(), Vec::new()));
    }

    #[test]
    fn unknown_keys_of_any_kind_are_skipped() {
        let body =
            br#"{"a":[1,{"b":"]}\""},[null]],"done":null,"x":-1.5e+3,"y":true,"command":"ver","z":{"command":"no"}}"#;
        assert_eq!(read(body).unwrap().1, b"ver");
        assert_eq!(read(b"\r\n {\t\"command\"\n:\"ver\",\"data\":null} \n").unwrap().1, b"ver");
    }

    #[test]
    fn an_object_whose_data_go_on() {
        let begin = br#"{"x":[{"data":"no"}],"flags":5,"command":"dmVy","data":"QUJD"#;
        let mut body = begin.to_vec();
        let opening = Opening::parse(&mut body).unwrap();
        assert_eq!((opening.call.flags, opening.call.command.of(&body)), (5, &b"ver"[..]));
        assert_eq!(body[opening.data..], *b"QUJD");
        for late in [
            r#"{"data":"abc"#,
            r#"{"command":"ver"#,
            r#"{"x":"command","data":"abc"#,
            r#"{"command":"ver","x":{"data":"abc"#,
        ] {
            assert_eq!(Opening::parse(&mut late.as_bytes().to_vec()), Err(Status::CONTENT_TOO_LARGE), "{late}");
        }
        for broken in [r#"{"command":7,"data":"abc"#, r#"{"flags":8,"command":"ver","data":"abc"#] {
            assert_eq!(Opening::parse(&mut broken.as_bytes().to_vec()), Err(Status::BAD_REQUEST), "{broken}");
        }
        let ends = |tail: &str| is_end(std::format!("......{tail}").as_bytes().to_vec().as_mut());
        for tail in ["}", " } \r\n", r#","x":1}"#, r#", "y" : [1,{"flags":3}] }"#] {
            assert!(ends(tail), "{tail}");
        }
        for tail in ["", "]", "}}", r#","flags":4}"#, r#","command":"a"}"#, r#","data":"a"}"#, r#","x":}"#, "} x"] {
            assert!(!ends(tail), "{tail}");
        }
    }

    #[test]
    fn flags_are_any_whole_number() {
        for (text, flags) in [
            ("0.0", 0),
            ("7e0", 7),
            ("4E0", 4),
            ("-0", 0),
            ("-0.0e5", 0),
            ("0.2e+1", 2),
            ("40e-1", 4),
            ("null", 0),
            ("0e999999999999", 0),
        ] {
            let body = format!(r#"{{"command":"","flags" : {text} ,"x":{{"flags":9}}}}"#);
            assert_eq!(read(body.as_bytes()).map(|call| call.0), Ok(flags), "{text}");
        }
    }

    #[test]
    fn every_escape_is_resolved() {
        let body = br#"{"command":"\"\\\/\b\f\n\r\t\u0041\u00e4\u20AC\uD83D\ude00\u0000.","data":"\u0053GVs\u0062G8=","flags":4}"#;
        let (_, command, data) = read(body).unwrap();
        assert_eq!(command, "\"\\/\u{8}\u{c}\n\r\tAä€😀\0.".as_bytes());
        assert_eq!(data, b"Hello");
    }

    #[test]
    fn malformed_bodies_are_refused() {
        for body in [
            "",
            " ",
            "ver",
            "null",
            "[]",
            "{}",
            r#""command""#,
            r#"{"command":"ver""#,
            r#"{"command":"ver"}}"#,
            r#"{"command":"ver"} x"#,
            r#"{"command":"ver",}"#,
            r#"{,"command":"ver"}"#,
            r#"{"command" "ver"}"#,
            r#"{"command":ver}"#,
            r#"{"command":7}"#,
            r#"{"command":null}"#,
            r#"{"command":["ver"]}"#,
            r#"{"Command":"ver"}"#,
            r#"{"command":"ver","flags":"0"}"#,
            r#"{"command":"ver","flags":-1}"#,
            r#"{"command":"ver","flags":1.5}"#,
            r#"{"command":"ver","flags":7.5e0}"#,
            r#"{"command":"ver","flags":1e-1}"#,
            r#"{"command":"ver","flags":1e99999999999}"#,
            r#"{"command":"ver","flags":4294967296e0}"#,
            r#"{"command":"ver","flags":-1e0}"#,
            r#"{"command":"ver","flags":1,"flags":1}"#,
            r#"{"command":"ver","flags":true}"#,
            r#"{"command":"ver","flags":[1]}"#,
            r#"{"command":"ver","flags":1.}"#,
            r#"{"command":"ver","flags":1e}"#,
            r#"{"command":"ver","flags":-}"#,
            r#"{"command":"ver","flags":4294967296}"#,
            r#"{"command":"ver","flags":07}"#,
            r#"{"command":"ver","x":}"#,
            r#"{"command":"ver","x":yes}"#,
            r#"{"command":"ver","x":nan}"#,
            r#"{"command":"ver","x":[1}}"#,
            r#"{"command":"ver","command":"ver"}"#,
            r#"{"command":"\x41"}"#,
            r#"{"command":"\u12"}"#,
            r#"{"command":"\u+123"}"#,
            r#"{"command":"\ud800"}"#,
            r#"{"command":"\ud83d\u0041"}"#,
            r#"{"command":"\udc00"}"#,
            r#"{'command':'ver'}"#,
            "{\"command\":\"a\nb\"}",
            r#"{"command":"a","data":7}"#,
            r#"{"command":"dmVy","flags":1,"data":"\"#,
        ] {
            assert_eq!(read(body.as_bytes()), Err(Status::BAD_REQUEST), "{body}");
        }
        assert_eq!(read(b"{\"command\":\"\xff\"}"), Err(Status::BAD_REQUEST));
        let deep = format!("{{\"command\":\"ver\",\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(deep.as_bytes()), Err(Status::BAD_REQUEST));
    }

    #[test]
    fn bad_base64_is_refused() {
        for text in ["a", "aGVsc", "aGVsc=", "aGV=scCB", "aG==aG==", "aGVs cCBj", "aGVs-_Bj", "=", "====", "aGVsb==="] {
            let body = format!(r#"{{"flags":1,"command":"{text}"}}"#);
            assert_eq!(read(body.as_bytes()), Err(Status::BAD_REQUEST), "{text}");
        }
        let padded = format!(r#"{{"flags":1,"command":"{}aG=={}"}}"#, "aGVs".repeat(15), "aGVs".repeat(3));
        assert_eq!(read(padded.as_bytes()), Err(Status::BAD_REQUEST));
    }

    proptest! {
        #[test]
        fn data_comes_back(data in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut text = std::vec![0; data.len().div_ceil(3) * 4];
            STANDARD.encode_slice(&data, &mut text).unwrap();
            let text = String::from_utf8(text).unwrap();
            let body = format!(r#"{{"command":"x","flags":4,"data":"{text}"}}"#);
            prop_assert_eq!(read(body.as_bytes()).unwrap().2, data);
        }

        #[test]
        fn any_bytes_are_read_without_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body);
        }

        #[test]
        fn any_opening_is_read_without_panic(body in r#"(\{|\}|\[|\]|,|:|"|\\|u|0|1|"command":"|"data":"|"flags":4,| ){0,40}"#) {
            let _ = Opening::parse(&mut body.clone().into_bytes());
            let _ = is_end(&mut body.into_bytes());
        }

        #[test]
        fn any_json_like_text_is_read_without_panic(body in r#"(\{|\}|\[|\]|,|:|"|\\|u|0|1|d8|command|data|flags|null| ){0,40}"#) {
            let _ = read(body.as_bytes());
        }

        #[test]
        fn any_string_is_unescaped_without_panic(text in r#"(\\|u|d|8|3|c|0|"|/|n|ä){0,30}"#) {
            let mut bytes = text.clone().into_bytes();
            if let Some(length) = unescape(&mut bytes) {
                prop_assert!(String::from_utf8(bytes[..length].to_vec()).is_ok());
            }
        }
    }
}
