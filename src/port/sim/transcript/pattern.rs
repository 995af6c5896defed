//! Compares printed lines with expected lines that have placeholders, and remembers the text that matched them.

use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::super::text;

/// Names and their values.
pub(super) type Variables = BTreeMap<Vec<u8>, Vec<u8>>;

/// A line that stands for any number of lines.
const ANY_LINES: &[u8] = b"{...}";

/// A piece of an expected line.
enum Piece {
    Literal(Vec<u8>),
    Placeholder { kind: PieceKind, name: Option<Vec<u8>> },
}

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PieceKind {
    Any,
    Text,
    Word,
    Int,
    Hex,
    Mac,
    Ip,
}

impl PieceKind {
    fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"*" => Self::Any,
            b"text" => Self::Text,
            b"word" => Self::Word,
            b"int" => Self::Int,
            b"hex" => Self::Hex,
            b"mac" => Self::Mac,
            b"ip" => Self::Ip,
            _ => return None,
        })
    }

    fn admits(self, bytes: &[u8]) -> bool {
        let digits = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
        let upper_hex = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
        match self {
            Self::Any => true,
            Self::Text => !bytes.is_empty(),
            Self::Word => !bytes.is_empty() && !bytes.iter().any(|byte| matches!(byte, b' ' | b'\t')),
            Self::Int => digits(bytes.strip_prefix(b"-").unwrap_or(bytes)),
            Self::Hex => !bytes.is_empty() && bytes.iter().all(u8::is_ascii_hexdigit),
            Self::Mac => {
                bytes.len() == 17
                    && bytes.split(|byte| *byte == b':').all(|pair| pair.len() == 2 && pair.iter().all(upper_hex))
            }
            Self::Ip => {
                let mut parts = bytes.split(|byte| *byte == b'.');
                parts.clone().count() == 4 && parts.all(|part| part.len() <= 3 && digits(part))
            }
        }
    }
}

/// Puts the values of `{$name}` into a line; an unknown name is an error.
pub(super) fn insert(line: &[u8], variables: &Variables) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut rest = line;
    while let [first, tail @ ..] = rest {
        if let Some((inner, after)) = braces(rest)
            && let Some(name) = inner.strip_prefix(b"$")
            && is_name(name)
        {
            let value = variables.get(name).ok_or_else(|| format!("no value for {{${}}}", text(name)))?;
            out.extend(value);
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    Ok(out)
}

/// The inside of the braces at the start of `bytes`, and what follows them.
fn braces(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = bytes.strip_prefix(b"{")?;
    let end = inner.iter().position(|byte| *byte == b'}')?;
    Some((&inner[..end], &inner[end + 1..]))
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// Splits an expected line; braces that are not a placeholder stand for themselves.
fn pieces(line: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = Vec::new();
    let mut rest = line;
    while let [first, tail @ ..] = rest {
        match placeholder(rest) {
            Some((piece, after)) => {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                pieces.push(piece);
                rest = after;
            }
            None => {
                literal.push(*first);
                rest = tail;
            }
        }
    }
    pieces.push(Piece::Literal(literal));
    pieces
}

fn placeholder(bytes: &[u8]) -> Option<(Piece, &[u8])> {
    let (inner, after) = braces(bytes)?;
    let mut parts = inner.splitn(2, |byte| *byte == b'=');
    let kind = PieceKind::named(parts.next()?)?;
    let name = parts.next().map(<[u8]>::to_vec);
    if name.as_deref().is_some_and(|name| !is_name(name)) {
        return None;
    }
    Some((Piece::Placeholder { kind, name }, after))
}

/// Compares all lines. `Some` has the variables, including newly bound ones; `None` means a difference.
pub(super) fn match_lines(
    expected: &[Vec<u8>],
    actual: &[&[u8]],
    variables: &Variables,
) -> Result<Option<Variables>, String> {
    let Some((first, expected)) = expected.split_first() else {
        return Ok(actual.is_empty().then(|| variables.clone()));
    };
    if first == ANY_LINES {
        for skipped in 0..=actual.len() {
            if let Some(bound) = match_lines(expected, &actual[skipped..], variables)? {
                return Ok(Some(bound));
            }
        }
        return Ok(None);
    }
    let Some((line, actual)) = actual.split_first() else { return Ok(None) };
    let first = insert(first, variables)?;
    match match_line(&pieces(&first), line, variables.clone()) {
        Some(bound) => match_lines(expected, actual, &bound),
        None => Ok(None),
    }
}

fn match_line(pieces: &[Piece], line: &[u8], variables: Variables) -> Option<Variables> {
    match pieces.split_first() {
        None => line.is_empty().then_some(variables),
        Some((Piece::Literal(literal), rest)) => match_line(rest, line.strip_prefix(literal.as_slice())?, variables),
        Some((Piece::Placeholder { kind, name }, rest)) => {
            // The longest text first, like a regular expression.
            (0..=line.len()).rev().filter(|length| kind.admits(&line[..*length])).find_map(|length| {
                let mut bound = variables.clone();
                if let Some(name) = name
                    && let Some(value) = bound.insert(name.clone(), line[..length].to_vec())
                    && value != line[..length]
                {
                    return None;
                }
                match_line(rest, &line[length..], bound)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(expected: &[&str], actual: &[&str]) -> Option<Variables> {
        let expected: Vec<Vec<u8>> = expected.iter().map(|line| line.as_bytes().to_vec()).collect();
        let actual: Vec<&[u8]> = actual.iter().map(|line| line.as_bytes()).collect();
        match_lines(&expected, &actual, &Variables::new()).unwrap()
    }

    #[test]
    fn placeholders_stand_for_their_kind_only() {
        for (expected, yes, no) in [
            ("a{*}c", "ac", "ab"),
            ("a{text}c", "abc", "ac"),
            ("{word} x", "on x", "o n x"),
            ("rssi {int}", "rssi -45", "rssi -"),
            ("{hex}", "0aF", "0ag"),
            ("{mac}", "4C:55:CC:10:09:42", "4c:55:cc:10:09:42"),
            ("{ip}:{int}", "10.5.6.108:80", "10.5.6:80"),
            ("{\"id\":{int}}", "{\"id\":7}", "{\"id\":x}"),
            ("{int=} {nothing}", "{int=} {nothing}", "1 {nothing}"),
        ] {
            assert!(matches(&[expected], &[yes]).is_some(), "{expected} {yes}");
            assert!(matches(&[expected], &[no]).is_none(), "{expected} {no}");
        }
    }

    #[test]
    fn a_name_has_one_value() {
        let bound = matches(&["{int=h}, {word}", "closed {$h}"], &["12, x", "closed 12"]).unwrap();
        assert_eq!(bound[b"h".as_slice()], b"12");
        assert!(matches(&["{int=h} {int=h}"], &["1 2"]).is_none());
        assert!(matches(&["{int=h}", "closed {$h}"], &["1", "closed 2"]).is_none());
        let line = insert(b"read {$h} {$x} {y}", &Variables::from([(b"h".into(), b"3".into())]));
        assert_eq!(line, Err("no value for {$x}".into()));
    }

    #[test]
    fn three_dots_are_any_lines() {
        assert!(matches(&["a", "{...}", "b"], &["a", "b"]).is_some());
        assert!(matches(&["a", "{...}", "b"], &["a", "b", "c", "b"]).is_some());
        assert!(matches(&["a", "{...}", "b"], &["a", "b", "c"]).is_none());
        assert!(matches(&[], &["a"]).is_none());
        assert!(matches(&["a"], &[]).is_none());
    }
}
