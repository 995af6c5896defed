//! The head of a response: status and framing of the body (RFC 9112, 6.3).

use httparse::{EMPTY_HEADER, Header, ParserConfig, Response, Status};

use super::body::Body;
use crate::limits;

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status code, 100 to 999.
    pub status: u16,
    /// The framing of the body.
    pub body: Body,
    /// The body comes in chunks.
    pub chunked: bool,
    /// Bytes of the head.
    pub length: usize,
}

/// An invalid head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Head {
    /// Reads the head at the beginning of `input`; `None` when it is incomplete. `head_only`: the request was HEAD, so
    /// no body comes whatever the fields say.
    pub fn parse(input: &[u8], head_only: bool) -> Result<Option<Self>, Malformed> {
        let mut fields = [EMPTY_HEADER; limits::HTTP_CLIENT_ANSWER_FIELDS];
        let Some((status, length)) = parse(input, &mut fields)? else { return Ok(None) };
        let chunked = is_chunked(&fields)?;
        let body = match status {
            100..=199 | 204 | 304 => Body::none(),
            _ if head_only => Body::none(),
            _ if chunked == Some(true) => Body::chunked(),
            // A body whose last coding is not `chunked` lasts up to the end of the connection.
            _ if chunked.is_some() => Body::to_end(),
            _ => content_length(&fields)?.map_or(Body::to_end(), Body::with_length),
        };
        let chunked = body == Body::chunked();
        Ok(Some(Self { status, body, chunked, length }))
    }

    /// Whether it is an interim response: another head follows.
    pub fn is_interim(&self) -> bool {
        matches!(self.status, 100..=199) && self.status != 101
    }

    /// Whether the server redirects.
    pub fn is_redirection(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }
}

/// Joins folded lines of a whole head: the line end before a blank is replaced by blanks (RFC 9112, 5.2).
pub fn unfold(head: &mut [u8]) {
    for at in 1..head.len() {
        let (before, rest) = head.split_at_mut(at);
        if let ([.., end @ b'\n'], [b' ' | b'\t', ..]) = (&mut *before, rest) {
            *end = b' ';
            if let [.., end @ b'\r', _] = before {
                *end = b' ';
            }
        }
    }
}

/// The `Location` field of a whole head.
pub fn location(head: &[u8]) -> Option<&str> {
    let mut fields = [EMPTY_HEADER; limits::HTTP_CLIENT_ANSWER_FIELDS];
    parse(head, &mut fields).ok()??;
    let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case("location"))?;
    core::str::from_utf8(field.value).ok()
}

/// Calls `show` with name and value of each field of a whole head.
pub fn each_field<'a>(head: &'a [u8], mut show: impl FnMut(&'a str, &'a [u8])) {
    let mut fields = [EMPTY_HEADER; limits::HTTP_CLIENT_ANSWER_FIELDS];
    if let Ok(Some(_)) = parse(head, &mut fields) {
        fields.iter().filter(|field| !field.name.is_empty()).for_each(|field| show(field.name, field.value));
    }
}

/// Fills `fields` and returns the status and the length of the head.
fn parse<'a>(input: &'a [u8], fields: &mut [Header<'a>]) -> Result<Option<(u16, usize)>, Malformed> {
    let mut response = Response::new(fields);
    // A client must accept folded lines in a response (RFC 9112, 5.2).
    let mut config = ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    match config.parse_response(&mut response, input) {
        Ok(Status::Complete(length)) => {
            let status = response.code.filter(|code| (100..=999).contains(code)).ok_or(Malformed)?;
            Ok(Some((status, length)))
        }
        Ok(Status::Partial) => Ok(None),
        Err(_) => Err(Malformed),
    }
}

fn values<'a>(fields: &[Header<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

/// Whether the last transfer coding is `chunked`; `None` without any.
fn is_chunked(fields: &[Header<'_>]) -> Result<Option<bool>, Malformed> {
    let Some(codings) = values(fields, "transfer-encoding").last() else { return Ok(None) };
    let codings = core::str::from_utf8(codings).map_err(|_| Malformed)?;
    let last = codings.rsplit(',').next().unwrap_or_default().trim_ascii();
    Ok(Some(last.eq_ignore_ascii_case("chunked")))
}

/// The length of the body. Several lengths must be the same.
fn content_length(fields: &[Header<'_>]) -> Result<Option<u64>, Malformed> {
    let mut length = None;
    for value in values(fields, "content-length").flat_map(|value| value.split(|byte| *byte == b',')) {
        let digits = core::str::from_utf8(value.trim_ascii()).map_err(|_| Malformed)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Malformed);
        }
        let value: u64 = digits.parse().map_err(|_| Malformed)?;
        if length.replace(value).is_some_and(|before| before != value) {
            return Err(Malformed);
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(text: &str) -> Result<Option<Head>, Malformed> {
        Head::parse(text.as_bytes(), false)
    }

    fn body(text: &str) -> Result<Body, Malformed> {
        head(&std::format!("HTTP/1.1 {text}\r\n\r\nbody")).map(|head| head.unwrap().body)
    }

    #[test]
    fn framing_of_the_body() {
        for (text, expected) in [
            ("200 OK\r\nContent-Length: 5", Body::with_length(5)),
            ("200\r\ncontent-length: 5\r\nContent-Length: 5, 5", Body::with_length(5)),
            ("200 OK", Body::to_end()),
            ("404 Not Found\r\nTransfer-Encoding: gzip , Chunked\r\nContent-Length: 5", Body::chunked()),
            ("200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip", Body::to_end()),
            ("204 No Content\r\nContent-Length: 5", Body::none()),
            ("304 Not Modified\r\nTransfer-Encoding: chunked", Body::none()),
            ("101 Switching Protocols\r\nContent-Length: 5", Body::none()),
        ] {
            assert_eq!(body(text), Ok(expected), "{text:?}");
        }
        let get = Head::parse(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", true).unwrap().unwrap();
        assert_eq!((get.body, get.status, get.length), (Body::none(), 200, 38));
    }

    #[test]
    fn broken_heads() {
        for text in [
            "200 OK\r\nContent-Length: 5\r\nContent-Length: 6",
            "200 OK\r\nContent-Length: +5",
            "200 OK\r\nContent-Length: -1",
            "200 OK\r\nContent-Length: ",
            "200 OK\r\nContent-Length: 99999999999999999999",
            "099 OK",
            "20 OK",
        ] {
            assert_eq!(body(text), Err(Malformed), "{text:?}");
        }
        assert_eq!(head("SSH-2.0-OpenSSH_9.6\r\n"), Err(Malformed));
        assert_eq!(head("HTTP/1.1 200 OK\r\nA: b\r\n"), Ok(None));
        let many = "A: b\r\n".repeat(limits::HTTP_CLIENT_ANSWER_FIELDS + 1);
        assert_eq!(head(&std::format!("HTTP/1.1 200 OK\r\n{many}\r\n")), Err(Malformed));
    }

    #[test]
    fn locations() {
        let head = b"HTTP/1.1 302 Found\r\nServer: x\r\nlocation:  /a b \r\n\r\nLocation: /c";
        assert_eq!(location(head), Some("/a b"));
        assert_eq!(location(b"HTTP/1.1 302 Found\r\n\r\nLocation: /c"), None);
        assert!(Head::parse(head, false).unwrap().unwrap().is_redirection());
    }

    #[test]
    fn folded_lines_are_one_line() {
        for (text, expected) in [
            ("200 OK\r\nX: a\r\n b\r\nContent-Length:\r\n 5", Body::with_length(5)),
            ("200 OK\r\nX: a\r\n\tb\r\n  c\r\nTransfer-Encoding: gzip,\r\n chunked", Body::chunked()),
            ("200 OK\r\nContent-Length: 5,\r\n 5\r\nX:\r\n \r\n y", Body::with_length(5)),
        ] {
            assert_eq!(body(text), Ok(expected), "{text:?}");
        }
        assert_eq!(body("200 OK\r\nContent-Length: 5\r\n 5"), Err(Malformed));
        assert_eq!(head("HTTP/1.1 200 OK\r\n folded: x\r\n\r\n"), Err(Malformed));
        let mut head = *b"HTTP/1.1 302 Found\r\nX: a\r\n\tb\r\nLocation:\r\n /a\r\n\r\n";
        unfold(&mut head);
        assert_eq!(head, *b"HTTP/1.1 302 Found\r\nX: a  \tb\r\nLocation:   /a\r\n\r\n");
        assert_eq!(location(&head), Some("/a"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(input in prop::collection::vec(any::<u8>(), 0..300), fields in "[A-Za-z:,; \r\n0-9-]{0,200}") {
            let _ = Head::parse(&input, false);
            let _ = head(&std::format!("HTTP/1.1 200 OK\r\nContent-Length: {fields}\r\n\r\n"));
            let _ = location(&input);
            unfold(&mut input.clone());
        }
    }
}
