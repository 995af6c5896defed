//! The head of a request: method, target, framing and the fields that the server evaluates.
//!
//! Heads that two parsers could read differently are refused with 400: both framings, two lengths, bare line feeds,
//! blanks before a colon, folded lines (RFC 9112, sections 2.2, 5.1, 5.2 and 6.3).

use core::mem::MaybeUninit;

use super::status::Status;
use crate::limits;
use crate::wire::percent;
use crate::wire::span::Span;

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Fetch.
    Get,
    /// Fetch the head alone.
    Head,
    /// Send.
    Post,
    /// Ask which methods are allowed.
    Options,
    /// Any other.
    Other,
}

impl Method {
    /// Whether it only reads.
    pub fn reads(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }

    fn parse(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }
}

/// How the end of the body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// This many bytes; zero without a body.
    Length(usize),
    /// Chunks, RFC 9112 section 7.1.
    Chunked,
}

/// A head that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query as they were sent; for an absolute target, without scheme and host.
    pub target: Span,
    /// `OPTIONS` of the server as a whole.
    pub of_server: bool,
    /// The client speaks HTTP/1.1 and not 1.0.
    pub is_1_1: bool,
    /// How the end of the body is known.
    pub framing: Framing,
    /// The client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// The other fields.
    pub fields: Fields,
    /// Length of the head, including its empty line.
    pub length: usize,
}

impl Request {
    /// Reads a head. `None` while it is incomplete.
    pub fn parse(buffer: &[u8]) -> Result<Option<Self>, Status> {
        let mut fields = [const { MaybeUninit::uninit() }; limits::HTTP_FIELDS];
        let mut head = httparse::Request::new(&mut []);
        let length =
            match head.parse_with_uninit_headers(buffer, &mut fields).map_err(|error| refusal(error, buffer))? {
                httparse::Status::Partial => return Ok(None),
                httparse::Status::Complete(length) => length,
            };
        let bytes = buffer.get(..length).unwrap_or_default();
        if has_bare_line_feed(bytes) {
            return Err(Status::BAD_REQUEST);
        }
        let is_1_1 = head.version == Some(1);
        let fields = Fields::collect(buffer, head.headers)?;
        let method = Method::parse(head.method.unwrap_or_default());
        let path = head.path.unwrap_or_default().as_bytes();
        let target = target(buffer, method, path)?;
        Ok(Some(Self {
            method,
            target,
            // A proxy forwards `*` as the empty path of an absolute target (RFC 9112, section 3.2.4).
            of_server: method == Method::Options && (path == b"*" || target.end < Span::within(buffer, path).end),
            is_1_1,
            framing: fields.framing(is_1_1)?,
            expects_continue: is_1_1 && fields.expects_continue,
            fields,
            length,
        }))
    }
}

impl Request {
    /// The path as it was sent, without the query.
    pub fn path<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        self.target.of(buffer).split(|byte| *byte == b'?').next().unwrap_or_default()
    }

    /// Decodes the path in place, without the query and the first slash. A path can be decoded only once.
    pub fn decode_path(&self, buffer: &mut [u8]) -> Result<Span, Status> {
        let mut path = self.target.skip(1);
        if let Some(query) = path.of(buffer).iter().position(|byte| *byte == b'?') {
            path.end = path.start + query;
        }
        path.end = path.start + percent::decode(path.of_mut(buffer)).ok_or(Status::BAD_REQUEST)?;
        Ok(path)
    }
}

fn refusal(error: httparse::Error, buffer: &[u8]) -> Status {
    match error {
        httparse::Error::TooManyHeaders => Status::HEAD_TOO_LARGE,
        httparse::Error::Version if names_version(buffer) => Status::VERSION_NOT_SUPPORTED,
        _ => Status::BAD_REQUEST,
    }
}

/// Whether the third word of the request line is a version, and not part of a target with a blank.
fn names_version(buffer: &[u8]) -> bool {
    buffer.splitn(3, |byte| *byte == b' ').nth(2).is_some_and(|version| version.starts_with(b"HTTP/"))
}

/// Whether there is a line feed without a carriage return before it.
fn has_bare_line_feed(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n');
    // The bytes after the last line feed.
    lines.next_back();
    lines.any(|line| !line.ends_with(b"\r"))
}

/// Removes scheme and host from an absolute target (RFC 9112, section 3.2.2); `*` stays, for `OPTIONS` only.
fn target(buffer: &[u8], method: Method, path: &[u8]) -> Result<Span, Status> {
    let span = Span::within(buffer, path);
    if path.starts_with(b"/") || (path == b"*" && method == Method::Options) {
        return Ok(span);
    }
    let scheme = path.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case(b"http://")).ok_or(Status::BAD_REQUEST)?;
    let host = path.get(scheme.len()..).unwrap_or_default();
    let end = host.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(host.len());
    match host.get(end) {
        _ if end == 0 => Err(Status::BAD_REQUEST),
        Some(b'/') => Ok(span.skip(scheme.len() + end)),
        // An empty path is the root; a query means nothing there. The last slash of the scheme stands for it.
        _ => Ok(Span { start: span.start + scheme.len() - 1, end: span.start + scheme.len() }),
    }
}

/// The fields that the server evaluates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// `Authorization`.
    pub authorization: Option<Span>,
    /// `Host`.
    pub host: Option<Span>,
    /// `If-None-Match`.
    pub if_none_match: Option<Span>,
    /// `If-Range`.
    pub if_range: Option<Span>,
    /// `Origin`.
    pub origin: Option<Span>,
    /// `Range`.
    pub range: Option<Span>,
    /// `Upgrade: websocket`, and `Connection: upgrade`.
    pub upgrade: Upgrade,
    /// `Sec-WebSocket-Key`.
    pub websocket_key: Option<Span>,
    /// `Sec-WebSocket-Version` is 13.
    pub websocket_13: bool,
    length: Option<usize>,
    chunked: bool,
    expects_continue: bool,
}

/// The two fields that ask for another protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upgrade {
    connection: bool,
    websocket: bool,
}

impl Upgrade {
    /// The client asks for a WebSocket.
    pub fn is_websocket(self) -> bool {
        self.connection && self.websocket
    }
}

impl Fields {
    fn collect(buffer: &[u8], fields: &[httparse::Header<'_>]) -> Result<Self, Status> {
        let mut found = Self::default();
        for field in fields {
            found.take(buffer, field.name, field.value.trim_ascii())?;
        }
        Ok(found)
    }

    fn take(&mut self, buffer: &[u8], name: &str, value: &[u8]) -> Result<(), Status> {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        // Comparing the length of the name first avoids most comparisons.
        match name.len() {
            4 if is("host") => keep(&mut self.host, buffer, value),
            5 if is("range") => keep(&mut self.range, buffer, value),
            6 if is("expect") => self.expect(value),
            6 if is("origin") => keep(&mut self.origin, buffer, value),
            7 if is("upgrade") => note(&mut self.upgrade.websocket, has_token(value, b"websocket")),
            8 if is("if-range") => keep(&mut self.if_range, buffer, value),
            10 if is("connection") => note(&mut self.upgrade.connection, has_token(value, b"upgrade")),
            13 if is("authorization") => keep(&mut self.authorization, buffer, value),
            13 if is("if-none-match") => keep(&mut self.if_none_match, buffer, value),
            14 if is("content-length") => match self.length {
                None => decimal(value).map(|length| self.length = Some(length)),
                Some(_) => Err(Status::BAD_REQUEST),
            },
            17 if is("sec-websocket-key") => keep(&mut self.websocket_key, buffer, value),
            17 if is("transfer-encoding") => {
                once(&mut self.chunked)?;
                value.eq_ignore_ascii_case(b"chunked").then_some(()).ok_or(Status::NOT_IMPLEMENTED)
            }
            21 if is("sec-websocket-version") => note(&mut self.websocket_13, value == b"13"),
            _ => Ok(()),
        }
    }

    fn expect(&mut self, value: &[u8]) -> Result<(), Status> {
        self.expects_continue = true;
        value.eq_ignore_ascii_case(b"100-continue").then_some(()).ok_or(Status::EXPECTATION_FAILED)
    }

    fn framing(&self, is_1_1: bool) -> Result<Framing, Status> {
        match (self.length, self.chunked) {
            (None, false) => Ok(Framing::Length(0)),
            (Some(length), false) => Ok(Framing::Length(length)),
            // HTTP/1.0 has no chunks: such a request has passed a proxy that did not understand them.
            (None, true) if is_1_1 => Ok(Framing::Chunked),
            (_, true) => Err(Status::BAD_REQUEST),
        }
    }
}

/// Records a field that must not occur twice.
fn once(seen: &mut bool) -> Result<(), Status> {
    if core::mem::replace(seen, true) { Err(Status::BAD_REQUEST) } else { Ok(()) }
}

/// Records the place of a field's value; the field must not occur twice.
fn keep(place: &mut Option<Span>, buffer: &[u8], value: &[u8]) -> Result<(), Status> {
    match place.replace(Span::within(buffer, value)) {
        None => Ok(()),
        Some(_) => Err(Status::BAD_REQUEST),
    }
}

fn note(seen: &mut bool, now: bool) -> Result<(), Status> {
    *seen |= now;
    Ok(())
}

/// Whether a list of tokens contains one, in any case.
fn has_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}

/// A length in digits. One that overflows is too large for the device anyway.
fn decimal(digits: &[u8]) -> Result<usize, Status> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Status::BAD_REQUEST);
    }
    let add = |sum: usize, digit: &u8| sum.checked_mul(10)?.checked_add(usize::from(digit - b'0'));
    digits.iter().try_fold(0, add).ok_or(Status::CONTENT_TOO_LARGE)
}

#[cfg(test)]
mod tests;
