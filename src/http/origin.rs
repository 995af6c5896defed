//! Which pages may open a stream.
//!
//! A browser lets every page open a WebSocket to every server and read what the server sends. It sends no preflight, as
//! it does for other requests (`cors`). So the server itself checks `Origin`, which a page cannot forge (RFC 6455,
//! section 10.2). A page can send a body for the host (`POST /stream`) without a preflight, too.

use core::fmt::Write;
use core::net::Ipv4Addr;

use heapless::String;

use super::connection::Connection;
use super::failure::Failure;
use crate::log::Level;
use crate::wire::http::request::Request;
use crate::wire::http::status::Status;

/// The default port of an HTTP URL.
const PORT: u16 = 80;
/// The same with TLS.
const TLS_PORT: u16 = 443;

/// Refuses a stream to a page of another origin.
pub(super) fn check(connection: &Connection<'_>, request: &Request) -> Result<(), Failure> {
    let Some(origin) = request.fields.origin else { return Ok(()) };
    let host = request.fields.host.map_or(&[][..], |host| host.of(connection.buffer));
    let (origin, address) = (origin.of(connection.buffer), *connection.local().ip());
    if connection.server.with_origin(|allowed| may_open(origin, host, address, allowed)) {
        return Ok(());
    }
    let text = format_args!("Stream refused: a page of another origin (http.server.cors_origin)");
    connection.server.base().log.line(Level::Failure, text);
    Err(Status::FORBIDDEN.into())
}

/// Whether a page of `origin` may open a stream: a page of this device, which has the name `host` (the field of the
/// request) and this `address`, or a page of the origin that the owner has `allowed` (`http.server.cors_origin`).
fn may_open(origin: &[u8], host: &[u8], address: Ipv4Addr, allowed: &str) -> bool {
    if allowed == "*" || (!allowed.is_empty() && origin.eq_ignore_ascii_case(allowed.as_bytes())) {
        return true;
    }
    // Pages from files and from sandboxes have the origin `null`, which does not tell where they come from.
    let Some((page, page_port, default)) = split_origin(origin) else { return false };
    // Both ports must be the same: another port may belong to another program, behind the same router for instance.
    let Some((name, port)) = split_port(host, default) else { return false };
    page_port == port && (page.eq_ignore_ascii_case(name) || is_address(page, address))
}

/// Name and port of an origin, `scheme://name[:port]`, and the default port of its scheme.
fn split_origin(origin: &[u8]) -> Option<(&[u8], u16, u16)> {
    let end = origin.windows(3).position(|three| three == b"://")?;
    let (scheme, rest) = origin.split_at_checked(end)?;
    let port = match scheme {
        b"http" => PORT,
        b"https" => TLS_PORT,
        _ => return None,
    };
    let authority = rest.get(3..)?;
    // Browsers do not end it with a slash; some programs do.
    let (name, given) = split_port(authority.strip_suffix(b"/").unwrap_or(authority), port)?;
    Some((name, given, port))
}

/// Splits `name[:port]`.
fn split_port(authority: &[u8], default: u16) -> Option<(&[u8], u16)> {
    let (name, port) = match authority.iter().rposition(|byte| *byte == b':') {
        None => (authority, default),
        Some(colon) => {
            let (name, digits) = authority.split_at_checked(colon)?;
            let digits = digits.get(1..)?;
            // The parser would accept a sign.
            let port = core::str::from_utf8(digits).ok().filter(|_| digits.first() != Some(&b'+'))?;
            (name, port.parse().ok()?)
        }
    };
    (!name.is_empty()).then_some((name, port))
}

fn is_address(name: &[u8], address: Ipv4Addr) -> bool {
    let mut text: String<15> = String::new();
    !address.is_unspecified() && write!(text, "{address}").is_ok() && name == text.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 5, 6, 108);

    fn may(origin: &str, host: &str, allowed: &str) -> bool {
        may_open(origin.as_bytes(), host.as_bytes(), ADDRESS, allowed)
    }

    #[test]
    fn pages_of_the_device_may() {
        for (origin, host) in [
            ("http://10.5.6.108", "10.5.6.108"),
            ("http://10.5.6.108", "10.5.6.108:80"),
            ("http://10.5.6.108:8080", "10.5.6.108:8080"),
            ("http://Lamp.local", "lamp.LOCAL"),
            ("http://lamp.local/", "lamp.local"),
            ("https://lamp.local", "lamp.local"),
            ("https://lamp.local", "lamp.local:443"),
            // The page was loaded by address and opens the stream by name.
            ("http://10.5.6.108", "lamp.local"),
            ("http://10.5.6.108:8080", "lamp.local:8080"),
        ] {
            assert!(may(origin, host, ""), "{origin} at {host}");
            assert!(may(origin, host, "http://elsewhere"), "{origin} at {host}");
        }
    }

    #[test]
    fn other_pages_may_not() {
        for (origin, host) in [
            ("null", "10.5.6.108"),
            ("", ""),
            ("file://", ""),
            ("http://", ""),
            ("http://:80", ":80"),
            ("http://evil.example", "10.5.6.108"),
            ("http://10.5.6.108.evil.example", "10.5.6.108"),
            ("http://evil.example/10.5.6.108", "10.5.6.108"),
            ("http://10.5.6.108:8080", "10.5.6.108"),
            ("http://10.5.6.108", "10.5.6.108:8080"),
            ("http://10.5.6.108:65536", "10.5.6.108:65536"),
            ("http://10.5.6.108:", "10.5.6.108:"),
            ("http://10.5.6.108:+80", "10.5.6.108"),
            ("http://lamp.local:443", "lamp.local"),
            ("https://lamp.local:80", "lamp.local"),
            ("https://lamp.local", "lamp.local:80"),
            ("ftp://10.5.6.108", "10.5.6.108"),
            ("10.5.6.108", "10.5.6.108"),
            ("http://10.5.6.108", ""),
        ] {
            assert!(!may(origin, host, ""), "{origin} at {host}");
            assert!(!may(origin, host, "http://elsewhere"), "{origin} at {host}");
        }
        assert!(!may_open(b"http://0.0.0.0", b"lamp", Ipv4Addr::UNSPECIFIED, ""));
    }

    #[test]
    fn pages_that_the_owner_allows_may() {
        for origin in ["http://maker.example", "null", "capacitor://localhost"] {
            assert!(may(origin, "10.5.6.108", "*"));
            assert!(may(origin, "10.5.6.108", origin));
            assert!(!may(origin, "10.5.6.108", "http://maker"));
        }
    }

    proptest! {
        #[test]
        fn any_fields_are_read_without_panic(origin: Vec<u8>, host: Vec<u8>) {
            may_open(&origin, &host, ADDRESS, "");
        }
    }
}
