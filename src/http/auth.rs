//! Who may do what: Basic authentication and the list of calls that need none (interface, http 4).

use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::access::Access;
use super::bearer;
use super::connection::Connection;
use super::failure::Failure;
use super::files;
use super::state::HttpServer;
use crate::access::guard::WHITELIST;
use crate::access::password::same;
use crate::access::scope::Scopes;
use crate::access::token;
use crate::variable::{Id, id};
use crate::wire::http::request::Request;
use crate::wire::http::status::Status;

const USERNAME: Id = id("http.server.username");
const PASSWORD: Id = id("http.server.password");
const TITLE: Id = id("http.server.auth_title");
const PAGE: Id = id("http.server.unauthorized_filename");

/// Bytes of the longest name, colon and password that can be right.
const CREDENTIALS: usize = 64 + 1 + 64;

/// Checks the credentials of a request. They are needed when both name and password are set.
pub(super) fn access(connection: &Connection<'_>, request: &Request) -> Result<Access, Failure> {
    let variables = &connection.server.base().variables;
    if variables.is_empty(USERNAME) || variables.is_empty(PASSWORD) {
        return Ok(Access::Full);
    }
    let Some(given) = request.fields.authorization else { return Ok(Access::Public) };
    if let Some(token) = bearer::token(given.of(connection.buffer)) {
        // Nobody guesses a token, so a wrong one does not count as an attempt.
        return Ok(token::scopes(connection.server.base(), token).map_or(Access::Public, Access::Token));
    }
    let attempts = connection.server.attempts();
    let address = *connection.remote.ip();
    if let Some(seconds) = attempts.wait(address) {
        return Err(Failure::Locked(seconds));
    }
    let mut buffer = [0; CREDENTIALS + 3];
    let right = credentials(given.of(connection.buffer), &mut buffer).is_some_and(|(name, password)| {
        let name_right = variables.with(USERNAME, |wanted| same(wanted, name));
        let password_right = variables.with(PASSWORD, |wanted| same(wanted, password));
        // Both are always compared.
        name_right & password_right
    });
    if right {
        attempts.succeed(address);
        return Ok(Access::Full);
    }
    attempts.fail(address);
    Ok(Access::Public)
}

/// Name and password in an `Authorization` field; `None` for other schemes, broken base64 and values that are too long.
fn credentials<'a>(field: &[u8], buffer: &'a mut [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (scheme, encoded) = field.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let length = STANDARD.decode_slice(encoded.trim_ascii(), buffer).ok()?;
    let text = buffer.get(..length)?;
    let colon = text.iter().position(|byte| *byte == b':')?;
    Some((text.get(..colon)?, text.get(colon + 1..)?))
}

/// Allows a call with restricted access if the token has the scopes or the whitelist names the call. `head` and `tail`
/// together are the decoded path of the call without the first slash.
pub(super) fn allow(
    connection: &Connection<'_>,
    access: Access,
    needed: impl Into<Scopes>,
    head: &[u8],
    tail: &[u8],
) -> Result<(), Failure> {
    let refusal = match access {
        Access::Full => return Ok(()),
        Access::Token(scopes) => match scopes.missing(needed.into()) {
            None => return Ok(()),
            Some(scope) => Failure::Forbidden(scope),
        },
        Access::Public => Failure::Unauthorized,
    };
    if in_whitelist(connection, head, tail) { Ok(()) } else { Err(refusal) }
}

/// Whether there is a whitelist at all.
pub(super) fn has_whitelist(connection: &Connection<'_>) -> bool {
    connection.server.files().stat(WHITELIST).is_some()
}

/// Whether the whitelist has an entry for a call. Reads the file piece by piece; an entry of more than [`ENTRY`] bytes
/// is ignored.
fn in_whitelist(connection: &Connection<'_>, head: &[u8], tail: &[u8]) -> bool {
    let files = connection.server.files();
    let Ok(mut reader) = files.open(WHITELIST) else { return false };
    let mut entries = Entries { bytes: [0; ENTRY], used: 0, too_long: false };
    let mut listed = false;
    while !listed {
        let room = entries.bytes.get_mut(entries.used..).unwrap_or_default();
        let Ok(count) = files.read(&mut reader, room) else { break };
        entries.used += count;
        listed = is_listed(entries.whole(count == 0), head, tail);
        if count == 0 {
            break;
        }
        entries.next();
    }
    files.close(reader);
    listed
}

/// The longest entry of the whitelist, its separator included.
const ENTRY: usize = 512;

/// A piece of the whitelist.
struct Entries {
    bytes: [u8; ENTRY],
    used: usize,
    /// The piece begins with the rest of an entry that is too long.
    too_long: bool,
}

impl Entries {
    fn last_separator(&self) -> Option<usize> {
        self.bytes.get(..self.used).unwrap_or_default().iter().rposition(|byte| is_separator(*byte))
    }

    /// The entries that are complete.
    fn whole(&self, at_end: bool) -> &[u8] {
        let end = if at_end { self.used } else { self.last_separator().unwrap_or(0) };
        let bytes = self.bytes.get(..end).unwrap_or_default();
        match bytes.iter().position(|byte| is_separator(*byte)) {
            _ if !self.too_long => bytes,
            Some(first) => bytes.get(first..).unwrap_or_default(),
            None => &[],
        }
    }

    /// Keeps the last entry, of which only the beginning was read.
    fn next(&mut self) {
        match self.last_separator() {
            Some(last) => {
                self.bytes.copy_within(last + 1..self.used, 0);
                self.used -= last + 1;
                self.too_long = false;
            }
            None if self.used == ENTRY => {
                self.used = 0;
                self.too_long = true;
            }
            None => {}
        }
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | b'\r' | b'\n')
}

/// Whether an entry of the list matches: entries are separated by commas or line ends, the first slash may be left
/// out, `%20` is a blank, and a final `*` stands for any rest.
fn is_listed(list: &[u8], head: &[u8], tail: &[u8]) -> bool {
    list.split(|byte| is_separator(*byte)).any(|entry| {
        let entry = entry.trim_ascii();
        let entry = entry.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(entry);
        let entry = entry.strip_prefix(b"/").unwrap_or(entry);
        !entry.is_empty() && matches(entry, head.iter().chain(tail))
    })
}

fn matches<'a>(mut entry: &[u8], call: impl Iterator<Item = &'a u8>) -> bool {
    for byte in call {
        if entry == b"*" {
            return true;
        }
        let (expected, rest) = match entry {
            [b'%', b'2', b'0', rest @ ..] => (b' ', rest),
            [first, rest @ ..] => (*first, rest),
            [] => return false,
        };
        if expected != *byte {
            return false;
        }
        entry = rest;
    }
    entry.is_empty() || entry == b"*"
}

/// Answers that a password is needed, with the page that the owner has chosen for this case.
pub(super) async fn challenge(connection: &mut Connection<'_>) -> Result<(), Failure> {
    let server = connection.server;
    let realm = Realm(server);
    files::page(connection, Status::UNAUTHORIZED, PAGE, &[("WWW-Authenticate", &realm)]).await
}

/// The value of `WWW-Authenticate`. Without a title it is that of the original.
struct Realm(&'static HttpServer);

impl fmt::Display for Realm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.base().variables.with(TITLE, |title| match core::str::from_utf8(title) {
            Ok("") | Err(_) => out.write_str("Basic realm=ZentriOS"),
            Ok(title) => write!(out, "Basic realm=\"{}\"", Quoted(title)),
        })
    }
}

/// Text between quotes in a field.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(out, "\\{character}")?,
                // A line end would begin another field.
                control if control.is_control() => {}
                other => write!(out, "{other}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(field: &str) -> Option<(std::string::String, std::string::String)> {
        let mut buffer = [0; CREDENTIALS + 3];
        let text = |bytes: &[u8]| std::string::String::from_utf8(bytes.to_vec()).unwrap();
        credentials(field.as_bytes(), &mut buffer).map(|(name, password)| (text(name), text(password)))
    }

    #[test]
    fn credentials_are_split_at_the_first_colon() {
        let pair = Some(("Aladdin".into(), "open sesame".into()));
        assert_eq!(read("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), pair);
        assert_eq!(read("bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), pair);
        assert_eq!(read("Basic YTpiOmM="), Some(("a".into(), "b:c".into())));
        assert_eq!(read("Basic Og=="), Some((String::new(), String::new())));
        for field in ["", "Basic", "Basic ", "Basic QWxhZGRpbg==", "Basic YTpi!", "Bearer YTpi", "Digest a"] {
            assert_eq!(read(field), None, "{field}");
        }
        let long = std::format!("Basic {}", "YTpi".repeat(1000));
        assert_eq!(read(&long), None);
    }

    #[test]
    fn entries_of_the_whitelist() {
        let list = b"/command/ver,command/get%20wlan.mac , \"/command/gpio_get*\"\r\nlog\n,,/stream,a*b";
        let listed = |call: &str| is_listed(list, call.as_bytes(), b"");
        for call in
            ["command/ver", "command/get wlan.mac", "command/gpio_get", "command/gpio_get 1", "log", "stream", "a*b"]
        {
            assert!(listed(call), "{call}");
        }
        for call in
            ["", "command/version", "command/ve", "command", "Log", "log/", "command/get wlan.macs", "axb", "/log"]
        {
            assert!(!listed(call), "{call}");
        }
        assert!(is_listed(list, b"command/", b"gpio_get 7"));
        assert!(is_listed(b"*", b"", b"anything"));
        assert!(!is_listed(b"", b"", b"") && !is_listed(b",,\n", b"", b""));
    }

    proptest! {
        #[test]
        fn any_list_is_read_without_panic(list in prop::collection::vec(any::<u8>(), 0..100), call: Vec<u8>) {
            let _ = is_listed(&list, b"command/", &call);
            let _ = credentials(&list, &mut [0; CREDENTIALS + 3]);
        }
    }
}
