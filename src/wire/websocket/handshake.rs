//! The requests and answers that open a WebSocket (RFC 6455, section 4): keys, their proof, and the checks of a client.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use heapless::String;
use sha1_smol::Sha1;

use crate::wire::http::response;

/// The constant with which the server proves that it has read the key (RFC 6455, section 1.3).
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Bytes of a key: 16 in base64.
const KEY: usize = 24;

/// A key of a client.
pub type Key = String<KEY>;

/// Makes a key from random bytes.
pub fn key(nonce: [u8; 16]) -> Key {
    encode(&nonce)
}

/// Base64; empty when the text is longer than `N`.
fn encode<const N: usize>(bytes: &[u8]) -> String<N> {
    let mut text = [0; N];
    let length = STANDARD.encode_slice(bytes, &mut text).unwrap_or(0);
    let text = core::str::from_utf8(text.get(..length).unwrap_or_default()).unwrap_or_default();
    String::try_from(text).unwrap_or_default()
}

/// The value of `Sec-WebSocket-Accept` for a key; `None` when it is not 16 bytes in base64.
pub fn accept(key: &[u8]) -> Option<String<28>> {
    let mut nonce = [0; KEY / 4 * 3];
    if key.len() != KEY || STANDARD.decode_slice(key, &mut nonce) != Ok(16) {
        return None;
    }
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(MAGIC);
    Some(encode(&hash.digest().bytes()))
}

/// Why an answer with status 101 opens no WebSocket: the field that is missing, wrong or not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not switch to WebSocket.
    Upgrade,
    /// It does not switch at all.
    Connection,
    /// It does not prove that the server has read the key.
    Accept,
    /// It uses an extension; the device asks for none.
    Extensions,
    /// It uses a protocol that was not asked for.
    Protocol,
}

impl Fault {
    /// The name of the field.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Upgrade => "Upgrade",
            Self::Connection => "Connection",
            Self::Accept => "Sec-WebSocket-Accept",
            Self::Extensions => "Sec-WebSocket-Extensions",
            Self::Protocol => "Sec-WebSocket-Protocol",
        }
    }
}

/// The words of a comma-separated list.
fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// Whether a comma-separated list has a word, ignoring case.
pub fn has_word(value: &[u8], word: &[u8]) -> bool {
    list(value).any(|other| other.eq_ignore_ascii_case(word))
}

/// Checks the whole head of an answer with status 101 to a request with this key (RFC 6455, section 4.1). `is_asked` tells
/// whether a protocol was asked for.
pub fn check(head: &[u8], key: &Key, is_asked: impl Fn(&[u8]) -> bool) -> Result<(), Fault> {
    let expected = accept(key.as_bytes()).ok_or(Fault::Accept)?;
    let (mut upgrade, mut connection, mut proofs, mut false_proofs) = (false, false, 0, 0);
    let (mut extensions, mut protocol) = (false, false);
    response::each_field(head, |name, value| {
        let is = |fault: Fault| name.eq_ignore_ascii_case(fault.field());
        if is(Fault::Upgrade) {
            upgrade |= value.trim_ascii().eq_ignore_ascii_case(b"websocket");
        } else if is(Fault::Connection) {
            connection |= has_word(value, b"upgrade");
        } else if is(Fault::Accept) {
            proofs += 1;
            false_proofs += u8::from(value.trim_ascii() != expected.as_bytes());
        } else if is(Fault::Extensions) {
            extensions |= !value.trim_ascii().is_empty();
        } else if is(Fault::Protocol) {
            protocol |= !is_asked(value.trim_ascii());
        }
    });
    let faults = [
        (!upgrade, Fault::Upgrade),
        (!connection, Fault::Connection),
        (proofs != 1 || false_proofs != 0, Fault::Accept),
        (extensions, Fault::Extensions),
        (protocol, Fault::Protocol),
    ];
    faults.iter().find(|(is_there, _)| *is_there).map_or(Ok(()), |(_, fault)| Err(*fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6455, section 1.3.
    const NONCE: [u8; 16] = *b"the sample nonce";
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    #[test]
    fn the_answer_proves_that_the_key_was_read() {
        assert_eq!(key(NONCE), "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(key(NONCE).as_bytes()).unwrap(), ACCEPT);
        for key in ["", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZTEy", "dGhlIHNhbXBsZSBub25j!Q=="] {
            assert_eq!(accept(key.as_bytes()), None, "{key}");
        }
    }

    fn checked(fields: &str) -> Result<(), Fault> {
        let head = std::format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n");
        check(head.as_bytes(), &key(NONCE), |protocol| protocol == b"chat")
    }

    #[test]
    fn what_a_client_checks() {
        let whole = std::format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n");
        for more in ["", "X: y\r\n", "Sec-WebSocket-Protocol: chat\r\n", "sec-websocket-extensions:\r\n"] {
            assert_eq!(checked(&std::format!("{whole}{more}")), Ok(()), "{more:?}");
        }
        let odd =
            std::format!("upgrade: WebSocket\r\nCONNECTION: keep-alive, upgrade\r\nsec-websocket-accept:{ACCEPT} \r\n");
        assert_eq!(checked(&odd), Ok(()));
        for (from, to, fault) in [
            ("Upgrade: websocket\r\n", "", Fault::Upgrade),
            ("websocket", "h2c", Fault::Upgrade),
            ("Connection: Upgrade\r\n", "", Fault::Connection),
            ("Connection: Upgrade", "Connection: close", Fault::Connection),
            (ACCEPT, "", Fault::Accept),
            (ACCEPT, "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", Fault::Accept),
            ("Sec-WebSocket-Accept", "Sec-WebSocket-Refuse", Fault::Accept),
            ("Connection", "Sec-WebSocket-Accept: x\r\nConnection", Fault::Accept),
            ("Connection", "Sec-WebSocket-Extensions: permessage-deflate\r\nConnection", Fault::Extensions),
            ("Connection", "Sec-WebSocket-Protocol: mqtt\r\nConnection", Fault::Protocol),
        ] {
            assert_eq!(checked(&whole.replacen(from, to, 1)), Err(fault), "{from:?} {to:?}");
        }
    }
}
