//! URLs of the HTTP client (interface, http 7.1): `[http://|https://]<host>[:<port>][/<path>][?<query>]`.

use core::fmt::Write;

use heapless::String;

use crate::limits;

/// Path and query in the form of the request line.
pub type Target = String<{ limits::HTTP_TARGET }>;

/// A host name or address as the owner gave it.
pub type HostName = String<{ limits::HOST_NAME }>;

/// Why a text is not a valid URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// Another scheme, no host, a bad port, control characters.
    Invalid,
    /// Host or path is too long for the device.
    TooLong,
}

/// The target of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `https`.
    pub secure: bool,
    /// Host name or dotted address.
    pub host: HostName,
    /// The port, 80 or 443 when the URL names none.
    pub port: u16,
    /// Path and query, beginning with `/`; characters that are not allowed in a request line are percent-encoded.
    pub target: Target,
}

/// Splits at the first `://`. (Searching for a string instead of a character costs 1 kB of flash.)
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    text.match_indices(':').find_map(|(at, _)| Some((text.get(..at)?, text.get(at..)?.strip_prefix("://")?)))
}

/// The host and port of a URL, which may lack scheme or path and need not be valid.
pub fn authority(text: &str) -> &str {
    let rest = split_scheme(text).map_or(text, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Separates the port from `<host>[:<port>]`; a host is a name of letters, digits, `-`, `.` and `_`, or a dotted address.
pub fn host_and_port(text: &str) -> Result<(&str, Option<u16>), UrlError> {
    let (host, port) = match text.split_once(':') {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(number(port)?)),
        None => (text, None),
    };
    if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        return Err(UrlError::Invalid);
    }
    if host.len() > limits::HOST_NAME { Err(UrlError::TooLong) } else { Ok((host, port)) }
}

impl Url {
    /// An empty value, to be filled later.
    pub const fn empty() -> Self {
        Self { secure: false, host: HostName::new(), port: 0, target: Target::new() }
    }

    /// Reads a URL. Without a scheme it is `http`; a fragment is dropped; credentials are refused.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        Self::read(text, "http", "https")
    }

    /// Reads the URL of a WebSocket, `[ws://|wss://]<host>[:<port>][/<path>][?<query>]`; see [`Url::parse`].
    pub fn parse_websocket(text: &str) -> Result<Self, UrlError> {
        Self::read(text, "ws", "wss")
    }

    /// Reads a URL with one of two schemes.
    fn read(text: &str, plain: &str, secure: &str) -> Result<Self, UrlError> {
        let (secure, rest) = match split_scheme(text) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case(plain) => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case(secure) => (true, rest),
            // The `://` may also stand in a query.
            Some((before, _)) if !before.contains(['/', '?']) => return Err(UrlError::Invalid),
            _ => (false, text),
        };
        Self::locate(secure, rest)
    }

    /// `<host>[:<port>][<path>]`
    fn locate(secure: bool, rest: &str) -> Result<Self, UrlError> {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).ok_or(UrlError::Invalid)?;
        let (host, port) = host_and_port(authority)?;
        let default = if secure { 443 } else { 80 };
        Ok(Self {
            secure,
            host: HostName::try_from(host).map_err(|_| UrlError::TooLong)?,
            port: port.unwrap_or(default),
            target: target(&[path])?,
        })
    }

    /// Whether the port is the scheme's default, which need not be named.
    pub fn has_default_port(&self) -> bool {
        self.port == if self.secure { 443 } else { 80 }
    }

    /// Resolves a `Location` field relative to this URL.
    pub fn join(&self, location: &str) -> Result<Self, UrlError> {
        let location = location.trim_matches([' ', '\t']);
        let scheme_end = location.find([':', '/', '?', '#']);
        if scheme_end.is_some_and(|at| at > 0 && location.get(at..).is_some_and(|rest| rest.starts_with(':'))) {
            return if split_scheme(location).is_some() { Self::parse(location) } else { Err(UrlError::Invalid) };
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::locate(self.secure, rest);
        }
        let path = self.target.split('?').next().unwrap_or_default();
        let target = match location.bytes().next() {
            Some(b'/') => target(&[location])?,
            Some(b'?') => target(&[path, location])?,
            Some(b'#') | None => self.target.clone(),
            Some(_) => {
                let folder = path.rfind('/').map_or("/", |at| path.get(..=at).unwrap_or("/"));
                target(&[folder, location])?
            }
        };
        Ok(Self { target, ..self.clone() })
    }

    /// The last part of the path, without the query: the file name of this URL. Empty for a folder.
    pub fn file_name(&self) -> &str {
        let path = self.target.split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }
}

fn number(port: &str) -> Result<u16, UrlError> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|port| digits && *port != 0).ok_or(UrlError::Invalid)
}

/// Joins the parts to the target of a request line, up to a fragment.
fn target(parts: &[&str]) -> Result<Target, UrlError> {
    let mut target = Target::new();
    let bytes = parts.iter().flat_map(|part| part.bytes()).take_while(|byte| *byte != b'#');
    for byte in bytes {
        if target.is_empty() && byte != b'/' {
            target.push('/').map_err(|_| UrlError::TooLong)?;
        }
        match byte {
            b'!'..=b'~' => target.push(char::from(byte)).map_err(|_| UrlError::TooLong)?,
            b' ' | 0x80.. => write!(target, "%{byte:02X}").map_err(|_| UrlError::TooLong)?,
            _ => return Err(UrlError::Invalid),
        }
    }
    if target.is_empty() {
        target.push('/').map_err(|_| UrlError::TooLong)?;
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(url: Result<Url, UrlError>) -> std::string::String {
        match url {
            Ok(Url { secure, host, port, target }) => {
                std::format!("{}{host}:{port}{target}", if secure { "https://" } else { "" })
            }
            Err(error) => std::format!("{error:?}"),
        }
    }

    #[test]
    fn urls() {
        for (text, expected) in [
            ("example.com", "example.com:80/"),
            ("example.com/hello", "example.com:80/hello"),
            ("http://10.106.6.149:1880/webcam", "10.106.6.149:1880/webcam"),
            ("HTTPS://a_b-c.d?x=1", "https://a_b-c.d:443/?x=1"),
            ("https://a:8443", "https://a:8443/"),
            ("a:/x", "a:80/x"),
            ("a/b//c/../d?e=f?g/#h", "a:80/b//c/../d?e=f?g/"),
            ("a?u=http://b/c", "a:80/?u=http://b/c"),
            ("a/u=http://b/c", "a:80/u=http://b/c"),
            ("a#b", "a:80/"),
            ("a/b c\u{e4}%20", "a:80/b%20c%C3%A4%20"),
        ] {
            assert_eq!(shown(Url::parse(text)), expected, "{text:?}");
        }
        for text in [
            "",
            "/",
            "http://",
            "http:///a",
            "ftp://a/b",
            "a:0",
            "a:65536",
            "a:+1",
            "a:x",
            "a:1:2",
            "u@a",
            "u:p@a/",
            "[::1]/",
            "a b/c",
            "a/b\r\nX: y",
            "a/\0",
            "a/\t",
            "a/\x7f",
            "\u{e4}/",
            "a,b",
        ] {
            assert_eq!(shown(Url::parse(text)), "Invalid", "{text:?}");
        }
        let long = "x".repeat(limits::HTTP_TARGET);
        assert_eq!(Url::parse(&std::format!("a/{long}")), Err(UrlError::TooLong));
        assert_eq!(Url::parse(&"a".repeat(limits::HOST_NAME + 1)), Err(UrlError::TooLong));
    }

    #[test]
    fn urls_of_websockets() {
        for (text, expected) in [
            ("ws://a", "a:80/"),
            ("WS://a:81/b?c=ws://d", "a:81/b?c=ws://d"),
            ("wss://a/b#c", "https://a:443/b"),
            ("a/b", "a:80/b"),
            ("http://a", "Invalid"),
            ("https://a", "Invalid"),
            ("ws:///", "Invalid"),
            ("ws://u@a/", "Invalid"),
        ] {
            assert_eq!(shown(Url::parse_websocket(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn redirections() {
        let here = Url::parse("http://a:81/b/c?d").unwrap();
        for (location, expected) in [
            ("http://e/f", "e:80/f"),
            (" https://e ", "https://e:443/"),
            ("//e:8/f", "e:8/f"),
            ("/f?g", "a:81/f?g"),
            ("f", "a:81/b/f"),
            ("f:g", "Invalid"),
            ("./f:g", "a:81/b/./f:g"),
            ("?h", "a:81/b/c?h"),
            ("#h", "a:81/b/c?d"),
            ("", "a:81/b/c?d"),
            ("javascript:x", "Invalid"),
            ("/\r\nX: y", "Invalid"),
        ] {
            assert_eq!(shown(here.join(location)), expected, "{location:?}");
        }
        assert_eq!(shown(Url::parse("a").unwrap().join("f")), "a:80/f");
    }

    #[test]
    fn names_of_files() {
        for (text, expected) in [("a/b/c.d?e/f", "c.d"), ("a", ""), ("a/b/", ""), ("a/b", "b")] {
            assert_eq!(Url::parse(text).unwrap().file_name(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived_and_no_blank_or_control_gets_out(text: std::string::String, location: std::string::String) {
            for url in [Url::parse(&text), Url::parse("a/b").unwrap().join(&location)].into_iter().flatten() {
                prop_assert!(url.target.starts_with('/') && url.target.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(!url.host.is_empty() && url.port != 0);
            }
        }
    }
}
