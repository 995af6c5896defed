//! A request as it is put together before it is sent.

use core::fmt::{self, Write};

use heapless::Vec;

use crate::port::Interface;
use crate::tls::ClientFiles;
use crate::wire::url::Url;
use crate::wire::websocket::handshake::{Key, has_word};
use crate::{features, limits};

/// Request methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Fetch.
    Get,
    /// Fetch the head alone.
    Head,
    /// Send.
    Post,
    /// Store.
    Put,
}

impl Method {
    /// The word in the request line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }

    /// A request of this kind has a body, which may be empty.
    const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put)
    }
}

/// How long the body of a request is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// The bytes that were written before the request is sent.
    #[default]
    Queued,
    /// This number of bytes, which may be written after the head was sent.
    Exactly(u32),
    /// The bytes that are written until the host asks for the status, in chunks.
    Chunked,
}

/// Why a field cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// Name or value contain characters that are not allowed there, or the value is invalid.
    Invalid,
    /// There is no room for it.
    TooLong,
}

/// The name of a file of a TLS session.
type TlsFile = Vec<u8, { if features::TLS { limits::FILE_NAME } else { 0 } }>;

/// The files that the command has named for the TLS session of a request.
#[derive(Clone, Debug)]
pub struct FileNames {
    authorities: TlsFile,
    certificate: TlsFile,
    key: TlsFile,
}

impl FileNames {
    /// The command has named none.
    const NONE: Self = Self { authorities: Vec::new(), certificate: Vec::new(), key: Vec::new() };

    /// Copies of these names; `TooLong` for a name that no file can have.
    pub fn new(files: &ClientFiles<'_>) -> Result<Self, FieldError> {
        let copy = |name: Option<&[u8]>| TlsFile::from_slice(name.unwrap_or_default()).map_err(|_| FieldError::TooLong);
        Ok(Self { authorities: copy(files.authorities)?, certificate: copy(files.certificate)?, key: copy(files.key)? })
    }

    /// The names.
    pub fn borrow(&self) -> ClientFiles<'_> {
        ClientFiles {
            authorities: named(&self.authorities),
            certificate: named(&self.certificate),
            key: named(&self.key),
        }
    }
}

fn named(name: &TlsFile) -> Option<&[u8]> {
    (!name.is_empty()).then_some(name)
}

/// The additional values of a request for a WebSocket.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The key that the server must prove to have read. Empty for a request of another kind.
    pub key: Key,
    /// Messages of the device are text, else binary.
    pub text: bool,
    /// Seconds of silence after which the device pings the server; 0 for never.
    pub ping: u16,
}

impl Opening {
    /// For a request of another kind. (An `Option` might not be all zeros: see `client::Requests`.)
    const NONE: Self = Self { key: Key::new(), text: false, ping: 0 };
}

/// The fields of a request for a WebSocket that only the device may set, because it checks the answer against them or
/// because they do not belong into such a request. (The device understands no extensions.)
const OPENING_FIELDS: [&[u8]; 8] = [
    b"connection",
    b"upgrade",
    b"sec-websocket-key",
    b"sec-websocket-version",
    b"sec-websocket-accept",
    b"sec-websocket-extensions",
    b"content-length",
    b"transfer-encoding",
];

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Server and target.
    pub url: Url,
    /// The network interface to use.
    pub interface: Interface,
    /// The length of the body.
    pub length: Length,
    /// Certificates and key for TLS.
    pub files: FileNames,
    /// The additional values for a WebSocket.
    opening: Opening,
    /// Complete lines, CR LF included.
    fields: Vec<u8, { limits::HTTP_CLIENT_FIELDS }>,
}

/// The value of `User-Agent`, unless the host gives another one.
pub(super) const USER_AGENT: &str = concat!("OpenZentri/", env!("CARGO_PKG_VERSION"));

impl Request {
    /// A placeholder that is filled later.
    pub const fn empty() -> Self {
        Self {
            method: Method::Get,
            url: Url::empty(),
            interface: Interface::Wlan,
            length: Length::Queued,
            files: FileNames::NONE,
            opening: Opening::NONE,
            fields: Vec::new(),
        }
    }

    /// Makes it a request without fields and body.
    pub fn begin(&mut self, method: Method, url: Url, interface: Interface) {
        (self.method, self.url, self.interface) = (method, url, interface);
        self.length = Length::Queued;
        self.files = FileNames::NONE;
        self.opening = Opening::NONE;
        self.fields.clear();
    }

    /// Makes it a request for a WebSocket.
    pub fn open_websocket(&mut self, opening: Opening) {
        self.opening = opening;
    }

    /// The additional values, if this is a request for a WebSocket.
    pub fn opening(&self) -> Option<&Opening> {
        (!self.opening.key.is_empty()).then_some(&self.opening)
    }

    /// Adds a field as the host gives it. It replaces the device's own field of that name; a field for the length of
    /// the body sets that length.
    pub fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), FieldError> {
        let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let printable = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
        if name.is_empty() || !name.iter().all(token) || !value.iter().all(printable) {
            return Err(FieldError::Invalid);
        }
        if self.opening().is_some() && OPENING_FIELDS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return Err(FieldError::Invalid);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = core::str::from_utf8(value.trim_ascii()).ok().and_then(|text| text.parse().ok());
            self.length = Length::Exactly(length.ok_or(FieldError::Invalid)?);
            return Ok(());
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let chunked = value.trim_ascii().eq_ignore_ascii_case(b"chunked");
            self.length = if chunked { Length::Chunked } else { return Err(FieldError::Invalid) };
            return Ok(());
        }
        if name.eq_ignore_ascii_case(b"content-type") {
            self.remove(name);
        }
        if self.fields.capacity() - self.fields.len() < name.len() + value.len() + 4 {
            return Err(FieldError::TooLong);
        }
        for part in [name, b": ", value, b"\r\n"] {
            // There is room: checked above.
            let _ = self.fields.extend_from_slice(part);
        }
        Ok(())
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.fields.split_inclusive(|byte| *byte == b'\n')
    }

    fn has(&self, name: &[u8]) -> bool {
        self.lines().any(|line| is_named(line, name))
    }

    /// Whether the host has asked for this subprotocol of the WebSocket.
    pub fn asks_for_protocol(&self, protocol: &[u8]) -> bool {
        let name = b"sec-websocket-protocol";
        // A colon follows the name of a field.
        let value = |line: &[u8]| line.get(name.len() + 1..).is_some_and(|value| has_word(value, protocol));
        self.lines().any(|line| is_named(line, name) && value(line))
    }

    /// Removes the fields of a name.
    fn remove(&mut self, name: &[u8]) {
        let mut kept: usize = 0;
        while let Some(line) =
            self.fields.get(kept..).and_then(|rest| rest.split_inclusive(|byte| *byte == b'\n').next())
        {
            let length = line.len();
            if is_named(line, name) {
                let end = self.fields.len();
                self.fields.copy_within(kept + length..end, kept);
                self.fields.truncate(end - length);
            } else {
                kept += length;
            }
        }
    }

    /// Writes the head with the body length known so far; answers the length of the head.
    ///
    /// Fails when the buffer is too small, which `MAX_HEAD` excludes.
    pub fn write_head(&self, queued: usize, buffer: &mut [u8]) -> Result<usize, FieldError> {
        let mut head = Cursor { buffer, length: 0 };
        self.write(queued, &mut head).map_err(|_| FieldError::TooLong)?;
        Ok(head.length)
    }

    fn write(&self, queued: usize, head: &mut Cursor<'_>) -> fmt::Result {
        let Url { host, port, target, .. } = &self.url;
        write!(head, "{} {target} HTTP/1.1\r\n", self.method.name())?;
        if !self.has(b"host") {
            match self.url.has_default_port() {
                true => write!(head, "Host: {host}\r\n")?,
                false => write!(head, "Host: {host}:{port}\r\n")?,
            }
        }
        if let Some(opening) = self.opening() {
            head.write_str("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")?;
            write!(head, "Sec-WebSocket-Key: {}\r\n", opening.key)?;
        } else if !self.has(b"connection") {
            head.write_str("Connection: close\r\n")?;
        }
        if !self.has(b"user-agent") {
            write!(head, "User-Agent: {USER_AGENT}\r\n")?;
        }
        head.put(&self.fields)?;
        match self.length {
            Length::Queued if queued == 0 && !self.method.has_body() => {}
            Length::Queued => write!(head, "Content-Length: {queued}\r\n")?,
            Length::Exactly(length) => write!(head, "Content-Length: {length}\r\n")?,
            Length::Chunked => head.write_str("Transfer-Encoding: chunked\r\n")?,
        }
        head.write_str("\r\n")
    }
}

/// Bytes of the longest head: request line, the host's fields, the device's own.
pub const MAX_HEAD: usize = limits::HTTP_TARGET + limits::HTTP_CLIENT_FIELDS + limits::HOST_NAME + 256;

fn is_named(line: &[u8], name: &[u8]) -> bool {
    let end = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    line.get(..end).is_some_and(|found| found.eq_ignore_ascii_case(name))
}

/// Writes text into a byte buffer.
pub(super) struct Cursor<'a> {
    pub buffer: &'a mut [u8],
    pub length: usize,
}

impl Cursor<'_> {
    pub fn put(&mut self, bytes: &[u8]) -> fmt::Result {
        let target = self.buffer.get_mut(self.length..self.length + bytes.len()).ok_or(fmt::Error)?;
        target.copy_from_slice(bytes);
        self.length += bytes.len();
        Ok(())
    }
}

impl Write for Cursor<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::websocket::handshake::key;

    fn request(method: Method, url: &str) -> Request {
        let mut request = Request::empty();
        request.begin(method, Url::parse(url).unwrap(), Interface::Wlan);
        request
    }

    fn head(request: &Request, queued: usize) -> std::string::String {
        let mut buffer = [0; MAX_HEAD];
        let length = request.write_head(queued, &mut buffer).unwrap();
        std::string::String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    const AGENT: &str = concat!("User-Agent: OpenZentri/", env!("CARGO_PKG_VERSION"), "\r\n");

    #[test]
    fn heads() {
        let get = request(Method::Get, "example.com/a?b");
        assert_eq!(
            head(&get, 0),
            std::format!("GET /a?b HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n{AGENT}\r\n")
        );
        assert!(head(&get, 3).ends_with("Content-Length: 3\r\n\r\n"));
        let mut post = request(Method::Post, "a:81");
        assert!(head(&post, 0).contains("\r\nHost: a:81\r\n"));
        assert!(head(&post, 0).ends_with("\r\nContent-Length: 0\r\n\r\n"));
        post.length = Length::Exactly(7);
        assert!(head(&post, 0).ends_with("\r\nContent-Length: 7\r\n\r\n"));
        post.length = Length::Chunked;
        assert!(head(&post, 0).ends_with("\r\nTransfer-Encoding: chunked\r\n\r\n"));
    }

    #[test]
    fn fields_of_the_host_come_first() {
        let mut get = request(Method::Get, "a");
        for (name, value) in [("connection", "Upgrade"), ("Upgrade", "websocket"), ("HOST", "b"), ("user-agent", "")] {
            get.add(name.as_bytes(), value.as_bytes()).unwrap();
        }
        let expected = "GET / HTTP/1.1\r\nconnection: Upgrade\r\nUpgrade: websocket\r\nHOST: b\r\nuser-agent: \r\n\r\n";
        assert_eq!(head(&get, 0), expected);
        for _ in 0..2 {
            get.add(b"Content-Type", b"text/plain").unwrap();
            get.add(b"X", b"1").unwrap();
        }
        assert!(head(&get, 0).ends_with("user-agent: \r\nX: 1\r\nContent-Type: text/plain\r\nX: 1\r\n\r\n"));
        get.add(b"Content-LENGTH", b"12").unwrap();
        assert_eq!(get.length, Length::Exactly(12));
        get.add(b"Transfer-Encoding", b"chunked").unwrap();
        assert_eq!(get.length, Length::Chunked);
    }

    #[test]
    fn nothing_gets_in_that_could_be_another_field() {
        let mut get = request(Method::Get, "a");
        let before = head(&get, 0);
        for (name, value) in [
            ("", "x"),
            ("A B", "x"),
            ("A:", "x"),
            ("A\r\nB", "x"),
            ("A", "x\r\nB: y"),
            ("A", "x\ny"),
            ("A", "x\0"),
            ("\u{e4}", "x"),
            ("Content-Length", "-1"),
            ("Content-Length", "x"),
            ("Transfer-Encoding", "gzip"),
        ] {
            assert_eq!(get.add(name.as_bytes(), value.as_bytes()), Err(FieldError::Invalid), "{name:?} {value:?}");
        }
        let long = [b'x'; limits::HTTP_CLIENT_FIELDS];
        assert_eq!(get.add(b"A", &long), Err(FieldError::TooLong));
        assert_eq!(head(&get, 0), before);
    }

    #[test]
    fn a_websocket_has_fields_of_its_own() {
        let mut request = request(Method::Get, "a/b");
        request.open_websocket(Opening { key: key(*b"the sample nonce"), text: false, ping: 0 });
        request.add(b"Origin", b"http://c").unwrap();
        request.add(b"Sec-WebSocket-Protocol", b"chat, mqtt").unwrap();
        assert_eq!(
            head(&request, 0),
            std::format!(
                "GET /b HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{AGENT}\
                 Origin: http://c\r\nSec-WebSocket-Protocol: chat, mqtt\r\n\r\n"
            )
        );
        assert!(request.asks_for_protocol(b"mqtt") && !request.asks_for_protocol(b"http://c"));
        for name in OPENING_FIELDS {
            let upper = name.to_ascii_uppercase();
            assert_eq!(request.add(&upper, b"1"), Err(FieldError::Invalid), "{}", String::from_utf8_lossy(name));
        }
    }

    #[test]
    fn the_longest_head_fits() {
        let host = "h".repeat(limits::HOST_NAME);
        let path = "p".repeat(limits::HTTP_TARGET - 1);
        let mut post = request(Method::Post, &std::format!("{host}:65535/{path}"));
        post.add(b"A", &[b'x'; limits::HTTP_CLIENT_FIELDS - 5]).unwrap();
        post.length = Length::Exactly(u32::MAX);
        head(&post, 0);
        post.open_websocket(Opening { key: key([0; 16]), text: false, ping: 0 });
        head(&post, 0);
    }
}
